"""Figures for CloudWatch: one line of JSON in its embedded metric format, which the log turns into metrics.

What is counted where it happens (`metrics.py`) is counted in one sandbox that nobody can ask; so at the end of each
invocation its growth is written. Dimensions are the project and the environment, nothing personal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from prometheus_client import Counter

from onpaid.clock import Clock
from onpaid.metrics import EVENTS, STEPS

NAMESPACE: Final = "Onpaid"
WELL: Final = frozenset({"done", "found", "absent", "settled"})
"""How an attempt of a step ends, if not badly."""


class Emf:
    """Writes figures, each with its count."""

    def __init__(self, project: str, environment: str, clock: Clock, write: Callable[[str], object]) -> None:
        """`write` takes one line."""
        self._dimensions = {"Project": project, "Environment": environment}
        self._clock = clock
        self._write = write
        self._counted = _counted()

    def tell(self, figures: Mapping[str, int]) -> None:
        """Write these figures now; none, if there are none."""
        if not figures:
            return
        about: dict[str, Any] = {
            "Timestamp": self._clock.now(),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [list(self._dimensions)],
                    "Metrics": [{"Name": name, "Unit": "Count"} for name in figures],
                }
            ],
        }
        self._write(msgspec.json.encode({"_aws": about, **self._dimensions, **figures}).decode())

    def tell_growth(self) -> None:
        """Write what was counted since the last time, if anything was."""
        now = _counted()
        grown = {name: count - self._counted[name] for name, count in now.items()}
        self._counted = now
        self.tell({name: count for name, count in grown.items() if count})


def _counted() -> dict[str, int]:
    return {
        "EventsRecorded": _sum(EVENTS, lambda labels: labels["verdict"] != "duplicate"),
        "StepsFailed": _sum(STEPS, lambda labels: labels["outcome"] not in WELL),
    }


def _sum(counter: Counter, counts: Callable[[Mapping[str, str]], bool]) -> int:
    return sum(
        round(sample.value)
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and counts(sample.labels)
    )
