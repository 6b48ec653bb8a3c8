"""Many tickets, few problems: one open issue for each, comments that become rarer, and nobody waits for the tracker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from onpaid.domain.problems import REPORTING
from onpaid.engine.journal import Ticket
from onpaid.engine.testing import run_virtually
from onpaid.engine.tickets import new_ticket
from onpaid.errors import Conflict
from onpaid.flows.open_issue import open_issue
from onpaid.flows.report_problem import report_problem
from onpaid.repositories.problems import Problem, Problems
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Write
from tests.flows.board import Board, Pager
from tests.flows.fates import DRAWN_FOR_ACTS, Fates
from tests.flows.scenes import SEEN, with_problem
from tests.flows.stage import Stage
from tests.flows.world import World

HOUR = timedelta(hours=1)
TITLE = "Shipment creation failed: the courier does not take order shop/{number} over INR {number}.00"


def told(
    story: Callable[[Stage, Board, Pager], Awaitable[None]], fates: Mapping[str, list[str]] | None = None
) -> None:
    """Tell a story with a tracker and a pager."""

    async def main() -> None:
        world = World(Fates(fates or {}))
        board, pager = Board(world), Pager(world)
        world.tracker, world.alerting = board, pager
        stage = Stage(world)
        await story(stage, board, pager)
        assert not world.faults, world.faults

    run_virtually(main)


def a_ticket(
    stage: Stage, number: int, *, severity: str = "high", title: str = TITLE, **facts: Any
) -> Ticket:
    return new_ticket(
        None,
        subject=f"ship_paid_order:{number}",
        cause="create order",
        title=title.format(number=number),
        category="delivery",
        severity=severity,
        now=stage.clock.now(),
        facts={"order": f"shop/{number}", "customerEmail": "kari@example.org", **facts},
        about=[f"order:shop/{number}"],
    )


async def opened(stage: Stage, *tickets: Ticket) -> None:
    for ticket in tickets:
        await stage.process.engine.recorder.record(tickets=[ticket])


async def several(stage: Stage, first: int, last: int, **more: Any) -> None:
    await opened(stage, *(a_ticket(stage, number, **more) for number in range(first, last + 1)))


async def problem(stage: Stage) -> Problem:
    (found,) = (await stage.guests["problems"].newest()).items
    return found


def test_five_hundred_tickets_of_one_problem_are_one_issue_and_eight_comments() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        for number in range(1, 500, 50):
            await several(stage, number, number + 49)
            await stage.rest()
        assert len(stage.world.tickets) == 500
        assert len({ticket.fingerprint for ticket in stage.world.tickets}) == 1
        (issue,) = board.issues
        assert board.issues[0].counts == [2, 4, 8, 16, 32, 64, 128, 256]
        assert issue.ticket.environment == "test"
        (last,) = [text for marker, text in issue.comments if marker.endswith("/256]")]
        assert "256 tickets" in last
        assert "and 206 more" in last
        assert stage.world.tickets[0].id in last
        kept = await problem(stage)
        assert (kept.tickets, kept.issue, kept.generation, len(kept.first)) == (500, issue.key, 1, 50)
        assert not pager.told

    told(story)


def test_problems_that_differ_have_an_issue_each() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 3)
        await several(stage, 4, 6, title="AWB not received for order {number}")
        await stage.rest()
        assert len(board.issues) == 2
        assert [issue.counts for issue in board.issues] == [[2], [2]]

    told(story)


def test_nothing_personal_leaves_the_house() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        title = "Shipment of order {number} for kari@example.org failed"
        await opened(
            stage, a_ticket(stage, 2045861230417, title=title, severity="critical", phone="+919876543210")
        )
        await stage.rest()
        for filed in (*stage.world.tickets, board.issues[0].ticket, *pager.told):
            assert "kari" not in repr(filed)
            assert "9876543210" not in repr(filed)
            assert filed.order == "shop/2045861230417"
            assert "2045861230417" in filed.title

    told(story)


@pytest.mark.parametrize("fate", [*DRAWN_FOR_ACTS, "refuse"])
def test_reports_that_meet_make_one_issue_whatever_befalls_its_making(fate: str) -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 9)
        await stage.rest()
        for run in await stage.runs("open_issue"):
            if run.state == "failed":
                await stage.operations.retry(run.id, by="an operator")
        await stage.rest()
        assert len(board.issues) == 1
        assert board.issues[0].counts == [2, 4, 8]
        assert {run.state for run in await stage.runs("report_problem")} == {"done"}

    told(story, {"create_issue": [fate], "comment": [fate if fate != "refuse" else "well"]})


def test_a_tracker_that_is_away_for_six_hours_delays_nothing_and_makes_one_issue() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        board.away_until = 6 * 3600.0
        for number in range(1, 41):
            await several(stage, number, number)
            await stage.wait(timedelta(minutes=5))
            assert all(run.state == "done" for run in await stage.runs("file_ticket")), "a filing waits"
        assert not board.issues
        assert len(stage.world.tickets) == 41, "forty, and one about the board"
        (about,) = [ticket for ticket in stage.world.tickets if ticket.facts.get("lane") == "board"]
        await stage.wait(4 * HOUR)
        await stage.rest()
        (issue,) = board.issues
        assert issue.ticket.fingerprint != about.fingerprint
        assert board.issues[0].counts == [2, 4, 8, 16, 32]
        assert {ticket.facts.get("lane") for ticket in await stage.tickets()} == {None}
        assert {run.state for run in await stage.runs("report_problem")} == {"done"}

    told(story)


def test_an_issue_that_people_closed_is_followed_by_a_new_one() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 3)
        await stage.rest()
        board.issues[0].open = False
        await several(stage, 4, 8)  # two reports that both find it closed
        await stage.rest()
        first, second = board.issues
        assert first.ticket.fingerprint == second.ticket.fingerprint
        assert board.issues[0].counts == [2]
        assert board.issues[1].counts == [4, 8]
        kept = await problem(stage)
        assert (kept.generation, kept.issue) == (2, second.key)

    told(story)


def test_a_problem_that_comes_back_after_a_silence_is_told_of_again() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 5)
        await stage.rest()
        await stage.wait(30 * HOUR)
        await several(stage, 6, 7, severity="critical")
        await stage.rest()
        assert board.issues[0].counts == [2, 4, 6]
        assert [alert.times for alert in pager.told] == [6]

    told(story)


def test_critical_tickets_wake_somebody_at_each_doubling() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 9, severity="critical")
        await stage.rest()
        assert sorted(alert.times for alert in pager.told) == [1, 2, 4, 8]

    told(story, {"alert": ["503 before"]})


def test_refused_credentials_stop_the_lane_and_are_told_elsewhere() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 4)
        await stage.rest(2 * HOUR)
        assert not board.issues
        (about,) = [ticket for ticket in stage.world.tickets if ticket.category == "settings"]
        assert about.facts["lane"] == "board"
        assert [alert.id for alert in pager.told] == [about.id]
        await stage.operations.resume("board", by="an operator")
        await stage.rest()
        assert len(board.issues) == 1
        assert board.issues[0].ticket.category == "delivery"
        assert board.issues[0].counts == [2, 4]

    told(story, {"find_issue": ["unauthorised"]})


def test_a_tracker_that_refuses_hears_nothing_of_its_refusal() -> None:
    async def story(stage: Stage, board: Board, pager: Pager) -> None:
        await several(stage, 1, 4)
        await stage.rest(timedelta(hours=12))
        assert not board.issues
        (run,) = await stage.runs("open_issue")
        assert run.state == "failed"
        assert len(stage.world.tickets) == 5, "the refusal is in the log"
        assert len(await stage.runs("report_problem")) == 3
        assert [flow.name for flow in (report_problem, open_issue)] == [
            name.rstrip(":") for name in REPORTING
        ]

    told(story, {"create_issue": ["refuse"] * 20})


def test_without_a_tracker_a_ticket_is_filed_and_counted_and_no_more() -> None:
    async def main() -> None:
        stage = Stage(World())
        await several(stage, 1, 4, severity="critical")
        await stage.rest()
        assert len(stage.world.tickets) == 4
        assert (await problem(stage)).tickets == 4
        assert not await stage.runs("report_problem")
        assert {run.state for run in await stage.runs("file_ticket")} == {"done"}
        board = Board(stage.world)
        later = Stage(stage.world, store=stage.store, clock=stage.clock, alive=False)
        assert later.guests["tracker"].present is False
        await stage.stop()
        stage.world.tracker = board  # it is set up later: the next report finds no issue and has one made
        later = Stage(stage.world, store=stage.store, clock=stage.clock)
        await several(later, 5, 8)
        await later.rest()
        assert len(board.issues) == 1
        assert board.issues[0].counts == [8]

    run_virtually(main)


class Hesitant:
    """A store that lets others run before each word and after it, so that they get in between."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.conflicts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, kind: str, key: str) -> Any:
        found = await self._store.get(kind, key)
        await asyncio.sleep(0)
        return found

    async def commit(self, writes: Sequence[Write]) -> None:
        await asyncio.sleep(0)
        try:
            await self._store.commit(writes)
        except Conflict as conflict:
            self.conflicts += any(kind == "problem" for kind, _ in conflict.keys)
            raise


def test_tickets_that_are_counted_at_once_are_counted_once_each() -> None:
    async def main() -> None:
        world, store = World(), Hesitant()
        board = world.tracker = Board(world)
        stage = Stage(world, store=store)
        await several(stage, 1, 60)
        await stage.rest()
        kept = await problem(stage)
        assert store.conflicts > 5
        assert kept.tickets == 60
        assert len(set(kept.first)) == 50
        assert len(board.issues) == 1
        assert board.issues[0].counts == [2, 4, 8, 16, 32]
        assert not world.faults

    run_virtually(main)


async def test_what_a_restored_database_has_forgotten_stops_nothing() -> None:
    problems = Problems(MemoryStore(), environment="test")
    standing = await problems.standing("0123456789ab")
    assert standing.value.generation == 1  # type: ignore[union-attr]
    following = await problems.next_generation("0123456789ab", 1)
    assert following.value == 2  # type: ignore[union-attr]
    noted = await problems.note_issue("0123456789ab", 1, "OPS-1")
    assert noted.value is False  # type: ignore[union-attr]


async def test_who_finds_an_issue_closed_late_joins_the_next_one() -> None:
    store = MemoryStore()
    await with_problem(store)
    problems = Problems(store, environment="test")

    async def done(local: Any) -> Any:
        if local.writes:
            await store.commit(local.writes)
        return local.value

    assert await done(await problems.next_generation(SEEN.fingerprint, 1)) == 2
    assert await done(await problems.note_issue(SEEN.fingerprint, 2, "OPS-2")) is True
    assert await done(await problems.next_generation(SEEN.fingerprint, 1)) == 2
    assert await done(await problems.note_issue(SEEN.fingerprint, 1, "OPS-1")) is False
    kept = await problems.get(SEEN.fingerprint)
    assert kept is not None
    assert (kept.generation, kept.issue) == (2, "OPS-2")
