"""One transaction of many batches: decided in memory, written at once.

The documents that the batches name are read first. Then each batch is decided in turn against what it would find
had its predecessors been committed, without touching the file, so that a refused one costs its neighbours
nothing. What remains is written in a few statements, a document once however often it was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onpaid.errors import Conflict
from onpaid.store.port import Check, Delete, Document, Insert, Put, Update, Write
from onpaid.store.sqlite_rows import (
    ENTER,
    FIND,
    LEAVE,
    REMOVE,
    WRITE,
    Mark,
    Session,
    Value,
    Written,
    decode_marks,
    encode_marks,
    fetch,
    prepare,
)

Packed = tuple[int, bytes]


@dataclass(slots=True)
class _Held:
    """A document as the next batch would find it, and what the file holds of it."""

    id: int = 0
    version: int | None = None
    form: int = 0
    body: bytes = b""
    marks: bytes = b""
    marks_in_file: bytes = b""
    in_file: bool = False
    changed: bool = False


class Group:
    """The batches of one transaction. The connection has begun it already."""

    def __init__(self, session: Session, next_id: int) -> None:
        self._cursor = session.cursor
        self._names = session.names
        self._names.added = False
        self._next_id = next_id
        self._held: dict[tuple[int, str], _Held] = {}

    def load(self, batches: Sequence[Sequence[Written]]) -> None:
        """Read every document that the batches name."""
        kind = self._names.make_kind
        self._held = {(kind(write.kind), write.key): _Held() for writes in batches for write in writes}
        for kind_id, key, id_, version, marks in FIND.run(self._cursor, list(self._held)):
            held = self._held[kind_id, key]
            held.id, held.version, held.marks, held.marks_in_file = id_, version, marks, marks
            held.in_file = True

    def decide(self, writes: Sequence[Written], packed: Sequence[Packed]) -> Conflict | None:
        """Take a batch in, or say why not."""
        kind = self._names.make_kind
        found = [self._held[kind(write.kind), write.key] for write in writes]
        failed = [
            (write.kind, write.key)
            for write, held in zip(writes, found, strict=True)
            if not _holds(write, held.version)
        ]
        if failed:
            return Conflict(failed)
        for write, held, (form, body) in zip(writes, found, packed, strict=True):
            if isinstance(write, Check):
                continue
            held.changed = True
            if isinstance(write, Delete):
                held.version, held.marks = None, b""
            else:
                held.version = write.version if isinstance(write, Document) else (held.version or 0) + 1
                held.form, held.body, held.marks = form, body, self._marks(write)
        return None

    def _marks(self, write: Insert | Put | Update | Document) -> bytes:
        return encode_marks([self._names.make_mark(write.kind, entry) for entry in write.entries])

    def flush(self) -> bool:
        """Write what has changed. False if there is nothing to commit."""
        written: list[tuple[Value, ...]] = []
        removed: list[tuple[Value, ...]] = []
        entered: list[tuple[Value, ...]] = []
        left: list[tuple[Value, ...]] = []
        for (kind, key), held in self._held.items():
            if not held.changed:
                continue
            if held.version is not None:
                if not held.in_file:
                    held.id = self._next_id
                    self._next_id += 1
                written.append((held.id, kind, key, held.version, held.form, held.marks, held.body))
            elif held.in_file:
                removed.append((held.id,))
            if held.marks != held.marks_in_file:
                before: set[Mark] = set(decode_marks(held.marks_in_file))
                after: set[Mark] = set(decode_marks(held.marks))
                left += [(*mark, key) for mark in before - after]
                entered += [(*mark, key, held.id) for mark in after - before]
        for bulk, rows in ((LEAVE, left), (REMOVE, removed), (WRITE, written), (ENTER, entered)):
            if rows:
                bulk.run(self._cursor, rows)
        return bool(written or removed or self._names.added)


def _holds(write: Written, version: int | None) -> bool:
    if isinstance(write, Insert):
        return version is None
    if isinstance(write, Update | Check):
        return version == write.if_version
    return True


def write_alone(session: Session, writes: Sequence[Write]) -> None:
    """Commit one batch on a connection that nobody else uses. Raises Conflict."""
    session.cursor.execute("BEGIN IMMEDIATE")
    highest = fetch(session.cursor, "SELECT max(id) FROM documents")[0][0]
    group = Group(session, (highest or 0) + 1)
    group.load([writes])
    refusal = group.decide(writes, [prepare(write) for write in writes])
    if refusal is not None:
        raise refusal
    group.flush()
    session.cursor.execute("COMMIT")
