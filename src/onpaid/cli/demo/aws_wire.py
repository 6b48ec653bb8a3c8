"""Calls to AWS as they travel: what a proxy reads of them, and the answers that it makes up as AWS would word them."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

HOPS: Final = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "keep-alive", "date", "server"}
)
"""Headers of one connection, not of the message."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as it came."""

    who: str
    service: str
    operation: str
    headers: dict[str, str]
    body: bytes
    port: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Without a status the connection is cut instead."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


CUT: Final = Answer(0)


async def read(request: web.Request) -> Call:
    """The service stands in the signature's scope, the operation in a header."""
    who, _, _ = request.match_info["path"].partition("/")
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    headers = {name: value for name, value in request.headers.items() if name.lower() not in HOPS}
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return Call(
        who=who or "others",
        service=scope[3] if len(scope) > 3 else "unknown",
        operation=request.headers.get("X-Amz-Target", "").rpartition(".")[2] or "unknown",
        headers=headers,
        body=await request.read(),
        port=peer[1] if peer else 0,
    )


def tenths(consumed: Any) -> int:
    """Capacity units, in tenths: a table's, or several tables'."""
    rows = consumed if isinstance(consumed, list) else [consumed] if consumed else []
    return round(sum(float(row.get("CapacityUnits", 0)) for row in rows) * 10)


def refused(status: int, name: str, message: str, **more: Any) -> Answer:
    told = {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": message} | more
    return Answer(status, json.dumps(told).encode(), _json())


def conflict(call: Call) -> Answer:
    """As DynamoDB tells it: one reason for each item, in their order."""
    items = json.loads(call.body)["TransactItems"]
    at = len(call.body) % len(items)
    clash = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    reasons = [clash if number == at else {"Code": "None"} for number in range(len(items))]
    codes = ", ".join(reason["Code"] for reason in reasons)
    return refused(
        400,
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def sending(call: Call, queue: str, entries: list[dict[str, Any]]) -> Call:
    """The same call, with these messages."""
    named = [entry | {"Id": f"m{number}"} for number, entry in enumerate(entries)]
    headers = call.headers | {"X-Amz-Target": "AmazonSQS.SendMessageBatch"}
    body = json.dumps({"QueueUrl": queue, "Entries": named}).encode()
    return Call(call.who, call.service, "SendMessageBatch", headers, body, call.port)


def sent(entries: list[dict[str, Any]], *, single: bool) -> Answer:
    """All taken, lost ones too."""
    told = [
        {
            "Id": entry["Id"],
            "MessageId": str(uuid.uuid4()),
            "MD5OfMessageBody": hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest(),
        }
        for entry in entries
    ]
    return Answer(
        200, json.dumps(told[0] if single else {"Successful": told, "Failed": []}).encode(), _json()
    )


def _json() -> dict[str, str]:
    return {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": str(uuid.uuid4())}
