"""How Stripe counts periods: by the calendar in UTC, and never past the end of a shorter month."""

import calendar
from datetime import UTC, datetime, timedelta

from onpaid.simulators.kit import Json


def later(start: int, recurring: Json) -> int:
    """When the period ends that begins at `start` (seconds since 1970): 31 January and a month is 28 February."""
    interval, count = recurring["interval"], int(recurring["interval_count"])
    began = datetime.fromtimestamp(start, UTC)
    if interval in ("day", "week"):
        return int((began + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = began.year * 12 + began.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(began.day, calendar.monthrange(year, month + 1)[1])
    return int(began.replace(year=year, month=month + 1, day=day).timestamp())
