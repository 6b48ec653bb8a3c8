"""The store in memory: for tests and simulations, and the plainest statement of what the verbs mean."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence

from onpaid.errors import Conflict, InvalidInput, StoreUnavailable
from onpaid.store.port import (
    Check,
    Delete,
    Document,
    Entry,
    Insert,
    Page,
    Stored,
    Update,
    Write,
    check_batch,
    make_cursor,
    read_cursor,
)

Place = tuple[str, str, str]


class MemoryStore:
    """Fulfils `Store`; lost when the process ends."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], tuple[Stored, tuple[Entry, ...]]] = {}
        self._places: dict[Place, list[tuple[int, str]]] = defaultdict(list)
        self._closed = False

    async def get(self, kind: str, key: str) -> Stored | None:
        self._open()
        held = self._documents.get((kind, key))
        return None if held is None else held[0]

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        return [await self.get(kind, key) for key in keys]

    async def commit(self, writes: Sequence[Write]) -> None:
        self._open()
        check_batch(writes)
        failed = [(write.kind, write.key) for write in writes if not self._holds(write)]
        if failed:
            raise Conflict(failed)
        for write in writes:
            self._apply(write)

    async def query(
        self,
        kind: str,
        index: str,
        value: str,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
        sort_from: int | None = None,
        sort_to: int | None = None,
    ) -> Page:
        self._open()
        if limit < 1:
            raise ValueError("a page holds at least one document")
        places = self._places.get((kind, index, value), [])
        start = 0 if sort_from is None else bisect_left(places, (sort_from, ""))
        stop = len(places) if sort_to is None else bisect_left(places, (sort_to + 1, ""))
        chosen = places[start:stop]
        if newest_first:
            chosen = chosen[::-1]
        if after is not None:
            mark = read_cursor(after)
            chosen = [place for place in chosen if (place < mark if newest_first else place > mark)]
        items = [self._documents[(kind, key)][0] for _, key in chosen[:limit]]
        return Page(items, make_cursor(*chosen[limit - 1]) if len(chosen) > limit else None)

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        self._open()
        return min(len(self._places.get((kind, index, value), [])), at_most)

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        self._open()
        if limit < 1:
            raise ValueError("a page holds at least one document")
        places = sorted(self._documents)
        if after is not None:
            places = places[bisect_right(places, _place_of(after)) :]
        chosen = places[:limit]
        page = [_document(*self._documents[place]) for place in chosen]
        return page, _cursor(*chosen[-1]) if len(places) > limit else None

    async def load(self, documents: Sequence[Document]) -> None:
        self._open()
        for each in documents:
            self._take_out(each.kind, each.key)
            self._put_in(Stored(each.kind, each.key, each.version, each.body), each.entries)

    async def ping(self) -> None:
        self._open()

    async def close(self) -> None:
        self._closed = True

    def _open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _holds(self, write: Write) -> bool:
        held = self._documents.get((write.kind, write.key))
        if isinstance(write, Insert):
            return held is None
        if isinstance(write, Update | Check):
            return (None if held is None else held[0].version) == write.if_version
        return True

    def _apply(self, write: Write) -> None:
        if isinstance(write, Check):
            return
        before = self._take_out(write.kind, write.key)
        if isinstance(write, Delete):
            return
        version = 1 if before is None else before.version + 1
        self._put_in(Stored(write.kind, write.key, version, write.body), write.entries)

    def _take_out(self, kind: str, key: str) -> Stored | None:
        held = self._documents.pop((kind, key), None)
        if held is None:
            return None
        for entry in held[1]:
            places = self._places[(kind, entry.name, entry.value)]
            del places[bisect_left(places, (entry.sort, key))]
        return held[0]

    def _put_in(self, stored: Stored, entries: Sequence[Entry]) -> None:
        kept = tuple(dict.fromkeys(entries))
        self._documents[stored.kind, stored.key] = (stored, kept)
        for entry in kept:
            insort(self._places[(stored.kind, entry.name, entry.value)], (entry.sort, stored.key))


def _document(stored: Stored, entries: tuple[Entry, ...]) -> Document:
    return Document(stored.kind, stored.key, stored.version, stored.body, entries)


def _cursor(kind: str, key: str) -> str:
    return make_cursor(len(kind), kind + key)


def _place_of(cursor: str) -> tuple[str, str]:
    size, text = read_cursor(cursor)
    if not 0 <= size <= len(text):
        raise InvalidInput("this cursor is not one of ours: start again without it")
    return text[:size], text[size:]
