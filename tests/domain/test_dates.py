"""The company's day, over midnight, month's end, leap days and the turn of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.clock import as_instant
from onpaid.domain.dates import due_date, issue_date, time_zone
from onpaid.errors import SettingsError

OSLO = time_zone("Europe/Oslo")


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-11-21T05:10:00", "Europe/Oslo", "2026-11-21"),
        ("2026-12-31T22:59:59", "Europe/Oslo", "2026-12-31"),
        ("2026-12-31T23:00:00", "Europe/Oslo", "2027-01-01"),
        ("2026-06-30T21:59:59", "Europe/Oslo", "2026-06-30"),
        ("2026-06-30T22:00:00", "Europe/Oslo", "2026-07-01"),
        ("2026-03-28T23:00:00", "Europe/Oslo", "2026-03-29"),  # the night that is an hour short
        ("2026-03-29T21:59:59", "Europe/Oslo", "2026-03-29"),
        ("2026-03-29T22:00:00", "Europe/Oslo", "2026-03-30"),
        ("2026-10-24T22:00:00", "Europe/Oslo", "2026-10-25"),  # the night that is an hour longer
        ("2026-10-25T22:59:59", "Europe/Oslo", "2026-10-25"),
        ("2026-10-25T23:00:00", "Europe/Oslo", "2026-10-26"),
        ("2028-02-28T23:00:00", "Europe/Oslo", "2028-02-29"),
        ("2027-02-28T23:00:00", "Europe/Oslo", "2027-03-01"),
        ("2026-12-31T23:00:00", "UTC", "2026-12-31"),
        ("2026-12-31T10:00:00", "Pacific/Kiritimati", "2027-01-01"),
    ],
)
def test_the_day_of_an_invoice_is_the_companys(moment: str, zone: str, day: str) -> None:
    instant = as_instant(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert issue_date(instant, time_zone(zone)) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("issued", "days", "due"),
    [
        ("2026-11-21", 30, "2026-12-21"),
        ("2026-01-31", 30, "2026-03-02"),
        ("2028-01-30", 30, "2028-02-29"),
        ("2028-02-29", 30, "2028-03-30"),
        ("2026-12-15", 30, "2027-01-14"),
        ("2026-10-20", 10, "2026-10-30"),
        ("2026-11-21", 0, "2026-11-21"),
    ],
)
def test_due_dates(issued: str, days: int, due: str) -> None:
    day = date.fromisoformat(issued)
    assert due_date(day, cash=False, days=days) == date.fromisoformat(due)
    assert due_date(day, cash=True, days=days) == day


def test_thirty_days_unless_told_otherwise() -> None:
    assert due_date(date(2026, 11, 21), cash=False) == date(2026, 12, 21)


def test_due_before_it_is_issued() -> None:
    with pytest.raises(SettingsError):
        due_date(date(2026, 11, 21), cash=False, days=-1)


@pytest.mark.parametrize("name", ["", "Oslo", "Europe/Olso", "../etc/passwd", "/etc/passwd", "Europe", "\0"])
def test_a_time_zone_that_there_is_not(name: str) -> None:
    with pytest.raises(SettingsError, match="Europe/Oslo"):
        time_zone(name)


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 86_400_000))
def test_days_never_run_backwards(instant: int, later: int) -> None:
    first, second = issue_date(instant, OSLO), issue_date(instant + later, OSLO)
    assert first <= second <= first + timedelta(days=2)
