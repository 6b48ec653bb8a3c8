"""How documents lie in the tables: bodies packed, names as numbers, many rows to a statement.

Each statement lets other threads in and must then queue for its turn again, so few large statements are much
cheaper under load than many small ones.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Sequence
from itertools import chain
from typing import Any

import apsw
import msgspec

from onpaid.store.port import Check, Delete, Document, Entry, Write

PLAIN, DEFLATED = 0, 1
PACK_FROM = 16_384
"""Bytes. What a record type wants small it compresses itself, once, when it has come to rest (`store.records`)."""
MOST_BODY = 64 * 1024 * 1024

Value = int | str | bytes
Written = Write | Document
"""What a batch holds: a write, or a document that is taken over from another store as it is."""
Mark = tuple[int, str, int]

_mark_encode = msgspec.msgpack.Encoder().encode
_mark_decode = msgspec.msgpack.Decoder(list[Mark]).decode


def pack(body: bytes) -> tuple[int, bytes]:
    """The body as it is kept: compressed where that saves a fifth."""
    if len(body) < PACK_FROM:
        return PLAIN, body
    # A small window costs a sixth of the time of a large one and finds as much in a body of a few kilobytes.
    window, memory = (12, 5) if len(body) <= 16_384 else (15, 8)
    squeeze = zlib.compressobj(1, zlib.DEFLATED, window, memory)
    packed = squeeze.compress(body) + squeeze.flush()
    return (DEFLATED, packed) if len(packed) * 5 < len(body) * 4 else (PLAIN, body)


def unpack(form: int, body: bytes) -> bytes:
    """The body as it was handed in."""
    return body if form == PLAIN else zlib.decompress(body)


def prepare(write: Written) -> tuple[int, bytes]:
    """The packed body of a write. Raises ValueError or TypeError for what the file cannot hold.

    Whatever could fail on account of one write fails here, in its own batch, before it meets any neighbour.
    """
    _text(write.kind)
    _text(write.key)
    if isinstance(write, Delete | Check):
        return PLAIN, b""
    if type(write.body) is not bytes:
        raise TypeError(f"the body of {write.kind} {write.key} must be bytes")
    if len(write.body) > MOST_BODY:
        raise ValueError(f"the body of {write.kind} {write.key} is larger than {MOST_BODY} bytes")
    if isinstance(write, Document) and (type(write.version) is not int or not 1 <= write.version < 1 << 63):
        raise ValueError(f"{write.kind} {write.key} has the version {write.version!r}: they count from 1")
    for entry in write.entries:
        _text(entry.name)
        _text(entry.value)
        if type(entry.sort) is not int or not -(1 << 63) <= entry.sort < 1 << 63:
            raise ValueError(
                f"an entry of {write.kind} {write.key} is sorted by {entry.sort!r}, not by 64 bits"
            )
    return pack(write.body)


def _text(value: str) -> None:
    if not value.isascii():
        value.encode()  # raises UnicodeEncodeError, a ValueError, for half of a surrogate pair


def is_text(value: str) -> bool:
    """Whether the file can hold this text at all: half of a surrogate pair it cannot."""
    try:
        _text(value)
    except UnicodeEncodeError:
        return False
    return True


def encode_marks(marks: Sequence[Mark]) -> bytes:
    """A document's entries as they are repeated in its row: equal bytes, equal entries."""
    return _mark_encode(sorted(set(marks)) if len(marks) > 1 else marks) if marks else b""


def decode_marks(data: bytes) -> list[Mark]:
    """The entries of a row."""
    return _mark_decode(data) if data else []


def fetch(cursor: apsw.Cursor, text: str, values: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
    """Everything that a statement answers."""
    rows: Any = cursor.execute(text, values).fetchall()
    return rows  # type: ignore[no-any-return]


class Bulk:
    """One statement over many rows, in texts of fixed sizes, so that each is prepared once."""

    SIZES = (64, 32, 16, 8, 4, 2, 1)

    def __init__(self, before: str, row: str, after: str = "") -> None:
        self._texts = [(size, before + ",".join([row] * size) + after) for size in self.SIZES]

    def run(self, cursor: apsw.Cursor, rows: Sequence[tuple[Value, ...]]) -> list[tuple[Any, ...]]:
        """Execute for all rows; what it answers."""
        answers: list[tuple[Any, ...]] = []
        start, left = 0, len(rows)
        for size, text in self._texts:
            while left >= size:
                values = tuple(chain.from_iterable(rows[start : start + size]))
                answers += fetch(cursor, text, values)
                start, left = start + size, left - size
        return answers


FIND = Bulk(
    "WITH wanted (kind, key) AS (VALUES ",
    "(?,?)",
    ") SELECT d.kind, d.key, d.id, d.version, d.entries FROM wanted AS w"
    " CROSS JOIN documents AS d ON d.kind = w.kind AND d.key = w.key",
)
WRITE = Bulk(
    "INSERT INTO documents (id, kind, key, version, form, entries, body) VALUES ",
    "(?,?,?,?,?,?,?)",
    " ON CONFLICT (id) DO UPDATE SET version = excluded.version, form = excluded.form,"
    " entries = excluded.entries, body = excluded.body",
)
REMOVE = Bulk("DELETE FROM documents WHERE id IN (VALUES ", "(?)", ")")
ENTER = Bulk("INSERT INTO entries (place, value, sort, key, document) VALUES ", "(?,?,?,?,?)")
LEAVE = Bulk("DELETE FROM entries WHERE (place, value, sort, key) IN (VALUES ", "(?,?,?,?)", ")")
READ = Bulk(
    "WITH wanted (kind, key) AS (VALUES ",
    "(?,?)",
    ") SELECT d.key, d.version, d.form, d.body FROM wanted AS w"
    " CROSS JOIN documents AS d ON d.kind = w.kind AND d.key = w.key",
)


class Names:
    """The numbers of kinds and indexes, as one connection knows them."""

    def __init__(self, cursor: apsw.Cursor) -> None:
        self._cursor = cursor
        self._kinds: dict[str, int] = {}
        self._places: dict[tuple[str, str], int] = {}
        self.added = False

    def kind(self, name: str) -> int | None:
        """The number of a kind, None if nothing was ever written of it."""
        number = self._kinds.get(name)
        if number is None:
            number = self._cursor.execute("SELECT id FROM kinds WHERE name = ?", (name,)).get
            if number is not None:
                self._kinds[name] = number
        return number

    def place(self, kind: str, index: str) -> int | None:
        """The number of an index, None if nothing was ever entered into it."""
        number = self._places.get((kind, index))
        if number is None:
            number = self._cursor.execute(
                "SELECT id FROM indexes WHERE kind = ? AND name = ?", (kind, index)
            ).get
            if number is not None:
                self._places[kind, index] = number
        return number

    def make_kind(self, name: str) -> int:
        """The number of a kind, given now if need be."""
        number = self.kind(name)
        if number is None:
            self.added = True
            number = self._cursor.execute("INSERT INTO kinds (name) VALUES (?) RETURNING id", (name,)).get
            self._kinds[name] = number
        return number

    def make_mark(self, kind: str, entry: Entry) -> Mark:
        """An entry with its index as a number, given now if need be."""
        number = self._places.get((kind, entry.name)) or self.place(kind, entry.name)
        if number is None:
            self.added = True
            number = self._cursor.execute(
                "INSERT INTO indexes (kind, name) VALUES (?, ?) RETURNING id", (kind, entry.name)
            ).get
            self._places[kind, entry.name] = number
        return number, entry.value, entry.sort


class Session:
    """An open connection with its one cursor and the names that it knows."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.names = Names(self.cursor)

    def close(self) -> None:
        """Let go of the connection, and with it of a transaction that it may be in."""
        with contextlib.suppress(apsw.Error):  # closed as far as it can be: the next one starts afresh
            self.connection.close(force=True)
