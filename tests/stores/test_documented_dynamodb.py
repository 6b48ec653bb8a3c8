"""Documented tables on DynamoDB: what we keep is there in the same transaction, as others find it by their own means,
and what others add stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from boto3.dynamodb.types import TypeDeserializer

from onpaid.domain.products import Stock
from onpaid.domain.reconciliation import SyncState
from onpaid.domain.sessions import UserCustomer
from onpaid.errors import Conflict
from onpaid.repositories.catalogue import STOCK
from onpaid.repositories.checkouts import CHECKOUTS
from onpaid.repositories.documented import documented_shadows
from onpaid.repositories.documented_tables import TABLES
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.reconciliations import STATE
from onpaid.repositories.sessions import SESSIONS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.repositories.user_customers import USER_CUSTOMERS
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_shadows import Shadow
from onpaid.store.dynamodb_table import create_table
from onpaid.store.memory import MemoryStore
from onpaid.store.records import Kind
from tests.emulator import Emulator, table
from tests.repositories_documented.agreed import (
    BARE,
    CHECKOUT,
    FULL,
    checked_out,
    parcel_of,
    sent,
    session_of,
    shown,
    told,
)


@dataclass
class Tables:
    """A store with every documented table beside it."""

    client: Any
    names: Mapping[str, str]
    settings: Mapping[str, Any]
    store: DynamoStore

    def item(self, shadow: Shadow) -> dict[str, Any]:
        """What lies under the key of a shadow; nothing if there is no item."""
        key = {name: {"S": value} for name, value in shadow.key.items()}
        found = self.client.get_item(TableName=shadow.table, Key=key, ConsistentRead=True)
        item: dict[str, Any] = found.get("Item", {})
        return item

    def asked(self, variable: str, condition: str, index: str = "", **values: str) -> list[dict[str, Any]]:
        """What a query of somebody else's finds."""
        given = {f":{name}": {"S": value} for name, value in values.items()}
        more = {"IndexName": index} if index else {}
        found: list[dict[str, Any]] = self.client.query(
            TableName=self.names[variable],
            KeyConditionExpression=condition,
            ExpressionAttributeValues=given,
            **more,
        )["Items"]
        return found

    def shown(self, kind: Kind[Any], record: msgspec.Struct, variable: str) -> Shadow:
        """The item that a record must be."""
        (found,) = [each for each in shown(kind, record, self.settings) if each.table == self.names[variable]]
        return found


@pytest.fixture
async def tables(emulator: Emulator) -> AsyncIterator[Tables]:
    """Tables of one's own, made as the agreements say."""
    client, own = emulator.client("dynamodb"), table()
    names = {each.variable: table("agreed") for each in TABLES if each.writers}
    create_table(client, own)
    for each in TABLES:
        if not each.writers:
            continue
        named = (*each.keys, *((each.index[1],) if each.index else ()))
        indexes = (
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": each.index[0],
                        "KeySchema": [{"AttributeName": each.index[1], "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ]
            }
            if each.index
            else {}
        )
        client.create_table(
            TableName=names[each.variable],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in dict.fromkeys(named)
            ],
            KeySchema=[
                {"AttributeName": name, "KeyType": role}
                for name, role in zip(each.keys, ("HASH", "RANGE"), strict=False)
            ],
            BillingMode="PAY_PER_REQUEST",
            **indexes,
        )
    settings = told(
        **{**dict.fromkeys(told()), **names, "ONPAID_DATABASE": f"dynamodb://{own}", "ORDER_TTL_DAYS": 90}
    )
    store = await DynamoStore.open(own, shadows=documented_shadows(settings), client=client)
    yield Tables(client, names, settings, store)
    await store.close()


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item's values in our own types."""
    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}


async def test_every_record_lies_in_its_table_as_agreed(tables: Tables) -> None:
    for variable, kind, record in (*FULL, *BARE):
        await tables.store.commit([kind.put(record)])
        wanted = tables.shown(kind, record, variable)
        fields = {name: value for name, value in wanted.fields.items() if value is not None}
        assert plain(tables.item(wanted)) == {**wanted.key, **fields}, variable


async def test_what_others_add_to_an_item_stays(tables: Tables) -> None:
    await tables.store.commit([CHECKOUTS.insert(CHECKOUT)])
    wanted = tables.shown(CHECKOUTS, CHECKOUT, "PAYMENTS_TABLE_NAME")
    tables.client.update_item(
        TableName=wanted.table,
        Key={name: {"S": value} for name, value in wanted.key.items()},
        UpdateExpression="SET booked = :b",
        ExpressionAttributeValues={":b": {"BOOL": True}},
    )
    await tables.store.commit([CHECKOUTS.update(msgspec.structs.replace(CHECKOUT, method=""), 1)])
    item = plain(tables.item(wanted))
    assert item["booked"] is True
    assert "method" not in item
    assert item["status"] == "completed"


async def test_a_commit_that_is_refused_writes_nothing_anywhere(tables: Tables) -> None:
    order = checked_out()
    await tables.store.commit([ORDERS.insert(order)])
    paid = checked_out(payment_status="paid")
    with pytest.raises(Conflict):
        await tables.store.commit([CHECKOUTS.insert(CHECKOUT), ORDERS.update(paid, 7)])
    assert plain(tables.item(tables.shown(ORDERS, order, "ORDERS_TABLE_NAME")))["paymentStatus"] == "pending"
    assert tables.item(tables.shown(CHECKOUTS, CHECKOUT, "PAYMENTS_TABLE_NAME")) == {}
    assert tables.item(tables.shown(ORDERS, paid, "COMMERCE_TABLE")) == {}


async def test_of_several_who_book_one_parcel_at_once_one_item_is_left(tables: Tables) -> None:
    tries = [
        tables.store.commit([SHIPMENTS.insert(parcel_of(awb=f"awb{nth}")), STOCK.put(Stock("racket", nth))])
        for nth in range(6)
    ]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(each is None for each in ended) == 1
    assert all(each is None or isinstance(each, Conflict) for each in ended)
    items = tables.asked("SHIPMENTS_TABLE_NAME", "orderId = :oid", "OrderIdIndex", oid="2950001")
    assert len(items) == 1
    (stock,) = tables.asked("PRODUCTS_TABLE_NAME", "productId = :p", p="racket")
    assert items[0]["trackingNumber"]["S"] == f"awb{stock['stock']['N']}"


async def test_a_customers_orders_are_found_by_time(tables: Tables) -> None:
    later = msgspec.structs.replace(sent(), number="9", received_at=sent().received_at + 60_000)
    other = msgspec.structs.replace(sent(), number="8", revisions=checked_out().revisions)
    await tables.store.commit([ORDERS.insert(each) for each in (later, sent(), other)])
    found = tables.asked("COMMERCE_TABLE", "PK = :u AND begins_with(SK, :o)", u="USER#cst_123", o="ORDER#")
    assert [item["orderId"]["S"] for item in found] == ["10042", "8", "9"]
    assert {item["ttl"]["N"] for item in found[:2]} == {str(sent().received_at // 1000 + 90 * 86_400)}


async def test_orders_are_found_by_their_source_under_a_name_that_is_not_reserved(tables: Tables) -> None:
    await tables.store.commit([ORDERS.insert(sent())])
    asked = {
        "TableName": tables.names["COMMERCE_TABLE"],
        "ExpressionAttributeValues": {":src": {"S": "webhook"}},
    }
    found = tables.client.scan(
        FilterExpression="#src = :src", ExpressionAttributeNames={"#src": "source"}, **asked
    )
    assert [item["orderId"]["S"] for item in found["Items"]] == ["10042"]
    with pytest.raises(tables.client.exceptions.ClientError, match="reserved keyword"):
        tables.client.scan(FilterExpression="source = :src", **asked)


async def test_what_is_moved_in_lies_in_its_tables_too(tables: Tables) -> None:
    before = MemoryStore()
    await before.commit([ORDERS.insert(checked_out(payment_status="paid")), SHIPMENTS.insert(parcel_of())])
    found, _ = await before.documents()
    await tables.store.load(found)
    await tables.store.load(found)
    assert len(tables.asked("ORDERS_TABLE_NAME", "orderId = :oid", oid="2950001")) == 1
    assert len(tables.asked("SHIPMENTS_TABLE_NAME", "orderId = :oid", "OrderIdIndex", oid="2950001")) == 1
    assert len(tables.asked("COMMERCE_TABLE", "PK = :u", u="USER#cst_123")) == 1


async def test_a_customer_is_found_by_either_id_also_after_it_was_replaced(tables: Tables) -> None:
    ((_, _, first),) = [each for each in FULL if each[1] is USER_CUSTOMERS]
    assert isinstance(first, UserCustomer)
    await tables.store.commit([USER_CUSTOMERS.insert(first)])
    later = msgspec.structs.replace(first, customer_id="cus_2", generation=2, updated_at=first.updated_at + 1)
    await tables.store.commit([USER_CUSTOMERS.update(later, 1)])
    variable, index, condition = "STRIPE_CUSTOMERS_TABLE", "stripeCustomerId-index", "stripeCustomerId = :c"
    (found,) = tables.asked(variable, condition, index, c="cus_2")
    assert plain(found)["userId"] == "u1"
    assert tables.asked(variable, condition, index, c="cus_1") == []
    (of_user,) = tables.asked(variable, "userId = :u", u="u1")
    assert of_user == found


async def test_a_paid_session_lies_beside_its_users_other_orders(tables: Tables) -> None:
    session = session_of(user="cst_123", owner="cst_123")
    await tables.store.commit([ORDERS.insert(sent()), SESSIONS.insert(session)])
    found = tables.asked("COMMERCE_TABLE", "PK = :u AND begins_with(SK, :o)", u="USER#cst_123", o="ORDER#")
    assert {item["orderId"]["S"] for item in found} == {"10042", session.session_id}
    (snapshot,) = [plain(item) for item in found if item["orderId"]["S"] == session.session_id]
    assert snapshot["orderNumber"] == session.order_number
    back = msgspec.structs.replace(session, refunded=session.refunded + 1, refunds={"re_9": 1})
    await tables.store.commit([SESSIONS.update(back, 1)])
    again = tables.asked("COMMERCE_TABLE", "PK = :u AND begins_with(SK, :o)", u="USER#cst_123", o="ORDER#")
    assert len(again) == 2, "an order is one item however often it changes"


async def test_the_state_of_the_reconciliation_lies_at_its_agreed_place(tables: Tables) -> None:
    for nth in range(2):
        await tables.store.commit([STATE.put(SyncState(1, 2, 0, 1, nth, 0, 0, 0))])
    (found,) = tables.asked("COMMERCE_TABLE", "PK = :p AND SK = :s", p="SYSTEM", s="STRIPE_ORDER_SYNC")
    assert plain(found)["lastSyncProcessed"] == 1
