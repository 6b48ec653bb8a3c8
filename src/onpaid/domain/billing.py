"""Billing events: what happened to payments and subscriptions, as other systems of the company learn it.

An event's id follows from what happened and never from how we heard of it, so that a webhook, its repeat and the
nightly reconciliation name the same event. `docs/events/` has the schema of each type.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import msgspec

from onpaid.clock import Instant

BillingType = Literal[
    "payment.successful",
    "payment.failed",
    "payment.action_required",
    "payment.refunded",
    "payment.refund_failed",
    "dispute.opened",
    "dispute.updated",
    "dispute.closed",
    "invoice.paid",
    "invoice.payment_failed",
    "checkout.completed",
    "checkout.payment_succeeded",
    "checkout.payment_failed",
    "subscription.created",
    "subscription.updated",
    "subscription.canceled",
    "subscription.expired",
]
VERSION: Final = 1
"""Of the events' shape: it grows when a field changes its meaning or goes; a field that is added leaves it."""

Value = str | int | bool | None | list[str | int]


class BillingNews(msgspec.Struct, frozen=True):
    """Something happened that others must learn: the fact that starts `publish_billing_event`.

    `subject` is what it happened to (`pi_...`, `sub_...`), `mark` tells two such happenings to one subject apart
    (the try that failed, the refund, the state that a subscription took on); empty where it can only happen once.
    `data` are the type's own fields, as its schema says: whole minor units, ISO dates.
    """

    account: str
    type: BillingType
    subject: str
    happened_at: Instant
    live: bool
    mark: str = ""
    customer_id: str = ""
    user: str = ""
    event: str = ""
    data: dict[str, Value] = {}

    @property
    def id(self) -> str:
        """The event's id: the same for whoever tells of the same happening."""
        what = "\n".join((self.account, self.type, self.subject, self.mark))
        return f"be_{hashlib.sha256(what.encode()).hexdigest()[:32]}"


class BillingEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A billing event as it is kept. `sequence` counts the events of its customer from 1, without gaps.

    `stale` says why it is not published (the payment had succeeded since, say): it is kept and has no number.
    `after` is the id of the same customer's event before it, empty for the first.
    """

    id: str
    news: BillingNews
    noted_at: Instant
    sequence: int = 0
    published_at: Instant = 0
    message: str = ""
    stale: str = ""
    after: str = ""

    @property
    def customer(self) -> str:
        """Whose events are kept in order: the customer's id, else what it happened to."""
        return self.news.customer_id or self.news.subject


class SubscriptionTold(msgspec.Struct, frozen=True):
    """An event told of a subscription: starts `follow_subscription`, which reads what it is now."""

    account: str
    subscription_id: str
    what: str
    event: str
    told_at: Instant
    live: bool


class SubscriptionDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subscription as Stripe tells it now. Instants are milliseconds; 0 where Stripe has null."""

    subscription_id: str
    status: str
    customer_id: str
    created_at: Instant
    live: bool
    user: str = ""
    products: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    quantities: tuple[int, ...] = ()
    period_end: Instant = 0
    trial_end: Instant = 0
    cancel_at: Instant = 0
    cancel_at_period_end: bool = False
    canceled_at: Instant = 0
    ended_at: Instant = 0
    reason: str = ""
    paused: bool = False
    metadata: dict[str, str] = {}


class DeliveryWanted(msgspec.Struct, frozen=True):
    """One subscriber is to get one billing event: starts `deliver_billing_event`. `round` counts replays, from 0.

    `attempt` counts the tries of one round, each of which is a run of its own, `wait_s` seconds after the one before.
    """

    subscriber: str
    event: str
    round: int = 0
    attempt: int = 1
    wait_s: int = 0

    @property
    def delivery(self) -> str:
        """The key of the delivery that this is a try of."""
        return f"{self.subscriber}/{self.event}/{self.round}"


class Answered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one try to deliver. `gone`: the subscriber wants nothing more; `why` is fit for a person.

    `unsent`: nothing was sent, since the subscriber was paused or failed too often while the try waited for its place.
    """

    ok: bool
    status: int = 0
    why: str = ""
    gone: bool = False
    retry_after_s: int = 0
    unsent: bool = False


class ReplayWanted(msgspec.Struct, frozen=True):
    """Events are to be delivered once more, or those that were held back: starts `replay_billing_events`.

    `round` is the subscriber's own count of such wishes. `held` means what was held back, else the events published
    in the time (both inclusive), of one type or of all. One run does one page; `cursor` is where it begins.
    """

    subscriber: str
    round: int
    since: Instant = 0
    until: Instant = 0
    type: str = ""
    held: bool = False
    page: int = 1
    cursor: str = ""
