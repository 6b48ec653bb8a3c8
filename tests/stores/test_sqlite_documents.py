"""Copying out of and into the SQLite file: pages and transactions end early where bodies are large."""

from __future__ import annotations

import os

import pytest

from onpaid.errors import StoreUnavailable
from onpaid.store.port import Document, Entry, Put
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_copying import MOST_BYTES, MOST_DOCUMENTS, portions
from tests.stores.kit import Open

LARGE = MOST_BYTES // 3 + 1


def document(number: int, body: bytes = b"", version: int = 1) -> Document:
    return Document("event", f"e{number}", version, body, (Entry("all", "", number),))


async def pages_of(store: SqliteStore) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        page, cursor = await store.documents(cursor)
        pages.append([each.key for each in page])
        if cursor is None:
            return pages


async def test_a_page_of_large_bodies_ends_early(open_sqlite: Open) -> None:
    store = await open_sqlite()
    for number in range(5):
        await store.commit([Put("event", f"e{number}", os.urandom(LARGE))])
    await store.commit([Put("event", f"small{number}", b"") for number in range(3)])
    small = ["small0", "small1", "small2"]
    assert await pages_of(store) == [["e0", "e1"], ["e2", "e3"], ["e4", *small]]


async def test_a_body_larger_than_a_page_comes_alone(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([Put("event", "small", b""), Put("event", "whale", os.urandom(MOST_BYTES + 1))])
    await store.commit([Put("event", "last", b"")])
    assert await pages_of(store) == [["small"], ["whale"], ["last"]]


def test_portions_hold_what_one_transaction_takes() -> None:
    many = [document(number) for number in range(2 * MOST_DOCUMENTS + 1)]
    assert [len(part) for part in portions(many)] == [MOST_DOCUMENTS, MOST_DOCUMENTS, 1]
    large = [document(number, bytes(LARGE)) for number in range(5)]
    assert [len(part) for part in portions(large)] == [2, 2, 1]
    assert [each for part in portions(large) for each in part] == large
    assert list(portions([])) == []


@pytest.mark.parametrize("version", [0, -1, 1 << 63, True])
async def test_a_version_that_cannot_be_is_refused(open_sqlite: Open, version: int) -> None:
    store = await open_sqlite()
    with pytest.raises(ValueError, match="they count from 1"):
        await store.load([document(1, version=version)])
    assert await store.documents() == ([], None)


async def test_what_was_loaded_outlives_the_process_that_loaded_it(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.load([document(number, b"body", number + 1) for number in range(700)])
    await store.close()
    again = await open_sqlite()
    assert sum(len(page) for page in await pages_of(again)) == 700
    held = await again.get("event", "e699")
    assert held is not None
    assert held.version == 700
    assert await again.count("event", "all", "") == 700


async def test_a_closed_store_neither_lists_nor_loads(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.documents()
    with pytest.raises(StoreUnavailable):
        await store.load([document(1)])
