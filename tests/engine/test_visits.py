"""Reads outside of runs take their place on the lane: after each other, not while it is paused, written down if strict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from onpaid.acts import LaneLimit, act, current_call
from onpaid.engine.bell import Silence
from onpaid.engine.journal import HOLDS, LaneHold
from onpaid.engine.lanes import Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.testing import run_virtually
from onpaid.engine.testing.virtual import VirtualClock
from onpaid.engine.visits import LanePaused, Visits
from onpaid.errors import Doubtful, Refused, Unavailable
from onpaid.store.memory import MemoryStore

STRICT = LaneLimit("strict", at_once=1, per_second=4, strict=True)
WIDE = LaneLimit("wide", at_once=2)


class Ringing(Silence):
    """Remembers whom it rang for."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, runs: Any) -> None:
        self.rung += list(runs)


class Place:
    """A provider with two lanes, and visitors to it."""

    def __init__(self, *, shared: bool = False) -> None:
        self.store, self.clock, self.pace, self.bell = MemoryStore(), VirtualClock(), Pace(), Ringing()
        self.lanes = Lanes([STRICT, WIDE], self.clock, self.pace, self.bell)
        self.inside = self.most = 0
        self.holds: list[LaneHold] = []
        self.starts: list[float] = []
        self.visits = self.visitor("one", shared=shared)

    def visitor(self, owner: str, *, shared: bool) -> Visits:
        return Visits(self.store, self.lanes, self.clock, self.pace, self.bell, owner=owner, shared=shared)

    async def _work(self, takes: float) -> float:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.starts.append(self.clock.monotonic())
        held = await HOLDS.get(self.store, "strict")
        self.holds += [] if held is None else [held.record]
        call = current_call.get()
        assert call is not None
        assert call.may_send()
        try:
            await asyncio.sleep(takes)
        finally:
            self.inside -= 1
        return takes

    @act(repeatable=True, lane="strict")
    async def look(self, takes: float = 0.5) -> float:
        return await self._work(takes)

    @act(repeatable=True, lane="wide")
    async def glance(self, takes: float = 0.5) -> float:
        return await self._work(takes)

    @act(repeatable=True, lane="wide")
    async def fail(self, error: Exception) -> None:
        raise error

    @act(lane="wide")
    async def write(self) -> None:
        raise AssertionError("nobody writes here")


def story(tell: Callable[[Place], Coroutine[Any, Any, None]], *, shared: bool = False) -> None:
    async def main() -> None:
        await tell(Place(shared=shared))

    run_virtually(main)


@pytest.mark.parametrize("shared", [False, True])
def test_a_strict_lane_lets_one_in_at_a_time_and_no_more_a_second_than_it_may(shared: bool) -> None:
    async def tell(place: Place) -> None:
        await asyncio.gather(*(place.visits.call(place.look, 0.01) for _ in range(6)))
        assert place.most == 1
        gaps = [later - earlier for earlier, later in zip(place.starts, place.starts[1:], strict=False)]
        assert all(gap >= 0.249 for gap in gaps)

    story(tell, shared=shared)


def test_a_wide_lane_lets_as_many_in_as_it_says() -> None:
    async def tell(place: Place) -> None:
        answers = await asyncio.gather(*(place.visits.call(place.glance) for _ in range(5)))
        assert (answers, place.most) == ([0.5] * 5, 2)

    story(tell)


def test_a_run_that_is_inside_keeps_a_visitor_out() -> None:
    async def tell(place: Place) -> None:
        assert place.lanes.enter("strict", "a run") is not None
        visiting = asyncio.create_task(place.visits.call(place.look, 0.01))
        await asyncio.sleep(5)
        assert place.starts == []
        place.lanes.leave("strict")
        await visiting
        assert len(place.starts) == 1

    story(tell)


def test_whoever_finds_no_place_for_long_says_so_and_leaves_the_lane_as_it_was() -> None:
    async def tell(place: Place) -> None:
        assert place.lanes.enter("strict", "a run") is not None
        with pytest.raises(Unavailable, match="busy"):
            await place.visits.call(place.look)
        place.lanes.leave("strict")
        await asyncio.sleep(3)  # a place that was kept for the visitor is given up
        assert place.lanes.enter("strict", "another run") is not None

    story(tell)


def test_a_paused_lane_is_not_entered() -> None:
    async def tell(place: Place) -> None:
        place.lanes.pause("wide", "its key is refused")
        with pytest.raises(LanePaused, match="its key is refused"):
            await place.visits.call(place.glance)
        assert place.starts == []

    story(tell)


def test_that_a_call_is_in_flight_is_written_down_before_it_leaves() -> None:
    async def tell(place: Place) -> None:
        now = place.clock.now()
        await place.visits.call(place.look)
        assert [each.in_flight_until for each in place.holds] == [now + 20_000]

    story(tell)


def test_on_a_shared_store_nobody_calls_while_another_process_does() -> None:
    async def tell(place: Place) -> None:
        free_at = place.clock.now() + 7_000
        await place.store.commit([HOLDS.insert(LaneHold("strict", free_at, "run:elsewhere", ["run:waits"]))])
        began = place.clock.monotonic()
        await place.visits.call(place.look)
        assert place.starts[0] - began >= 7
        held = await HOLDS.get(place.store, "strict")
        assert held is not None
        assert (held.record.in_flight_until, held.record.waiters) == (0, [])
        assert place.bell.rung[-1:] == ["run:waits"]

    story(tell, shared=True)


def test_a_hold_that_a_wrong_clock_wrote_shuts_nobody_out_for_ever() -> None:
    async def tell(place: Place) -> None:
        far = place.clock.now() + 10 * 86_400_000
        await place.store.commit([HOLDS.insert(LaneHold("strict", far, "run:elsewhere"))])
        assert await place.visits.call(place.look) == 0.5

    story(tell, shared=True)


def test_a_hold_that_stays_is_told_after_a_while() -> None:
    async def tell(place: Place) -> None:
        busy = place.clock.now() + 100_000
        await place.store.commit([HOLDS.insert(LaneHold("strict", busy, "run:elsewhere"))])
        with pytest.raises(Unavailable, match="busy elsewhere"):
            await place.visits.call(place.look)

    story(tell, shared=True)


def test_two_processes_that_share_a_store_call_one_after_the_other() -> None:
    async def tell(place: Place) -> None:
        lanes = Lanes([STRICT], place.clock, place.pace, place.bell)
        other = Visits(place.store, lanes, place.clock, place.pace, place.bell, owner="two", shared=True)
        await asyncio.gather(
            *(visits.call(place.look, 0.2) for visits in (place.visits, other) for _ in range(4))
        )
        assert (place.most, len(place.starts)) == (1, 8)

    story(tell, shared=True)


def test_an_answer_that_does_not_come_in_time_is_a_doubt_and_frees_the_place() -> None:
    async def tell(place: Place) -> None:
        with pytest.raises(Doubtful, match="no answer within 20 s"):
            await place.visits.call(place.look, 100)
        assert place.inside == 0
        assert await place.visits.call(place.look) == 0.5

    story(tell)


@pytest.mark.parametrize("error", [Refused("no"), Unavailable("later"), Doubtful("perhaps"), KeyError("x")])
def test_what_the_provider_raises_is_handed_on_and_frees_the_place(error: Exception) -> None:
    async def tell(place: Place) -> None:
        for _ in range(5):
            with pytest.raises(type(error)):
                await place.visits.call(place.fail, error)
        assert await place.visits.call(place.glance) == 0.5

    story(tell)


def test_only_reads_may_be_called_so() -> None:
    async def tell(place: Place) -> None:
        with pytest.raises(AssertionError, match="no read"):
            await place.visits.call(place.write)

    story(tell)


def test_a_visitor_who_is_sent_away_while_it_waits_gives_its_place_back() -> None:
    async def tell(place: Place) -> None:
        await place.visits.call(place.look, 0.01)
        waiting = asyncio.create_task(place.visits.call(place.look, 0.01))
        await asyncio.sleep(0.05)  # it has its place, and waits for the quarter of a second to pass
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await place.visits.call(place.look) == 0.5
        assert len(place.starts) == 2

    story(tell)


def test_a_lane_that_somebody_queues_for_at_the_same_moment_is_freed_all_the_same() -> None:
    async def tell(place: Place) -> None:
        async def queue() -> None:
            held = await HOLDS.get(place.store, "strict")
            assert held is not None
            held.record.waiters.append("run:late")
            await place.store.commit([HOLDS.update(held.record, held.version)])

        commit, first = place.store.commit, True

        async def late(writes: Any) -> None:
            nonlocal first
            freeing = place.inside == 0 and bool(place.starts)
            if freeing and first:
                first = False
                place.store.commit = commit  # type: ignore[method-assign]
                await queue()
            await commit(writes)

        place.store.commit = late  # type: ignore[method-assign]
        await place.visits.call(place.look)
        held = await HOLDS.get(place.store, "strict")
        assert held is not None
        assert (held.record.in_flight_until, place.bell.rung[-1:]) == (0, ["run:late"])

    story(tell, shared=True)
