"""Moving from a store that no lock guards: the move waits until nobody can be working there, and looks again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from onpaid.app.move_runs import ENDS_WITHIN
from onpaid.clock import Instant
from onpaid.engine.journal import RUNS, Attempt, Run, Step
from onpaid.errors import NotPossible
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Document, Put, Store
from tests.app.moves import NOW, PatientClock, held_by, move, opens, stocked

WAIT = round(ENDS_WITHIN.total_seconds())


async def hold(store: Store, name: str, until: Instant, *, quiet_until: Instant = 0) -> None:
    """A run that somebody holds, with an act under way."""
    step = Step("make", "Client.make", "find", "begun", [Attempt(1, NOW - 500)], tries=1, holder=4)
    step.quiet_until = quiet_until
    run = Run(f"flow:{name}", "flow", msgspec.Raw(b"{}"), NOW - 9000, "running", until, steps=[step])
    run.lease_owner, run.lease_number, run.lease_until = "gone", 4, until
    await store.commit([RUNS.put(run)])


async def run_at(store: Store, name: str) -> Run:
    held = await RUNS.get(store, f"flow:{name}")
    assert held is not None
    return held.record


class Lively(PatientClock):
    """A clock on whose passing somebody at the source does something."""

    def __init__(self, store: Store, at_second: int, *, until: int) -> None:
        super().__init__()
        self._store, self._at, self._until = store, at_second, until

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept) == self._at:
            await hold(self._store, "lively", NOW + self._until)


async def test_where_a_lock_keeps_others_out_nobody_is_waited_for() -> None:
    source, target, clock = await stocked(5), MemoryStore(), PatientClock()
    await hold(source, "a", NOW + 100_000)
    moved = await move(source, target, clock=clock)
    assert (clock.slept, moved.handed_back) == ([], 1)
    run = await run_at(target, "a")
    assert (run.state, run.due_at, run.lease_number) == ("ready", NOW, 4)
    assert (run.steps[0].state, run.steps[0].holder) == ("begun", 4)


async def test_a_shared_source_is_given_time_to_come_to_rest() -> None:
    source, target, clock = await stocked(5), MemoryStore(), PatientClock()
    told: list[tuple[str, int, int | None]] = []
    await move(
        source, target, clock=clock, alone=False, told=lambda what, done, of: told.append((what, done, of))
    )
    assert sum(clock.slept) == pytest.approx(WAIT + 1)
    assert told[0] == ("waiting until nobody can be working at the source", 0, WAIT + 1)
    assert await opens(source, target) == [False, True]


async def test_started_again_only_the_rest_is_waited() -> None:
    source, target, clock = await stocked(5), MemoryStore(), PatientClock()
    await move(source, target, clock=clock)
    arrived = await target.get("move", "arrival")
    assert arrived is not None
    half = arrived.body.replace(b'"verified"', b'"copying"')
    await target.commit([Put("move", "arrival", half)])
    clock.instant += (WAIT - 10) * 1000
    await move(source, target, clock=clock, alone=False)
    assert sum(clock.slept) == pytest.approx(11)


async def test_a_lease_is_waited_for_and_the_run_is_let_go_of() -> None:
    source, target, clock = await stocked(5), MemoryStore(), PatientClock()
    await hold(source, "a", NOW + 400_000)
    await hold(source, "b", NOW - 1)
    moved = await move(source, target, clock=clock, alone=False)
    assert clock.instant >= NOW + 400_000
    assert moved.handed_back == 2
    assert {(await run_at(target, name)).state for name in "ab"} == {"ready"}


async def test_who_still_works_at_the_source_is_named() -> None:
    source, target = await stocked(5), MemoryStore()
    clock = Lively(source, 100, until=500_000)
    with pytest.raises(NotPossible, match=r"flow:lively is held until 2026-01-01T00:08:20.000Z"):
        await move(source, target, clock=clock, alone=False)
    assert await opens(source, target) == [False, False]
    assert await held_by(target) == []
    clock.instant = NOW + 500_001
    await move(source, target, clock=clock, alone=False)
    assert await opens(source, target) == [False, True]


async def test_a_lease_of_a_clock_that_jumped_is_not_waited_for() -> None:
    source, target, clock = await stocked(5), MemoryStore(), PatientClock()
    await hold(source, "a", NOW + 40 * 86_400_000)
    moved = await move(source, target, clock=clock, alone=False)
    assert moved.handed_back == 1
    assert clock.instant < NOW + (WAIT + 5) * 1000


async def test_a_quiet_period_under_way_is_kept() -> None:
    source, target = await stocked(5), MemoryStore()
    await hold(source, "a", NOW + 1000, quiet_until=NOW + 60_000)
    await move(source, target)
    run = await run_at(target, "a")
    assert (run.state, run.due_at, run.steps[0].quiet_until) == ("sleeping", NOW + 60_000, NOW + 60_000)


async def test_what_is_written_during_the_copy_is_found_out() -> None:
    """Somebody who does not ask first (`open_for_work`) writes to the source after it was marked."""

    class Careless(MemoryStore):
        async def load(self, documents: Sequence[Document]) -> None:
            await super().load(documents)
            if await source.get("event", "late") is None:
                await source.commit([Put("event", "late", b"paid")])

    source, target = await stocked(), Careless()
    with pytest.raises(NotPossible, match="event: 31 at the source, 30 at the target"):
        await move(source, target)
    await move(source, target)
    assert await held_by(target) == await held_by(source)
