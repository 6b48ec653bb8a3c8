"""What is DynamoDB's own: transactions and their limits, shards, lost answers, two processes on one table."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from onpaid.errors import Conflict, StoreUnavailable, StoreUnknown
from onpaid.store import dynamodb_keys as keys
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_wire import TRIES
from onpaid.store.port import MOST_WRITES, Check, Delete, Entry, Insert, Put, Stored, Update, Write
from tests.stores.rough import AFTER, BEFORE, Rough
from tests.stores.tables import Place, others, shown, soon


def paid(number: int, *values: str) -> Insert:
    entries = tuple(Entry("state", value, number) for value in values or ("open",))
    return Insert("order", f"o{number:03}", b"%d" % number, entries)


# What a batch becomes


async def test_a_batch_with_more_entries_than_a_transaction_holds_is_all_or_nothing(place: Place) -> None:
    store = place.store()
    many = [paid(number, "open", "late", "big") for number in range(MOST_WRITES)]
    await store.commit([paid(7, "open")])
    with pytest.raises(Conflict):
        await store.commit(many)
    assert await store.count("order", "state", "late") == 0
    await store.commit([Delete("order", "o007"), *many[:7], *many[8:]])
    assert await store.count("order", "state", "late") == MOST_WRITES - 1
    page = await store.query("order", "state", "big", limit=MOST_WRITES)
    assert len(page.items) == MOST_WRITES - 1
    assert len(place.items("I")) == 3 * (MOST_WRITES - 1), (
        "what was written ahead of the refused batch is gone"
    )
    moved = [
        Put("order", f"o{number:03}", b"", (Entry("state", "paid", 1),)) for number in range(MOST_WRITES)
    ]
    await store.commit(moved)
    assert await store.count("order", "state", "open") == 0
    assert await store.count("order", "state", "paid") == MOST_WRITES


async def test_what_a_dead_writer_wrote_ahead_is_never_shown(place: Place) -> None:
    """It wrote the entries of a large batch, and died before the transaction."""
    rough = Rough(place.client, plan=("unreachable",) * TRIES)
    with pytest.raises(StoreUnavailable):
        await place.store(rough).commit([paid(number, "open", "late") for number in range(MOST_WRITES)])
    assert len(place.items("I")) == 2 * MOST_WRITES
    store = place.store()
    await store.commit([paid(3)])
    assert [each.key for each in (await store.query("order", "state", "open")).items] == ["o003"]
    assert await store.count("order", "state", "open") == 1
    assert await store.count("order", "state", "late") == 0


@pytest.mark.parametrize("size", [249_000, 400_000, 1_100_000, 5_000_000])
async def test_a_body_larger_than_an_item_lies_in_pieces_and_leaves_none_behind(
    place: Place, size: int
) -> None:
    store = place.store()
    stubborn = b"".join(bytes([(n * n * 31 + n // 7 + n // 60_000) % 251]) for n in range(60_000))
    body = bytes(bytearray((b ^ (nth * 37 % 256)) for nth, b in enumerate(stubborn)))
    big = (body * (size // len(body) + 1))[:size]
    await store.commit([Insert("event", "e1", big, (Entry("all", "", 1),))])
    assert await place.store().get("event", "e1") == Stored("event", "e1", 1, big)
    assert [each.body for each in (await store.query("event", "all", "")).items] == [big]
    await store.commit([Update("event", "e1", b"small", 1)])
    assert await place.store().get("event", "e1") == Stored("event", "e1", 2, b"small")
    assert place.items("P#") == []


async def test_a_document_alone_is_one_put_and_with_its_entries_one_transaction(place: Place) -> None:
    rough = Rough(place.client)
    store = place.store(rough)
    await store.commit([paid(1)])
    assert rough.calls == Counter(transact_write_items=1)
    await store.commit([Update("order", "o001", b"2", 1, paid(1).entries)])
    assert rough.calls == Counter(transact_write_items=1, put_item=1), (
        "its entries lie where they lay; nothing is read"
    )


# Shards


async def test_a_broad_value_is_spread_and_a_narrow_one_is_not(place: Place) -> None:
    store = place.store()
    for start in range(0, 80, 20):
        await store.commit(
            [
                Insert("run", f"r{nth}", b"", (Entry("due", "", nth), Entry("about", "order:1", nth)))
                for nth in range(start, start + 20)
            ]
        )
    where = Counter(item["PK"]["S"] for item in place.items("I"))
    due = {name: count for name, count in where.items() if "#due#" in name}
    assert len(due) == keys.SHARDS
    assert max(due.values()) <= 20
    assert [count for name, count in where.items() if "#about#" in name] == [80]
    page = await store.query("run", "due", "", newest_first=False, limit=80)
    assert [each.key for each in page.items] == [f"r{nth}" for nth in range(80)]


# Trouble


@pytest.mark.parametrize("fate", [*BEFORE, *AFTER])
@pytest.mark.parametrize("batch", ["one item", "transaction", "large"])
async def test_a_write_whose_answer_is_lost_happens_once_and_is_known_to_have(
    place: Place, fate: str, batch: str
) -> None:
    store = place.store()
    await store.commit([Insert("order", "o1", b"1")])
    rough = Rough(place.client, plan=(fate, fate))
    writes: list[Write] = [Update("order", "o1", b"2", 1)]
    if batch == "transaction":
        writes += [Check("order", "o2", None), paid(5)]
    elif batch == "large":
        writes += [paid(number, "open", "late") for number in range(80)]
    await place.store(rough).commit(writes)
    assert rough.met[fate] >= 1
    assert await store.get("order", "o1") == Stored("order", "o1", 2, b"2")
    with pytest.raises(Conflict):
        await place.store(rough).commit(writes)


@pytest.mark.parametrize("fate", AFTER)
async def test_what_nobody_can_tell_is_said_to_be_unknown(place: Place, fate: str) -> None:
    """The answer was lost, and others wrote twice before it could be seen what became of the write."""
    store, other = place.store(), place.store()
    await store.commit([Insert("order", "o1", b"1")])

    class Meddled(Rough):
        def __getattr__(self, operation: str) -> Any:
            call = super().__getattr__(operation)

            def then(**given: Any) -> Any:
                try:
                    return call(**given)
                finally:
                    if operation == "put_item" and self.met[fate] == 1:
                        self.met[fate] += 1
                        for version in (2, 3):
                            body = {"S": "theirs"}
                            place.client.update_item(
                                TableName=place.name,
                                Key=keys.document_key("order", "o1"),
                                UpdateExpression="SET v = :n, w = :w",
                                ConditionExpression="v = :v",
                                ExpressionAttributeValues={
                                    ":v": {"N": str(version)},
                                    ":n": {"N": str(version + 1)},
                                    ":w": body,
                                },
                            )

            return then

    with pytest.raises(StoreUnknown):
        await place.store(Meddled(place.client, plan=(fate,))).commit([Update("order", "o1", b"ours", 1)])
    found = await other.get("order", "o1")
    assert found is not None
    assert found.version == 4


async def test_a_dead_table_is_unavailable_and_nothing_was_written(place: Place) -> None:
    store = place.store()
    await store.commit([paid(1)])
    place.client.delete_table(TableName=place.name)
    for call in (
        store.get("order", "o001"),
        store.commit([paid(2)]),
        store.query("order", "state", "open"),
        store.ping(),
    ):
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            await call


@pytest.mark.parametrize("seed", range(3))
async def test_under_a_third_of_failures_counters_and_indexes_stay_exact(place: Place, seed: int) -> None:
    await place.store().commit([Insert("counter", "c", b"0")])
    added: list[int] = []

    async def add(worker: int) -> None:
        store = place.store(Rough(place.client, share=0.3, seed=seed * 100 + worker))
        for nth in range(6):
            while True:
                try:
                    stored = await store.get("counter", "c")
                    assert stored is not None
                    value = int(stored.body) + 1
                    entries = (Entry("state", f"s{value % 2}", value),)
                    await store.commit(
                        [
                            Update("counter", "c", b"%d" % value, stored.version, entries),
                            Insert("added", f"{worker}-{nth}", b"%d" % value, (Entry("all", "", value),)),
                        ]
                    )
                except (Conflict, StoreUnavailable):
                    continue
                except StoreUnknown:
                    if await place.store().get("added", f"{worker}-{nth}") is None:
                        continue
                added.append(nth)
                break

    await asyncio.gather(*(add(worker) for worker in range(6)))
    store = place.store()
    counted = await store.get("counter", "c")
    assert counted is not None
    assert int(counted.body) == len(added) == 36
    page = await store.query("added", "all", "", newest_first=False, limit=100)
    assert [int(each.body) for each in page.items] == list(range(1, 37))
    assert [await store.count("counter", "state", f"s{n}") for n in (0, 1)] == [1, 0]


# Two processes


async def test_what_is_remembered_of_a_deleted_document_is_not_taken_for_its_successor(place: Place) -> None:
    one, two = place.store(), place.store()
    await one.commit([Insert("order", "o1", b"old", (Entry("state", "old", 1),))])
    await two.commit([Delete("order", "o1")])
    await two.commit([Insert("order", "o1", b"new", (Entry("state", "new", 1),))])
    await one.commit([Update("order", "o1", b"newer", 1, (Entry("state", "newer", 1),))])
    assert [await two.count("order", "state", state) for state in ("old", "new", "newer")] == [0, 0, 1]
    assert len(place.items("I")) == 1


async def test_an_entry_whose_document_moved_on_meanwhile_is_not_shown(place: Place) -> None:
    one, two = place.store(), place.store()
    await one.commit([paid(1)])
    place.client.put_item(
        TableName=place.name, Item=keys.entry_item("order", "o001", Entry("state", "late", 9))
    )
    assert (await two.query("order", "state", "late")).items == []
    assert len((await two.query("order", "state", "open")).items) == 1


# Shadows


async def test_a_shadow_is_written_with_its_document_moves_with_it_and_keeps_what_others_wrote(
    place: Place,
) -> None:
    name = others(place)
    store = DynamoStore(place.name, shadows=shown(name), client=place.client, pause=soon)
    await store.commit([Insert("order", "o1", b"A1 open")])
    place.client.update_item(
        TableName=name,
        Key={"orderId": {"S": "A1"}},
        UpdateExpression="SET theirs = :t, note = :t",
        ExpressionAttributeValues={":t": {"S": "kept"}},
    )
    await store.commit([Update("order", "o1", b"A1 paid", 1)])
    item = place.client.get_item(TableName=name, Key={"orderId": {"S": "A1"}})["Item"]
    assert item == {
        "orderId": {"S": "A1"},
        "status": {"S": "paid"},
        "ours": {"S": "o1"},
        "theirs": {"S": "kept"},
    }
    with pytest.raises(Conflict):
        await store.commit([Update("order", "o1", b"A1 lost", 1)])
    assert place.client.get_item(TableName=name, Key={"orderId": {"S": "A1"}})["Item"] == item
    await store.commit([Update("order", "o1", b"A2 paid", 2)])
    assert [each["orderId"]["S"] for each in place.client.scan(TableName=name)["Items"]] == ["A2"]


async def test_a_table_that_is_not_named_any_more_is_left_alone(place: Place) -> None:
    name = others(place)
    store = DynamoStore(place.name, shadows=shown(name), client=place.client, pause=soon)
    await store.commit([Insert("order", "o1", b"A1 open")])
    place.client.delete_table(TableName=name)
    await place.store().commit([Update("order", "o1", b"A2 paid", 1)])
    assert await place.store().get("order", "o1") == Stored("order", "o1", 2, b"A2 paid")


async def test_shadows_without_room_come_right_behind(place: Place) -> None:
    name = others(place)
    store = DynamoStore(place.name, shadows=shown(name), client=place.client, pause=soon)
    await store.commit([Insert("order", f"o{nth}", b"A%d open" % nth) for nth in range(80)])
    assert len(place.client.scan(TableName=name)["Items"]) == 80
    await store.commit([Put("order", f"o{nth}", b"A%d paid" % nth) for nth in range(80)])
    states = {item["status"]["S"] for item in place.client.scan(TableName=name)["Items"]}
    assert states == {"paid"}
