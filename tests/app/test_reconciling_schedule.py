"""The reconciliation runs by itself at its planned times, makes up for one that was missed, and repeats one that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_schedule import Nightly
from onpaid.clock import as_instant, iso
from onpaid.engine.testing import START, MemoryStore, VirtualClock, run_virtually
from onpaid.errors import InvalidInput
from onpaid.repositories.reconciliations import LEASE, SyncLease
from tests.simulation.sales import House, Listeners
from tests.simulation.till import Account

HOUR = 3600.0


def tell(story: Callable[[House, Account], Awaitable[None]], schedule: str = "0 2 * * *") -> None:
    async def main() -> None:
        account = Account()
        await story(House(MemoryStore(), account, Listeners(), VirtualClock(), schedule=schedule), account)

    run_virtually(main)


async def begun(house: House) -> list[str]:
    return [iso(run.started_at)[5:16] for run in (await house.records.newest()).items][::-1]


async def watched(house: House, hours: float) -> None:
    """Looked at each minute, for so long."""
    end = house.clock.monotonic() + hours * HOUR
    while house.clock.monotonic() < end:
        await house.nightly.look()
        await house.clock.sleep(60)


def test_it_runs_at_its_planned_times_and_only_then() -> None:
    async def story(house: House, _account: Account) -> None:
        await watched(house, 60)
        assert await begun(house) == ["01-01T02:00", "01-02T02:00", "01-03T02:00"]

    tell(story)


def test_a_night_that_was_missed_is_made_up_for_at_the_next_start() -> None:
    async def story(house: House, _account: Account) -> None:
        await watched(house, 1)
        await house.clock.sleep(50 * HOUR)
        await watched(house, 0.5)
        assert await begun(house) == ["01-03T03:00"]

    tell(story)


def test_a_run_by_hand_does_not_take_the_place_of_a_planned_one() -> None:
    async def story(house: House, _account: Account) -> None:
        await house.nightly.look()
        await house.clock.sleep(HOUR)
        await house.reconciler.run("manual", {"lookbackHours": 1})
        await watched(house, 2)
        assert await begun(house) == ["01-01T01:00", "01-01T02:00"]

    tell(story)


def test_one_that_had_to_leave_something_is_repeated_soon() -> None:
    async def story(house: House, account: Account) -> None:
        account.away = lambda: house.clock.monotonic() < 2.4 * HOUR
        await watched(house, 6)
        runs = (await house.records.newest()).items
        assert [run.state for run in runs] == ["success", "error"]
        assert 30 <= (runs[0].started_at - runs[1].started_at) / 60_000 <= 33

    tell(story)


def test_who_looks_into_a_night_that_failed_does_not_cancel_its_repeat() -> None:
    async def story(house: House, account: Account) -> None:
        account.away = lambda: house.clock.monotonic() < 2.4 * HOUR
        await watched(house, 2.2)
        await house.reconciler.run("manual", {"dryRun": True})
        await house.reconciler.run("manual", {"lookbackHours": 1})
        await watched(house, 6)
        runs = (await house.records.newest()).items
        assert [(run.trigger, run.state) for run in runs] == [
            ("scheduled", "success"),
            ("manual", "error"),
            ("manual", "error"),
            ("scheduled", "error"),
        ]

    tell(story)


def test_a_planned_run_whose_process_died_is_repeated_soon() -> None:
    async def story(house: House, account: Account) -> None:
        await watched(house, 1.9)
        slow = House(house.store, account, Listeners(), house.clock, name="slow", per_second=0.001)
        dying = asyncio.create_task(watched(slow, 0.5))
        await house.clock.sleep(0.25 * HOUR)
        dying.cancel()
        await watched(house, 3)
        assert await begun(house) == ["01-01T02:00", "01-01T02:30"]

    tell(story)


def test_a_plan_of_dry_runs_is_kept_to_as_well() -> None:
    async def main() -> None:
        settings = SyncSettings(dry_run=True)
        house = House(MemoryStore(), Account(), Listeners(), VirtualClock(), settings=settings)
        await watched(house, 30)
        assert await begun(house) == ["01-01T02:00", "01-02T02:00"]

    run_virtually(main)


def test_a_clock_that_was_wrong_stops_no_night() -> None:
    async def story(house: House, _account: Account) -> None:
        ahead = SyncLease(planned_at=START + 400 * 86_400_000)
        await house.store.commit([LEASE.put(ahead)])
        assert await house.nightly.look()

    tell(story)


def test_other_plans() -> None:
    async def story(house: House, _account: Account) -> None:
        night = Nightly(house.reconciler, house.clock, " */30  1,13 * * 1-5 ")
        assert night.schedule == "*/30 1,13 * * 1-5"
        assert iso(night.following(as_instant_of("2026-01-02T13:30")))[:16] == "2026-01-05T01:00"

    tell(story)


def as_instant_of(text: str) -> int:
    from datetime import UTC, datetime

    return as_instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize("schedule", ["", "at two", "0 2 * *", "0 25 * * *", "0 0 31 2 *"])
def test_a_schedule_that_is_none_is_refused(schedule: str) -> None:
    async def story(house: House, _account: Account) -> None:
        with pytest.raises(InvalidInput, match="cron"):
            Nightly(house.reconciler, house.clock, schedule)

    tell(story)
