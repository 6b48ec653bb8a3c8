"""Whole stories of delivery with every documented table beside them: what others read there is what happened, each
fact is one item for ever, and no commit writes where it has no right to."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from onpaid.app.checkout import Opened
from onpaid.clock import iso
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged
from onpaid.domain.products import Product
from onpaid.domain.shipments import ParcelTold
from onpaid.errors import Unavailable
from onpaid.repositories.documented import documented_shadows
from tests.flows.bazaar import ACCOUNT, SHOP
from tests.flows.market import BALLS, BOX, LESSON, RACKET, Market, trade
from tests.flows.stage import line, order_received
from tests.repositories_documented.agreed import NAMES, told
from tests.repositories_documented.tables import TablesStore

SOURCE = Path(__file__).parents[2] / "src" / "onpaid"
MOST_ACTIONS = 100
"""Items that one transaction of DynamoDB may change."""


def seen(story: Callable[[Market], Awaitable[None]], **more: Any) -> TablesStore:
    """Tell a story beside the tables; what holds for every story is checked here."""
    store = TablesStore(documented_shadows(told()))
    trade(story, store=store, **more)
    assert store.removed == [], "an item left its place: it has another key than before"
    for kinds, places in store.touched:
        assert len(set(places)) == len(places), f"{kinds} write one item twice in one transaction"
        into_addresses = [place for place in places if place[0] == NAMES["ADDRESSES_TABLE_NAME"]]
        assert not into_addresses or {"address", "checkout"} <= kinds, f"{kinds} write an address"
    return store


def table(store: TablesStore, variable: str) -> list[dict[str, object]]:
    """The items of one documented table."""
    return store.table(NAMES[variable])


def parcel(awb: str, number: int, event: str) -> ParcelTold:
    """The courier's word."""
    return ParcelTold(awb, number, f"told {number}", event=event)


def test_a_sale_is_told_in_every_table() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, BALLS)
        opened = await market.buy("racket", ("balls", 2))
        key = f"{SHOP}/{opened.razorpay_order_id}"
        await market.told(PaymentFailed(ACCOUNT, opened.razorpay_order_id, "pay_0", key, "no", "f1", 0))
        for _ in range(3):
            await market.pay(opened)
        await market.rest()
        (booked,) = market.world.live()
        for number, event in ((42, "p1"), (18, "p2"), (42, "p3"), (7, "p4")):
            await market.told(parcel(booked.awb, number, event))
        await market.rest()
        order = await market.order(opened)
        facts.update(number=opened.order_number, at=order.received_at, checkout=opened.razorpay_order_id)
        facts.update(awb=booked.awb)

    facts: dict[str, object] = {}
    store = seen(story)
    (order,) = table(store, "ORDERS_TABLE_NAME")
    at = facts["at"]
    assert isinstance(at, int)
    assert (order["orderId"], order["createdAt"]) == (facts["number"], iso(at))
    assert (order["status"], order["paymentStatus"], order["shipmentStatus"]) == (
        "delivered",
        "paid",
        "delivered",
    )
    assert (order["customerId"], order["totalAmount"], order["awb"]) == ("cst_1", 2498, facts["awb"])
    (payment,) = table(store, "PAYMENTS_TABLE_NAME")
    assert (payment["orderId"], payment["status"], payment["method"]) == (facts["number"], "completed", "upi")
    assert (payment["razorpayOrderId"], payment["razorpayPaymentId"]) == (facts["checkout"], "pay_1")
    (address,) = table(store, "ADDRESSES_TABLE_NAME")
    assert (address["addressId"], address["ownerId"]) == (order["shippingAddressId"], "cst_1")
    (shipment,) = table(store, "SHIPMENTS_TABLE_NAME")
    assert (shipment["orderId"], shipment["status"]) == (facts["number"], "delivered")
    assert shipment["trackingNumber"] == shipment["courierAWB"] == facts["awb"]
    stock = {item["productId"]: item["stock"] for item in table(store, "PRODUCTS_TABLE_NAME")}
    assert stock == {"racket": 9, "balls": 8}
    sold = {item["sellerId"]: item["totalSales"] for item in table(store, "SELLERS_TABLE_NAME")}
    assert sold == {"s1": 1500, "s2": 998}
    (snapshot,) = table(store, "COMMERCE_TABLE")
    assert (snapshot["PK"], snapshot["SK"]) == ("USER#cst_1", f"ORDER#{at // 1000}#{facts['number']}")
    assert (snapshot["orderId"], snapshot["status"]) == (facts["number"], "completed")


async def _patient(market: Market, click: str) -> Opened:
    """A customer who clicks again once the payment provider is back."""
    try:
        return await market.buy("racket", key=click)
    except Unavailable:
        await market.rest()
        return await market.buy("racket", key=click)


@pytest.mark.parametrize("seed", range(5))
def test_on_a_rough_day_the_tables_tell_what_the_books_of_others_tell(seed: int) -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = [await _patient(market, f"click {nth}") for nth in range(4)]
        for nth, each in enumerate(opened[:3]):
            await asyncio.gather(*(market.pay(each, payment=f"pay_{nth}") for _ in range(2)))
        await market.rest(timedelta(days=6))
        books.extend((each.order.reference, each.awb) for each in market.world.live())
        paid.extend(each.order_number for each in opened[:3])

    books: list[tuple[str, str]] = []
    paid: list[str] = []
    store = seen(story, share=0.3, seed=seed)
    found = [(item["orderId"], item["trackingNumber"]) for item in table(store, "SHIPMENTS_TABLE_NAME")]
    assert sorted(found) == sorted(books)
    assert sorted(str(item["orderId"]) for item in table(store, "COMMERCE_TABLE")) == sorted(paid)
    assert len(table(store, "ORDERS_TABLE_NAME")) == len(table(store, "PAYMENTS_TABLE_NAME")) == 4
    assert [item["stock"] for item in table(store, "PRODUCTS_TABLE_NAME")] == [7]
    assert [item["totalSales"] for item in table(store, "SELLERS_TABLE_NAME")] == [4500]


def test_a_cart_that_is_not_paid_is_no_order_of_its_customer() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await market.buy("racket")

    store = seen(story)
    (order,) = table(store, "ORDERS_TABLE_NAME")
    assert (order["status"], order["paymentStatus"]) == ("pending", "pending")
    assert [item["status"] for item in table(store, "PAYMENTS_TABLE_NAME")] == ["pending"]
    assert table(store, "COMMERCE_TABLE") == []
    assert [item["stock"] for item in table(store, "PRODUCTS_TABLE_NAME")] == [10]


def test_money_that_goes_back_is_told() -> None:
    async def story(market: Market) -> None:
        await market.stocked(LESSON)
        opened = await market.buy("lesson")
        await market.pay(opened)
        await market.rest()
        order = f"{SHOP}/{opened.razorpay_order_id}"
        amount = Money(opened.amount, "INR")
        what = "refund.processed whole"
        expects = ("shipment",)
        await market.told(
            PaymentChanged(ACCOUNT, opened.razorpay_order_id, what, amount, "r1", 0, order, expects)
        )
        await market.rest()

    store = seen(story)
    (order,) = table(store, "ORDERS_TABLE_NAME")
    assert order["paymentStatus"] == "refunded"
    assert not {"shippingAddressId", "shipmentId", "awb", "shipmentStatus"} & set(order)
    assert [item["status"] for item in table(store, "COMMERCE_TABLE")] == ["refunded"]
    assert table(store, "SHIPMENTS_TABLE_NAME") == []


def test_a_shops_order_is_one_item_whatever_it_tells_later() -> None:
    async def story(market: Market) -> None:
        for event in ("o1", "o1", "o2"):
            await market.hear(order_received("1001", line("1", "100")), event=event)
        await market.hear(order_received("1001", line("1", "100"), line("2", "50.50")), event="o3")

    store = seen(story)
    (order,) = table(store, "DDB_TABLE")
    items = order["items"]
    assert isinstance(items, list)
    assert (order["orderId"], [item["unitPrice"] for item in items]) == ("1001", [100, Decimal("50.50")])
    assert table(store, "ORDERS_TABLE_NAME") == []


def test_a_large_order_from_many_sellers_fits_into_one_transaction() -> None:
    goods = [
        Product(f"p{n}", f"Goods {n}", Money(10_000, "INR"), Decimal(18), seller=f"s{n % 17}", packed=BOX)
        for n in range(30)
    ]

    async def story(market: Market) -> None:
        await market.stocked(*goods)
        await market.pay(await market.buy(*(each.id for each in goods)))
        await market.rest()

    store = seen(story)
    assert len(table(store, "SELLERS_TABLE_NAME")) == 17
    assert [item["stock"] for item in table(store, "PRODUCTS_TABLE_NAME")] == [9] * 30
    assert max(store.actions) <= MOST_ACTIONS


def writes_addresses(source: ast.Module) -> list[str]:
    """Where a module makes a write of the kind of addresses."""
    return [
        f"line {node.lineno}"
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and node.attr in ("insert", "put", "update")
        and isinstance(node.value, ast.Name)
        and node.value.id == "ADDRESSES"
    ]


def test_addresses_are_written_where_a_checkout_is_opened_and_nowhere_else() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): places
        for path in sorted(SOURCE.rglob("*.py"))
        if (places := writes_addresses(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert list(found) == ["app/checkout.py"]
    assert len(found["app/checkout.py"]) == 1
