"""What Stripe's events about sessions and subscriptions mean: which of them to look at, and what failed on the way.

Pure. A subscription and a session that is paid are only named, since they are read before anything is told of them:
two events of one second, or one that came late, say nothing of what holds now. A session that is not paid is noted.
"""

from __future__ import annotations

from typing import Final

from onpaid.clock import Instant
from onpaid.domain.billing import BillingType, SubscriptionTold, Value
from onpaid.domain.events import Envelope, Fact, Judged
from onpaid.domain.sessions import SessionChanged, SessionState, SessionTold
from onpaid.providers import stripe_billing_wire as wire
from onpaid.providers.stripe_reading import news
from onpaid.providers.stripe_till_wire import SessionWire
from onpaid.providers.stripe_wire import USER, linked

SUBSCRIPTION: Final = "customer.subscription."
SESSION: Final = "checkout.session."
TYPES: Final = (
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
)


def judge_subscription(envelope: Envelope, body: bytes, at: Instant) -> Judged:
    """A subscription is to be read, whatever the event says of it."""
    if envelope.type not in TYPES:
        return Judged(ignored=f"nothing follows from events of type {envelope.type}")
    named = wire.SUBSCRIPTION.decode(body).data.object
    told = SubscriptionTold(envelope.account, named.id, envelope.type, envelope.event_id, at, envelope.live)
    return Judged(facts=(told,))


def judge_session(envelope: Envelope, body: bytes, at: Instant) -> Judged:
    """A session that is paid is to be kept; of one that is not, how far it has come is noted.

    That a session was completed is told by whoever keeps it. Here is told what became of a payment that took days.
    """
    if envelope.type not in TYPES:
        return Judged(ignored=f"nothing follows from events of type {envelope.type}")
    told, what = wire.SESSION.decode(body).data.object, envelope.type.removeprefix(SESSION)
    state: SessionState | None = None
    more: tuple[Fact, ...] = ()
    if what == "expired":
        state = "expired"
    elif what == "async_payment_failed":
        state, more = "failed", _news(envelope, told, "checkout.payment_failed", at)
    elif what == "async_payment_succeeded":
        more = _news(envelope, told, "checkout.payment_succeeded", at)
    elif told.payment_status == "unpaid":
        state = "unpaid"
    account = envelope.account
    if state is None:
        fact: Fact = SessionTold(account, told.id, envelope.live, at, "webhook", envelope.event_id)
    else:
        user = (told.metadata or {}).get(USER, "")
        fact = SessionChanged(account, told.id, state, told.created * 1000, at, user)
    return Judged(facts=(fact, *more))


def _news(envelope: Envelope, told: SessionWire, kind: BillingType, at: Instant) -> tuple[Fact, ...]:
    data: dict[str, Value] = {
        "sessionId": told.id,
        "paymentIntentId": linked(told.payment_intent),
        "subscriptionId": linked(told.subscription),
        "mode": told.mode,
        "status": told.status,
        "paymentStatus": told.payment_status,
    }
    metadata, customer = told.metadata or {}, linked(told.customer)
    minor, currency = told.amount_total, told.currency
    return news(envelope, at, kind, told.id, "", customer, metadata, minor, currency, data).facts
