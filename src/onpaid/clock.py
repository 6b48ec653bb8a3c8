"""Time, handed in.

Instants are whole milliseconds since 1970 in UTC (`Instant`): they compare, sort and index as they are.
`Clock.now` is the wall clock, which may jump; `Clock.monotonic` never does and measures how long we waited.
Nothing else in onpaid reads a clock or sleeps.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

Instant = int
"""Milliseconds since 1970-01-01T00:00Z."""


class Clock(Protocol):
    """What the engine may know of time."""

    def now(self) -> Instant:
        """The wall clock."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        # Where the system has it, the clock that goes on while the machine is suspended: a request must not leave
        # after its deadline because the lid was closed in between.
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def as_datetime(instant: Instant, zone: str | ZoneInfo = "UTC") -> datetime:
    """The instant as an aware datetime in `zone`."""
    where = ZoneInfo(zone) if isinstance(zone, str) else zone
    return datetime.fromtimestamp(instant / 1000, UTC).astimezone(where)


def as_instant(moment: datetime) -> Instant:
    """An aware datetime as an instant."""
    return round(moment.timestamp() * 1000)


def iso(instant: Instant) -> str:
    """The instant as people and machines read it: 2026-11-21T05:10:00.123Z."""
    return (
        datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
