"""The back ends that the one suite runs over. Another back end is another branch of `make_store`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore

BACK_ENDS = ("memory", "sqlite")


async def make_store(back_end: str, directory: Path) -> Store:
    """An empty store of the named kind."""
    if back_end == "sqlite":
        return await SqliteStore.open(directory / "store.db")
    return MemoryStore()


@pytest.fixture(params=BACK_ENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = await make_store(request.param, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def open_sqlite(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[SqliteStore]]]:
    """Opens stores on one file, and closes what a test leaves open."""
    opened: list[SqliteStore] = []

    async def open_(name: str = "store.db", **settings: object) -> SqliteStore:
        opened.append(await SqliteStore.open(tmp_path / name, **settings))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for one in opened:
        await one.close()
