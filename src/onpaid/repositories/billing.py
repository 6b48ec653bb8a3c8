"""Billing events, each kept once under its id, and the subscriptions that they tell of.

A customer's events are numbered without gaps: the number is given in the commit that keeps the event, so that whoever
sees 5 after 3 knows that 4 is missing. What a subscription is now is noted in the order in which it was read, and one
that ended stays ended, however late somebody tells otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from onpaid.acts import act
from onpaid.clock import Clock, Instant
from onpaid.domain.billing import (
    BillingEvent,
    BillingNews,
    BillingType,
    SubscriptionDetails,
    SubscriptionTold,
)
from onpaid.domain.billing_body import paid_by, settled_by
from onpaid.domain.subscriptions import has_ended, news_of
from onpaid.repositories.billing_pages import Wanted, billing_page
from onpaid.repositories.billing_records import (
    BILLING_EVENTS,
    COUNTERS,
    SUBSCRIPTIONS,
    Counter,
    Runs,
    SubscriptionState,
)
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Store, Write
from onpaid.store.records import Records

HOUR = 3_600_000
"""Milliseconds for which an event waits for one before it that was refused: a person may mend that one meanwhile."""


class Users(Protocol):
    """Knows whose a customer at Stripe is."""

    async def user_of(self, customer_id: str) -> str | None:
        """The user's id, or None if it is nobody's."""
        ...


class Listeners(Protocol):
    """Who gets billing events besides the topic."""

    async def queued(self, events: Sequence[BillingEvent]) -> tuple[list[Write], list[Any]]:
        """The writes and facts that send events on their way to whoever wants them."""
        ...


class Noted(msgspec.Struct, frozen=True):
    """What noting an event came to: its number among its customer's, or why it is not told."""

    user: str
    noted_at: Instant
    sequence: int
    stale: str = ""
    customer: str = ""
    """Whose it is, where the news did not say; empty where it did."""


def billing_thing(event: str) -> str:
    """The name under which the next event of a customer waits for this one to be out."""
    return f"billing:{event}"


class Billing:
    """The billing events and subscriptions of a store. `factor` compresses the wait for what was refused."""

    def __init__(
        self, store: Store, clock: Clock, users: Users, listeners: Listeners, runs: Runs, factor: float = 1.0
    ) -> None:
        self._store = store
        self._clock = clock
        self._users = users
        self._listeners = listeners
        self._runs = runs
        self._hour = round(HOUR / factor)

    @act(local=True)
    async def note(self, news: BillingNews) -> Local[Noted]:
        """Keep an event, and give it its number. One that comes too late is kept without a number."""
        held = await BILLING_EVENTS.get(self._store, news.id)
        if held is not None:
            old = held.record
            return Done(Noted(old.news.user, old.noted_at, old.sequence, old.stale, old.news.customer_id))
        noted, writes = await self._new(news)
        return Done(noted, tuple(writes))

    async def _new(self, news: BillingNews) -> tuple[Noted, list[Write]]:
        """The writes that keep an event which is not here yet, with its number, and what they come to."""
        now = self._clock.now()
        writes: list[Write] = []
        if paid_by(news) and not news.customer_id:
            news, as_read = await self._of_payment(news)
            writes += as_read
        user = news.user
        if not user and news.customer_id:
            user = await self._users.user_of(news.customer_id) or ""
        news = msgspec.structs.replace(news, user=user)
        for better in settled_by(news):
            settled = await BILLING_EVENTS.get(self._store, better)
            if settled is not None:
                why = f"{settled.record.news.type} was noted of {news.subject} before"
                event = BillingEvent(news.id, news, now, stale=why)
                return Noted(user, now, 0, why, news.customer_id), [BILLING_EVENTS.insert(event)]
            writes.append(BILLING_EVENTS.check(better, None))
        event = BillingEvent(news.id, news, now, sequence=1)
        counter = await COUNTERS.get(self._store, event.customer)
        if counter is None:
            writes.append(COUNTERS.insert(Counter(event.customer, 1, event.id)))
        else:
            last = counter.record
            event = msgspec.structs.replace(event, sequence=last.count + 1, after=last.last)
            told = Counter(event.customer, event.sequence, event.id)
            writes.append(COUNTERS.update(told, counter.version))
        writes.append(BILLING_EVENTS.insert(event))
        return Noted(user, now, event.sequence, customer=news.customer_id), writes

    async def _of_payment(self, news: BillingNews) -> tuple[BillingNews, Sequence[Write]]:
        """Whose a refund or dispute is, which names no customer, as its payment says; if nobody heard of that yet,
        what must still hold at the commit."""
        payment = paid_by(news)
        held = await BILLING_EVENTS.get(self._store, payment)
        if held is None:
            return news, (BILLING_EVENTS.check(payment, None),)
        told = held.record.news
        return msgspec.structs.replace(news, customer_id=told.customer_id, user=news.user or told.user), ()

    async def look_turn(self, event: str) -> Local[bool]:
        """Whether the event before this one, of the same customer, is out; or nobody tries to publish it any more."""
        mine = await BILLING_EVENTS.get(self._store, event)
        if mine is None or not mine.record.after:
            return Done(True)
        before = await BILLING_EVENTS.get(self._store, mine.record.after)
        if before is None or before.record.published_at:
            return Done(True)
        first, waited = before.record, self._clock.now() - mine.record.noted_at
        if waited >= self._hour and await self._runs.stopped(first.news):
            return Done(True)
        return NotYet(
            (billing_thing(first.id),),
            (BILLING_EVENTS.check(first.id, before.version),),
            f"waits until event {first.sequence} of {first.customer} is published",
        )

    @act(local=True)
    async def note_published(self, event: str, message: str) -> Local[str]:
        """The event is out; it goes on its way to subscribers, and the next one of its customer may follow."""
        held = await BILLING_EVENTS.get(self._store, event)
        if held is None:
            raise AssertionError(f"there is no billing event {event}")
        if held.record.published_at:
            return Done(held.record.message)
        now, after = self._clock.now(), held.record.after
        before = await BILLING_EVENTS.get(self._store, after) if after else None
        if before is not None:  # of one instant, or by another's clock: a replay goes by these times
            now = max(now, before.record.published_at + 1)
        out = msgspec.structs.replace(held.record, published_at=now, message=message)
        writes, facts = await self._listeners.queued([out])
        return Done(
            message,
            (BILLING_EVENTS.update(out, held.version), *writes),
            (billing_thing(event),),
            tuple(facts),
        )

    @act(local=True)
    async def take_reading(self, key: str) -> Local[int]:
        """The number of the reading that begins now: what is read under a later number counts more."""
        held = await SUBSCRIPTIONS.get(self._store, key)
        if held is None:
            return Done(1, (SUBSCRIPTIONS.insert(SubscriptionState(key, readings=1)),))
        count = held.record.readings + 1
        changed = msgspec.structs.replace(held.record, readings=count)
        return Done(count, (SUBSCRIPTIONS.update(changed, held.version),))

    @act(local=True)
    async def note_subscription(
        self, told: SubscriptionTold, reading: int, details: SubscriptionDetails
    ) -> Local[str]:
        """Note what was read, unless more is known already; what changed starts its event. Answers what came of it.

        The event gets its number here: the runs that publish may be told in any order, and an end comes last.
        """
        key = subscription_key(told)
        held = await SUBSCRIPTIONS.get(self._store, key)
        if held is None:
            raise AssertionError(f"no reading of {key} was begun")
        state = held.record
        if state.ended:
            return Done("it had ended before")
        if state.reading > reading:
            return Done("a later reading was noted before")
        if not details.user and details.customer_id:
            user = await self._users.user_of(details.customer_id) or ""
            details = msgspec.structs.replace(details, user=user)
        news = news_of(told, state.details, details, state.number + 1)
        new = msgspec.structs.replace(
            state,
            reading=reading,
            number=state.number + (news is not None),
            noted_at=self._clock.now(),
            ended=has_ended(details),
            details=details,
        )
        write = SUBSCRIPTIONS.update(new, held.version)
        if news is None:
            return Done("nothing changed", (write,))
        known = await BILLING_EVENTS.get(self._store, news.id) is not None
        writes = [] if known else (await self._new(news))[1]
        return Done(news.type, (write, *writes), facts=(news,))

    async def subscriptions_of(self, customer_id: str) -> list[SubscriptionState]:
        """Every subscription of a customer that was ever noted, newest first, at most a hundred."""
        return (await SUBSCRIPTIONS.query(self._store, "customer", customer_id, limit=100)).items

    async def subscription(self, key: str) -> SubscriptionState | None:
        """One subscription as it was last noted, or None."""
        held = await SUBSCRIPTIONS.get(self._store, key)
        return None if held is None else held.record

    async def get(self, event: str) -> BillingEvent | None:
        """One event, or None."""
        held = await BILLING_EVENTS.get(self._store, event)
        return None if held is None else held.record

    async def page(
        self, wanted: Wanted | None = None, *, after: str | None = None, limit: int = 50
    ) -> Records[BillingEvent]:
        """A page of events; without a wish all of them, newest first."""
        return await billing_page(self._store, wanted or Wanted(), after=after, limit=limit)

    async def noted_since(
        self, kind: BillingType, since: Instant, after: str | None = None
    ) -> tuple[list[BillingEvent], str | None]:
        """A page of the events of a type that were noted since then, oldest first."""
        found = await self.page(Wanted(type=kind, since=since, oldest_first=True), after=after, limit=100)
        return found.items, found.cursor


def subscription_key(told: SubscriptionTold) -> str:
    """The key of the state of a subscription: `stripe/default/live/sub_1`."""
    return f"{told.account}/{told.subscription_id}"
