"""The reconciliation in quick sizes; `make score ARGS="--line 14 --line 15"` tells the full ones."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.month import month
from tests.simulation.nights_on_a_table import on_the_emulator
from tests.simulation.reconciled import HOUR, lost_webhooks, on_functions, racing, wrong


@pytest.mark.parametrize(
    ("lost", "outage", "events"),
    [
        (0, 0.0, True),
        (1, 0.0, False),
        (37, 0.0, True),
        (119, 0.0, False),
        (120, 72 * HOUR, True),
        (120, 72 * HOUR, False),
    ],
)
def test_whatever_was_lost_is_restored_and_a_second_round_changes_nothing(
    lost: int, outage: float, events: bool
) -> None:
    found = lost_webhooks(120, lost, outage=outage, events=events, most=50)
    assert not wrong(found), found
    assert found["created"] == lost
    assert found["nights"] > 1, "the limit of a run was never met"


def test_racing_webhooks_and_another_run_nothing_is_made_twice() -> None:
    died = 0
    for seed in range(60):
        found = racing(seed)
        assert not wrong(found), (seed, found)
        died += found["died"]
    assert died, "nobody died on the way"


def test_on_functions_that_are_killed_and_run_out_of_time_it_is_the_same() -> None:
    killed = 0
    for seed in range(6):
        found = on_functions(seed)
        assert not wrong(found), (seed, found)
        killed += found["killed"]
    assert killed, "nobody was killed on the way"


def test_over_a_table_that_judges_conditions_it_is_the_same() -> None:
    found = asyncio.run(on_the_emulator(12))
    assert not wrong(found), found


def test_a_month_of_mishaps_ends_with_everything_in_its_place() -> None:
    found = month(2, days=20, a_day=12)
    assert not wrong(found), found
    assert found["lost"] > 30
    assert found["still waiting"] == 0


def test_a_run_that_only_looks_is_seen_to_restore_nothing() -> None:
    assert wrong(lost_webhooks(20, 20, dry_run=True))
