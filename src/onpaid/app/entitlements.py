"""What a customer is entitled to: from their subscriptions and from what they paid, and nothing else.

It is a sample of what others make of billing events, answered from the same facts: which product, whether it is active,
until when, and why. Asked by our own id of a user, or by Stripe's of a customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from onpaid.clock import Clock, Instant, as_datetime
from onpaid.domain.billing import BillingEvent, BillingNews, SubscriptionDetails, Value
from onpaid.domain.sessions import Session, UserCustomer
from onpaid.repositories.billing_pages import Wanted
from onpaid.repositories.sessions import Sessions
from onpaid.store.records import Records

ACTIVE: Final = frozenset(("active", "trialing", "past_due"))
"""States of a subscription that entitle: while a payment is tried again, nobody is locked out."""
PAGE: Final = 100
Lost = Counter[tuple[str, str]]
"""Minor units that were lost in disputes, by payment and currency."""
MOST_SESSIONS: Final = 1000
"""Of one customer; whoever has bought more often is told of the newest."""


class SubscriptionState(Protocol):
    """A subscription as it was last noted."""

    @property
    def details(self) -> SubscriptionDetails | None:
        """What Stripe told; None before it was read."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it has ended for good."""
        ...

    @property
    def noted_at(self) -> Instant:
        """When that was noted."""
        ...


class Subscribed(Protocol):
    """Knows a customer's subscriptions, and what others were told of the customer."""

    async def subscriptions_of(self, customer_id: str) -> Sequence[SubscriptionState]:
        """Every subscription of a customer at Stripe that was noted."""
        ...

    async def page(
        self, wanted: Wanted, *, after: str | None = None, limit: int = 50
    ) -> Records[BillingEvent]:
        """A page of billing events."""
        ...


class Known(Protocol):
    """Knows users and their customers."""

    async def of_user(self, user: str) -> UserCustomer | None:
        """The record of a user."""
        ...

    async def user_of(self, customer_id: str) -> str | None:
        """The user whose customer this is or was."""
        ...


class Named(Protocol):
    """Knows how prices at Stripe are called here."""

    async def of_stripe(self, stripe_price: str) -> str | None:
        """The id of the price that was filed there under this one."""
        ...


class Entitlement(msgspec.Struct, frozen=True):
    """What a customer has, or had. `product` and `price` are those of the catalogue, as far as they are known; `until`
    is None where it has no end. `why` is a sentence."""

    product: str
    price: str
    active: bool
    until: datetime | None
    why: str
    source: Literal["subscription", "session"]
    reference: str


class EntitlementsShown(msgspec.Struct, frozen=True):
    """Everything that a customer is entitled to, active ones first."""

    customer: str
    user: str | None
    customers: list[str]
    items: list[Entitlement]


class Entitlements:
    """Answers what a customer is entitled to."""

    def __init__(
        self,
        sessions: Sessions,
        subscribed: Subscribed,
        known: Known,
        clock: Clock,
        named: Named | None = None,
    ) -> None:
        self._sessions = sessions
        self._subscribed = subscribed
        self._known = known
        self._clock = clock
        self._named = named

    async def of(self, ident: str) -> EntitlementsShown | None:
        """What somebody is entitled to, by our id of the user or Stripe's of the customer. None if nobody knows them."""
        record = await self._known.of_user(ident)
        user = ident if record is not None else await self._known.user_of(ident)
        if record is None and user is not None:
            record = await self._known.of_user(user)
        customers = (
            [] if record is None else [record.customer_id, *(each.customer_id for each in record.replaced)]
        )
        if user != ident:
            customers.append(ident)
        customers = [each for each in dict.fromkeys(customers) if each]
        sessions = await self._paid(user or ident, customers)
        now, lost = self._clock.now(), await self._lost(sessions)
        items = [each for session in sessions for each in bought(session, lost)]
        for customer in customers or [ident]:
            for state in await self._subscribed.subscriptions_of(customer):
                items += [await self._in_our_words(each) for each in subscribed(state, now)]
        if record is None and not items:
            return None
        items.sort(key=lambda each: (not each.active, each.product, each.reference))
        return EntitlementsShown(ident, user, customers, items)

    async def _in_our_words(self, item: Entitlement) -> Entitlement:
        """With our own id of the price, where it is one of the catalogue's: Stripe tells its own."""
        ours = None if self._named is None or not item.price else await self._named.of_stripe(item.price)
        return item if ours is None else msgspec.structs.replace(item, price=ours)

    async def _paid(self, user: str, customers: list[str]) -> list[Session]:
        """The paid sessions of a user and of these customers, each once."""
        found: dict[str, Session] = {}
        for look, value in (
            (self._sessions.of_user, user),
            *((self._sessions.of_customer, each) for each in customers),
        ):
            cursor: str | None = None
            while len(found) < MOST_SESSIONS:
                page = await look(value, after=cursor, limit=PAGE)
                found.update({each.key: each for each in page.items if each.state == "paid" and each.order})
                cursor = page.cursor
                if cursor is None:
                    break
        return list(found.values())

    async def _lost(self, sessions: Sequence[Session]) -> Lost:
        """What of these sessions' payments was lost in disputes. One that was lost may be won yet: its last end counts."""
        ends: dict[Value, BillingNews] = {}
        for customer in dict.fromkeys(each.customer_id or each.payment_id for each in sessions):
            cursor: str | None = None
            closed = Wanted(type="dispute.closed", customer=customer, oldest_first=True)
            while customer:
                page = await self._subscribed.page(closed, after=cursor, limit=PAGE)
                ends.update({event.news.data.get("disputeId"): event.news for event in page.items})
                cursor = page.cursor
                if cursor is None:
                    break
        lost: Lost = Counter()
        for news in ends.values():
            amount = news.data.get("amount")
            if news.data.get("status") == "lost" and isinstance(amount, int):
                lost[news.subject, str(news.data.get("currency"))] += amount
        return lost


def bought(session: Session, lost: Lost) -> Iterator[Entitlement]:
    """What a paid session entitles to. That of a subscription is told by the subscription."""
    if session.subscription_id or session.mode == "subscription":
        return
    total, disputed = session.total, 0
    if total is not None:
        disputed = lost[session.payment_id, total.currency]
    back = total is not None and 0 < total.minor <= session.refunded + disputed
    why = f"paid in order {session.order_number}"
    if back:
        how = "lost in a dispute" if disputed else "wholly given back"
        why = f"paid in order {session.order_number}, and {how}"
    elif session.refunded or disputed:
        why = f"paid in order {session.order_number}, and given back in part"
    for product, price in dict.fromkeys(
        (line.product_id, line.lookup_key or line.price_id) for line in session.lines
    ):
        yield Entitlement(product, price, not back, None, why, "session", session.session_id)


def subscribed(state: SubscriptionState, now: Instant) -> Iterator[Entitlement]:
    """What a subscription entitles to, as it was last noted."""
    details = state.details
    if details is None:
        return
    active, until, why = _standing(details, state.ended, now)
    for nth, product in enumerate(details.products):
        price = details.prices[nth] if nth < len(details.prices) else ""
        yield Entitlement(product, price, active, until, why, "subscription", details.subscription_id)


def _standing(details: SubscriptionDetails, ended: bool, now: Instant) -> tuple[bool, datetime | None, str]:
    """Whether it entitles, until when, and why."""
    if ended or details.ended_at:
        at = details.ended_at or details.canceled_at
        return False, as_datetime(at) if at else None, "the subscription has ended"
    last = details.cancel_at or (details.period_end if details.cancel_at_period_end else 0)
    if last and last <= now:
        return False, as_datetime(last), "the subscription was to end then"
    end = last or details.trial_end if details.status == "trialing" else last or details.period_end
    until = as_datetime(end) if end else None
    if details.status not in ACTIVE:
        return False, until, f"the subscription is {details.status.replace('_', ' ')}"
    if details.paused:
        return True, until, "the subscription is active, and its payments are paused"
    words = {
        "trialing": "the subscription is in its trial",
        "past_due": "a payment of the subscription failed, and is tried again",
    }
    said = words.get(details.status, "the subscription is active")
    if 0 < end <= now:
        return True, until, f"{said}, and what follows was not told yet"
    return True, until, f"{said}, and ends then" if last else said
