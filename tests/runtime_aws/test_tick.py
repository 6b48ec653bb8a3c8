"""The tick finds what nobody rang for, shares the chores among whoever ticks, and tells how it stands."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flows
from onpaid.engine.journal import RUNS, Run
from onpaid.engine.runner import Engine
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.errors import InvalidInput, StoreUnavailable
from onpaid.repositories.events import EVENTS
from onpaid.runtime.aws import SqsBell
from onpaid.runtime.aws_tick import DEEPEST, PAGE, Schedules, Tick
from onpaid.runtime.chores import Chore, Turns
from tests.engine.service import Client, Paid, Service, by_find
from tests.runtime_aws.cloud import Cloud
from tests.runtime_aws.events import minute
from tests.runtime_aws.line import Line
from tests.runtime_aws.test_work import all_done, taken_in


def test_a_lost_bell_loses_nothing() -> None:
    cloud = Cloud()
    cloud.line.broken = True
    taken_in(cloud, "pi_1", "pi_2")
    assert cloud.line.runs == []
    cloud.line.broken = False
    cloud.play(cloud.function(), cloud.function(), 600)
    all_done(cloud, "pi_1", "pi_2")


def test_a_tick_that_is_an_hour_late_rings_for_all_of_it_once() -> None:
    cloud = Cloud()
    cloud.line.broken = True
    taken_in(cloud, "pi_1", "pi_2")
    cloud.line.broken = False
    cloud.wait(3600)
    work, tick = cloud.function(), cloud.function()
    assert tick.tick(minute())["rung"] == len(cloud.runs())
    cloud.play(work, None, 600)
    all_done(cloud, "pi_1", "pi_2")


def test_a_run_whose_worker_died_is_rung_for_when_its_lease_ends() -> None:
    cloud = Cloud()
    taken_in(cloud, "pi_1")
    cloud.line.take(100)

    async def died() -> None:
        for run in [run for run in await _due(cloud) if run.flow == "invoice_payment"]:
            held = await RUNS.get(cloud.store, run.id)
            assert held is not None
            run.state, run.lease_owner, run.lease_number = "running", "a worker that died", 1
            run.lease_until = run.due_at = cloud.clock.now() + 120_000
            await cloud.store.commit([RUNS.update(run, held.version)])

    cloud.run(died())
    tick = cloud.function()
    tick.tick()
    assert not [run for run in cloud.line.runs if run.startswith("invoice_payment")]
    cloud.line.take(100)
    cloud.wait(121)
    tick.tick()
    assert [run for run in cloud.line.runs if run.startswith("invoice_payment")]
    cloud.play(cloud.function(), tick, 600)
    all_done(cloud, "pi_1")


async def _due(cloud: Cloud) -> list[Run]:
    return list((await RUNS.query(cloud.store, "state", "ready", limit=1000)).items)


class House:
    """An engine and a queue for ticks by themselves."""

    def __init__(self, store: MemoryStore | None = None, *chores: Chore) -> None:
        self.store, self.clock = store or MemoryStore(), VirtualClock()
        self.line = Line(asyncio.get_running_loop())
        self.measured: list[Any] = []
        self.engine = Engine(
            self.store,
            Flows([by_find], {"client": Client(Service())}),
            clock=self.clock,
            bell=Silence(),
            random=Random(1),
            owner="one",
            sole=False,
        )
        self.ticks = [self._tick(chores) for _ in range(2)]

    def _tick(self, chores: tuple[Chore, ...]) -> Tick:
        bell = SqsBell(self.line)
        return Tick(self.engine, bell, self.line, self.clock, chores, self.measured.append)

    async def record(self, runs: int) -> None:
        for number in range(runs):
            await self.engine.recorder.record(facts=[Paid(f"p{number}")])


def plenty() -> float:
    return 55.0


def test_it_rings_page_by_page() -> None:
    async def main() -> None:
        house = House()
        await house.record(2 * PAGE + 7)
        assert (await house.ticks[0].tick(plenty))["rung"] == 2 * PAGE + 7
        assert len(set(house.line.runs)) == 2 * PAGE + 7
        assert max(map(len, house.line.batches)) == 10

    run_virtually(main)


def test_before_a_deep_queue_it_rings_for_the_oldest_only() -> None:
    async def main() -> None:
        house = House()
        await house.record(PAGE + 7)
        house.line.held = [(1e9, '{"run":"other"}')] * DEEPEST
        assert (await house.ticks[0].tick(plenty))["rung"] == PAGE

    run_virtually(main)


def test_it_ends_in_time_and_the_next_one_goes_on() -> None:
    async def main() -> None:
        house = House()
        await house.record(PAGE + 7)
        told = await house.ticks[0].tick(lambda: 1.0)
        assert told == {"rung": PAGE, "chores": [], "figures": {}}

    run_virtually(main)


def test_two_ticks_at_once_ring_twice_and_do_each_chore_once() -> None:
    done: list[str] = []

    async def main() -> None:
        async def sweep() -> None:
            await asyncio.sleep(3)
            done.append("swept")

        house = House(None, Chore("sweep", timedelta(minutes=10), sweep))
        await house.record(3)
        told = await asyncio.gather(*(tick.tick(plenty) for tick in house.ticks))
        assert [each["rung"] for each in told] == [3, 3]
        assert [each["chores"] for each in told] in ([["sweep"], []], [[], ["sweep"]])
        assert done == ["swept"]
        await asyncio.sleep(590)
        assert (await house.ticks[1].tick(plenty))["chores"] == []
        await asyncio.sleep(10)
        assert (await house.ticks[1].tick(plenty))["chores"] == ["sweep"]

    run_virtually(main)


def test_a_chore_that_breaks_keeps_no_other_from_being_done() -> None:
    async def main() -> None:
        async def breaks() -> None:
            raise ZeroDivisionError

        async def throttled() -> None:
            raise StoreUnavailable("throttled")

        async def works() -> None:
            return None

        every = timedelta(minutes=1)
        chores = [
            Chore("breaks", every, breaks),
            Chore("throttled", every, throttled),
            Chore("works", every, works),
        ]
        house = House(None, *chores)
        told = await house.ticks[0].tick(plenty)
        assert told["chores"] == ["works"]
        assert house.measured == [told["figures"]]

    run_virtually(main)


def test_a_turn_written_by_a_clock_that_was_wrong_is_over() -> None:
    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        turns = Turns(store, clock)
        clock.step(timedelta(days=9))
        assert await turns.take("sweep", 60_000)
        clock.step(timedelta(days=-9))
        assert await turns.take("sweep", 60_000)
        assert not await turns.take("sweep", 60_000)

    run_virtually(main)


def test_named_schedule() -> None:
    """What comes later has only to register: it is done when an event names it, and only then."""
    cloud, seen = Cloud(), []
    function = cloud.function()
    function.tick()

    async def reconcile(remaining: Any) -> dict[str, object]:
        seen.append(remaining() > 0)
        return {"compared": 7}

    cloud.houses[0].schedules.register("nightly-reconciliation", reconcile)
    told = function.tick({"schedule": "nightly-reconciliation", "dryRun": True})
    assert (told, seen) == ({"schedule": "nightly-reconciliation", "compared": 7}, [True])
    assert function.tick(minute())["schedule"] == "tick"
    with pytest.raises(InvalidInput, match="there are nightly-reconciliation, tick"):
        function.tick({"schedule": "nightly"})
    with pytest.raises(InvalidInput):
        function.tick({"schedule": 7})


def test_a_name_is_given_once() -> None:
    async def nothing(_: Any) -> dict[str, object]:
        return {}

    schedules = Schedules()
    schedules.register("x", nothing)
    with pytest.raises(ValueError, match="x is there already"):
        schedules.register("x", nothing)


def test_after_an_upgrade_the_first_tick_judges_again_and_the_others_do_not() -> None:
    cloud = Cloud()
    web = cloud.function()
    assert web.web(cloud.paid())["statusCode"] == 200
    (record,) = cloud.run(EVENTS.query(cloud.store, "all", "", limit=10)).items
    record.verdict = "unrouted"
    cloud.run(cloud.store.commit([EVENTS.put(record)]))
    versions = []
    for _ in range(3):
        cloud.function().tick()
        versions.append(cloud.run(EVENTS.get(cloud.store, record.key)).version)
        cloud.wait(60)
    assert versions == [3, 3, 3]
