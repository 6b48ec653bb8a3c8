"""Each record looks in its documented table as the agreement says: these keys and fields, of these types, and nothing
of a person that was not agreed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from onpaid.domain.money import Money
from onpaid.domain.orders import Customer
from onpaid.domain.products import Seller, Stock
from onpaid.providers.konverzky_wire import LONGEST_NAME, MOST_ITEMS
from onpaid.repositories.catalogue import PRODUCTS, SELLERS, STOCK
from onpaid.repositories.checkouts import ADDRESSES, CHECKOUTS
from onpaid.repositories.documented import SHAPES
from onpaid.repositories.documented_tables import TABLES
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.sessions import SESSIONS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.dynamodb_shadows import Shadow
from onpaid.store.records import Kind
from tests.flows.market import RACKET as PRODUCT
from tests.repositories_documented.agreed import (
    AGREED,
    AT,
    BARE,
    CHECKOUT,
    FULL,
    ISO,
    NAMES,
    PARCEL,
    PERSON,
    RACKET,
    SECOND,
    checked_out,
    in_table,
    parcel_of,
    revision,
    sent,
    session_of,
    shown,
    told,
)

each_full = pytest.mark.parametrize(("variable", "kind", "record"), FULL, ids=[each[0] for each in FULL])
each_bare = pytest.mark.parametrize(("variable", "kind", "record"), BARE, ids=[each[0] for each in BARE])


def one(variable: str, kind: Kind[Any], record: msgspec.Struct) -> Shadow:
    """The item of a record in this table, which must be a single one."""
    (found,) = in_table(variable, shown(kind, record))
    return found


def test_every_table_that_is_written_was_agreed_field_by_field() -> None:
    assert {shape.variable for shape in SHAPES} == set(AGREED) == {each[0] for each in FULL}
    assert {table.variable for table in TABLES if table.writers} == set(AGREED)


@each_full
def test_a_record_has_the_keys_and_fields_that_were_agreed(
    variable: str, kind: Kind[Any], record: msgspec.Struct
) -> None:
    found, agreed = one(variable, kind, record), AGREED[variable]
    assert {name: type(value) for name, value in found.key.items()} == agreed.keys
    (table,) = [table for table in TABLES if table.variable == variable]
    assert table.keys == tuple(agreed.keys)
    assert set(found.fields) == set(agreed.fields) | agreed.ours
    here = {name: value for name, value in found.fields.items() if value is not None}
    assert set(found.fields) - set(here) <= {
        "ttl",
        "shipmentId",
        "awb",
        "shipmentStatus",
        "shipmentCreatedAt",
    }
    for name, value in here.items():
        assert isinstance(value, agreed.fields.get(name, object)), (name, value)


@each_bare
def test_what_is_missing_is_taken_away_and_never_empty(
    variable: str, kind: Kind[Any], record: msgspec.Struct
) -> None:
    found, agreed = one(variable, kind, record), AGREED[variable]
    assert set(found.fields) == set(agreed.fields) | agreed.ours
    gone = {name for name, value in found.fields.items() if value is None}
    assert gone <= agreed.optional | agreed.ours
    assert "" not in [*found.key.values(), *found.fields.values()]
    assert gone or not agreed.optional or variable == "WEBHOOK_IDEMPOTENCY_TABLE"


@pytest.mark.parametrize("examples", [FULL, BARE], ids=["full", "bare"])
def test_there_is_no_float_anywhere(examples: Any) -> None:
    def inside(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [deep for each in value.values() for deep in inside(each)]
        return [deep for each in value for deep in inside(each)] if isinstance(value, list) else [value]

    found = [
        value for _, kind, record in examples for each in shown(kind, record) for value in inside(each.fields)
    ]
    assert found
    assert not [value for value in found if isinstance(value, float)]


@each_full
def test_nothing_of_a_person_is_shown_but_where_it_was_agreed(
    variable: str, kind: Kind[Any], record: msgspec.Struct
) -> None:
    text = repr(in_table(variable, shown(kind, record)))
    said = [each for each in PERSON if each in text]
    agreed = {
        "ADDRESSES_TABLE_NAME": ["Asha Rao", "12 MG Road", "560001"],
        "STRIPE_CUSTOMERS_TABLE": ["asha@example.org"],
    }
    assert said == agreed.get(variable, [])


# -- orders ------------------------------------------------------------------------------------------------------


def test_an_order_of_our_checkout_is_shown_in_rupees() -> None:
    found = one("ORDERS_TABLE_NAME", ORDERS, checked_out(payment_status="paid", parcel=PARCEL))
    assert found.key == {"orderId": "2950001", "createdAt": ISO}
    assert found.fields["totalAmount"] == Decimal("3049.50")
    assert found.fields["orderItems"] == [
        {"productId": "racket", "name": "Racket", "quantity": 2, "price": 1500},
        {"productId": "laces", "name": "Laces", "quantity": 1, "price": Decimal("49.50")},
    ]
    assert (found.fields["shipmentId"], found.fields["awb"]) == ("s77", "0012345")
    assert found.fields["shipmentCreatedAt"] == "2025-11-21T10:00:09.123Z"


@pytest.mark.parametrize(
    ("state", "on_order", "on_shipment"),
    [
        ("pending_pickup", "pending_pickup", "pending"),
        ("picked_up", "picked_up", "in_transit"),
        ("in_transit", "in_transit", "in_transit"),
        ("out_for_delivery", "in_transit", "in_transit"),
        ("delivered", "delivered", "delivered"),
        ("returning", "returning", "returning"),
        ("returned", "returned", "returned"),
        ("lost", "lost", "lost"),
        ("cancelled", "cancelled", "cancelled"),
    ],
)
def test_a_state_has_the_agreed_word_where_one_is_true(state: Any, on_order: str, on_shipment: str) -> None:
    parcel = msgspec.structs.replace(PARCEL, state=state)
    assert one("ORDERS_TABLE_NAME", ORDERS, checked_out(parcel=parcel)).fields["shipmentStatus"] == on_order
    assert one("SHIPMENTS_TABLE_NAME", SHIPMENTS, parcel_of(state=state)).fields["status"] == on_shipment


def test_a_dry_run_says_so_by_its_ids() -> None:
    shipment = msgspec.structs.replace(parcel_of(awb="", dry_run=True), order_id="dry-run-2950001")
    found = one("SHIPMENTS_TABLE_NAME", SHIPMENTS, shipment)
    assert found.fields["shiprocketOrderId"] == "dry-run-2950001"
    assert found.fields["trackingNumber"] is None
    assert found.fields["status"] == "pending"


def test_an_order_of_a_shop_is_in_the_shops_table_only() -> None:
    assert {each.table for each in shown(ORDERS, sent())} == {NAMES["DDB_TABLE"], NAMES["COMMERCE_TABLE"]}
    assert {each.table for each in shown(ORDERS, checked_out())} == {NAMES["ORDERS_TABLE_NAME"]}


def test_an_order_of_a_shop_is_shown_as_it_is_now() -> None:
    upsold = sent(revision(), revision(2, RACKET, total=Decimal("3000")))
    found = one("DDB_TABLE", ORDERS, upsold)
    assert found.fields["items"] == [
        {"id": "racket", "name": "Racket", "quantity": 2, "unitPrice": 1500, "vat": 18}
    ]
    assert (found.fields["total"], found.fields["currency"]) == (3000, "INR")
    assert (found.fields["createdAt"], found.fields["updatedAt"]) == (ISO, "2025-11-21T10:00:00.124Z")


def test_the_largest_order_that_a_shop_can_send_fits_into_one_item() -> None:
    long = [
        msgspec.structs.replace(RACKET, key=str(nth), id="9" * 100, name="\U0001f3d3" * LONGEST_NAME)
        for nth in range(MOST_ITEMS)
    ]
    found = one("DDB_TABLE", ORDERS, sent(revision(1, *long)))
    assert len(msgspec.json.encode(found.fields)) < 400 * 1024


def test_long_fractions_stay_exact() -> None:
    odd = msgspec.structs.replace(
        RACKET, quantity=Decimal("0.300000000000000004"), unit_price=Decimal("1E+3")
    )
    (line,) = one("DDB_TABLE", ORDERS, sent(revision(1, odd))).fields["items"]
    assert (line["quantity"], line["unitPrice"]) == (Decimal("0.300000000000000004"), 1000)


@pytest.mark.parametrize(
    ("payment_status", "word"),
    [("pending", None), ("failed", None), ("paid", "completed"), ("refunded", "refunded")],
)
def test_a_cart_is_an_order_of_its_customer_once_it_is_paid(payment_status: Any, word: str | None) -> None:
    found = in_table("COMMERCE_TABLE", shown(ORDERS, checked_out(payment_status=payment_status)))
    assert [each.fields["status"] for each in found] == ([word] if word else [])
    for each in found:
        assert each.key == {"PK": "USER#cst_123", "SK": f"ORDER#{SECOND}#2950001"}


def test_an_order_that_nobody_paid_says_so() -> None:
    assert one("COMMERCE_TABLE", ORDERS, sent()).fields["status"] == "received"
    assert one("COMMERCE_TABLE", ORDERS, sent(expired_at=AT + 1)).fields["status"] == "expired"


def test_orders_of_nobody_are_under_nobody() -> None:
    nameless = sent(revision(customer=Customer(name="Asha", email=" ")), revision(2, customer=None))
    assert in_table("COMMERCE_TABLE", shown(ORDERS, nameless)) == []


def test_orders_go_after_as_many_days_as_are_set() -> None:
    shadows = shown(ORDERS, sent(), told(ORDER_TTL_DAYS=90))
    (found,) = in_table("COMMERCE_TABLE", shadows)
    assert found.fields["ttl"] == SECOND + 90 * 86_400
    assert one("COMMERCE_TABLE", ORDERS, sent()).fields["ttl"] is None


# -- paid sessions -----------------------------------------------------------------------------------------------


def test_an_order_of_a_session_is_under_its_user_and_the_second_of_its_session() -> None:
    found = one("COMMERCE_TABLE", SESSIONS, session_of())
    assert found.key == {"PK": "USER#u1", "SK": f"ORDER#{SECOND}#cs_1"}
    assert {name: found.fields[name] for name in ("orderId", "orderNumber", "status", "source")} == {
        "orderId": "cs_1",
        "orderNumber": "BC-ABC23456",
        "status": "completed",
        "source": "webhook",
    }
    assert (found.fields["syncedAt"], found.fields["createdAt"]) == ("2025-11-21T10:01:00Z", ISO)
    assert (found.fields["amountTotal"], found.fields["amountRefunded"]) == (180, Decimal("50.50"))
    assert found.fields["items"][0]["total"] == 180


def test_webhook_and_nightly_reconciliation_mean_the_same_item() -> None:
    night = one("COMMERCE_TABLE", SESSIONS, session_of(origin="nightly_sync", synced_at=AT + 86_400_000))
    assert night.key == one("COMMERCE_TABLE", SESSIONS, session_of()).key
    assert night.fields["source"] == "nightly_sync"


def test_an_order_whose_money_went_back_wholly_says_so() -> None:
    assert one("COMMERCE_TABLE", SESSIONS, session_of(refunded=18_000)).fields["status"] == "refunded"
    free = session_of(total=Money(0, "NOK"), refunded=0)
    assert one("COMMERCE_TABLE", SESSIONS, free).fields["status"] == "completed"


def test_a_currency_without_decimals_is_shown_as_it_is_counted() -> None:
    found = one("COMMERCE_TABLE", SESSIONS, session_of(total=Money(1_338, "JPY"), refunded=38, lines=()))
    assert (found.fields["amountTotal"], found.fields["amountRefunded"]) == (1_338, 38)


@pytest.mark.parametrize("state", ["open", "unpaid", "failed", "expired"])
def test_a_session_that_is_not_paid_is_no_order(state: str) -> None:
    assert shown(SESSIONS, session_of(state=state)) == []


def test_a_session_of_nobody_and_one_that_sold_nothing_are_under_nobody() -> None:
    assert shown(SESSIONS, session_of(owner="")) == []
    assert shown(SESSIONS, session_of(order="", mode="setup")) == []


def test_the_order_of_a_session_is_shown_by_its_session_alone() -> None:
    assert shown(ORDERS, sent(session="cs_1")) == []


# -- money, goods, parcels, events -------------------------------------------------------------------------------


def test_a_payment_is_the_same_item_from_cart_to_capture() -> None:
    asked = msgspec.structs.replace(
        CHECKOUT, status="pending", checkout_id="", payment_id="", method="", tries=()
    )
    tried = msgspec.structs.replace(asked, status="failed", checkout_id="order_X")
    keys = [one("PAYMENTS_TABLE_NAME", CHECKOUTS, each).key for each in (asked, tried, CHECKOUT)]
    assert keys == [{"paymentId": "payment-of-2950001", "orderId": "2950001"}] * 3
    states = [
        one("PAYMENTS_TABLE_NAME", CHECKOUTS, each).fields["status"] for each in (asked, tried, CHECKOUT)
    ]
    assert states == ["pending", "failed", "completed"]
    assert one("PAYMENTS_TABLE_NAME", CHECKOUTS, CHECKOUT).fields["method"] == "upi"


def test_only_the_stock_of_a_product_is_written() -> None:
    assert shown(STOCK, Stock("racket", 7)) == [
        Shadow(NAMES["PRODUCTS_TABLE_NAME"], {"productId": "racket"}, {"stock": 7})
    ]
    assert shown(PRODUCTS, PRODUCT) == []


def test_a_seller_is_counted_in_rupees() -> None:
    sold = Seller("s1", sales={"INR": Money.parse("1999.50", "INR").minor, "NOK": 7})
    assert one("SELLERS_TABLE_NAME", SELLERS, sold).fields == {"totalSales": Decimal("1999.50")}
    assert one("SELLERS_TABLE_NAME", SELLERS, Seller("s1")).fields == {"totalSales": 0}


def test_goods_that_need_no_parcel_have_no_address() -> None:
    (kind, address) = next(
        (kind, record) for variable, kind, record in FULL if variable == "ADDRESSES_TABLE_NAME"
    )
    empty = msgspec.structs.replace(address, recipient=msgspec.structs.replace(address.recipient, line1=""))  # type: ignore[attr-defined]
    assert kind is ADDRESSES
    assert shown(kind, empty) == []
