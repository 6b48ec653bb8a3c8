"""Replays: events of a time once more to one subscriber, or what was held back from it, a page at a time.

A page is one commit with its deliveries and the wish for the next page: a replay that is broken off goes on where it
was, and starts nothing twice.
"""

from __future__ import annotations

from typing import Any, Final

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.billing import BillingEvent, DeliveryWanted, ReplayWanted
from onpaid.domain.subscribers import Subscriber
from onpaid.repositories.billing_pages import Wanted, billing_page
from onpaid.repositories.subscriber_records import DELIVERIES, SUBSCRIBERS, begun_anew
from onpaid.repositories.subscribers import Subscribers, replaced
from onpaid.store.local import Done, Local
from onpaid.store.port import Store, Write
from onpaid.store.records import Versioned

PAGE = 20
"""Deliveries that one commit starts; each is three or four writes of the hundred that a commit may have."""
LET_GO: Final = ("stopped", "retrying", "held")
"""States of deliveries that begin anew when their subscriber is active again, in this order."""


class Replays:
    """Carries out what was wanted once more."""

    def __init__(self, store: Store, subscribers: Subscribers) -> None:
        self._store = store
        self._subscribers = subscribers

    @act(local=True)
    async def take_page(self, wanted: ReplayWanted) -> Local[int]:
        """Start the deliveries of one page, and the next page after it. Answers how many."""
        listener = await self._subscribers.held(wanted.subscriber)
        if listener is None:
            return Done(0)
        if wanted.held:
            return await self._held(wanted, listener)
        events = Wanted(
            type=wanted.type,
            state="published",
            since=wanted.since or None,
            until=wanted.until or None,
            oldest_first=True,
        )
        page = await billing_page(self._store, events, after=wanted.cursor or None, limit=PAGE)
        writes, facts = await self._subscribers.queued_for(listener.record, page.items, wanted.round)
        started = len(facts)
        if page.cursor is not None:
            facts.append(replaced(wanted, page=wanted.page + 1, cursor=page.cursor))
        return Done(started, tuple(writes), facts=tuple(facts))

    async def _held(self, wanted: ReplayWanted, listener: Versioned[Subscriber]) -> Local[int]:
        """What paused it, then what failed and sleeps, then what was held back, oldest first; nothing while the subscriber is paused, or answers nobody, again."""
        subscriber = listener.record
        if subscriber.state != "active" or subscriber.sick:
            return Done(0)
        for state in LET_GO:
            page = await DELIVERIES.query(
                self._store, "state", f"{subscriber.id}:{state}", newest_first=False, limit=PAGE
            )
            if page.items:
                break
        kept = [await DELIVERIES.get(self._store, each.key) for each in page.items]
        writes: list[Write] = [SUBSCRIBERS.check(subscriber.id, listener.version)]
        facts: list[Any] = []
        for found in kept:
            if found is not None and found.record.state in LET_GO:
                anew = begun_anew(found.record)
                writes.append(DELIVERIES.update(anew, found.version))
                facts.append(DeliveryWanted(anew.subscriber, anew.event, anew.round, anew.attempt))
        started = len(facts)
        if page.cursor is not None or state != LET_GO[-1]:
            facts.append(replaced(wanted, page=wanted.page + 1))
        return Done(started, tuple(writes) if started else (), facts=tuple(facts))

    async def wish(
        self,
        listener: Versioned[Subscriber],
        *,
        since: Instant,
        until: Instant,
        type_: str = "",
    ) -> tuple[list[Write], ReplayWanted]:
        """The write and the fact that begin a replay of a time."""
        subscriber = replaced(listener.record, rounds=listener.record.rounds + 1)
        wish = ReplayWanted(subscriber.id, subscriber.rounds, since=since, until=until, type=type_)
        return [SUBSCRIBERS.update(subscriber, listener.version)], wish

    async def once_more(
        self, listener: Versioned[Subscriber]
    ) -> tuple[list[Write], list[Any], BillingEvent | None]:
        """The writes and facts that deliver the newest event that it wants once more; None if there is no such event."""
        newest: BillingEvent | None = None
        for type_ in listener.record.types or ("",):
            wanted = Wanted(type=type_, state="" if type_ else "published")
            page = await billing_page(self._store, wanted, limit=100)
            for event in page.items:
                if event.published_at > (newest.published_at if newest else 0):
                    newest = event
        if newest is None:
            return [], [], None
        subscriber = replaced(listener.record, rounds=listener.record.rounds + 1)
        writes, facts = await self._subscribers.queued_for(subscriber, [newest], subscriber.rounds)
        return [SUBSCRIBERS.update(subscriber, listener.version), *writes], facts, newest
