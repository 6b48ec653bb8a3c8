"""The table of ours: its keys, and how tools and tests make one. In production the template makes it."""

from __future__ import annotations

from typing import Any

ATTRIBUTES = (("PK", "S"), ("SK", "S"))
KEYS = (("PK", "HASH"), ("SK", "RANGE"))
TTL = "ttl"


def create_table(client: Any, name: str) -> None:
    """Make the table, paid by request. Raises what boto3 raises."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": type_} for each, type_ in ATTRIBUTES],
        KeySchema=[{"AttributeName": each, "KeyType": type_} for each, type_ in KEYS],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
