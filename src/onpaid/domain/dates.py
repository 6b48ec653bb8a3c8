"""The two dates of an invoice, as the company's books see them.

A payment at 23:30 UTC on New Year's Eve is a sale of next year in Oslo: the day of an instant is the company's day.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from onpaid.clock import Instant, as_datetime
from onpaid.errors import SettingsError

DAYS_TO_PAY: Final = 30


def time_zone(name: str) -> ZoneInfo:
    """The company's time zone. Raises SettingsError for a name that there is not."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"{name!r} is not a time zone: give a name such as Europe/Oslo") from None


def issue_date(instant: Instant, zone: ZoneInfo) -> date:
    """The company's day at that instant."""
    return as_datetime(instant, zone).date()


def due_date(issued: date, *, cash: bool, days: int = DAYS_TO_PAY) -> date:
    """When the invoice is due: at once if it is paid in cash or by card, else so many days later."""
    if days < 0:
        raise SettingsError(f"an invoice cannot be due {-days} days before it is issued: give 0 days or more")
    return issued if cash else issued + timedelta(days=days)
