"""Visitors on a lane that others write too, and while the store fails: no call too many, and every answer handed on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onpaid.acts import LaneLimit, act
from onpaid.engine.bell import Silence
from onpaid.engine.journal import HOLDS, LaneHold, Run
from onpaid.engine.lanes import Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.engine.visits import LanePaused, Visits
from onpaid.errors import StoreUnavailable
from onpaid.store.port import Write
from tests.engine.meddling import Meddling, process
from tests.engine.service import Service
from tests.engine.test_holding_edges import hold_among

STRICT = LaneLimit("strict", at_once=1, strict=True)
ELSEWHERE = "run:elsewhere"


class Place:
    """A strict lane on a shared store in which others meddle, and one visitor."""

    def __init__(self) -> None:
        self.store, self.clock, self.pace = Meddling(), VirtualClock(), Pace()
        lanes = Lanes([STRICT], self.clock, self.pace, Silence())
        self.visits = Visits(self.store, lanes, self.clock, self.pace, Silence(), owner="one", shared=True)
        self.asked_at: list[int] = []

    @act(repeatable=True, lane="strict")
    async def look(self) -> str:
        self.asked_at.append(self.clock.now())
        return "answered"

    async def write_hold(self, hold: LaneHold) -> None:
        held = await HOLDS.get(self.store, "strict")
        await self.store.commit([HOLDS.insert(hold) if held is None else HOLDS.update(hold, held.version)])

    async def hold(self) -> LaneHold:
        held = await HOLDS.get(self.store, "strict")
        assert held is not None
        return held.record


def test_who_loses_the_race_for_the_lane_calls_when_the_other_is_done() -> None:
    async def main() -> None:
        place, raced = Place(), []
        busy = place.clock.now() + 5_000

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            if hold_among(writes) is not None and not raced:
                raced.append(True)
                await place.write_hold(LaneHold("strict", busy, ELSEWHERE))

        place.store.meddle = meddle
        assert await place.visits.call(place.look) == "answered"
        assert raced
        assert place.asked_at[0] >= busy

    run_virtually(main)


def test_an_answer_is_handed_on_though_the_lane_cannot_be_freed_and_its_hold_ends_by_itself() -> None:
    async def main() -> None:
        place = Place()

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            hold = hold_among(writes)
            if hold is not None and not hold.run:
                raise StoreUnavailable("as planned")

        place.store.meddle = meddle
        assert await place.visits.call(place.look) == "answered"
        left = await place.hold()
        assert left.run
        place.store.meddle = None
        await place.clock.sleep((left.in_flight_until - place.clock.now()) / 1000 + 1)
        assert await place.visits.call(place.look) == "answered"
        assert (await place.hold()).run == ""

    run_virtually(main)


def test_a_lane_that_is_somebody_elses_by_now_is_left_to_them() -> None:
    async def main() -> None:
        place = Place()
        theirs = LaneHold("strict", place.clock.now() + 60_000, ELSEWHERE, ["run:waits"])

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            hold = hold_among(writes)
            if hold is not None and not hold.run:
                await place.write_hold(theirs)

        place.store.meddle = meddle
        assert await place.visits.call(place.look) == "answered"
        assert await place.hold() == theirs

    run_virtually(main)


@pytest.mark.parametrize("sole", [True, False])
def test_visits_of_an_engine_take_their_place_on_its_lanes(sole: bool) -> None:
    async def main() -> None:
        place = Place()
        engine = process(place.store, Service(), clock=place.clock, lanes=[STRICT], sole=sole).engine
        visits = Visits.of(engine)
        assert await visits.call(place.look) == "answered"
        assert ((await place.hold()).run == "") is not sole
        engine.workshop.lanes.pause("strict", "by a test")
        with pytest.raises(LanePaused, match="by a test"):
            await visits.call(place.look)

    run_virtually(main)
