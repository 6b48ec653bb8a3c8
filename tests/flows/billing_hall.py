"""A service of billing events in virtual time, that a test leads through its story by hand."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.app.subscribing import SubscriberDesk
from onpaid.domain.billing import BillingEvent, BillingNews
from onpaid.domain.subscribers import Delivery, Subscriber
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.repositories.billing import Billing
from onpaid.repositories.replays import Replays
from onpaid.repositories.subscriber_records import SUBSCRIBERS
from onpaid.repositories.subscribers import Subscribers
from onpaid.store.local import Done, Local
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from onpaid.store.records import SQUEEZED
from tests.flows.billing_scenes import FLOWS, KEPT, LANES, Outside, guests


class Hall:
    """Everything that a story needs."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.store = MemoryStore()
        self.clock = VirtualClock()
        self.guests = guests(outside, self.store, self.clock)
        self.process = Process(self.store, FLOWS, self.guests, self.clock, lanes=LANES)
        self.billing: Billing = self.guests["billing"]
        self.subscribers: Subscribers = self.guests["subscribers"]
        replays: Replays = self.guests["replays"]
        self.recorder = self.process.engine.recorder
        self.desk = SubscriberDesk(self.subscribers, replays, self.recorder, self.clock, private=True)

    async def subscribed(self, *subscribers: Subscriber) -> None:
        for each in subscribers or (KEPT,):
            await self.store.commit([SUBSCRIBERS.insert(each)])

    async def tell(self, *facts: msgspec.Struct, wait: timedelta = timedelta(minutes=1)) -> None:
        """All of them at once; then time goes by."""
        for number, fact in enumerate(facts):
            await self.recorder.record(facts=[fact], event=f"event {number}")
        await self.wait(wait)

    async def wait(self, time: timedelta) -> None:
        await self.process.live(at_most=time)

    async def event(self, news: BillingNews) -> BillingEvent:
        found = await self.billing.get(news.id)
        assert found is not None
        return found

    async def commit(self, found: Local[Any]) -> None:
        assert isinstance(found, Done)
        await self.store.commit(found.writes)

    async def kept(self) -> Subscriber:
        found = await self.subscribers.get(KEPT.id)
        assert found is not None
        return found

    async def deliveries(self) -> list[Delivery]:
        return (await self.subscribers.deliveries(KEPT.id, limit=200)).items

    async def tickets(self) -> list[Ticket]:
        return (await TICKETS.query(self.store, "state", "open", limit=100)).items

    async def runs(self, flow: str, *states: str) -> Sequence[Run]:
        found: list[Run] = []
        for state in states or ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done"):
            found += (await RUNS.query(self.store, "flow-state", f"{flow}:{state}", limit=1000)).items
        return found


async def everything(store: Store, *kinds: str) -> bytes:
    """All documents of these kinds (of every kind, without one), also those that are kept compressed."""
    found = [each for each in (await store.documents(limit=1000))[0] if not kinds or each.kind in kinds]
    return b"".join(
        zlib.decompress(each.body[1:]) if each.body[:1] == SQUEEZED else each.body for each in found
    )


def hall(story: Callable[[Hall], Awaitable[None]], outside: Outside | None = None) -> None:
    """Tell a story in virtual time."""

    async def main() -> None:
        await story(Hall(outside or Outside()))

    run_virtually(main)
