"""What the figures were measured on, and how they are printed."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Figure:
    """One measured figure beside its baseline. `ratio` is what travels to another machine."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    target: str = ""
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return None if not self.baseline else self.value / self.baseline

    def line(self) -> str:
        """A row of a Markdown table."""
        ratio = (
            ""
            if self.ratio is None
            else f"{self.ratio:.2f} x {self.baseline_name} ({_short(self.baseline or 0)})"
        )
        notes = ", ".join(f"{name} {value}" for name, value in self.notes.items())
        return f"| {self.name} | {_short(self.value)} {self.unit} | {ratio} | {self.target} | {notes} |"


HEADER = "| figure | measured | ratio, in the same run | target | notes |\n|---|---|---|---|---|"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """One line about this machine, with how busy it was."""
    one, five, _ = os.getloadavg()
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"load {one:.1f} (1 min) {five:.1f} (5 min), {time.strftime('%Y-%m-%d', time.gmtime())}"
    )


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmRSS in /proc")
