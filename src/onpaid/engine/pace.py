"""Every duration of the engine in one place, and the one factor that compresses them all.

A demonstration runs forty times as fast as life: the rules are the same, the waits are shorter. What the outside
says (a Retry-After) is never compressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations, uncompressed. `seconds` and `ms` give them as they pass."""

    factor: float = 1.0
    lease: timedelta = timedelta(seconds=120)
    margin: timedelta = timedelta(seconds=5)
    backoff_first: timedelta = timedelta(seconds=1)
    backoff_most: timedelta = timedelta(minutes=10)
    tick: timedelta = timedelta(seconds=5)
    look_again: timedelta = timedelta(minutes=1)
    looks_before_ticket: int = 5
    tries_before_ticket: int = 8
    paused_look: timedelta = timedelta(minutes=5)
    doubt_look: timedelta = timedelta(hours=1)
    shutdown: timedelta = timedelta(seconds=7)

    def seconds(self, duration: timedelta) -> float:
        """The duration as it passes here, in seconds."""
        return duration.total_seconds() / self.factor

    def ms(self, duration: timedelta) -> int:
        """The duration as it passes here, in whole milliseconds, never less than one."""
        return max(1, round(self.seconds(duration) * 1000))

    def backoff(self, failures: int, random: Random, at_least: float | None = None) -> int:
        """How long to wait after so many failures in a row: exponential with jitter, in milliseconds.

        `at_least` is what the service asked for, in real seconds.
        """
        most = self.ms(self.backoff_most)
        step: int = min(most, self.ms(self.backoff_first) * 2 ** max(0, min(failures - 1, 20)))
        waited = round(step / 2 + random.random() * step / 2)
        return max(waited, round((at_least or 0) * 1000))
