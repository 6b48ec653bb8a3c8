"""The suite catches what it claims to catch: every planted bug shows, and the right service stands where it fell."""

from __future__ import annotations

import pytest

from tests.simulation.bugs import BUGS, Bug


def test_there_are_enough_planted_bugs() -> None:
    assert len(BUGS) >= 20
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug) -> None:
    shown = bug.shows()
    assert shown, "nothing in the suite noticed"
    assert not shown.startswith("WITHOUT"), shown
