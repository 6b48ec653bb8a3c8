"""Batches on DynamoDB that cannot be written, are raced, or stand although what belongs behind them failed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
import structlog.testing

from onpaid.errors import Conflict, InvalidInput, StoreUnavailable, StoreUnknown
from onpaid.store.dynamodb import ROUNDS
from onpaid.store.dynamodb_items import MOST_BODY
from onpaid.store.dynamodb_keys import document_key
from onpaid.store.dynamodb_shadows import Shadow
from onpaid.store.port import Delete, Document, Entry, Insert, Put, Stored, Update, Write
from tests.stores.rough import Rough, refused
from tests.stores.tables import Hooked, Place, others, shown


def denied(_call: Any, _given: Any) -> Any:
    raise refused("AccessDeniedException")


def condition_failed(_call: Any, _given: Any) -> Any:
    raise refused("ConditionalCheckFailedException")


# What the table cannot hold


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (Insert("order", "o2", bytearray(b"2")), TypeError),  # type: ignore[arg-type]
        (Put("order", "o2", bytes(MOST_BODY + 1)), ValueError),
        (Update("order", "o2", b"2", 1, (Entry("state", "open", 1 << 63),)), ValueError),
        (Insert("order", "o2", b"2", (Entry("state", "open", True),)), ValueError),
        (Insert("order", "o2", b"2", (Entry("state", "\udfff", 1),)), ValueError),
        (Insert("order", "\ud800", b"2"), ValueError),
        (Delete("\ud800", "o2"), ValueError),
    ],
)
async def test_a_batch_with_something_that_no_item_holds_is_refused_as_a_whole(
    place: Place, wrong: Write, error: type[Exception]
) -> None:
    client = Hooked(place.client)
    with pytest.raises(error):
        await place.store(client).commit([Insert("order", "o1", b"1"), wrong])
    assert client.calls == [], "nobody was asked"
    assert place.items("") == []


async def test_a_cursor_with_half_a_character_is_not_one_of_ours(place: Place) -> None:
    with pytest.raises(InvalidInput, match="not one of ours"):
        await place.store().query("order", "state", "open", after="1~\ud800")


# Races


async def test_who_is_overtaken_every_time_gives_up_and_has_written_nothing(place: Place) -> None:
    client = Hooked(place.client, put_item=condition_failed)
    store = place.store(client)
    with pytest.raises(StoreUnavailable, match="others write the same"):
        await store.commit([Put("order", "o1", b"1")])
    with pytest.raises(StoreUnavailable, match="written by others while it is copied"):
        await store.load([Document("order", "o1", 7, b"1", ())])
    assert client.calls.count("put_item") == 2 * ROUNDS
    assert place.items("") == []


async def test_a_version_that_comes_true_between_two_looks_is_written_over(place: Place) -> None:
    """The first look saw version 1, and while the batch was judged another process wrote version 2."""
    await place.store().commit([Insert("order", "o1", b"1", (Entry("state", "open", 1),))])
    before = place.client.get_item(TableName=place.name, Key=document_key("order", "o1"))
    await place.store().commit([Update("order", "o1", b"2", 1, (Entry("state", "open", 1),))])
    looks = [before]

    def late(call: Any, given: Any) -> Any:
        return looks.pop() if looks else call(**given)

    store = place.store(Hooked(place.client, get_item=late))
    await store.commit([Update("order", "o1", b"3", 2, (Entry("state", "paid", 1),))])
    assert await place.store().get("order", "o1") == Stored("order", "o1", 3, b"3")
    assert [await store.count("order", "state", state) for state in ("open", "paid")] == [0, 1]


async def test_a_lost_answer_that_cannot_be_looked_up_is_unknown(place: Place) -> None:
    """The first try was taken, the second says that a condition failed: only a look could tell why."""
    client = Hooked(Rough(place.client, plan=("no answer",)))

    def second(call: Any, given: Any) -> Any:
        client.hooks["get_item"] = denied
        return call(**given)

    client.hooks["put_item"] = second
    with pytest.raises(StoreUnknown, match="cannot be seen"):
        await place.store(client).commit([Put("order", "o1", b"1")])
    assert await place.store().get("order", "o1") == Stored("order", "o1", 1, b"1")


async def test_a_clear_refusal_is_no_doubt_even_if_nothing_can_be_looked_up(place: Place) -> None:
    client = Hooked(place.client)

    def refuse(call: Any, given: Any) -> Any:
        client.hooks["get_item"] = denied
        return condition_failed(call, given)

    client.hooks["put_item"] = refuse
    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        await place.store(client).commit([Put("order", "o1", b"1")])
    assert place.items("") == []


# What belongs behind a batch


async def test_pieces_that_could_not_be_taken_away_are_never_shown(place: Place) -> None:
    big = os.urandom(900_000)
    await place.store().commit([Insert("event", "e1", big)])
    client = Hooked(place.client, batch_write_item=denied)
    await place.store(client).commit([Update("event", "e1", b"small", 1)])
    assert client.calls.count("batch_write_item") == 1
    assert len(place.items("P#")) == 3
    store = place.store()
    assert await store.get("event", "e1") == Stored("event", "e1", 2, b"small")
    page, _ = await store.documents()
    assert [(each.key, each.body) for each in page] == [("e1", b"small")]


async def test_a_refused_batch_names_its_conflict_though_its_entries_could_not_be_taken_back(
    place: Place,
) -> None:
    many = [Insert("order", f"o{nth}", b"", (Entry("state", "open", 1),)) for nth in range(80)]
    await place.store().commit([Insert("order", "o7", b"theirs")])
    client = Hooked(place.client)

    def ahead(call: Any, given: Any) -> Any:
        (requests,) = given["RequestItems"].values()
        return denied(call, given) if "DeleteRequest" in requests[0] else call(**given)

    client.hooks["batch_write_item"] = ahead
    with pytest.raises(Conflict) as raised:
        await place.store(client).commit(many)
    assert raised.value.keys == [("order", "o7")]
    assert len(place.items("I")) == 80
    assert await place.store().count("order", "state", "open") == 0
    assert (await place.store().query("order", "state", "open")).items == []


# Shadows


async def test_a_batch_stands_though_shadows_behind_it_fail_and_their_next_change_mends_them(
    place: Place,
) -> None:
    name = others(place)
    client = Hooked(place.client, update_item=denied)
    with structlog.testing.capture_logs() as logs:
        await place.store(client, shadows=shown(name)).commit(
            [Insert("order", f"o{nth}", b"A%d open" % nth) for nth in range(80)]
        )
    lagging = [each for each in logs if each["event"] == "a documented table lags behind our record"]
    assert len(lagging) == 60, "a hundred actions are a transaction: eighty documents and twenty shadows"
    assert {each["table"] for each in lagging} == {name}
    assert len(place.items("D#")) == 80
    assert len(place.client.scan(TableName=name)["Items"]) == 20
    store = place.store(shadows=shown(name))
    for start in (0, 40):
        some = range(start, start + 40)
        await store.commit([Put("order", f"o{nth}", b"A%d paid" % nth) for nth in some])
    items = place.client.scan(TableName=name)["Items"]
    assert len(items) == 80
    assert {item["status"]["S"] for item in items} == {"paid"}


async def test_shadows_go_with_their_documents_however_many_these_are(place: Place) -> None:
    name = others(place)
    store = place.store(shadows=shown(name))
    await store.commit([Insert("order", f"o{nth}", b"A%d open" % nth) for nth in range(81)])
    await store.commit([Delete("order", "o80"), Delete("order", "never there")])
    assert len(place.client.scan(TableName=name)["Items"]) == 80
    await store.commit([Delete("order", f"o{nth}") for nth in range(80)])
    assert place.client.scan(TableName=name)["Items"] == []
    assert place.items("") == []


async def test_a_shadow_may_have_only_fields_that_are_taken_away(place: Place) -> None:
    name = others(place)

    def bare(key: str, body: bytes) -> Sequence[Shadow]:
        note = None if body == b"without" else body.decode()
        return [Shadow(name, {"orderId": key}, {"orderId": key, "note": note})]

    store = place.store(shadows={"order": bare})
    key = {"orderId": {"S": "o1"}}
    found = []
    for version, body in enumerate((b"without", b"n", b"without")):
        await store.commit([Update("order", "o1", body, version) if version else Insert("order", "o1", body)])
        found.append(place.client.get_item(TableName=name, Key=key)["Item"])
    assert found == [key, {**key, "note": {"S": "n"}}, key]
