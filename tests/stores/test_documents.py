"""Copying documents out of a store and into one, over every back end: nothing is left out, added or changed."""

from __future__ import annotations

import os

import pytest

from onpaid.errors import Conflict, InvalidInput
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Check, Delete, Document, Entry, Insert, Put, Store, Update

ALL = Entry("all", "", 0)


def paid(number: int, *, version: int = 1, body: bytes = b"paid", state: str = "new") -> Document:
    entries = (Entry("state", state, number), Entry("all", "", -number))
    return Document("order", f"shop/{number:04}", version, body, entries)


async def everything(store: Store, limit: int = 200) -> list[Document]:
    """Every document, entries in one order, read in pages of at most `limit`."""
    found: list[Document] = []
    cursor: str | None = None
    while True:
        page, cursor = await store.documents(cursor, limit=limit)
        assert len(page) <= limit
        found += [
            Document(each.kind, each.key, each.version, each.body, tuple(sorted(each.entries)))
            for each in page
        ]
        if cursor is None:
            return found


def in_order(documents: list[Document]) -> list[Document]:
    """For comparison: by kind and key, entries sorted."""
    tidy = [Document(d.kind, d.key, d.version, d.body, tuple(sorted(d.entries))) for d in documents]
    return sorted(tidy, key=lambda each: (each.kind, each.key))


# -- documents ---------------------------------------------------------------------------------------------------


async def test_an_empty_store_has_no_documents(store: Store) -> None:
    assert await store.documents() == ([], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
async def test_every_document_comes_once_whatever_the_page(store: Store, limit: int) -> None:
    await store.commit([Insert("order", f"o{n}", b"body", (Entry("all", "", n),)) for n in range(7)])
    await store.commit([Insert("event", f"e{n}", b"raw") for n in range(3)])
    found = await everything(store, limit)
    assert sorted((each.kind, each.key) for each in found) == [
        *(("event", f"e{n}") for n in range(3)),
        *(("order", f"o{n}") for n in range(7)),
    ]


async def test_documents_come_with_version_body_and_entries(store: Store) -> None:
    entries = (Entry("state", "paid", 5), Entry("about", "order:ø/1", -7), Entry("about", "customer:1", -7))
    await store.commit([Insert("order", "ø/1", b"\x00first", (ALL,))])
    await store.commit([Update("order", "ø/1", b"\xffsecond", 1, entries)])
    await store.commit([Put("order", "plain", b"")])
    assert in_order(await everything(store)) == [
        Document("order", "plain", 1, b"", ()),
        Document("order", "ø/1", 2, b"\xffsecond", tuple(sorted(entries))),
    ]


async def test_what_was_deleted_does_not_come(store: Store) -> None:
    await store.commit([Insert("order", f"o{n}", b"", (ALL,)) for n in range(3)])
    await store.commit([Delete("order", "o1")])
    assert sorted(each.key for each in await everything(store, 1)) == ["o0", "o2"]


async def test_the_order_is_the_same_each_time(store: Store) -> None:
    await store.commit([Insert("order", f"o{n}", b"", (ALL,)) for n in (3, 1, 2)])
    before = [each.key for each in await everything(store, 1)]
    await store.commit([Put("order", "o1", b"written again"), Put("order", "o2", b"", (ALL,))])
    assert [each.key for each in await everything(store, 2)] == before


async def test_bodies_of_any_size_come_whole(store: Store) -> None:
    bodies = {"noise": os.urandom(500_000), "text": b'{"lines": []}' * 60_000, "nothing": b""}
    await store.commit([Insert("event", name, body) for name, body in bodies.items()])
    assert {each.key: each.body for each in await everything(store, 2)} == bodies


@pytest.mark.parametrize("cursor", ["", "no cursor at all", "-1", "99~order", "~", "1.5"])
async def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    await store.commit([Insert("order", "o1", b"")])
    with pytest.raises(InvalidInput):
        await store.documents(cursor)


# -- load --------------------------------------------------------------------------------------------------------


async def test_loaded_documents_are_as_they_were(store: Store) -> None:
    documents = [paid(1), paid(2, version=41, body=b"", state="done"), Document("meta", "mode", 3, b"x", ())]
    await store.load(documents)
    assert in_order(await everything(store)) == in_order(documents)
    held = await store.get("order", "shop/0002")
    assert held is not None
    assert (held.version, held.body) == (41, b"")
    assert [each.key for each in (await store.query("order", "state", "done")).items] == ["shop/0002"]
    assert await store.count("order", "all", "") == 2


async def test_loading_goes_over_whatever_is_there(store: Store) -> None:
    await store.commit([Insert("order", "shop/0001", b"old", (Entry("state", "stale", 9), ALL))])
    await store.load([paid(1, version=7, body=b"new")])
    assert in_order(await everything(store)) == in_order([paid(1, version=7, body=b"new")])
    assert await store.count("order", "state", "stale") == 0
    assert [each.version for each in (await store.query("order", "all", "")).items] == [7]


async def test_an_older_version_may_be_loaded_over_a_newer(store: Store) -> None:
    await store.load([paid(1, version=9)])
    await store.load([paid(1, version=2)])
    held = await store.get("order", "shop/0001")
    assert held is not None
    assert held.version == 2


async def test_versions_go_on_from_where_they_were(store: Store) -> None:
    await store.load([paid(1, version=7)])
    for wrong in (Update("order", "shop/0001", b"", 1), Insert("order", "shop/0001", b"")):
        with pytest.raises(Conflict):
            await store.commit([wrong])
    await store.commit([Update("order", "shop/0001", b"later", 7, (ALL,))])
    await store.commit([Check("order", "shop/0001", 8)])
    assert await store.count("order", "state", "new") == 0
    assert await store.count("order", "all", "") == 1


async def test_loading_again_changes_nothing(store: Store) -> None:
    documents = [paid(number, version=number + 1) for number in range(20)]
    await store.load(documents)
    await store.load(documents[5:])
    assert in_order(await everything(store)) == in_order(documents)


async def test_nothing_and_much_can_be_loaded(store: Store) -> None:
    await store.load([])
    assert await everything(store) == []
    many = [paid(number) for number in range(230)]
    await store.load(many)
    assert in_order(await everything(store, 50)) == in_order(many)


async def test_a_store_is_copied_through_another_and_back(store: Store) -> None:
    """What comes out of a store and goes through this one is what went in, for the other store's reader too."""
    first, last = MemoryStore(), MemoryStore()
    await first.commit([Insert("run", f"r{n}", os.urandom(50), (Entry("due", "", n), ALL)) for n in range(9)])
    await first.commit([Put("run", "r3", b"again", (Entry("due", "", 99),)), Put("lane", "fiken", b"{}")])
    for source, target in ((first, store), (store, last)):
        cursor: str | None = None
        while True:
            page, cursor = await source.documents(cursor, limit=4)
            await target.load(page)
            if cursor is None:
                break
    assert in_order(await everything(last)) == in_order(await everything(first))
    due = await last.query("run", "due", "", newest_first=False)
    assert [(each.key, each.version) for each in due.items][-2:] == [("r8", 1), ("r3", 2)]


async def test_a_page_of_no_documents_is_refused_and_the_documents_stay(store: Store) -> None:
    await store.commit([Insert("order", "o1", b"1")])
    for limit in (0, -1):
        with pytest.raises(ValueError, match="at least one"):
            await store.documents(limit=limit)
    page, cursor = await store.documents(limit=2)
    assert ([each.key for each in page], cursor) == (["o1"], None)
