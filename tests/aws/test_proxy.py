"""The proxy before the emulator: each fault as AWS would show it, botocore's own view of it, and the counting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from onpaid.cli.demo.aws_faults import ALL, FAULTS, Dice, UnknownEither, parse
from onpaid.cli.demo.aws_proxy import Proxy
from onpaid.cli.demo.emulator import Emulator, client_of
from onpaid.simulators import ALL as SIMULATED
from tests.emulator import table


class Loaded(Dice):
    """Dice that fall as they are told: these faults always, and always this way."""

    def __init__(self, *faults: str, way: bool = False) -> None:
        super().__init__(faults)
        self._way = way

    def falls(self, name: str) -> bool:
        self.hits[name] += name in self.faults
        return name in self.faults

    def either(self, name: str) -> bool:
        return self._way

    def between(self, name: str, least: float, most: float) -> float:
        return 0.0


@asynccontextmanager
async def between(emulator: Emulator, dice: Dice, **more: Any) -> AsyncIterator[tuple[Proxy, Any, str]]:
    """A proxy, a client of it that tries once only, and a table."""
    dynamodb, name = emulator.client("dynamodb"), table()
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    proxy = Proxy(emulator.url, dice, **more)
    await proxy.start()
    try:
        client = client_of("dynamodb", f"{proxy.url}/work", retries={"total_max_attempts": 1})
        yield proxy, client, name
    finally:
        await proxy.stop()


def key(value: str) -> dict[str, Any]:
    return {"PK": {"S": value}}


async def put(client: Any, name: str, value: str) -> Any:
    return await asyncio.to_thread(client.put_item, TableName=name, Item=key(value))


def is_there(emulator: Emulator, name: str, value: str) -> bool:
    return "Item" in emulator.client("dynamodb").get_item(TableName=name, Key=key(value), ConsistentRead=True)


async def test_without_faults_it_passes_on_and_counts(emulator: Emulator) -> None:
    async with between(emulator, Dice()) as (proxy, client, name):
        await put(client, name, "a")
        await asyncio.to_thread(client.get_item, TableName=name, Key=key("a"), ConsistentRead=True)
        puts = [{"Put": {"TableName": name, "Item": key(each)}} for each in "bc"]
        await asyncio.to_thread(client.transact_write_items, TransactItems=puts)
        assert proxy.figures.calls == {
            ("work", "dynamodb.PutItem"): 1,
            ("work", "dynamodb.GetItem"): 1,
            ("work", "dynamodb.TransactWriteItems"): 1,
        }
        assert proxy.figures.of("dynamodb") == 3
        assert proxy.figures.consumed("write") == 1 + 2 * 2
        assert proxy.figures.consumed("read") == 1


@pytest.mark.parametrize(
    ("way", "name"), [(False, "ProvisionedThroughputExceededException"), (True, "ThrottlingException")]
)
async def test_refused_for_its_rate(emulator: Emulator, way: bool, name: str) -> None:
    async with between(emulator, Loaded("throttle", way=way)) as (_, client, table_):
        with pytest.raises(ClientError) as refused:
            await put(client, table_, "a")
        assert refused.value.response["Error"]["Code"] == name
        assert not is_there(emulator, table_, "a")


async def test_a_conflict_names_a_reason_for_each_item(emulator: Emulator) -> None:
    async with between(emulator, Loaded("conflict")) as (_, client, name):
        puts = [{"Put": {"TableName": name, "Item": key(each)}} for each in "abc"]
        with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
            await asyncio.to_thread(client.transact_write_items, TransactItems=puts)
        codes = [reason["Code"] for reason in refused.value.response["CancellationReasons"]]
        assert sorted(codes) == ["None", "None", "TransactionConflict"]
        assert not is_there(emulator, name, "a")


async def test_an_answer_is_lost_after_the_call_took_effect(emulator: Emulator) -> None:
    async with between(emulator, Loaded("answer-lost")) as (_, client, name):
        with pytest.raises(ClientError) as lost:
            await put(client, name, "a")
        assert lost.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert is_there(emulator, name, "a")


@pytest.mark.parametrize("before", [True, False])
async def test_the_connection_breaks(emulator: Emulator, before: bool) -> None:
    async with between(emulator, Loaded("cut", way=before)) as (_, client, name):
        with pytest.raises((ConnectionClosedError, HTTPClientError)):
            await put(client, name, "a")
        assert is_there(emulator, name, "a") is not before


async def test_a_slow_answer_is_an_answer(emulator: Emulator) -> None:
    dice = Loaded("slow-store")
    async with between(emulator, dice) as (_, client, name):
        await put(client, name, "a")
        assert dice.hits["slow-store"] == 1


async def test_a_client_that_tries_again_comes_through(emulator: Emulator) -> None:
    dice = Dice({"throttle", "conflict", "answer-lost", "cut"}, seed=3)
    async with between(emulator, dice) as (proxy, _, name):
        client = client_of(
            "dynamodb", f"{proxy.url}/work", retries={"mode": "standard", "total_max_attempts": 6}
        )
        for number in range(80):
            await put(client, name, str(number))
        assert {"throttle", "answer-lost", "cut"} <= set(+dice.hits)
        assert proxy.figures.of("dynamodb") > 80
        assert all(is_there(emulator, name, str(number)) for number in range(80))


async def test_who_wrote_is_told_before_the_answer_goes_out(emulator: Emulator) -> None:
    wrote: list[tuple[str, int]] = []

    async def written(who: str, port: int) -> None:
        wrote.append((who, port))

    async with between(emulator, Dice(), written=written) as (_, client, name):
        await put(client, name, "a")
        await asyncio.to_thread(client.get_item, TableName=name, Key=key("a"))
        assert [who for who, _ in wrote] == ["work"]
        assert wrote[0][1] > 1024


async def queue_behind(
    emulator: Emulator, dice: Dice
) -> tuple[Proxy, Any, str, Callable[[], Awaitable[list[str]]]]:
    sqs = emulator.client("sqs")
    queue = sqs.create_queue(QueueName=table("queue"))["QueueUrl"]
    proxy = Proxy(emulator.url, dice)
    await proxy.start()

    async def received() -> list[str]:
        found: list[str] = []
        while True:
            got = await asyncio.to_thread(
                sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            if not got.get("Messages"):
                return sorted(found)
            found += [message["Body"] for message in got["Messages"]]

    return proxy, client_of("sqs", f"{proxy.url}/web"), queue, received


def bell(run: str) -> str:
    return f'{{"run": "{run}"}}'


@pytest.mark.parametrize(
    ("fault", "times"), [("", 1), ("sqs-twice", 2), ("lost-bell", 0), ("batch-partial", 1)]
)
async def test_how_often_a_message_is_delivered(emulator: Emulator, fault: str, times: int) -> None:
    proxy, client, queue, received = await queue_behind(emulator, Loaded(*filter(None, [fault])))
    try:
        told = await asyncio.to_thread(client.send_message, QueueUrl=queue, MessageBody=bell("a"))
        assert told["MessageId"]
        entries = [{"Id": each, "MessageBody": bell(each)} for each in "bc"]
        told = await asyncio.to_thread(client.send_message_batch, QueueUrl=queue, Entries=entries)
        assert [each["Id"] for each in told["Successful"]] == ["b", "c"]
        assert await received() == sorted([bell("a"), bell("b"), bell("c")] * times)
        assert proxy.figures.calls["web", "sqs.SendMessage"] == 1
        assert proxy.figures.of("sqs") == 2
    finally:
        await proxy.stop()


async def test_messages_are_held_back(emulator: Emulator) -> None:
    proxy, client, queue, _ = await queue_behind(emulator, Loaded("sqs-shuffle"))
    try:
        await asyncio.to_thread(client.send_message, QueueUrl=queue, MessageBody=bell("a"))
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        kept = emulator.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        assert (kept[names[0]], kept[names[1]]) == ("0", "1")
    finally:
        await proxy.stop()


async def test_a_sick_run_meets_a_table_that_is_down_for_it(emulator: Emulator) -> None:
    dice = Loaded("batch-partial")
    async with between(emulator, dice) as (proxy, client, name):
        queue = emulator.client("sqs").create_queue(QueueName=table("queue"))["QueueUrl"]
        sqs = client_of("sqs", f"{proxy.url}/web")
        await asyncio.to_thread(sqs.send_message, QueueUrl=queue, MessageBody=bell("sick"))
        await put(client, name, "well")
        with pytest.raises(ClientError):
            await put(client, name, "sick")
        proxy.quiet = True
        await put(client, name, "sick")


def test_the_same_seed_falls_alike_and_each_fault_surely_falls_once() -> None:
    first, second = (Dice(ALL, seed=5, orders=8) for _ in range(2))
    for name in sorted(ALL):
        chances = range(FAULTS[name].first)
        assert [first.falls(name) for _ in chances] == [second.falls(name) for _ in chances]
        assert first.hits[name] >= 1
    assert not Dice().falls("throttle")


def test_names_of_both_worlds() -> None:
    assert parse("all") == (SIMULATED, ALL)
    assert parse("none") == (frozenset(), frozenset())
    assert parse("throttle, duplicate") == (frozenset({"duplicate"}), frozenset({"throttle"}))
    with pytest.raises(UnknownEither, match=r"thrrottle.*aws-emulator also: answer-lost"):
        parse("thrrottle")
