"""Periods as people write them: days are the company's, an end is the end of its day, and nonsense is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.clock import as_instant
from onpaid.domain.periods import moment, period
from onpaid.errors import InvalidInput

OSLO = ZoneInfo("Europe/Oslo")
NOW = as_instant(datetime(2026, 11, 21, 12, 0, tzinfo=ZoneInfo("UTC")))


def at(*parts: int, zone: ZoneInfo = OSLO) -> int:
    return as_instant(datetime(*parts, tzinfo=zone))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-11-01", at(2026, 11, 1)),
        ("2026-11-01T12:30", at(2026, 11, 1, 12, 30)),
        ("2026-11-01T12:30:00Z", at(2026, 11, 1, 12, 30, zone=ZoneInfo("UTC"))),
        ("2026-11-01T12:30+05:30", at(2026, 11, 1, 12, 30, zone=ZoneInfo("Asia/Kolkata"))),
        ("36h", NOW - 36 * 3_600_000),
        ("7d", NOW - 7 * 86_400_000),
        ("5m", NOW - 300_000),
    ],
)
def test_what_a_text_means(text: str, means: int) -> None:
    assert moment(text, NOW, OSLO) == means


def test_a_day_as_an_end_is_meant_to_its_end() -> None:
    assert moment("2026-11-01", NOW, OSLO, end=True) == at(2026, 11, 2) - 1


def test_a_day_on_which_clocks_are_put_back_has_25_hours() -> None:
    day = moment("2026-10-25", NOW, OSLO, end=True) - moment("2026-10-25", NOW, OSLO)
    assert day + 1 == timedelta(hours=25).total_seconds() * 1000


def test_by_default_it_is_the_last_week() -> None:
    assert period("", "", NOW, OSLO) == (NOW - 7 * 86_400_000, NOW)
    assert period("2026-11-01", "2026-11-02", NOW, OSLO) == (at(2026, 11, 1), at(2026, 11, 3) - 1)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "7w", "-7d", "20261101T", "9999-12-31"])
def test_what_is_no_time_is_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no time"):
        moment(text, NOW, OSLO, end=True)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert isinstance(moment(text, NOW, OSLO), int)
