"""One fact is one item, however often and in whatever order it is told: the holes in the agreed keys are closed. And
which setting leads to which table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onpaid.domain.orders import Customer, Order
from onpaid.domain.products import Seller, Stock
from onpaid.errors import SettingsError
from onpaid.repositories.catalogue import SELLERS, STOCK
from onpaid.repositories.documented import SHAPES, Documented, documented_shadows, not_written
from onpaid.repositories.documented_tables import TABLES, Place
from onpaid.repositories.events import EVENTS, EventRecord
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.settings import BY_NAME, Settings
from onpaid.store.dynamodb_shadows import Shadow
from onpaid.store.records import Kind
from tests.repositories_documented.agreed import (
    AT,
    ISO,
    NAMES,
    SECOND,
    checked_out,
    event_of,
    in_table,
    parcel_of,
    revision,
    sent,
    shown,
    told,
    untold,
)
from tests.repositories_documented.tables import TablesStore


def key_of(variable: str, kind: Kind[Any], record: msgspec.Struct) -> Any:
    """The key of a record's one item in a table."""
    (found,) = in_table(variable, shown(kind, record))
    return found.key


# -- holes -------------------------------------------------------------------------------------------------------


async def test_a_shipment_that_is_written_twice_is_one_item() -> None:
    store = TablesStore(documented_shadows(told()))
    await store.commit([SHIPMENTS.put(parcel_of())])
    await store.commit([SHIPMENTS.put(parcel_of(state="in_transit"))])
    (found,) = store.table(NAMES["SHIPMENTS_TABLE_NAME"])
    assert (found["shipmentId"], found["orderId"], found["status"]) == ("5d3c", "2950001", "in_transit")
    assert store.removed == []


async def test_an_order_stays_where_it_was_first_recorded() -> None:
    store = TablesStore(documented_shadows(told()))
    order = checked_out()
    await store.commit([ORDERS.insert(order)])
    paid = msgspec.structs.replace(
        checked_out(payment_status="paid", status="confirmed"), revisions=(*order.revisions, revision(2))
    )
    await store.commit([ORDERS.update(paid, 1)])
    (found,) = store.table(NAMES["ORDERS_TABLE_NAME"])
    assert (found["createdAt"], found["paymentStatus"]) == ("2025-11-21T10:00:00.123Z", "paid")
    assert store.removed == []


FIRST_BY_MAIL = sent(revision(customer=Customer(email=" Asha@Example.org")))


@pytest.mark.parametrize(
    "later",
    [
        sent(*FIRST_BY_MAIL.revisions, revision(2)),
        sent(revision(2), *FIRST_BY_MAIL.revisions),
        sent(*FIRST_BY_MAIL.revisions, revision(2, customer=Customer("cst_9", email="asha@new.example"))),
        sent(*FIRST_BY_MAIL.revisions, revision(2, customer=None)),
    ],
    ids=["an id is told later", "a word that was overtaken", "another customer", "no customer"],
)
async def test_an_order_is_under_one_customer_whatever_is_told_later(later: Order) -> None:
    store = TablesStore(documented_shadows(told()))
    await store.commit([ORDERS.insert(FIRST_BY_MAIL)])
    await store.commit([ORDERS.update(later, 1)])
    (found,) = store.table(NAMES["COMMERCE_TABLE"])
    assert (found["PK"], found["SK"]) == ("USER#asha@example.org", f"ORDER#{SECOND}#10042")
    assert store.removed == []


async def test_an_order_whose_customer_is_told_later_is_under_that_one_alone() -> None:
    store = TablesStore(documented_shadows(told()))
    await store.commit([ORDERS.insert(sent(revision(customer=None)))])
    assert store.table(NAMES["COMMERCE_TABLE"]) == []
    await store.commit([ORDERS.update(sent(revision(customer=None), revision(2)), 1)])
    assert [found["PK"] for found in store.table(NAMES["COMMERCE_TABLE"])] == ["USER#cst_123"]


def test_a_customers_orders_lie_in_the_order_of_their_time() -> None:
    later = msgspec.structs.replace(sent(), number="9", received_at=AT + 5_000)
    keys = [key_of("COMMERCE_TABLE", ORDERS, each)["SK"] for each in (sent(), later)]
    assert keys == sorted(keys) == ["ORDER#1763719200#10042", "ORDER#1763719205#9"]


# -- settings ----------------------------------------------------------------------------------------------------


def test_keys_that_were_left_open_have_the_name_that_is_set() -> None:
    settings = told(
        DDB_TABLE_KEY="order_number", PRODUCTS_TABLE_NAME_KEY="sku", SELLERS_TABLE_NAME_KEY=" id "
    )
    assert shown(ORDERS, sent(), settings)[0].key == {"order_number": "10042"}
    assert shown(STOCK, Stock("racket", 1), settings)[0].key == {"sku": "racket"}
    assert shown(SELLERS, Seller("s1"), settings)[0].key == {"id": "s1"}


@pytest.mark.parametrize(
    ("name", "other"), [("ORDERS_TABLE_NAME", "DDB_TABLE"), ("COMMERCE_TABLE", "ONPAID_DATABASE")]
)
def test_two_settings_never_name_one_table(name: str, other: str) -> None:
    taken = "onpaid" if other == "ONPAID_DATABASE" else NAMES[other]
    with pytest.raises(SettingsError, match=f"{other} and {name}|{name} and {other}"):
        documented_shadows(told(**{name: taken}))


def test_a_file_as_database_takes_no_name_away() -> None:
    settings = untold(ONPAID_DATABASE="sqlite:///onpaid", ORDERS_TABLE_NAME="onpaid")
    assert list(documented_shadows(settings)) == ["order"]


def test_tables_that_are_only_read_are_never_written() -> None:
    only_read = {table.variable for table in TABLES if not table.writers}
    assert only_read == {
        "CUSTOMERS_TABLE_NAME",
        "PRODUCTS_TABLE",
        "PRICES_TABLE",
    }
    assert not only_read & {shape.variable for shape in SHAPES}
    assert documented_shadows(untold(**{name: NAMES[name] for name in only_read})) == {}
    assert set(not_written(told())) == only_read
    assert all(not_written(told()).values())
    assert not_written(untold()) == {}


class Account(msgspec.Struct):
    """A record of a story that is not told yet."""

    user: str
    customer: str


def test_a_later_story_only_adds_its_line() -> None:
    kind = Kind("account", Account, key=lambda each: each.user)

    def items(account: Account, place: Place) -> list[Shadow]:
        return [place.item((account.user,), {"stripeCustomerId": account.customer})]

    shapes = (*SHAPES, Documented("CUSTOMERS_TABLE_NAME", kind, items))
    of_kind = documented_shadows(told(), shapes)["account"]
    assert of_kind("u1", kind.put(Account("u1", "cus_1")).body) == [
        Shadow(NAMES["CUSTOMERS_TABLE_NAME"], {"customerId": "u1"}, {"stripeCustomerId": "cus_1"})
    ]
    assert "CUSTOMERS_TABLE_NAME" not in not_written(told(), shapes)


def test_the_service_knows_every_setting_that_is_asked_for() -> None:
    asked = {table.variable for table in TABLES} | {"ONPAID_DATABASE"}
    asked |= {name for table in TABLES for name in (table.key_setting, table.days_setting) if name}
    assert asked <= set(BY_NAME)
    settings = Settings({"ONPAID_DATABASE": "dynamodb://onpaid", **NAMES, "ORDER_TTL_DAYS": "90"})
    assert shown(ORDERS, sent(), settings) == shown(ORDERS, sent(), told(ORDER_TTL_DAYS=90))
    assert shown(STOCK, Stock("racket", 1), settings) == shown(STOCK, Stock("racket", 1))
    assert documented_shadows(Settings({})) == {}


# -- events ------------------------------------------------------------------------------------------------------


def event_item(event: EventRecord) -> Shadow:
    """The item of an event."""
    (found,) = in_table("WEBHOOK_IDEMPOTENCY_TABLE", shown(EVENTS, event))
    return found


def test_an_event_goes_after_thirty_days() -> None:
    found = event_item(event_of())
    assert found.key == {"eventId": "evt_1"}
    assert found.fields == {"processedAt": ISO, "status": "processed", "ttl": SECOND + 30 * 86_400}


@pytest.mark.parametrize(("days", "kept"), [(29, 30), (30, 30), (45, 45)])
def test_an_event_stays_as_long_as_is_set_and_never_less_than_it_can_come_again(days: int, kept: int) -> None:
    (found,) = shown(EVENTS, event_of(), told(IDEMPOTENCY_DAYS=days))
    assert found.fields["ttl"] == SECOND + kept * 86_400


@pytest.mark.parametrize(("verdict", "word"), [("ignored", "ignored"), ("unrouted", "unrouted")])
def test_an_event_says_what_was_made_of_it(verdict: str, word: str) -> None:
    assert event_item(event_of(verdict)).fields["status"] == word


def test_events_of_others_and_forged_repeats_are_not_in_the_table() -> None:
    assert shown(EVENTS, event_of(source="razorpay")) == []
    assert shown(EVENTS, event_of(key="stripe/default/test/evt_1#0a1b")) == []


async def test_an_event_that_is_judged_again_is_the_same_item() -> None:
    store = TablesStore(documented_shadows(told()))
    await store.commit([EVENTS.insert(event_of("unrouted"))])
    await store.commit([EVENTS.update(event_of("routed"), 1)])
    (found,) = store.table(NAMES["WEBHOOK_IDEMPOTENCY_TABLE"])
    assert (found["status"], found["ttl"]) == ("processed", SECOND + 30 * 86_400)


def test_a_table_that_is_not_set_takes_no_part() -> None:
    assert documented_shadows(untold()) == {}
    only = untold(SHIPMENTS_TABLE_NAME="parcels")
    assert list(documented_shadows(only)) == ["shipment"]
    assert [each.table for each in shown(SHIPMENTS, parcel_of(), only)] == ["parcels"]
