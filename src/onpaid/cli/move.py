"""`onpaid move`: two databases opened with nobody else at them, and what the move between them came to.

A database is named as ONPAID_DATABASE names it. The marks that a move leaves hold names that mean the same from
every directory, so that the command may be started again from another one.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from onpaid.app.move_tally import in_all
from onpaid.app.move_undo import undo as take_back
from onpaid.app.moving import Move, Moved
from onpaid.cli import reach
from onpaid.cli.output import console, print_json, say, table
from onpaid.clock import SystemClock
from onpaid.compose_store import open_store
from onpaid.errors import InvalidInput, NotPossible
from onpaid.settings import load
from onpaid.store.moved import departure_of
from onpaid.store.port import Store
from onpaid.store.sqlite_lock import read_announcement

SQLITE, DYNAMODB = "sqlite:///", "dynamodb://"
DIGITS_SHOWN = 12

Told = Callable[[str, int, int | None], None]


def move(source: str | None, target: str | None, *, undo: bool, target_gone: bool, as_json: bool) -> None:
    """Move, or take a move back. Raises InvalidInput, NotPossible, StoreError."""
    here = _name(source or reach.settings()["ONPAID_DATABASE"])
    there = None if target is None else _name(target)
    if here == there:
        raise InvalidInput("--from and --to name the same database")
    if target_gone and (not undo or there is not None):
        raise InvalidInput("--target-gone goes with --undo, and without --to")
    if undo:
        _undo(here, there, gone=target_gone, as_json=as_json)
        return
    if there is None:
        raise InvalidInput("--to is missing: say sqlite:///path or dynamodb://table")
    moved = asyncio.run(_with_progress(lambda told: _move(here, there, told)))
    if as_json:
        print_json(_as_json(here, there, moved))
        return
    kinds = sorted(moved.tallies.items())
    table(
        ("kind", "documents", "digest, equal on both sides"),
        ((kind, each.documents, each.shown[:DIGITS_SHOWN]) for kind, each in kinds),
        empty="",
    )
    if moved.earlier:
        say(f"This move came to its end before: {there} was verified then, and holds the above now.")
    else:
        say(f"{there} holds all {in_all(moved.tallies)} documents of {here}, verified.", "green")
    if moved.handed_back:
        say(f"{moved.handed_back} runs were under way when their process ended: they go on there.")
    say(
        f"Set ONPAID_DATABASE={there} and start the service. {here} opens for nobody any more: keep it a while."
    )


async def _move(here: str, there: str, told: Told) -> Moved:
    async with AsyncExitStack() as opened:
        source = await _open(here, opened, must_exist=True)
        target = await _open(there, opened)
        return await Move(
            source,
            target,
            source_name=here,
            target_name=there,
            clock=SystemClock(),
            new_id=secrets.token_hex(8),
            alone=here.startswith(SQLITE),
            told=told,
        ).go()


def _undo(here: str, there: str | None, *, gone: bool, as_json: bool) -> None:
    asyncio.run(_with_progress(lambda told: _take_back(here, there, gone, told)))
    if as_json:
        print_json({"from": here, "undone": True})
    else:
        say(f"The move is taken back: {here} is where work goes on. Start the service on it.", "green")


async def _take_back(here: str, there: str | None, gone: bool, told: Told) -> None:
    async with AsyncExitStack() as opened:
        source = await _open(here, opened, must_exist=True)
        departure = await departure_of(source)
        if there is None and departure is not None:
            there = departure.to
        if departure is not None and there != departure.to:
            raise NotPossible(f"{here} was moved to {departure.to}, not to {there}")
        target = None
        if there is not None and not gone:
            target = await _open(there, opened, must_exist=True)
        await take_back(source, target, told)


async def _with_progress(work: Callable[[Told], Any]) -> Any:
    from rich.progress import Progress

    with Progress(console=console(errors=True), transient=True) as progress:
        bar, doing = progress.add_task("opening", total=None), "opening"

        def told(what: str, done: int, of: int | None) -> None:
            nonlocal doing
            if what != doing:
                doing = what
                progress.reset(bar)
            progress.update(bar, description=what, completed=done, total=of)

        return await work(told)


def _name(address: str) -> str:
    """The database's name, the same from every directory."""
    if address.startswith(SQLITE) and len(address) > len(SQLITE):
        return SQLITE + os.path.realpath(address.removeprefix(SQLITE))
    if address.startswith(DYNAMODB) and len(address) > len(DYNAMODB):
        return address
    raise InvalidInput(f"{address!r} names no database: say sqlite:///path or dynamodb://table")


async def _open(name: str, opened: AsyncExitStack, *, must_exist: bool = False) -> Store:
    """The database, with every other process kept out where a lock can do that."""
    if name.startswith(SQLITE):
        path = Path(name.removeprefix(SQLITE))
        if must_exist and not await asyncio.to_thread(path.exists):
            raise NotPossible(f"there is no database at {path}: is the name right, and is this its machine?")
        holder = await asyncio.to_thread(read_announcement, path)
        if holder is not None:
            where = f" at {holder.address}" if holder.address else ""
            raise NotPossible(
                f"process {holder.pid} works on {path}{where}: stop it first, which lets its runs come to a rest"
            )
    store = await open_store(load({**os.environ, "ONPAID_DATABASE": name}, reach.settings_file))
    opened.push_async_callback(store.close)
    return store


def _as_json(here: str, there: str, moved: Moved) -> dict[str, Any]:
    return {
        "move": moved.move,
        "from": here,
        "to": there,
        "verified": True,
        "earlier": moved.earlier,
        "documents": in_all(moved.tallies),
        "runs_handed_back": moved.handed_back,
        "kinds": {
            kind: {"documents": each.documents, "digest": each.shown}
            for kind, each in sorted(moved.tallies.items())
        },
    }
