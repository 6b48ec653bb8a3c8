"""Subscribers, and every event's way to them: wanted, tried, held back, delivered.

Events of one customer reach a subscriber one after the other. One that answers nobody is tried now and then while the
rest is held back; after days it is paused, and nothing is lost: what was held goes out once it is resumed. Secrets are
kept here, and told to nobody but the door that signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.acts import act
from onpaid.clock import Clock, Instant
from onpaid.domain.billing import Answered, BillingEvent, DeliveryWanted, ReplayWanted
from onpaid.domain.subscribers import PROBE, Delivery, Outgoing, Subscriber, wait_after
from onpaid.repositories.billing_records import BILLING_EVENTS, Runs
from onpaid.repositories.subscriber_records import (
    DELIVERIES,
    LINES,
    SUBSCRIBERS,
    Line,
    begun_anew,
    delivery_thing,
    subscriber_thing,
    try_of,
)
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Store, Write
from onpaid.store.records import Records, Versioned

replaced = msgspec.structs.replace
DAY = 86_400_000


class Subscribers:
    """The subscribers of a store. `patience` is how long one event is tried; `factor` compresses it, as it does every
    other wait."""

    def __init__(
        self, store: Store, clock: Clock, runs: Runs, patience: timedelta = timedelta(3), factor: float = 1.0
    ) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._patience: Instant = round(patience.total_seconds() * 1000 / factor)
        self._probe = round(PROBE / factor)
        self._day = round(DAY / factor)

    async def get(self, subscriber: str) -> Subscriber | None:
        """One subscriber, or None if it is not there, or not any more."""
        held = await self.held(subscriber)
        return None if held is None else held.record

    async def held(self, subscriber: str) -> Versioned[Subscriber] | None:
        """The same with its version."""
        held = await SUBSCRIBERS.get(self._store, subscriber)
        return None if held is None or held.record.state == "removed" else held

    async def all(self) -> list[Subscriber]:
        """Every subscriber, oldest first."""
        return (await SUBSCRIBERS.query(self._store, "all", "", newest_first=False, limit=100)).items

    async def deliveries(
        self, subscriber: str, *, state: str = "", after: str | None = None, limit: int = 50
    ) -> Records[Delivery]:
        """The deliveries to a subscriber, newest first."""
        index, value = ("state", f"{subscriber}:{state}") if state else ("subscriber", subscriber)
        return await DELIVERIES.query(self._store, index, value, after=after, limit=limit)

    async def deliveries_of(self, event: str) -> list[Delivery]:
        """The deliveries of an event, newest first."""
        return (await DELIVERIES.query(self._store, "event", event, limit=100)).items

    async def delivery(self, key: str) -> Delivery | None:
        """One delivery, or None."""
        found = await DELIVERIES.get(self._store, key)
        return None if found is None else found.record

    async def outgoing(self, subscriber: str, event: str) -> Outgoing | None:
        """What a try needs, or None if there is nobody to deliver to."""
        listener = await self.get(subscriber)
        kept = await BILLING_EVENTS.get(self._store, event)
        if listener is None or kept is None:
            return None
        first = await DELIVERIES.get(self._store, f"{subscriber}/{event}/0") if listener.sick else None
        held = listener.state == "paused" or (first is not None and self._left_alone(listener, first.record))
        return Outgoing(listener.url, listener.secret, kept.record, held)

    async def queued(self, events: Sequence[BillingEvent]) -> tuple[list[Write], list[Any]]:
        """The writes and facts that send events on their way to whoever wants them."""
        writes: list[Write] = []
        facts: list[Any] = []
        for subscriber in await self.all():
            more = await self.queued_for(subscriber, events, 0)
            writes, facts = [*writes, *more[0]], [*facts, *more[1]]
        return writes, facts

    async def queued_for(
        self, subscriber: Subscriber, events: Sequence[BillingEvent], round_: int
    ) -> tuple[list[Write], list[Any]]:
        """The same for one subscriber and one round: each event behind the one before it of the same customer."""
        now = self._clock.now()
        lines: dict[str, tuple[Line, int | None]] = {}
        writes: list[Write] = []
        facts: list[Any] = []
        for event in events:
            if not subscriber.wants(event.news.type):
                continue
            key = f"{subscriber.id}/{event.customer}/{round_}"
            if key not in lines:
                held = await LINES.get(self._store, key)
                lines[key] = (Line(key), None) if held is None else (held.record, held.version)
            line, version = lines[key]
            delivery = Delivery(subscriber.id, event.id, round_, now, after=line.last)
            lines[key] = Line(key, delivery.key), version
            writes.append(DELIVERIES.insert(delivery))
            facts.append(DeliveryWanted(subscriber.id, event.id, round_))
        for line, version in lines.values():
            writes.append(LINES.insert(line) if version is None else LINES.update(line, version))
        return writes, facts

    async def look_turn(self, wanted: DeliveryWanted) -> Local[str]:
        """`go` once the delivery before it is done; `held` while its subscriber is paused or answers nobody."""
        listener, found = await self._both(wanted)
        if listener is None or found is None:
            return Done("removed")
        subscriber, delivery, now = listener.record, found.record, self._clock.now()
        if delivery.state == "delivered":
            return Done("delivered")
        if wanted.attempt < delivery.attempt:
            return Done("begun anew")  # its subscriber was resumed while this try slept
        if subscriber.state == "paused":
            return self._hold(listener, found)
        before = await DELIVERIES.get(self._store, delivery.after) if delivery.after else None
        if before is not None and before.record.state != "delivered":
            first = before.record
            quiet = now - max(first.wanted_at, first.last_at) > self._patience + self._day
            forgotten = quiet and first.state in ("wanted", "retrying")
            if not (forgotten and await self._runs.stopped(try_of(first))):
                return NotYet(
                    (delivery_thing(first.key),),
                    (DELIVERIES.check(first.key, before.version),),
                    f"waits until {first.event} is delivered to {subscriber.id}",
                )
        if self._left_alone(subscriber, delivery):
            return self._hold(listener, found)
        return Done("go")

    @act(local=True)
    async def note_tried(self, wanted: DeliveryWanted, answered: Answered) -> Local[str]:
        """Keep what came of a try, and start the next one if it failed: `delivered`, `again`, `held`; `paused` if this
        try was one too many, or was told to be the last."""
        listener, found = await self._both(wanted)
        if listener is None or found is None:
            return Done("removed")
        subscriber, delivery, now = listener.record, found.record, self._clock.now()
        if delivery.state == "delivered":  # by a try that began later, after its subscriber was resumed
            return Done("delivered")
        if answered.unsent:
            if subscriber.state == "paused" or self._left_alone(subscriber, delivery):
                return self._hold(listener, found)
            anew = replaced(delivery, attempt=delivery.attempt + 1)
            wish = try_of(anew, wait_after(delivery.tries) if subscriber.sick else 0)
            return Done("again", (DELIVERIES.update(anew, found.version),), facts=(wish,))
        tried = replaced(
            delivery,
            tries=delivery.tries + 1,
            first_at=delivery.first_at or now,
            last_at=now,
            status=answered.status,
            why=answered.why,
        )
        if answered.ok:
            return self._delivered(listener, replaced(tried, state="delivered", why=""), found.version)
        failing = replaced(
            subscriber,
            failures=subscriber.failures + 1,
            failing_since=subscriber.failing_since or now,
            tried_at=now,
        )
        if subscriber.state == "paused":
            return self._hold(listener, Versioned(tried, found.version))
        facts: list[DeliveryWanted] = []
        if answered.gone or now - tried.first_at >= self._patience:
            failing = replaced(failing, state="paused", why=answered.why or "it does not answer")
            tried, said = replaced(tried, state="stopped"), "paused"
        else:
            attempt = max(delivery.attempt, wanted.attempt) + 1
            tried = replaced(tried, state="retrying", attempt=attempt)
            said, facts = "again", [try_of(tried, wait_after(tried.tries, answered.retry_after_s))]
        return Done(
            said,
            (DELIVERIES.update(tried, found.version), SUBSCRIBERS.update(failing, listener.version)),
            facts=tuple(facts),
        )

    async def look_resumed(self, wanted: DeliveryWanted) -> Local[str]:
        """Whether the subscriber that this delivery paused is active again; then the delivery begins anew."""
        listener, found = await self._both(wanted)
        if listener is None or found is None:
            return Done("removed")
        subscriber, delivery = listener.record, found.record
        if subscriber.state == "paused":
            return NotYet(
                (subscriber_thing(subscriber.id),),
                (SUBSCRIBERS.check(subscriber.id, listener.version),),
                f"{subscriber.id} is paused: {subscriber.why}",
                facts={"subscriber": subscriber.id, "event": delivery.event, "why": subscriber.why},
            )
        if delivery.state != "stopped":  # a replay was faster
            return Done("again")
        anew = begun_anew(delivery)
        return Done("again", (DELIVERIES.update(anew, found.version),), facts=(try_of(anew),))

    async def resumed(self, listener: Versioned[Subscriber]) -> tuple[list[Write], list[Any]]:
        """The writes and facts that make a subscriber active again, and let go what was held back."""
        subscriber = replaced(
            listener.record,
            state="active",
            why="",
            failures=0,
            failing_since=0,
            rounds=listener.record.rounds + 1,
        )
        wish = ReplayWanted(subscriber.id, subscriber.rounds, held=True)
        return [SUBSCRIBERS.update(subscriber, listener.version)], [wish]

    async def _both(
        self, wanted: DeliveryWanted
    ) -> tuple[Versioned[Subscriber] | None, Versioned[Delivery] | None]:
        listener = await self.held(wanted.subscriber)
        return listener, await DELIVERIES.get(self._store, wanted.delivery)

    def _left_alone(self, subscriber: Subscriber, delivery: Delivery) -> bool:
        """Whether a delivery that was not tried yet waits, since its subscriber answers nobody and was tried just now."""
        return (
            subscriber.sick and not delivery.tries and self._clock.now() - subscriber.tried_at < self._probe
        )

    def _hold(self, listener: Versioned[Subscriber], found: Versioned[Delivery]) -> Done[str]:
        """Kept back; unless the subscriber is resumed at this moment, in which case it is looked at again."""
        held = replaced(found.record, state="held")
        check = SUBSCRIBERS.check(listener.record.id, listener.version)
        return Done("held", (DELIVERIES.update(held, found.version), check))

    def _delivered(self, listener: Versioned[Subscriber], done: Delivery, version: int) -> Done[str]:
        writes: list[Write] = [DELIVERIES.update(done, version)]
        facts: tuple[Any, ...] = ()
        subscriber = listener.record
        if subscriber.failures:
            well = replaced(subscriber, failures=0, failing_since=0)
            if subscriber.sick and subscriber.state == "active":
                well = replaced(well, rounds=well.rounds + 1)
                facts = (ReplayWanted(well.id, well.rounds, held=True),)
            writes.append(SUBSCRIBERS.update(well, listener.version))
        return Done("delivered", tuple(writes), (delivery_thing(done.key),), facts)
