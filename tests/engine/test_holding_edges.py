"""The hold of a shared lane while others write it too, and while the store fails: no call too many, nobody forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from onpaid.engine.journal import HOLDS, LaneHold, Run
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.errors import StoreError, StoreUnavailable, StoreUnknown
from onpaid.store.port import Insert, Store, Stored, Update, Write
from tests.engine.meddling import Meddling, open_tickets, the_run
from tests.engine.service import Paid, Service
from tests.engine.test_shared_lanes import life

FOREIGN = "narrow:p0"
"""A run of a process that these tests play themselves."""


def hold_among(writes: Sequence[Write]) -> LaneHold | None:
    """The hold that is about to be written, if one is."""
    for write in writes:
        if write.kind == HOLDS.name and isinstance(write, Insert | Update):
            return HOLDS.read(Stored(write.kind, write.key, 0, write.body)).record
    return None


async def the_hold(store: Store) -> LaneHold:
    held = await HOLDS.get(store, "narrow")
    assert held is not None
    return held.record


async def write_hold(store: Store, hold: LaneHold) -> None:
    """Write the hold as another process does."""
    held = await HOLDS.get(store, "narrow")
    await store.commit([HOLDS.insert(hold) if held is None else HOLDS.update(hold, held.version)])


@pytest.mark.parametrize("known", [True, False])
def test_who_loses_the_race_for_a_free_lane_waits_for_its_turn(known: bool) -> None:
    service = Service()

    async def main() -> None:
        store, clock = Meddling(), VirtualClock()
        one = life(store, service, clock, "one")
        if known:
            await write_hold(store, LaneHold("narrow", 0))
        raced: list[str] = []

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            hold = hold_among(writes)
            if hold is not None and not raced:
                raced.append(hold.run)
                await write_hold(store, LaneHold("narrow", clock.now() + 8_000, FOREIGN))

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(7)
        assert raced == ["narrow:p1"]
        assert service.calls == [], "the other one's call may be in flight"
        assert (await the_run(store, "narrow:p1")).reason == "waits for its turn at narrow"
        hold = await the_hold(store)
        assert (hold.run, hold.waiters) == (FOREIGN, ["narrow:p1"])
        await one.live(at_most=timedelta(minutes=10))
        assert service.calls == ["make"]
        assert await open_tickets(store) == []

    run_virtually(main)


def test_two_who_begin_to_wait_at_the_same_moment_are_both_noted_down() -> None:
    service = Service()

    async def main() -> None:
        store, clock = Meddling(), VirtualClock()
        one = life(store, service, clock, "one")
        taken = LaneHold("narrow", clock.now() + 8_000, FOREIGN)
        await write_hold(store, taken)
        raced: list[str] = []

        async def meddle(run: Run | None, writes: Sequence[Write]) -> None:
            if run is not None and run.state == "waiting" and hold_among(writes) and not raced:
                raced.append(run.id)
                await write_hold(store, LaneHold("narrow", taken.in_flight_until, FOREIGN, ["narrow:p9"]))

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        assert raced == ["narrow:p1"]
        assert (await the_hold(store)).waiters == ["narrow:p9", "narrow:p1"]
        assert (await the_run(store, "narrow:p1")).state == "waiting"
        await one.live(at_most=timedelta(minutes=10))
        assert service.calls == ["make"]
        assert "narrow:p9" not in (await the_hold(store)).waiters, "it was rung for when p1 was through"

    run_virtually(main)


def test_who_begins_to_wait_while_the_lane_is_being_freed_is_rung_for() -> None:
    service = Service()

    async def main() -> None:
        store, clock = Meddling(), VirtualClock()
        one, two = life(store, service, clock, "one"), life(store, service, clock, "two")
        freed: list[list[str]] = []

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            hold = hold_among(writes)
            if hold is not None and hold.run == "" and not freed:
                freed.append(hold.waiters)
                await two.engine.recorder.record(facts=[Paid("p2")])
                await asyncio.sleep(1)
                assert (await the_hold(store)).waiters == ["narrow:p2"]

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(2)
        assert freed == [[]], "who frees the lane knew of nobody"
        assert (await the_run(store, "narrow:p2")).state == "done", "at once, not at its next look"
        hold = await the_hold(store)
        assert (hold.run, hold.waiters, hold.in_flight_until) == ("", [], 0)

    run_virtually(main)
    assert len(service.things) == 2
    assert service.most_at_once == 1


@pytest.mark.parametrize("error", [StoreUnavailable, StoreUnknown])
def test_a_lane_that_could_not_be_freed_is_freed_by_time_and_the_answer_is_kept(
    error: type[StoreError],
) -> None:
    service = Service()

    async def main() -> None:
        store, clock = Meddling(), VirtualClock()
        one, two = life(store, service, clock, "one"), life(store, service, clock, "two")
        failed: list[str] = []

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            hold = hold_among(writes)
            if hold is not None and hold.run == "" and not failed:
                failed.append(hold.lane)
                raise error("the disk is full")

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        assert failed == ["narrow"]
        assert (await the_run(store, "narrow:p1")).state == "done"
        assert (await the_hold(store)).run == "narrow:p1"
        await two.engine.recorder.record(facts=[Paid("p2")])
        await asyncio.sleep(20)
        assert service.calls == ["make"], (
            "twenty seconds and a margin of five: nobody else knows that it is over"
        )
        await two.live(at_most=timedelta(minutes=10))
        assert service.calls == ["make", "make"]
        assert (await the_hold(store)).run == ""

    run_virtually(main)
    assert [thing.reference for thing in service.things] == ["p1", "p2"]


def test_a_hold_that_went_to_another_meanwhile_is_not_taken_from_it() -> None:
    """The machine's clock fell behind: to another process the call seemed over before its answer came."""
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = life(store, service, clock, "one")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(0.02)
        assert (await the_hold(store)).run == "narrow:p1"
        theirs = LaneHold("narrow", clock.now() + 20_000, FOREIGN, ["narrow:p9"])
        await write_hold(store, theirs)
        await asyncio.sleep(1)
        assert (await the_run(store, "narrow:p1")).state == "done"
        assert await the_hold(store) == theirs

    run_virtually(main)
