"""Documents of the SQLite file as they are copied into another store, and in portions as they are taken over from one.

A page ends early where its bodies are large, so that neither side ever holds more than a few megabytes of them.
The order is that in which documents were first written, which no later write of a document changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onpaid.errors import InvalidInput
from onpaid.store.port import Document, Entry
from onpaid.store.sqlite_rows import Session, decode_marks, fetch, unpack

MOST_BYTES = 8 * 1024 * 1024
"""How much of packed bodies a page or a portion holds, unless it holds one document only."""
MOST_DOCUMENTS = 500

_SIZES = "SELECT id, length(body) FROM documents WHERE id > ? ORDER BY id LIMIT ?"
_ROWS = """
    SELECT k.name, d.key, d.version, d.form, d.entries, d.body
    FROM documents AS d CROSS JOIN kinds AS k ON k.id = d.kind
    WHERE d.id > ? AND d.id <= ? ORDER BY d.id
    """


def place_of(cursor: str | None) -> int:
    """The number of the document that a cursor stands behind. Raises InvalidInput."""
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 19:
        return int(cursor)
    raise InvalidInput("this cursor is not one of ours: start again without it")


def read_page(session: Session, after: int, limit: int) -> tuple[list[Document], str | None]:
    """The documents behind the place `after`, all of one moment, and the cursor for those that follow."""
    cursor = session.cursor
    cursor.execute("BEGIN")
    sizes = fetch(cursor, _SIZES, (after, limit + 1))
    count = _how_many([size for _, size in sizes[:limit]])
    last = sizes[count - 1][0] if count else after
    names = dict(fetch(cursor, "SELECT id, name FROM indexes"))
    rows = fetch(cursor, _ROWS, (after, last))
    cursor.execute("COMMIT")
    page = [
        Document(kind, key, version, unpack(form, body), _entries(names, marks))
        for kind, key, version, form, marks, body in rows
    ]
    return page, str(last) if len(sizes) > count else None


def portions(documents: Sequence[Document]) -> Iterator[Sequence[Document]]:
    """The documents in parts that one transaction takes."""
    start = 0
    while start < len(documents):
        part = documents[start : start + MOST_DOCUMENTS]
        count = _how_many([len(each.body) for each in part])
        yield documents[start : start + count]
        start += count


def _how_many(sizes: Sequence[int]) -> int:
    """How many go together: at least one, if there is one."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if count and total > MOST_BYTES:
            return count
    return len(sizes)


def _entries(names: dict[int, str], marks: bytes) -> tuple[Entry, ...]:
    return tuple(Entry(names[place], value, sort) for place, value, sort in decode_marks(marks))
