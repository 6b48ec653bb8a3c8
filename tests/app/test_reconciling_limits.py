"""Limits of a run and what they may not do: starve, hide, overrun the time that is left, ask in vain for hours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from onpaid.acts import act
from onpaid.app.reconciling_door import answer_event
from onpaid.app.reconciling_night import Gate
from onpaid.app.reconciling_request import SyncSettings
from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.reconciliation import Finding
from onpaid.domain.sessions import SessionDetails
from onpaid.engine.journal import TICKETS
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.errors import Doubtful, NotPossible, Refused, Unavailable
from onpaid.repositories.reconciliations import STATE
from tests.app.test_reconciling import HOUR, World, kept, tell
from tests.simulation.till import Account


class Trouble(Account):
    """An account that knows nothing of some sessions, and nothing of events that it lists no more."""

    bad: frozenset[str] = frozenset()
    unreadable: str = ""
    hangs: VirtualClock | None = None

    @act(repeatable=True)
    async def fetch_session(self, session_id: str) -> SessionDetails:
        await self._hanging()
        if session_id in self.bad:
            self.asked += 1
            raise Refused(f"there is no {session_id}")
        return await super().fetch_session(session_id)

    async def sessions_created(self, since: Instant, until: Instant, *, after: str | None = None) -> Any:
        await self._hanging()
        page, more = await super().sessions_created(since, until, after=after)
        if self.unreadable in {each.session_id for each in page}:
            raise Doubtful("Stripe listed something of another shape", answered=True)
        return page, more

    async def _hanging(self) -> None:
        if self.hangs is not None:
            await self.hangs.sleep(20.0)
            raise Doubtful("no answer came in time")

    async def events_since(self, since: Instant, *, after: str | None = None, **more: Any) -> Any:
        await self._hanging()
        if after is not None and after not in {told.id for told in self.events}:
            raise Refused(f"there is no event {after}")
        return await super().events_since(since, after=after, **more)


class Troubled(World):
    def __init__(self) -> None:
        super().__init__()
        self.account: Trouble = Trouble()

    async def opened(self, count: int) -> list[str]:
        """Sessions that were open two days ago, and are remembered as such: no window has them any more."""
        idents = [self.account.open(9000 + nth, self.clock.now()) for nth in range(count)]
        await self.clock.sleep(3 * HOUR)
        await self.house(events=False).reconciler.run("scheduled")
        await self.clock.sleep(48 * HOUR)
        return idents

    def left_of(self, end: float) -> float:
        """Seconds until a function that ends then is killed."""
        return end - self.clock.monotonic()


def troubled(story: Callable[[Troubled], Awaitable[None]]) -> None:
    async def main() -> None:
        await story(Troubled())

    run_virtually(main)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_small_limit_starves_nobody(most: int) -> None:
    async def story(world: Troubled) -> None:
        bad, late, _open_for_long = await world.opened(3)
        world.account.bad = frozenset((bad,))
        world.account.complete(late, world.clock.now())
        await world.sold(3)
        house = world.house(events=False, settings=SyncSettings(most=most))
        runs = []
        for _ in range(14):
            runs.append(await house.reconciler.run("scheduled"))
            await world.clock.sleep(24 * HOUR)
        assert max(run.counts.processed for run in runs) <= most
        await house.rest()
        assert {each.session_id for each in await kept(house)} == world.account.paid
        assert not all(run.left for run in runs[-3:])
        errors = [[each.subject for each in run.failures] for run in runs]
        assert [bad] in errors[-3:]
        assert max(map(len, errors)) == 1, "it is asked about once in a run, although it has not ended either"

    troubled(story)


@pytest.mark.parametrize("could_not_be_compared", [True, False])
def test_sessions_that_are_asked_about_one_by_one_end_with_the_time(could_not_be_compared: bool) -> None:
    async def story(world: Troubled) -> None:
        idents = await world.opened(90)
        if could_not_be_compared:
            state = await world.house().records.state()
            assert state is not None
            await world.store.commit([STATE.put(msgspec.structs.replace(state, again=idents))])
        house, asked = world.house(events=False, per_second=1.0), 0
        for _ in range(4):
            begun = world.clock.monotonic()
            answer = await answer_event(house.reconciler, {}, partial(world.left_of, begun + 80))
            assert world.clock.monotonic() < begun + 60
            assert answer["statusCode"] == 200
            asked += answer["body"]["processed"]
        assert asked >= 90

    troubled(story)


def test_of_a_provider_that_is_away_sessions_are_not_asked_one_by_one() -> None:
    async def story(world: Troubled) -> None:
        await world.opened(90)
        house, away = world.house(), True
        world.account.away = lambda: away
        asked, begun = world.account.asked, world.clock.monotonic()
        with pytest.raises(Unavailable, match="could look at nothing"):
            await answer_event(house.reconciler, {}, lambda: 300.0)
        assert world.account.asked - asked < 60
        assert world.clock.monotonic() - begun < 60
        away = False
        run = await house.reconciler.run("scheduled")
        assert (run.counts.asked, run.counts.errors, run.state) == (90, 0, "success")

    troubled(story)


def test_while_a_run_waits_for_a_provider_that_hangs_no_other_one_begins() -> None:
    async def story(world: Troubled) -> None:
        await world.opened(20)
        world.account.hangs = world.clock
        begun, first = world.clock.monotonic(), world.house(name="first")
        running = asyncio.create_task(first.reconciler.run("scheduled"))
        refused = 0
        while not running.done():
            await world.clock.sleep(10)
            with suppress(NotPossible):
                await world.house(name="second").reconciler.start()
                break
            refused += 1
        assert (await running).state == "error"
        assert refused * 10 > 300
        assert world.clock.monotonic() - begun < 900

    troubled(story)


def test_nothing_is_asked_again_after_a_wait_for_which_there_is_no_time() -> None:
    async def main() -> None:
        clock = VirtualClock()
        end = clock.monotonic() + 40.0

        def late(lasting: float = 0.0) -> bool:
            return end - clock.monotonic() < 30.0 + lasting

        async def question() -> str:
            raise Unavailable("429", 25.0)

        with pytest.raises(Unavailable):
            await Gate(clock, per_second=None).ask(question, late)
        assert clock.monotonic() < end - 30.0

    run_virtually(main)


def test_an_endpoint_that_nobody_tells_of_costs_no_run_its_end() -> None:
    async def story(world: World) -> None:
        asked = 0

        async def hangs() -> list[Finding]:
            nonlocal asked
            asked += 1
            await world.clock.sleep(20.0)
            raise Doubtful("Stripe did not answer in time")

        house = world.house(probe=partial(Gate(world.clock, per_second=None).ask, hangs))
        end = world.clock.monotonic() + 60
        run = await house.reconciler.run("scheduled", remaining=lambda: end - world.clock.monotonic())
        assert (run.state, run.counts.errors, [each.subject for each in run.failures]) == (
            "success",
            1,
            ["webhook endpoint"],
        )
        assert asked
        assert world.clock.monotonic() < end - 5

    tell(story)


def test_what_a_run_by_hand_left_over_hides_nothing_before_it() -> None:
    async def story(world: World) -> None:
        house = world.house(events=False)
        await house.reconciler.run("scheduled")
        await world.sold(4)
        await world.clock.sleep(3 * HOUR)
        fresh = [world.account.open(100 + nth, world.clock.now()) for nth in range(2)]
        for ident in fresh:
            world.account.complete(ident, world.clock.now())
        await world.clock.sleep(60)
        run = await house.reconciler.run("manual", {"lookbackHours": 1, "maxSessions": 1})
        assert (run.counts.created, [span.what for span in run.left]) == (1, ["sessions"])
        await world.clock.sleep(12 * HOUR)
        assert (await house.reconciler.run("scheduled")).counts.created == 5
        await house.rest()
        await world.well()

    tell(story)


def test_a_clock_that_runs_ahead_hides_nothing_where_a_run_was_cut_short() -> None:
    async def story(world: World) -> None:
        house = world.house(events=False, settings=SyncSettings(most=1))
        await world.sold(3)
        run = await house.reconciler.run("scheduled")
        assert run.left
        ident = world.account.open(100, run.until - 30_000)  # by its provider's clock, a moment later
        world.account.complete(ident, run.until)
        await world.clock.sleep(26 * HOUR)
        await world.house(events=False).reconciler.run("scheduled")
        await house.rest()
        await world.well()

    tell(story)


def test_a_clock_that_was_wrong_hides_nothing_of_the_nights_to_come() -> None:
    async def story(world: World) -> None:
        house = world.house(events=False)
        world.clock.step(timedelta(days=400))
        await house.reconciler.run("scheduled")
        world.clock.step(-timedelta(days=400))
        await house.reconciler.run("scheduled")
        await world.sold(3)
        await world.clock.sleep(90 * HOUR)
        assert (await house.reconciler.run("scheduled")).counts.created == 3

    tell(story)


def test_every_difference_is_found_however_many_there_are_and_however_late_it_is() -> None:
    async def story(world: World) -> None:
        idents = await world.sold(130)
        house = world.house()
        await house.reconciler.run("scheduled")
        await house.rest()
        for ident in idents:
            details = world.account.sessions[ident]
            world.account.sessions[ident] = msgspec.structs.replace(details, total=Money(5, "NOK"))
        run = await house.reconciler.run("manual")
        titles = [each.title for each in (await TICKETS.query(world.store, "state", "open")).items]
        assert (len(run.findings), run.findings_new) == (100, 130)
        assert ["(130 such findings)" in title for title in titles] == [True]

    tell(story)


def test_a_difference_is_found_when_there_is_no_time_to_look_twice() -> None:
    async def story(world: World) -> None:
        (ident,) = await world.sold(1)
        house = world.house(events=False)
        await house.reconciler.run("scheduled")
        await house.rest()
        details = world.account.sessions[ident]
        world.account.sessions[ident] = msgspec.structs.replace(details, total=Money(5, "NOK"))
        end = world.clock.monotonic() + 40
        run = await house.reconciler.run("scheduled", remaining=lambda: end - world.clock.monotonic())
        assert [finding.kind for finding in run.findings] == ["amount differs"]
        assert world.clock.monotonic() < end - 30

    tell(story)


def test_a_page_that_can_never_be_read_does_not_stop_the_nights_to_come() -> None:
    async def story(world: Troubled) -> None:
        house = world.house(events=False)
        idents = await world.sold(3)
        world.account.unreadable = idents[1]
        runs = [await house.reconciler.run("scheduled")]
        for nth in range(2):
            await world.clock.sleep(24 * HOUR)
            ident = world.account.open(100 + nth, world.clock.now())
            world.account.complete(ident, world.clock.now())
            await world.clock.sleep(HOUR)
            runs.append(await house.reconciler.run("scheduled"))
        assert [(run.state, run.counts.created, len(run.left)) for run in runs] == [
            ("error", 0, 1),
            ("partial", 1, 1),
            ("partial", 1, 1),
        ]
        world.account.unreadable = ""  # we learnt its shape
        run = await house.reconciler.run("scheduled")
        assert (run.state, run.counts.created, run.left) == ("success", 3, [])
        await house.rest()
        await world.well()

    troubled(story)


def test_a_place_in_the_list_of_events_that_is_no_more_is_begun_anew() -> None:
    async def story(world: Troubled) -> None:
        await world.sold(130)
        house = world.house(settings=SyncSettings(most=110))
        first = await house.reconciler.run("scheduled")
        place = next(span.after for span in first.left if span.what == "undelivered events")
        assert place
        world.account.events = [told for told in world.account.events if told.id != place]
        runs = []
        for _ in range(3):
            await world.clock.sleep(HOUR)
            runs.append(await house.reconciler.run("scheduled"))
        assert [run.state for run in runs] == ["success"] * 3
        assert not [span for span in runs[-1].left if "events" in span.what]
        await house.rest()
        await world.well()

    troubled(story)


def test_every_order_that_the_default_limit_allows_is_named() -> None:
    async def story(world: World) -> None:
        await world.sold(500)
        run = await world.house(events=False).reconciler.run("scheduled")
        assert run.counts.created == 500
        assert len(set(run.created_orders)) == 500

    tell(story)


def test_a_run_holds_others_up_no_longer_than_it_can_live() -> None:
    async def story(world: World) -> None:
        killed = world.house(name="killed", per_second=0.001)
        end = world.clock.monotonic() + 60

        def left() -> float:
            return end - world.clock.monotonic()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await killed.reconciler.run("scheduled", remaining=left)
        next_one = world.house(name="next")
        await world.clock.sleep(1)
        assert (await next_one.reconciler.run("scheduled")).state == "success"

    tell(story)
