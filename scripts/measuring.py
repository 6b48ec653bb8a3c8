"""What measuring has in common: a figure with its verdict, tests as a figure, and figures in words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """Whether the target is met, and the figure in words."""

    ok: bool
    value: str


@dataclass(frozen=True)
class Line:
    """One figure of the scorecard."""

    number: int
    title: str
    measure: Callable[[bool], Measured]


def tests(*nodes: str) -> Callable[[bool], Measured]:
    """A line whose figure is a table of tests: all of them pass, and none is skipped."""

    def measure(_quick: bool) -> Measured:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *nodes]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "CI": "true"}, check=False
        )
        counts = {what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout)}
        passed = counts.get("passed", 0)
        ok = done.returncode == 0 and passed > 0 and not counts.get("skipped")
        return Measured(
            ok, f"{passed} tests pass" if ok else f"exit {done.returncode}: {done.stdout.strip()[-300:]}"
        )

    return measure


def each(*parts: Callable[[bool], Measured]) -> Callable[[bool], Measured]:
    """A line of several parts, all of which have to be met."""

    def measure(quick: bool) -> Measured:
        found = [part(quick) for part in parts]
        return Measured(all(part.ok for part in found), "; ".join(part.value for part in found))

    return measure


def no(found: dict[str, Any] | Any, *names: str) -> bool:
    return all(found.get(name, 0) == 0 for name in names)


def say(found: Any) -> str:
    return ", ".join(f"{value} {name}" for name, value in found.items() if isinstance(value, int | float))


def told(report: dict[str, Any]) -> str:
    names = ("paid", "invoiced", "mailed", "missing", "double", "waiting_for_person", "mischief")
    figures = ", ".join(f"{report[name]} {name.replace('_', ' ')}" for name in names)
    return f"{figures}, ledger and database {'agree' if report['agrees'] else 'DIFFER'}"


def simulated(seeds: range, orders: int, share: float, **more: Any) -> tuple[Counter[str], list[str]]:
    from tests.simulation.simulate import simulate

    total: Counter[str] = Counter()
    why: list[str] = []
    for seed in seeds:
        day = simulate(seed, orders, share, **more)
        total.update(payments=day.payments, lost=len(day.lost), double=len(day.double), stuck=len(day.stuck))
        total.update({f"tickets:{name}": count for name, count in day.tickets_by_class.items()})
        total["settled"] += day.settled
        if not day.well:
            why.append(day.why)
    return total, why
