"""Stores that are full, that do not say whether they wrote, or that let others go first: around any other store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from onpaid.errors import Conflict, StoreUnavailable, StoreUnknown
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Document, Page, Store, Stored, Write

Mood = Literal["well", "full", "unknown, written", "unknown, not written"]


class MoodyStore:
    """Fulfils `Store` as `mood` says. `moods`, if any, are for the next commits in order."""

    def __init__(self, store: Store) -> None:
        self.inner = store
        self.mood: Mood = "well"
        self.moods: list[Mood] = []
        self.refused = 0

    async def get(self, kind: str, key: str) -> Stored | None:
        return await self.inner.get(kind, key)

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        return await self.inner.get_many(kind, keys)

    async def commit(self, writes: Sequence[Write]) -> None:
        await self._in_its_mood(lambda: self.inner.commit(writes))

    async def _in_its_mood(self, write: Callable[[], Awaitable[None]]) -> None:
        mood = self.moods.pop(0) if self.moods else self.mood
        if mood == "full":
            self.refused += 1
            raise StoreUnavailable("the disk is full")
        if mood != "unknown, not written":
            await write()
        if mood != "well":
            raise StoreUnknown("the disk gave no answer")

    async def query(self, kind: str, index: str, value: str, **bounds: Any) -> Page:
        return await self.inner.query(kind, index, value, **bounds)

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        return await self.inner.count(kind, index, value, at_most=at_most)

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        return await self.inner.documents(after, limit=limit)

    async def load(self, documents: Sequence[Document]) -> None:
        await self._in_its_mood(lambda: self.inner.load(documents))

    async def ping(self) -> None:
        if self.mood == "full":
            raise StoreUnavailable("the disk is full")

    async def close(self) -> None:
        await self.inner.close()


class PoliteStore(MemoryStore):
    """Lets everybody else go first, for so many seconds, after each reading and before each writing: so they get in
    between. Counts the conflicts over each kind of record; those of a kind in `never` are never written."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.never: set[str] = set()
        self.conflicts: dict[str, int] = {}

    async def get(self, kind: str, key: str) -> Stored | None:
        found = await super().get(kind, key)
        await asyncio.sleep(self.seconds)
        return found

    async def commit(self, writes: Sequence[Write]) -> None:
        await asyncio.sleep(self.seconds)
        try:
            blocked = [(write.kind, write.key) for write in writes if write.kind in self.never]
            if blocked:
                raise Conflict(blocked)
            await super().commit(writes)
        except Conflict as conflict:
            for kind, _ in conflict.keys:
                self.conflicts[kind] = self.conflicts.get(kind, 0) + 1
            raise
