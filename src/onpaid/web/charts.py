"""Bars over time, laid out here and drawn by a template: plain SVG, every mark with its words.

The same numbers stand in a table beneath each chart; nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
LEFT: Final = 44
BOTTOM: Final = 22
TOP: Final = 8
LINES: Final = 4
LABELS: Final = 6
"""Columns that bear their label, at most."""


@dataclass(frozen=True, slots=True)
class Column:
    """One bar: how it is labelled, and its parts from the bottom upwards, each with its kind and count."""

    label: str
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle, in the units of its chart."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid, or a label beneath a bar: where, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a template needs. `words` is what the chart says, for those who do not see it."""

    words: str
    width: int
    height: int
    left: int
    marks: tuple[Mark, ...]
    grid: tuple[Line, ...]
    labels: tuple[Line, ...]


def bars(columns: Sequence[Column], words: str, *, height: int = 190) -> Chart:
    """Stacked bars, the first column at the left."""
    floor, room = height - BOTTOM, height - BOTTOM - TOP
    top = _round_up(max((sum(count for _, count in each.parts) for each in columns), default=0))
    step = (WIDTH - LEFT) / max(1, len(columns))
    wide = min(28.0, step * 0.72)
    marks: list[Mark] = []
    for nth, column in enumerate(columns):
        y = float(floor)
        for kind, count in column.parts:
            tall = room * count / top
            y -= tall
            if count:
                x = LEFT + nth * step + (step - wide) / 2
                marks.append(
                    Mark(
                        round(x, 1),
                        round(y, 1),
                        round(wide, 1),
                        round(tall, 1),
                        kind,
                        f"{column.label}: {count} {kind}",
                    )
                )
    grid = [Line(floor - room * nth / LINES, _number(top * nth / LINES)) for nth in range(LINES + 1)]
    every = max(1, -(-len(columns) // LABELS))
    labels = [
        Line(round(LEFT + nth * step + step / 2, 1), column.label)
        for nth, column in enumerate(columns)
        if nth % every == 0
    ]
    return Chart(words, WIDTH, height, LEFT, tuple(marks), tuple(grid), tuple(labels))


def _round_up(most: int) -> int:
    """The next number that four lines divide well."""
    size = 4
    while size < most:
        for factor in (4, 8, 12, 20, 40):
            if most <= factor * size // 4:
                return factor * size // 4
        size *= 10
    return size


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"
