"""Poison among paid orders is nobody else's trouble, and people hear of it once, tracker or not."""

from __future__ import annotations

from tests.simulation.poisoned_trade import poisoned


def test_poison_delays_nobody_and_is_one_ticket_each_and_one_issue_for_each_problem() -> None:
    found = poisoned(60)
    assert found["others"] == found["shipped"] == 56
    assert found["later"] == 0, found["worst"]
    assert found["tickets"] == found["poison"] == 4
    assert found["doubly_told"] == found["untold"] == 0
    assert found["issues"] == 2
    assert found["issues_too_many"] == 0
