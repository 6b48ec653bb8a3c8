"""Calls to DynamoDB that end in doubt or never leave, what is written in bulk, and values as the protocol spells them."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from onpaid.errors import StoreUnavailable, StoreUnknown
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_copying import MOST_BYTES, MOST_IN_BULK, ROUNDS
from onpaid.store.dynamodb_items import wired
from onpaid.store.dynamodb_wire import TRIES, Wire, make_client
from onpaid.store.port import Entry, Insert, Stored, Update
from tests.stores.tables import Hooked, Place, soon

LOST = ReadTimeoutError(endpoint_url="http://127.0.0.1")
NOT_SENT = EndpointConnectionError(endpoint_url="http://127.0.0.1")


class Fated:
    """A client whose every call ends by plan, the last fate again and again."""

    def __init__(self, *fates: Exception | dict[str, Any]) -> None:
        self.fates = list(fates)
        self.calls = 0

    def put_item(self, **_given: Any) -> Any:
        self.calls += 1
        fate = self.fates.pop(0) if len(self.fates) > 1 else self.fates[0]
        if isinstance(fate, Exception):
            raise fate
        return fate

    get_item = put_item


# How a call ends


async def test_a_read_without_an_answer_is_unavailable_and_a_write_is_unknown() -> None:
    client = Fated(LOST)
    wire = Wire(client, soon)
    with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
        await wire.read("get_item")
    with pytest.raises(StoreUnknown, match="ReadTimeoutError"):
        await wire.write("put_item")
    assert client.calls == 2 * TRIES


@pytest.mark.parametrize(
    ("fates", "error", "calls"),
    [
        ((NoCredentialsError(),), StoreUnavailable, 1),
        ((LOST, NoCredentialsError()), StoreUnknown, 2),
    ],
)
async def test_a_write_that_does_not_leave_says_nothing_of_the_try_before_it(
    fates: tuple[Exception, ...], error: type[Exception], calls: int
) -> None:
    client = Fated(*fates)
    with pytest.raises(error, match="NoCredentialsError"):
        await Wire(client, soon).write("put_item")
    assert client.calls == calls


@pytest.mark.parametrize(("fate", "error"), [(LOST, StoreUnknown), (NOT_SENT, StoreUnavailable)])
async def test_a_store_that_is_closed_between_two_tries_tells_what_it_knows(
    fate: Exception, error: type[Exception]
) -> None:
    """What closes it finds no call under way, and the write wakes from its pause afterwards."""

    async def shut(_seconds: float) -> None:
        await wire.close()

    client = Fated(fate)
    wire = Wire(client, shut)
    with pytest.raises(error, match="closed"):
        await wire.write("put_item")
    assert client.calls == 1


async def test_a_table_that_is_not_there_is_told_when_the_store_is_opened(place: Place) -> None:
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        await DynamoStore.open("nowhere", client=place.client, pause=soon)


# The client


def test_a_client_is_made_from_what_aws_itself_calls_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    client = make_client()
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries["total_max_attempts"] == 1, "the repeats are ours"


async def test_a_store_without_a_region_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreUnavailable, match="NoRegionError"):
        await DynamoStore.open("onpaid")


# In bulk


async def test_what_is_written_ahead_goes_in_calls_that_dynamodb_takes(place: Place) -> None:
    sizes: list[tuple[int, int]] = []

    def weigh(call: Any, given: Any) -> Any:
        (requests,) = given["RequestItems"].values()
        bodies = [each.get("PutRequest", {}).get("Item", {}).get("b", {}).get("B", b"") for each in requests]
        sizes.append((len(requests), sum(map(len, bodies))))
        return call(**given)

    big = os.urandom(MOST_BYTES + 1_000_000)
    store = place.store(Hooked(place.client, batch_write_item=weigh))
    await store.commit([Insert("event", "e1", big)])
    assert len(sizes) == 2
    assert all(count <= MOST_IN_BULK and size <= MOST_BYTES for count, size in sizes)
    assert await store.get("event", "e1") == Stored("event", "e1", 1, big)


async def test_what_dynamodb_leaves_lying_is_written_again_until_all_is_taken(place: Place) -> None:
    def half(call: Any, given: Any) -> Any:
        (requests,) = given["RequestItems"].values()
        taken = max(1, len(requests) // 2)
        call(RequestItems={place.name: requests[:taken]})
        return {"UnprocessedItems": {place.name: requests[taken:]} if requests[taken:] else {}}

    client = Hooked(place.client, batch_write_item=half)
    await place.store(client).commit(
        [Insert("order", f"o{nth}", b"", (Entry("state", "open", nth),)) for nth in range(80)]
    )
    assert await place.store().count("order", "state", "open") == 80
    assert len((await place.store().query("order", "state", "open", limit=80)).items) == 80


async def test_what_is_never_taken_ahead_of_a_batch_leaves_the_batch_unwritten(place: Place) -> None:
    def nothing(_call: Any, given: Any) -> Any:
        return {"UnprocessedItems": given["RequestItems"]}

    await place.store().commit([Insert("event", "e1", b"small")])
    client = Hooked(place.client, batch_write_item=nothing)
    store = place.store(client)
    with pytest.raises(StoreUnavailable, match="takes none"):
        await store.commit([Update("event", "e1", os.urandom(800_000), 1)])
    assert client.calls.count("batch_write_item") == ROUNDS + 1
    assert "put_item" not in client.calls
    assert await store.get("event", "e1") == Stored("event", "e1", 1, b"small")


# Values


def test_values_are_spelled_exactly() -> None:
    spelled = wired(
        {
            "text": "é",
            "whole": 9_007_199_254_740_993,
            "exact": Decimal("12.50"),
            "truth": True,
            "bytes": b"\x00",
            "list": ["a", 1, (False,)],
            "left out": None,
        }
    )
    assert spelled == {
        "M": {
            "text": {"S": "é"},
            "whole": {"N": "9007199254740993"},
            "exact": {"N": "12.50"},
            "truth": {"BOOL": True},
            "bytes": {"B": b"\x00"},
            "list": {"L": [{"S": "a"}, {"N": "1"}, {"L": [{"BOOL": False}]}]},
        }
    }


@pytest.mark.parametrize("make", [lambda: 1.5, object, lambda: {"deep": [0.1]}, lambda: [None]])
def test_what_has_no_exact_form_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        wired(make())
