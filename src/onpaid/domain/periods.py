"""A period as people write it: a day, a moment, or so long ago.

`2026-11-01` is the beginning of that day for a start and its end for an end, in the company's time zone; `36h` and
`7d` are so long before now; `2026-11-01T12:00` is a moment there, and with `Z` or an offset it is that of its own.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from onpaid.clock import Instant, as_instant
from onpaid.errors import InvalidInput

_AGO = re.compile(r"(\d{1,5})([mhd])", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LAST_WEEK = "7d"
"""What is proven where nothing is said."""


def moment(text: str, now: Instant, zone: ZoneInfo, *, end: bool = False) -> Instant:
    """The instant that a text means; `end` says that a day means its end. Raises InvalidInput."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - round((int(ago[1]) * _UNITS[ago[2]]).total_seconds() * 1000)
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            if not end:
                return as_instant(datetime.combine(day, time(), zone))
            return as_instant(datetime.combine(day + timedelta(days=1), time(), zone)) - 1
        told = datetime.fromisoformat(text)
        return as_instant(told if told.tzinfo is not None else told.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{text[:40]!r} is no time: write a day (2026-11-01), a moment (2026-11-01T12:00) or how long ago (7d, 36h)"
        ) from None


def period(since: str, until: str, now: Instant, zone: ZoneInfo) -> tuple[Instant, Instant]:
    """The first and the last instant; by default the last week until now. Raises InvalidInput."""
    first = moment(since or LAST_WEEK, now, zone)
    last = moment(until, now, zone, end=True) if until else now
    return first, last
