"""From news to a subscriber over real HTTP: the real door, the real clock, and a subscriber that checks what it gets as
the library says."""

from __future__ import annotations

from random import Random

import msgspec
from standardwebhooks import Webhook

from onpaid.clock import SystemClock
from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flows
from onpaid.engine.journal import RUNS
from onpaid.engine.runner import Engine
from onpaid.providers.billing_webhook import Settings, SubscriberDoors
from onpaid.repositories.subscriber_records import SUBSCRIBERS
from onpaid.store.memory import MemoryStore
from tests.flows.billing_hall import everything
from tests.flows.billing_scenes import FLOWS, KEPT, Outside, guests, news
from tests.providers.scripted import reply, scripted


async def worked_off(engine: Engine) -> None:
    """Advance what is due until nothing is."""
    await engine.open()
    for _ in range(50):
        due = await engine.due()
        if not due:
            return
        for run in due:
            await engine.advance(run)
    raise AssertionError("there is no end to it")


async def test_a_subscriber_gets_a_customers_events_signed_and_in_order() -> None:
    store, clock = MemoryStore(), SystemClock()
    async with scripted([reply(204)] * 3) as server:
        listener = msgspec.structs.replace(KEPT, url=f"{server.base}/billing?key=1")
        await store.commit([SUBSCRIBERS.insert(listener)])
        given = guests(Outside(), store, clock)
        doors = SubscriberDoors(Settings(private=True), given["subscribers"], clock)
        flows = Flows(FLOWS, {**given, "subscriber_doors": doors})
        engine = Engine(
            store,
            flows,
            clock=clock,
            bell=Silence(),
            random=Random(0),
            owner="journey",
            lanes=SubscriberDoors.lanes,
        )
        told = [news(), news("payment.refunded", mark="re_1"), news("invoice.paid", subject="in_1")]
        for each in (*told, told[0]):
            await engine.recorder.record(facts=[each])
        await worked_off(engine)
        await doors.close()
        bodies = [Webhook(KEPT.secret).verify(each.body, each.headers) for each in server.requests]
    assert {body["id"] for body in bodies} == {each.id for each in told}
    assert [body["sequence"] for body in bodies] == [1, 2, 3]
    assert [each.headers["webhook-id"] for each in server.requests] == [body["id"] for body in bodies]
    runs = (await RUNS.query(store, "state", "done", limit=100)).items
    assert len(runs) == 6
    kept = await everything(store, "run")
    assert len(kept) > 3000
    assert KEPT.secret.encode() not in kept, "a secret is in no journal"
    assert b"key=1" not in kept
