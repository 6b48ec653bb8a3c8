"""Reading from DynamoDB what is written or deleted meanwhile, is too large for one answer, or has very long names."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onpaid.errors import StoreUnavailable
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_items import Known
from onpaid.store.dynamodb_reading import MOST_REMEMBERED, TRIES, Reading
from onpaid.store.dynamodb_wire import Wire
from onpaid.store.port import Delete, Document, Entry, Insert, Put, Stored, Update
from tests.stores.rough import refused
from tests.stores.tables import Hooked, Place, soon

BIG, BIGGER = os.urandom(800_000), os.urandom(810_000)
OPEN = (Entry("state", "open", 1),)

Read = Callable[[DynamoStore], Awaitable[list[tuple[str, int, bytes]]]]


async def by_get(store: DynamoStore) -> list[tuple[str, int, bytes]]:
    found = await store.get("event", "e1")
    return [] if found is None else [(found.key, found.version, found.body)]


async def by_get_many(store: DynamoStore) -> list[tuple[str, int, bytes]]:
    found = await store.get_many("event", ["e1", "e2"])
    return [(each.key, each.version, each.body) for each in found if each is not None]


async def by_query(store: DynamoStore) -> list[tuple[str, int, bytes]]:
    page = await store.query("event", "state", "open")
    return [(each.key, each.version, each.body) for each in page.items]


async def by_documents(store: DynamoStore) -> list[tuple[str, int, bytes]]:
    page, _ = await store.documents()
    assert all(each.entries == OPEN for each in page)
    return [(each.key, each.version, each.body) for each in page]


READS = [
    pytest.param(by_get, "get_item", id="get"),
    pytest.param(by_get_many, "transact_get_items", id="get_many"),
    pytest.param(by_query, "batch_get_item", id="query"),
    pytest.param(by_documents, "scan", id="documents"),
]


# Pieces that vanish under the reader


@pytest.mark.parametrize(("read", "operation"), READS)
@pytest.mark.parametrize("then", ["rewritten", "deleted"])
async def test_a_large_document_that_changes_under_its_reader_is_read_as_it_is_by_then(
    place: Place, read: Read, operation: str, then: str
) -> None:
    """Its item was read, and before its pieces are, another process writes it again or takes it away."""
    await place.store().commit([Insert("event", "e1", BIG, OPEN)])
    answers: list[Any] = []

    def keep(call: Any, given: Any) -> Any:
        answers.append(call(**given))
        return answers[-1]

    await read(place.store(Hooked(place.client, **{operation: keep})))
    await place.store().commit(
        [Update("event", "e1", BIGGER, 1, OPEN) if then == "rewritten" else Delete("event", "e1")]
    )
    stale = answers[:1]

    def late(call: Any, given: Any) -> Any:
        return stale.pop() if stale else call(**given)

    found = await read(place.store(Hooked(place.client, **{operation: late})))
    assert found == ([("e1", 2, BIGGER)] if then == "rewritten" else [])


@pytest.mark.parametrize(("read", "operation"), READS)
async def test_a_document_whose_pieces_are_always_gone_is_never_left_out(
    place: Place, read: Read, operation: str
) -> None:
    await place.store().commit([Insert("event", "e1", BIG, OPEN)])
    for item in place.items("P#"):
        place.client.delete_item(TableName=place.name, Key={"PK": item["PK"], "SK": item["SK"]})
    client = Hooked(place.client)
    with pytest.raises(StoreUnavailable, match="event e1 is written faster than it can be read"):
        await read(place.store(client))
    assert operation in client.calls
    assert client.calls.count("get_item") >= TRIES


# Answers that are not whole


def too_large(call: Any, given: Any) -> Any:
    if len(given["TransactItems"]) > 3:
        told = "Total size of items in the transaction cannot exceed 4 MB"
        raise ClientError({"Error": {"Code": "ValidationException", "Message": told}}, "TransactGetItems")
    return call(**given)


async def test_documents_too_large_for_one_answer_are_read_in_halves(place: Place) -> None:
    await place.store().commit([Insert("order", f"o{nth}", b"%d" % nth) for nth in range(10)])
    store = place.store(Hooked(place.client, transact_get_items=too_large))
    wanted = [f"o{nth}" for nth in range(11)]
    found = await store.get_many("order", wanted)
    assert found == [*(Stored("order", f"o{nth}", 1, b"%d" % nth) for nth in range(10)), None]


async def test_another_refusal_of_documents_is_told(place: Place) -> None:
    def denied(_call: Any, _given: Any) -> Any:
        raise refused("AccessDeniedException")

    client = Hooked(place.client, transact_get_items=denied)
    with pytest.raises(StoreUnavailable, match="AccessDeniedException"):
        await place.store(client).get_many("order", ["o1", "o2"])
    assert client.calls == ["transact_get_items"]


async def test_documents_handed_out_one_by_one_all_arrive(place: Place) -> None:
    await place.store().commit([Insert("order", f"o{nth}", b"", OPEN) for nth in range(20)])

    def one(call: Any, given: Any) -> Any:
        (asked,) = given["RequestItems"].values()
        answer = call(RequestItems={place.name: {**asked, "Keys": asked["Keys"][:1]}})
        rest = {**asked, "Keys": asked["Keys"][1:]}
        return {**answer, "UnprocessedKeys": {place.name: rest} if rest["Keys"] else {}}

    page = await place.store(Hooked(place.client, batch_get_item=one)).query("order", "state", "open")
    assert {each.key for each in page.items} == {f"o{nth}" for nth in range(20)}


async def test_documents_that_are_never_handed_out_are_unavailable_not_absent(place: Place) -> None:
    await place.store().commit([Insert("order", "o1", b"", OPEN)])

    def nothing(_call: Any, given: Any) -> Any:
        return {"Responses": {}, "UnprocessedKeys": given["RequestItems"]}

    client = Hooked(place.client, batch_get_item=nothing)
    with pytest.raises(StoreUnavailable, match="hands out nothing"):
        await place.store(client).query("order", "state", "open")
    assert client.calls.count("batch_get_item") == TRIES + 1


# What is remembered


def test_what_was_seen_longest_ago_is_forgotten_first(place: Place) -> None:
    reading = Reading(Wire(place.client, soon), place.name)
    for nth in range(MOST_REMEMBERED):
        reading.remember(("order", f"o{nth}"), Known(1))
    reading.remember(("order", "o0"), Known(2))
    reading.remember(("order", "one more"), Known(1))
    assert reading.remembered(("order", "o1")) is None
    assert reading.remembered(("order", "o0")) == Known(2)
    assert reading.remembered(("order", "o2")) == Known(1)


# Long names


@pytest.mark.parametrize("size", [840, 851, 1_900, 5_000])
async def test_names_longer_than_a_key_of_the_table_are_found_by_every_way(place: Place, size: int) -> None:
    store = place.store()
    names = [f"{'k' * size}{nth}\x00é#%" for nth in range(4)] + ["short"]
    kind, value = "a#kind%", "v" * size
    places = (Entry("about", value, 5), Entry("all", "", 5))
    await store.commit([Insert(kind, name, name.encode(), places) for name in names])
    assert await store.get_many(kind, names) == [Stored(kind, name, 1, name.encode()) for name in names]
    found: dict[bool, list[str]] = {True: [], False: []}
    for newest_first, seen in found.items():
        cursor: str | None = None
        while True:
            page = await place.store().query(
                kind, "all", "", after=cursor, limit=2, newest_first=newest_first
            )
            seen += [each.key for each in page.items]
            cursor = page.cursor
            if cursor is None:
                break
    assert sorted(found[True]) == sorted(names)
    assert found[False] == found[True][::-1]
    assert await store.count(kind, "about", value) == 5
    documents, _ = await store.documents()
    assert {each.key: each for each in documents} == {
        name: Document(kind, name, 1, name.encode(), places) for name in names
    }
    await store.commit([Put(kind, names[0], b"again"), *(Delete(kind, name) for name in names[1:])])
    assert await store.count(kind, "about", value) == 0
    assert place.items("I") == []
    assert [item["v"]["N"] for item in place.items("")] == ["2"]
