"""Deliveries at once, from processes of their own."""

from __future__ import annotations

from contextlib import closing

from tests.journeys.crowd import crowd
from tests.journeys.lives import Outside


def test_rule_04_many_processes_deliver_at_once_and_one_of_each_is_kept() -> None:
    with closing(Outside.open()) as outside:
        found = crowd(outside, processes=8, copies=5)
    assert found["failed"] == 0
    assert found["events"] == found["sent"]
    assert found["runs"] == 1
    assert (found["paid"], found["lost"], found["double"], found["unexplained"]) == (1, 0, 0, 0)
