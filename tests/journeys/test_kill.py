"""A real process, SIGKILLed at its journal writes and at random moments: nothing lost, nothing doubled, nothing stuck."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.kill import count_writes, freeze_at_writes, kill_at_random, kill_at_writes
from tests.journeys.lives import Outside


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    running = Outside.open()
    yield running
    running.close()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", range(3))
def test_killed_at_a_journal_write(outside: Outside, part: int) -> None:
    """Every third write in each part; the scorecard takes them all together, and pairs of them."""
    writes = count_writes(outside)
    assert writes > 12
    found = kill_at_writes(outside, range(1 + part, writes + 1, 6))
    assert found["kills"] >= 6
    assert (found["lost"], found["double"], found["unexplained"], found["stuck"]) == (0, 0, 0, 0)


@pytest.mark.timeout(240)
def test_killed_at_random_until_all_is_done(outside: Outside) -> None:
    found = kill_at_random(outside, 12, seed=7)
    assert found["kills"] >= 1
    assert found["paid"] == 12
    assert (found["lost"], found["double"], found["unexplained"], found["stuck"]) == (0, 0, 0, 0)


@pytest.mark.timeout(240)
def test_frozen_at_a_journal_write_until_after_its_lease(outside: Outside) -> None:
    found = freeze_at_writes(outside, range(2, 30, 9))
    assert found["freezes"] == 8
    assert (found["lost"], found["double"], found["unexplained"], found["stuck"]) == (0, 0, 0, 0)
