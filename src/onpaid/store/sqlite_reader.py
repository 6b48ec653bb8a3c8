"""Reading the SQLite file: on the caller's thread, on a connection of its own, whole transactions only.

A read by key takes a few microseconds, less than handing it to another thread would. Every statement is read to
its end at once: one left half-read would hold on to an old state of the file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import apsw

from onpaid.errors import InvalidInput
from onpaid.store.port import Document, Page, Stored, make_cursor, read_cursor
from onpaid.store.sqlite_connect import Place, unavailable
from onpaid.store.sqlite_copying import place_of, read_page
from onpaid.store.sqlite_rows import READ, Session, fetch, is_text, unpack

T = TypeVar("T")

_ONE = "SELECT version, form, body FROM documents WHERE kind = ? AND key = ?"
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM entries WHERE place = ? AND value = ? LIMIT ?)"


def _query_text(bounds: str, order: str) -> str:
    return f"""
        SELECT e.sort, e.key, d.version, d.form, d.body
        FROM entries AS e CROSS JOIN documents AS d ON d.id = e.document
        WHERE e.place = ?1 AND e.value = ?2 AND {bounds}
        ORDER BY e.sort {order}, e.key {order} LIMIT ?7
        """  # noqa: S608 - bounds and order are texts of this file


_UP = _query_text("e.sort >= ?3 AND e.sort <= ?4", "ASC")
_DOWN = _query_text("e.sort >= ?3 AND e.sort <= ?4", "DESC")
# The place of the cursor is the tighter bound on its side, so the index is entered right behind it.
_UP_AFTER = _query_text("(e.sort, e.key) > (?5, ?6) AND e.sort <= ?4", "ASC")
_DOWN_AFTER = _query_text("(e.sort, e.key) < (?5, ?6) AND e.sort >= ?3", "DESC")
_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1


class Reader:
    """What the store reads. One at a time, whichever thread asks."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._session: Session | None = None
        self._lock = threading.Lock()

    def get(self, kind: str, key: str) -> Stored | None:
        """One document."""

        def read(session: Session) -> Stored | None:
            number = session.names.kind(kind)
            if number is None:
                return None
            rows = fetch(session.cursor, _ONE, (number, key))
            if not rows:
                return None
            version, form, body = rows[0]
            return Stored(kind, key, version, unpack(form, body))

        return self._do(read) if is_text(key) else None

    def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        """Several documents of one kind, all of the same moment."""

        def read(session: Session) -> list[Stored | None]:
            number = session.names.kind(kind)
            if number is None:
                return [None] * len(keys)
            session.cursor.execute("BEGIN")
            rows = READ.run(session.cursor, [(number, key) for key in keys if is_text(key)])
            session.cursor.execute("COMMIT")
            found = {key: Stored(kind, key, version, unpack(form, body)) for key, version, form, body in rows}
            return [found.get(key) for key in keys]

        return self._do(read)

    def query(
        self,
        kind: str,
        index: str,
        value: str,
        *,
        after: str | None,
        limit: int,
        newest_first: bool,
        sort_from: int | None,
        sort_to: int | None,
    ) -> Page:
        """One page of an index."""
        lowest = _LOWEST if sort_from is None else sort_from
        highest = _HIGHEST if sort_to is None else sort_to
        mark = None if after is None else read_cursor(after)
        if mark is not None and not (_LOWEST <= mark[0] <= _HIGHEST and is_text(mark[1])):
            raise InvalidInput("this cursor is not one of ours: start the list again without it")
        text = _DOWN if newest_first else _UP
        if mark is not None and newest_first and mark[0] <= highest:
            text = _DOWN_AFTER
        elif mark is not None and not newest_first and mark[0] >= lowest:
            text = _UP_AFTER
        sort, key = mark or (0, "")

        def read(session: Session) -> Page:
            place = session.names.place(kind, index)
            if place is None or not is_text(value):
                return Page([], None)
            rows = fetch(session.cursor, text, (place, value, lowest, highest, sort, key, limit + 1))
            items = [
                Stored(kind, key, version, unpack(form, body)) for _, key, version, form, body in rows[:limit]
            ]
            more = len(rows) > limit
            return Page(items, make_cursor(rows[limit - 1][0], rows[limit - 1][1]) if more else None)

        return self._do(read)

    def count(self, kind: str, index: str, value: str, at_most: int) -> int:
        """How many entries a value of an index has."""

        def read(session: Session) -> int:
            place = session.names.place(kind, index)
            if place is None or not is_text(value):
                return 0
            counted: int = session.cursor.execute(_COUNT, (place, value, at_most)).get
            return counted

        return self._do(read)

    def documents(self, after: str | None, limit: int) -> tuple[list[Document], str | None]:
        """Some of all documents, with everything that is kept of them."""
        place = place_of(after)
        return self._do(lambda session: read_page(session, place, limit))

    def _do(self, read: Callable[[Session], T]) -> T:
        with self._lock:
            try:
                if self._session is None:
                    self._session = Session(self._place.connect(cache_kib=8_192))
                return read(self._session)
            except (apsw.Error, OSError) as error:
                self._drop()
                raise unavailable(error) from error

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is read, and the file is not open, for as long as this lasts."""
        with self._lock:
            self._drop()
            yield

    def close(self) -> None:
        """Let go of the connection; the next read would open another."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
