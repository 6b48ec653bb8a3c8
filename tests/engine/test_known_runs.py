"""Whether anybody goes on with a run, asked by the fact that started it."""

from __future__ import annotations

import pytest

from onpaid.engine.flow import Flow
from onpaid.engine.known_runs import KnownRuns
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from tests.engine.meddling import process, the_run
from tests.engine.service import Paid, Service, Thing, by_find, by_once

FLOWS: tuple[Flow, ...] = (by_find, by_once)


@pytest.mark.parametrize(("fates", "ends"), [(["well"], "done"), (["well", "refuse"], "failed")])
def test_a_run_goes_on_until_it_has_ended_or_failed(fates: list[str], ends: str) -> None:
    async def main() -> None:
        store = MemoryStore()
        runs = KnownRuns(store, FLOWS)
        assert await runs.stopped(Paid("p1")), "nothing was ever told of it"
        one = process(store, Service(fates), by_find, clock=VirtualClock())
        await one.engine.recorder.record(facts=[Paid("p1")])
        assert not await runs.stopped(Paid("p1"))
        assert await runs.stopped(Paid("p2")), "another one's run"
        assert await runs.stopped(Thing(1, "p1")), "no flow begins with such a fact"
        await one.live()
        assert (await the_run(store, "by_find:p1")).state == ends
        assert await runs.stopped(Paid("p1"))

    run_virtually(main)


def test_a_run_that_is_in_doubt_goes_on() -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(["lost reply"]), by_once, clock=VirtualClock())
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert (await the_run(store, "by_once:p1")).state == "doubtful"
        assert not await KnownRuns(store, FLOWS).stopped(Paid("p1"))

    run_virtually(main)
