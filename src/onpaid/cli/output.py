"""How commands speak: tables for people, JSON for scripts, one sentence for what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from onpaid.errors import OnpaidError

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 200
"""The width of a table that nobody looks at: nothing is cut off in a pipe."""
MOODS = {"good": "green", "bad": "red", "doubt": "magenta", "wait": "yellow", "calm": "", "todo": "dim"}


@cache
def console(*, errors: bool = False) -> Console:
    """The terminal, or what stands in for it."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    return Console(stderr=errors, width=None if stream.isatty() else WIDE, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """One value, whole, on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def say(text: str, style: str = "") -> None:
    """A sentence for a person. What is in it is never read as markup."""
    from rich.text import Text

    console().print(Text(text, style=style))


def fail(error: OnpaidError | str) -> int:
    """Tell what went wrong, on standard error; the exit code."""
    from rich.text import Text

    console(errors=True).print(Text.assemble(("onpaid: ", "bold red"), str(error) or type(error).__name__))
    return 1


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table; `empty` is said where there is nothing to show. A cell may be (text, mood)."""
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    any_row = False
    for row in rows:
        any_row = True
        drawn.add_row(*(_cell(value) for value in row))
    if any_row:
        console().print(drawn)
    else:
        say(empty, "dim")


def facts(pairs: Mapping[str, Any]) -> None:
    """Names and values, one below the other; those without a value are left out."""
    from rich.table import Table

    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column(overflow="fold")
    for name, value in pairs.items():
        if value not in (None, "", [], {}):
            drawn.add_row(name, _cell(value))
    console().print(drawn)


def more(cursor: str | None) -> None:
    """How to see what follows."""
    if cursor:
        say(f"There is more: --after '{cursor}'", "dim")


def when(text: str | None) -> str:
    """A time of the API's, for reading."""
    return "" if not text else text[:19].replace("T", " ")


def money(amount: Any) -> str:
    """An amount of the API's, for reading."""
    from onpaid.domain.money import Money

    return "" if not amount else Money(amount["minor"], amount["currency"]).format()


def _cell(value: Any) -> Any:
    from rich.text import Text

    if isinstance(value, tuple):
        return Text(str(value[0]), style=MOODS.get(value[1], ""))
    if isinstance(value, list):
        return Text(", ".join(str(each) for each in value))
    if isinstance(value, dict):
        return Text(msgspec.json.encode(value).decode())
    return Text("" if value is None else str(value))
