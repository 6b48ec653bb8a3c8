"""What an order cost on the emulated AWS, and what was broken there, as tables behind the proof."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table

COLUMNS: Final = {
    "dynamodb_calls": "calls to the table",
    "write_units": "write units",
    "read_units": "read units",
    "sqs_calls": "calls to the queue",
}


def aws_tables(told: dict[str, Any]) -> RenderableType:
    """The figures of a stage on AWS."""
    cost = Table(title="For one order, by function", title_justify="left")
    cost.add_column("")
    for words in COLUMNS.values():
        cost.add_column(words, justify="right")
    for who, figures in told["per_order"].items():
        cost.add_row(who, *(str(figures[name]) for name in COLUMNS))
    broken = Table.grid(padding=(0, 2))
    injected = ", ".join(f"{name} {times}" for name, times in told["faults_injected"].items())
    broken.add_row("broken on AWS", injected or "nothing")
    broken.add_row("requests", str(told["requests"]))
    return Group(cost, broken)
