"""The command that proves a period."""

from __future__ import annotations

from typing import Annotated

import typer

from onpaid.cli.groups import Json

Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="The first payment: a day (2026-11-01), a moment (2026-11-01T12:00), or how long ago (7d, 36h).",
    ),
]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help="The last payment; a day is meant to its end.")
]
OffOnly = Annotated[bool, typer.Option("--off-only", help="Show only the orders that are off.")]


def prove(since: Since = "7d", until: Until = "", off_only: OffOnly = False, as_json: Json = False) -> None:
    """Prove a period: what was paid, read from who took the money, against what exists. Exit code 1 if anything is off,
    2 if a provider could not be read.
    """
    from onpaid.cli import proving

    raise typer.Exit(proving.prove(since, until, off_only=off_only, as_json=as_json))
