"""What the tests of the DynamoDB store share: a table, the table of another service, and a client with others in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_shadows import Shadow, ShadowOf
from onpaid.store.dynamodb_table import create_table
from tests.emulator import Emulator, table

Hook = Callable[[Callable[..., Any], dict[str, Any]], Any]
"""Stands in for one operation: is handed the real one and what it is asked, and answers or raises."""


class Hooked:
    """Passes calls on to a real client, but for the operations that have a hook."""

    def __init__(self, client: Any, **hooks: Hook) -> None:
        self._client = client
        self.hooks = hooks
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._client, operation)

        def call(**given: Any) -> Any:
            self.calls.append(operation)
            hook = self.hooks.get(operation)
            return method(**given) if hook is None else hook(method, given)

        return call


async def soon(_seconds: float) -> None:
    """A pause that does not wait."""
    await asyncio.sleep(0)


class Place:
    """A table, and as many stores on it as a test wants."""

    def __init__(self, emulator: Emulator) -> None:
        self.client = emulator.client("dynamodb")
        self.name = table()
        create_table(self.client, self.name)

    def store(self, client: Any = None, **how: Any) -> DynamoStore:
        return DynamoStore(self.name, client=client or self.client, pause=soon, **how)

    def items(self, beginning: str) -> list[dict[str, Any]]:
        found = self.client.scan(TableName=self.name, ConsistentRead=True)["Items"]
        return [item for item in found if item["PK"]["S"].startswith(beginning)]


def shown(name: str) -> dict[str, ShadowOf]:
    """Each order in a table of another service, under what its body says."""

    def shadows(key: str, body: bytes) -> list[Shadow]:
        number, _, state = body.decode().partition(" ")
        return [Shadow(name, {"orderId": number}, {"status": state, "ours": key, "note": None})]

    return {"order": shadows}


def others(place: Place) -> str:
    """A table of another service."""
    name = table("theirs")
    place.client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
