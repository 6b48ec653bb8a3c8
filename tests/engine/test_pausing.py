"""Lanes that a person pauses and resumes, with the runs that wait for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from onpaid.acts import LaneLimit, act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import LANES, RUNS, TICKETS, LaneState, Run
from onpaid.engine.operations import Operations
from onpaid.engine.testing import MemoryStore, Process, VirtualClock, run_virtually
from tests.engine.meddling import Meddling, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, Thing, by_find, by_once

RESULT = {"id": 7, "reference": "p1"}


async def begun(*fates: str, hours: float = 1.0) -> tuple[Meddling, Process, Operations]:
    """A service with one run that met these fates, some time later."""
    store = Meddling()
    one = process(store, Service(fates), by_once)
    await one.engine.recorder.record(facts=[Paid("p1")])
    await one.live(at_most=timedelta(hours=hours))
    return store, one, Operations(one.engine)


class Narrow(Client):
    @act(lane="narrow", settles=timedelta(seconds=1))
    async def make(self, paid: Paid) -> Thing:
        return await self._act("make", paid.id)


@flow(on=Paid, key=lambda paid: paid.id)
async def narrow(ctx: Context, paid: Paid, *, client: Narrow) -> Thing:
    return await ctx.step("make", client.make, paid, find=client.find)


def test_a_paused_lane_stays_paused_over_a_restart_and_resumes_its_runs() -> None:
    service, lanes = Service(), [LaneLimit("narrow")]

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()

        def life(name: str) -> Process:
            guests = {"client": Narrow(service)}
            return process(store, service, narrow, clock=clock, guests=guests, lanes=lanes, name=name)

        one = life("one")
        await Operations(one.engine).pause("narrow", "x" * 400)
        held = await LANES.get(store, "narrow")
        assert held is not None
        assert held.record == LaneState("narrow", paused=True, reason="x" * 300, since=clock.now())
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(seconds=30))
        await one.kill()
        two = life("two")
        await two.engine.recorder.record(facts=[Paid("p2")])
        await two.live(at_most=timedelta(minutes=20))
        run = await the_run(store, "narrow:p2")
        assert (run.state, run.wake, run.steps[0].attempts) == ("waiting", ["lane:narrow"], [])
        assert run.reason.startswith("the lane narrow is paused: xxx")
        assert service.calls == []
        assert await Operations(two.engine).resume("narrow", by="ann") == 2
        assert await LANES.get(store, "narrow") is not None
        await asyncio.sleep(2)
        assert service.calls.count("make") == 2
        assert (await the_run(store, "narrow:p1")).state == "done"
        three = life("three")
        await three.engine.open()
        assert three.engine.workshop.lanes.paused("narrow") is None

    run_virtually(main)


def test_resuming_closes_the_ticket_once() -> None:
    async def main() -> None:
        store, one, hands = await begun(*["unauthorised"] * 3, hours=0.1)
        (ticket,) = await open_tickets(store)
        assert (ticket.category, ticket.severity, ticket.run) == ("settings", "critical", None)
        await hands.resume("default", by="ann")
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert (held.record.state, held.record.closed_by) == ("closed", "lane resumed by ann")
        assert held.record.closed_at == one.clock.now()
        await hands.resume("default", by="bob")
        again = await TICKETS.get(store, ticket.id)
        assert again is not None
        assert again.record.closed_by == "lane resumed by ann"
        await one.kill()

    run_virtually(main)


def test_a_lane_of_very_many_waiters_is_resumed_whole() -> None:
    """More than one page of them."""

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), by_find, ringing=False)
        runs = [
            Run(f"by_find:p{n}", "by_find", one.engine.recorder.new_run(by_find, Paid(f"p{n}")).fact, n)
            for n in range(501)
        ]
        for run in runs:
            run.state, run.wake = "waiting", ["lane:default"]
        for start in range(0, len(runs), 50):
            await store.commit([RUNS.insert(run) for run in runs[start : start + 50]])
        one.engine.workshop.lanes.pause("default", "for the test")
        assert await Operations(one.engine).resume("default", by="ann") == 501

    run_virtually(main)
