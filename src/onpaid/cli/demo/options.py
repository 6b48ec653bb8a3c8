"""What a demo is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FACTOR = 40.0
"""Forty times as fast as life: quiet periods of 65 s pass in 1.6 s, which still outlasts whatever lands late by
honest means. The simulators' own times are not compressed."""


@dataclass(frozen=True, slots=True)
class Options:
    """As given on the command line."""

    orders: int = 60
    faults: str = "all"
    seed: int = 1
    once: bool = False
    as_json: bool = False
    database: Path | None = None
    factor: float = FACTOR
    port: int = 0
    upsells: float = 0.0

    @property
    def patience(self) -> float:
        """Seconds after which a demo that has not come to its end is given up, and counts as failed."""
        return 120.0 + 1.5 * self.orders
