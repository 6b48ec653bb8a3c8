"""What the tests of the SQLite store share."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from onpaid.store.port import Entry, Insert
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_connect import Place
from onpaid.store.sqlite_group import write_alone
from onpaid.store.sqlite_rows import Session

Open = Callable[..., Awaitable[SqliteStore]]


def paid(number: int, body: bytes = b"") -> Insert:
    return Insert("order", f"o{number:05}", body, (Entry("all", "", number),))


async def stored(open_sqlite: Open, tmp_path: Path) -> Path:
    store = await open_sqlite()
    await store.commit([paid(number, os.urandom(3_000)) for number in range(60)])
    await store.close()
    return tmp_path / "store.db"


async def killed(path: Path, *writes: Insert) -> None:
    """Leave the file as a process leaves it that wrote this and was killed: with its log."""
    session = Session(Place(str(path)).connect())
    write_alone(session, writes)
    session.close()
