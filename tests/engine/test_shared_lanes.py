"""Several processes on one store: a strict lane lets in one call of all of them, whoever dies, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from onpaid.acts import LaneLimit, act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import HOLDS, RUNS, LaneHold
from onpaid.engine.operations import Operations
from onpaid.engine.testing import MemoryStore, MortalStore, Process, VirtualClock, run_virtually
from onpaid.store.port import Store
from tests.engine.meddling import open_tickets, the_run
from tests.engine.service import Client, Paid, Service, Thing

STRICT = (LaneLimit("narrow", at_once=1, strict=True),)


class Narrow(Client):
    @act(lane="narrow", settles=timedelta(seconds=1), timeout=timedelta(seconds=20))
    async def make(self, paid: Paid) -> Thing:
        return await self._act("make", paid.id)


@flow(on=Paid, key=lambda paid: paid.id)
async def narrow(ctx: Context, paid: Paid, *, client: Any) -> Thing:
    return await ctx.step("make", client.make, paid, find=client.find)


def life(store: Store, service: Service, clock: VirtualClock, name: str, **more: Any) -> Process:
    guests = {"client": Narrow(service)}
    return Process(store, [narrow], guests, clock, lanes=STRICT, name=name, sole=False, **more)


@pytest.mark.parametrize("ringing", [True, False])
def test_of_all_processes_one_call_at_a_time_is_on_a_strict_lane(ringing: bool) -> None:
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        lives = [life(store, service, clock, f"p{nth}", seed=nth, ringing=ringing) for nth in range(4)]
        for nth in range(24):
            await lives[nth % 4].engine.recorder.record(facts=[Paid(f"r{nth}")])
        await asyncio.gather(*(each.live(at_most=timedelta(hours=12)) for each in lives))
        assert await store.count("run", "state", "done") == 24
        assert await open_tickets(store) == []

    run_virtually(main)
    assert len(service.things) == 24
    assert service.most_at_once == 1


def test_the_control_without_the_hold_calls_overlap() -> None:
    """Each of four processes keeps its own lane in order, and knows nothing of the others."""
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        lives = [
            Process(store, [narrow], {"client": Narrow(service)}, clock, name=f"p{nth}", sole=False)
            for nth in range(4)
        ]
        for nth in range(8):
            await lives[nth % 4].engine.recorder.record(facts=[Paid(f"r{nth}")])
        await asyncio.gather(*(each.live(at_most=timedelta(hours=1)) for each in lives))

    run_virtually(main)
    assert service.most_at_once > 1


def test_a_process_that_dies_in_mid_call_shuts_the_lane_until_its_call_must_be_over() -> None:
    service = Service(["lost request"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = life(MortalStore(store), service, clock, "one")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        await one.kill()
        two = life(store, service, clock, "two")
        await two.engine.recorder.record(facts=[Paid("p2")])
        await asyncio.sleep(14)
        assert service.calls == ["make"], "nineteen seconds: the dead one's call may be in flight for another"
        assert (await the_run(store, "narrow:p2")).reason == "waits for its turn at narrow"
        await two.live()
        assert sorted(thing.reference for thing in service.things) == ["p1", "p2"]

    run_virtually(main)
    assert service.most_at_once <= 2, "the dead one's call never came back"


def test_the_next_is_rung_for_when_a_call_is_over_and_the_lane_is_free_after() -> None:
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one, two = life(store, service, clock, "one"), life(store, service, clock, "two")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(0.02)
        await two.engine.recorder.record(facts=[Paid("p2")])
        await asyncio.sleep(0.02)
        held = await HOLDS.get(store, "narrow")
        assert held is not None
        assert (held.record.run, held.record.waiters) == ("narrow:p1", ["narrow:p2"])
        await asyncio.sleep(0.5)
        done = [run.id for run in (await RUNS.query(store, "state", "done")).items]
        assert sorted(done) == ["narrow:p1", "narrow:p2"], "at once, not at the next look"
        held = await HOLDS.get(store, "narrow")
        assert held is not None
        assert (held.record.run, held.record.waiters, held.record.in_flight_until) == ("", [], 0)

    run_virtually(main)


def test_a_clock_that_jumped_shuts_a_shared_lane_for_a_lease_at_most() -> None:
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = life(store, service, clock, "one")
        far = clock.now() + 366 * 24 * 3_600_000
        await store.commit([HOLDS.insert(LaneHold("narrow", far, "narrow:p0"))])
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(60)
        assert service.things == []
        await one.live(at_most=timedelta(minutes=10))
        assert len(service.things) == 1

    run_virtually(main)


def test_a_lane_paused_by_one_process_is_paused_for_the_others_once_they_look() -> None:
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one, two = life(store, service, clock, "one"), life(store, service, clock, "two")
        await Operations(one.engine).pause("narrow", "the books are closed")
        await two.engine.look_at_lanes()
        await two.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(30)
        assert service.calls == []
        await Operations(one.engine).resume("narrow", by="a person")
        await two.engine.look_at_lanes()
        await two.live(at_most=timedelta(hours=1))
        assert service.calls == ["make"]

    run_virtually(main)
