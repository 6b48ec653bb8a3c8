"""What is done with many items and without conditions: listing the whole table, and writing or deleting in bulk."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from onpaid.errors import InvalidInput, StoreUnavailable
from onpaid.store.dynamodb_batch import Name, Plan
from onpaid.store.dynamodb_items import entries_of, read_name
from onpaid.store.dynamodb_keys import DOCUMENT, document_key
from onpaid.store.dynamodb_reading import Reading
from onpaid.store.dynamodb_wire import Wire
from onpaid.store.port import Document

MOST_IN_BULK = 25
MOST_BYTES = 9_000_000
ROUNDS = 12


async def documents(
    wire: Wire, table: str, reading: Reading, after: str | None, limit: int
) -> tuple[list[Document], str | None]:
    """Some documents of the table, and the cursor behind them."""
    wire.ensure_open()
    if limit < 1:
        raise ValueError("a page holds at least one document")
    start: dict[str, Any] | None = None if after is None else _read_cursor(after)
    found: list[Document] = []
    while True:
        given: dict[str, Any] = {"ExclusiveStartKey": start} if start else {}
        answer = await wire.read(
            "scan",
            TableName=table,
            FilterExpression="SK = :d AND begins_with(PK, :p)",
            ExpressionAttributeValues={":d": {"S": DOCUMENT}, ":p": {"S": "D#"}},
            ConsistentRead=True,
            Limit=min(limit - len(found), 1000),
            **given,
        )
        for item in answer["Items"]:
            whole = await reading.whole(read_name(item), item)
            if whole is not None:
                stored, known = whole
                entries = entries_of(known.placed)
                found.append(Document(stored.kind, stored.key, stored.version, stored.body, entries))
        start = answer.get("LastEvaluatedKey")
        if not start:
            return found, None
        if len(found) == limit:
            return found, _cursor(start)


def at_version(plan: Plan, name: Name, version: int) -> None:
    """Have the plan write its document under a version that another store gave it."""
    plan.then[name] = replace(plan.then[name], version=version)
    for action in plan.actions:
        item = action.get("Put", {}).get("Item", {})
        if {"PK": item.get("PK"), "SK": item.get("SK")} == document_key(*name):
            item["v"] = {"N": str(version)}


async def put_items(wire: Wire, table: str, items: Sequence[dict[str, Any]]) -> None:
    """Write items that nobody else writes. Raises StoreUnavailable: nothing refers to them yet."""
    await _in_bulk(wire, table, [{"PutRequest": {"Item": item}} for item in items])


async def delete_items(wire: Wire, table: str, keys: Sequence[dict[str, Any]]) -> None:
    """Delete items that nothing refers to."""
    await _in_bulk(wire, table, [{"DeleteRequest": {"Key": key}} for key in keys])


async def _in_bulk(wire: Wire, table: str, requests: list[dict[str, Any]]) -> None:
    waiting, rounds = list(requests), 0
    while waiting:
        some = _some(waiting)
        answer = await wire.read("batch_write_item", RequestItems={table: some})
        left = (answer.get("UnprocessedItems") or {}).get(table, [])
        waiting = [*left, *waiting[len(some) :]]
        rounds = rounds + 1 if len(left) == len(some) else 0
        if rounds > ROUNDS:
            raise StoreUnavailable("DynamoDB takes none of what is written in bulk: try again")


def _some(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as one call may carry."""
    chosen: list[dict[str, Any]] = []
    size = 0
    for request in requests[:MOST_IN_BULK]:
        body = request.get("PutRequest", {}).get("Item", {}).get("b", {}).get("B", b"")
        size += len(body) + 500
        if chosen and size > MOST_BYTES:
            break
        chosen.append(request)
    return chosen


def _cursor(start: dict[str, Any]) -> str:
    raw = f"{start['PK']['S']}\n{start['SK']['S']}".encode()
    return base64.urlsafe_b64encode(raw).decode()


def _read_cursor(cursor: str) -> dict[str, Any]:
    try:
        partition, line, sort = base64.urlsafe_b64decode(cursor.encode()).decode().rpartition("\n")
    except (binascii.Error, ValueError):
        line = ""
    if not line:
        raise InvalidInput("this cursor is not one of ours: start the list again without it")
    return {"PK": {"S": partition}, "SK": {"S": sort}}
