"""Every bug planted in the story of delivery shows, and the right service stands where it fell."""

from __future__ import annotations

import pytest

from tests.simulation.bugs import Bug
from tests.simulation.bugs_delivery import DELIVERY_BUGS


def test_there_are_enough_planted_bugs() -> None:
    assert len(DELIVERY_BUGS) >= 20
    assert len({bug.name for bug in DELIVERY_BUGS}) == len(DELIVERY_BUGS)


@pytest.mark.parametrize("bug", DELIVERY_BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug) -> None:
    shown = bug.shows()
    assert shown, "nothing in the suite noticed"
    assert not shown.startswith("WITHOUT"), shown
