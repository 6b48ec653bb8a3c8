"""Runs across a move: a process dies at any write, everything is moved, and the target goes on. Nothing is done twice.

The outside service outlives both, and what it made is counted. Its answer comes only if its caller is alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from onpaid.acts import LaneLimit
from onpaid.app.moving import Moved
from onpaid.engine.flow import Flow
from onpaid.engine.journal import HOLDS, RUNS, LaneHold
from onpaid.engine.testing import MemoryStore, MortalStore, Process, VirtualClock, run_virtually
from onpaid.store.moved import for_work
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore
from tests.app.moves import move
from tests.engine.meddling import open_tickets, process, the_run
from tests.engine.service import Paid, Service, by_find, by_key, by_looking_first, by_once

MOST_WRITES = 12
NAMES = ("p1", "p2", "p3")
FINDABLE = (by_find, by_looking_first, by_key)


async def life_and_death(
    store: Store,
    service: Service,
    flow: Flow,
    clock: VirtualClock,
    names: Sequence[str] = NAMES,
    **more: Any,
) -> bool:
    """A process at the source that is told of some payments; whether it died of it."""
    mortal = MortalStore(store, **more)
    one = process(mortal, service, flow, clock=clock, name="at the source")
    inbox = process(store, service, flow, clock=clock, ringing=False)
    await inbox.engine.recorder.record(facts=[Paid(name) for name in names])
    await one.live(at_most=timedelta(minutes=2))
    await one.kill()
    return mortal.dead.is_set() and mortal.writes >= more.get("dies_at", 0) > 0


async def life_after(
    store: Store, service: Service, flow: Flow, clock: VirtualClock, *, sole: bool
) -> Process:
    """The process at the target."""
    two = process(
        await for_work(store, clock.now()), service, flow, clock=clock, name="at the target", sole=sole
    )
    await two.live(at_most=timedelta(hours=2))
    return two


@pytest.mark.parametrize("sole", [True, False], ids=["a file", "a table"])
@pytest.mark.parametrize("fate", ["well", "lost reply", "lost request"])
@pytest.mark.parametrize("flow", FINDABLE, ids=lambda flow: flow.name)
def test_each_effect_happens_once_wherever_the_process_died(flow: Flow, fate: str, sole: bool) -> None:
    died = []
    reads = ["well"] * 3 if flow is by_find else []
    names = NAMES[:1] if flow is by_key else NAMES  # the service keeps its keys for one call at a time

    async def main(dies_at: int, after: bool) -> bool:
        source, target, clock = MemoryStore(), MemoryStore(), VirtualClock()
        service = Service([*reads, fate])
        died.append(await life_and_death(source, service, flow, clock, names, dies_at=dies_at, after=after))
        await move(source, target, clock=clock)
        two = await life_after(target, service, flow, clock, sole=sole)
        for name in names:
            run = await the_run(target, f"{flow.name}:{name}")
            assert run.state == "done", run.reason
        assert sorted(thing.reference for thing in service.things) == list(names)
        await two.kill()
        return died[-1]

    for after in (False, True):
        for dies_at in range(1, MOST_WRITES):
            if not run_virtually(lambda n=dies_at, a=after: main(n, a)):  # type: ignore[misc]
                break
    assert sum(died) >= 4 * len(names)


@pytest.mark.parametrize("sole", [True, False], ids=["a file", "a table"])
def test_what_was_begun_waits_out_its_quiet_period_at_the_target(sole: bool) -> None:
    """The request of the dead process is still under way, and lands after the move: it is found, not repeated."""

    async def main() -> None:
        source, target, clock = MemoryStore(), MemoryStore(), VirtualClock()
        service = Service(["well", "late"])
        one = process(source, service, by_find, clock=clock, name="one")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(seconds=2))
        await one.kill()
        before = await the_run(source, "by_find:p1")
        assert before.state in ("running", "ready", "sleeping")
        assert before.doubt is not None
        await move(source, target, clock=clock)
        assert service.things == []
        began = clock.now()
        await life_after(target, service, by_find, clock, sole=sole)
        after = await the_run(target, "by_find:p1")
        assert (after.state, len(service.things)) == ("done", 1)
        looked = [attempt for attempt in after.steps[-1].attempts if attempt.what == "look"]
        assert looked[0].outcome == "found"
        assert looked[0].at - began >= 30_000  # the call's time limit and the service's own time

    run_virtually(main)


@pytest.mark.parametrize("sole", [True, False], ids=["a file", "a table"])
def test_what_cannot_be_looked_up_is_asked_and_not_repeated(sole: bool) -> None:
    async def main() -> None:
        source, target, clock, service = MemoryStore(), MemoryStore(), VirtualClock(), Service(["lost reply"])
        one = process(source, service, by_once, clock=clock, name="one")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(seconds=2))
        source_run = await the_run(source, "by_once:p1")
        assert source_run.state == "running"
        store_as_it_was = MemoryStore()
        await store_as_it_was.load((await source.documents())[0])  # killed: nothing was handed back
        await one.kill()
        moved = await move(store_as_it_was, target, clock=clock)
        assert moved.handed_back == 1
        await life_after(target, service, by_once, clock, sole=sole)
        assert (service.calls, len(service.things)) == (["tell"], 1)
        (ticket,) = await open_tickets(target)
        assert ticket.category == "doubt"

    run_virtually(main)


def test_runs_of_a_dead_process_are_taken_up_at_once_at_the_target() -> None:
    """Their leases had minutes left. Nothing of theirs was begun, so there is nothing to wait for."""

    async def main() -> None:
        source, target, clock, service = MemoryStore(), MemoryStore(), VirtualClock(), Service()
        await life_and_death(source, service, by_find, clock, dies_at=3, after=True)
        held = (await RUNS.query(source, "state", "running")).items
        assert held
        assert all(run.lease_until > clock.now() + 60_000 for run in held)
        moved = await move(source, target, clock=clock)
        assert moved.handed_back == len(held)
        began = clock.now()
        await life_after(target, service, by_find, clock, sole=False)
        assert len(service.things) == len(NAMES)
        assert clock.now() - began < 60_000

    run_virtually(main)


def test_a_call_in_flight_on_a_strict_lane_shuts_it_at_the_target_too() -> None:
    async def main() -> None:
        source, target, clock, service = MemoryStore(), MemoryStore(), VirtualClock(), Service()
        until = clock.now() + 20_000
        await source.commit([HOLDS.put(LaneHold("fiken", until))])
        await move(source, target, clock=clock)
        lanes = [LaneLimit("fiken", at_once=1, strict=True)]
        two = process(target, service, by_find, clock=clock, lanes=lanes)
        await two.engine.open()
        assert two.engine.workshop.lanes.enter("fiken", "run") is None
        await clock.sleep(21)
        assert two.engine.workshop.lanes.enter("fiken", "run") is not None

    run_virtually(main)


def test_runs_go_through_a_file_of_sqlite_unharmed(tmp_path: Any) -> None:
    """As above, but the stores that are moved between are files, in real time."""
    service = Service(["well", "well", "well", "lost reply", "well", "lost reply"])
    memory, target = MemoryStore(), MemoryStore()

    async def first() -> None:
        await life_and_death(memory, service, by_find, VirtualClock(), dies_at=6, after=True)

    run_virtually(first)
    made = len(service.things)

    async def through_files() -> Moved:
        one = await SqliteStore.open(tmp_path / "one.db", exclusive=True)
        two = await SqliteStore.open(tmp_path / "two.db", exclusive=True)
        try:
            await one.load((await memory.documents())[0])
            moved = await move(one, two)
            await target.load((await two.documents())[0])
            return moved
        finally:
            await one.close()
            await two.close()

    moved = asyncio.run(through_files())
    assert moved.handed_back > 0

    async def then() -> None:
        clock = VirtualClock()
        clock.step(timedelta(minutes=5))
        for thing in service.things:
            service.seen_at[thing.id] = 0.0
        await life_after(target, service, by_find, clock, sole=False)
        states = [(await the_run(target, f"by_find:{name}")).state for name in NAMES]
        assert states == ["done"] * 3

    run_virtually(then)
    assert made < 3
    assert sorted(thing.reference for thing in service.things) == list(NAMES)
