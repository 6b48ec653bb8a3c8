"""What the tests of the SQLite store share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from onpaid.store.port import Entry, Insert
from onpaid.store.sqlite import SqliteStore

Open = Callable[..., Awaitable[SqliteStore]]


def paid(number: int, body: bytes = b"") -> Insert:
    return Insert("order", f"o{number:05}", body, (Entry("all", "", number),))
