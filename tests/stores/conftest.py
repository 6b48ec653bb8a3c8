"""The back ends that the one suite runs over. Another back end is another branch of `make_store`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore
from tests.emulator import Emulator, table
from tests.stores.tables import Place

BACK_ENDS = ("memory", "sqlite", "dynamodb")


async def make_store(back_end: str, request: pytest.FixtureRequest) -> Store:
    """An empty store of the named kind."""
    if back_end == "sqlite":
        return await SqliteStore.open(request.getfixturevalue("tmp_path") / "store.db")
    if back_end == "dynamodb":
        return await empty_table(request.getfixturevalue("emulator"))
    return MemoryStore()


async def empty_table(emulator: Emulator, **how: Any) -> DynamoStore:
    """A store in a table of its own."""
    client, name = emulator.client("dynamodb"), table()
    create_table(client, name)
    return await DynamoStore.open(name, client=client, **how)


@pytest.fixture(params=BACK_ENDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made = await make_store(request.param, request)
    yield made
    await made.close()


@pytest.fixture
def place(emulator: Emulator) -> Place:
    """A table of one's own, for as many stores as a test wants."""
    return Place(emulator)


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
