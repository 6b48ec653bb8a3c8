"""A service with billing events and subscribers, for the tests of its pages and its API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from onpaid.app.sales import Sales
from onpaid.app.subscribing import SubscriberDesk
from onpaid.domain.billing import Answered, BillingEvent
from onpaid.domain.subscribers import Subscriber
from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flows
from onpaid.engine.operations import Operations
from onpaid.engine.runner import Engine
from onpaid.repositories.billing import Billing
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.repositories.replays import Replays
from onpaid.repositories.subscriber_records import SUBSCRIBERS
from onpaid.repositories.subscribers import Subscribers
from onpaid.store.local import Done
from onpaid.web.app import create_app
from tests.flows.billing_scenes import FLOWS, KEPT, Outside, guests, news
from tests.web.client import Client
from tests.web.world import NOON, OPERATOR, VIEWER, World, make_world

PICKY = Subscriber(
    "sbr_2", "https://other.example.org/h?key=veiled", KEPT.secret, NOON, ("payment.refunded",)
)


class Billed:
    """That service. Nothing advances runs: what a page shows is what was stored."""

    def __init__(
        self, world: World, billing: Billing, subscribers: Subscribers, desk: SubscriberDesk
    ) -> None:
        self.world = world
        self.billing = billing
        self.subscribers = subscribers
        self.desk = desk
        nothing: Any = None
        sales = Sales(nothing, nothing, nothing, nothing, nothing, nothing, billing, desk, nothing)
        self.app = create_app(
            inbox=world.inbox,
            engine=world.engine,
            operations=world.operations,
            views=world.views,
            settings=world.settings,
            ready=world.ready,
            sales=sales,
        )

    def operator(self) -> Client:
        return Client(self.app, OPERATOR)

    def viewer(self) -> Client:
        return Client(self.app, VIEWER)

    async def commit(self, found: Any) -> Any:
        assert isinstance(found, Done)
        if found.writes or found.facts:
            await self.world.engine.recorder.record(found.writes, facts=found.facts)
        return found.value

    async def published(self, **more: Any) -> BillingEvent:
        """An event that is out."""
        happened = news(**more)
        await self.commit(await self.billing.note(happened))
        await self.commit(await self.billing.note_published(happened.id, "m-1"))
        kept = await BILLING_EVENTS.get(self.world.store, happened.id)
        assert kept is not None
        return kept.record

    async def failed(self, event: BillingEvent, *, gone: bool = False) -> None:
        """A try to deliver it that did not work."""
        from onpaid.domain.billing import DeliveryWanted

        wanted = DeliveryWanted(KEPT.id, event.id)
        await self.commit(
            await self.subscribers.note_tried(wanted, Answered(False, 500, "it answered 500", gone))
        )


async def make_billed() -> Billed:
    """Two subscribers, no event."""
    world = make_world()
    given = guests(Outside(), world.store, world.clock)
    flows = Flows(FLOWS, given)
    engine = Engine(
        world.store,
        flows,
        clock=world.clock,
        bell=Silence(),
        random=world.engine.workshop.random,
        owner="tests",
    )
    world = replace(world, engine=engine, operations=Operations(engine))
    subscribers: Subscribers = given["subscribers"]
    replays: Replays = given["replays"]
    desk = SubscriberDesk(subscribers, replays, engine.recorder, world.clock)
    billing: Billing = given["billing"]
    await world.store.commit([SUBSCRIBERS.insert(KEPT), SUBSCRIBERS.insert(PICKY)])
    return Billed(world, billing, subscribers, desk)
