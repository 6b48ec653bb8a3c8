"""A day of parcels: every cart is checked out once and paid once, whoever is down in between."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import phonenumbers
import pytest

from onpaid.simulators import Play, Simulators, play
from onpaid.simulators import delivery_basket as basket
from onpaid.simulators.carts import Cart
from onpaid.simulators.kit import Dice
from onpaid.simulators.ledger_delivery import FINDINGS
from onpaid.simulators.products import PRODUCTS
from onpaid.simulators.shiprocket_checks import Refused
from tests.simulators.kit import Client, Start
from tests.simulators.shiprocket_kit import ORDER
from tests.simulators.shop_kit import Shop, shop_for

Open = Callable[[Client], Awaitable[Shop]]


@pytest.fixture
async def shop() -> AsyncIterator[Open]:
    """Opens shops; they close with the test."""
    shops: list[Shop] = []

    async def begin(client: Client) -> Shop:
        shops.append(await shop_for(client))
        return shops[-1]

    yield begin
    for each in shops:
        assert each.served is not None
        await each.served.stop()


async def test_every_cart_is_checked_out_and_paid_once(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    target = await shop(client)
    progress = await play(client.simulators, Play(orders=0, parcels=60))
    assert (progress.state, progress.error, progress.paid) == ("done", None, 0)
    assert progress.checkouts == progress.checkouts_paid == len(target.opened)
    assert progress.checkouts + progress.refused == progress.parcels == 60
    assert progress.refused > 0
    told = client.ledger()["delivery"]
    found = told["verdict"]
    assert (told["counts"]["checkouts"], told["counts"]["paid"], found["paid"]) == (progress.checkouts,) * 3
    assert found["sold"] == target.units_sold()
    assert found["double_checkouts"] == found["mispriced"] == found["without_cart"] == []
    digital = [row["order_number"] for row in told["carts"] if not row["physical"]]
    assert 0 < len(digital) < 20
    assert len(found["missing"]) == found["due"] == progress.checkouts - len(digital)
    assert len(found["unsent"]) == sum(row["phone"] != "+919000000000" for row in told["carts"])


async def test_clicks_fail_repeat_and_come_twice(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    target = await shop(client)
    await play(client.simulators, Play(orders=0, parcels=40))
    clicks = Counter(key for key, _body in target.asked)
    assert {1, 2} == set(clicks.values())
    events = Counter(body["event"] for _ident, body in target.told)
    assert events["payment.failed"] > 0
    assert events["payment.captured"] == events["order.paid"] == len(target.opened)
    money = client.ledger()["delivery"]["razorpay"]
    tries = Counter(payment["order_id"] for payment in money["payments"])
    assert max(tries.values()) > 1
    names = Counter(body["customer"]["email"] for _key, body in dict(target.asked).items() for _ in [0])
    assert max(names.values()) > 1


async def test_a_shop_that_is_down_only_delays(start: Start, shop: Open) -> None:
    client = await start(seed=2)
    client.simulators.aim_at("http://127.0.0.1:9")
    day = asyncio.create_task(play(client.simulators, Play(orders=0, parcels=12)))
    await asyncio.sleep(0)
    target = await shop(client)
    target.failing, target.lost = [503, 500, 429, 503], 5
    progress = await day
    assert progress.checkouts == progress.checkouts_paid == len(target.opened) > 0
    assert target.failing == []
    assert target.lost == 0
    verdict = client.ledger()["delivery"]["verdict"]
    assert (verdict["paid"], verdict["double_checkouts"]) == (progress.checkouts, [])


@pytest.mark.parametrize(
    ("failing", "wrong", "sentence"),
    [
        ([400], None, "400 to a cart that is in order"),
        ([], {"order_number": "1"}, "not an open checkout"),
        (
            [],
            {"order_number": 1, "razorpay_order_id": "o", "amount": 5, "currency": "INR", "key_id": "k"},
            "order_number of an open checkout is 1",
        ),
        ([409], ["no detail"], "not an open checkout"),
    ],
)
async def test_an_answer_that_no_page_could_use_ends_the_day(
    start: Start, shop: Open, failing: list[int], wrong: object, sentence: str
) -> None:
    client = await start()
    target = await shop(client)
    target.failing, target.wrong = failing, wrong
    with pytest.raises(ExceptionGroup):
        await play(client.simulators, Play(orders=0, parcels=3))
    assert client.simulators.progress is not None
    assert client.simulators.progress.state == "failed"
    assert sentence in str(client.simulators.progress.error)


async def test_carts_can_be_left_unpaid(start: Start, shop: Open) -> None:
    client = await start()
    await shop(client)
    progress = await play(client.simulators, Play(orders=0, parcels=10, abandoned=1))
    assert (progress.checkouts > 0, progress.checkouts_paid) == (True, 0)
    verdict = client.ledger()["delivery"]["verdict"]
    assert (verdict["paid"], verdict["missing"], verdict["sold"]) == (0, [], {})


async def test_both_days_go_side_by_side_and_a_second_day_makes_new_orders(start: Start, shop: Open) -> None:
    client = await start(seed=4)
    target = await shop(client)
    first = await play(client.simulators, Play(orders=4, parcels=6))
    assert (first.paid, first.checkouts + first.refused) == (4, 6)
    second = await play(client.simulators, Play(orders=0, parcels=6))
    assert len(target.opened) == first.checkouts + second.checkouts
    assert client.ledger()["verdict"]["paid"] == 4
    await client.simulators.reset()
    assert client.ledger()["delivery"]["carts"] == []


def fulfil(simulators: Simulators, cart: Cart) -> None:
    """Do for one order what the product is there to do."""
    to, goods = cart.phone.removeprefix("+"), simulators.carts.goods(cart)
    simulators.meta.send(
        to, "order_confirmation", "en", [cart.number, "₹1", "3 days", "https://example.org/t"]
    )
    if goods:
        items = [
            {"name": sku, "sku": sku, "units": units, "selling_price": 1} for sku, units in goods.items()
        ]
        body = {**ORDER, "order_id": cart.number, "order_items": items}
        while (made := simulators.shiprocket.create(body))["status"] == "CANCELED":
            body["order_id"] = f"{cart.number}-2"
        simulators.shiprocket.assign({"shipment_id": made["shipment_id"]})
        with contextlib.suppress(Refused):  # some couriers have booked it already
            simulators.shiprocket.request_pickup({"shipment_id": [made["shipment_id"]]})
        awb = simulators.shiprocket.records.shipments[made["shipment_id"]].awb
        broadcast = f"{cart.number}-2"
        params = {"orderNumber": cart.number, "awb": awb, "courierName": "X", "trackingLink": "https://x"}
        simulators.wati.send(to, "shipment_created", params, broadcast)


async def test_a_day_that_is_fulfilled_leaves_no_findings(start: Start, shop: Open) -> None:
    client = await start(seed=6, pair_interval=0)
    await shop(client)
    client.simulators.plan.set("canceled-200", seed=6, rate=1)
    progress = await play(client.simulators, Play(orders=0, parcels=30))
    carts = list(client.simulators.carts.by_number.values())
    for cart in carts:
        fulfil(client.simulators, cart)
    told = client.ledger()["delivery"]
    assert {name: told["verdict"][name] for name in FINDINGS if told["verdict"][name]} == {}
    assert told["verdict"]["paid"] == told["verdict"]["confirmed"] == progress.checkouts_paid
    assert told["verdict"]["shipped"] == told["verdict"]["told_shipped"] == told["verdict"]["due"]
    counts = told["counts"]
    assert counts["shipments"] == counts["awbs"] == counts["pickups"] == told["verdict"]["due"]
    assert len(told["shipments"]) > counts["shipments"]
    assert counts["messages"]["order_confirmation"] == {"meta": len(carts)}
    assert counts["messages"]["shipment_created"] == {"wati": told["verdict"]["due"]}
    names = told["by_order"][carts[0].number]
    assert (len(names["checkouts"]), len(names["payments"])) == (1, 1)


def test_shoppers_have_numbers_and_addresses_that_india_knows() -> None:
    shoppers = [basket.shopper(Dice(1).at(str(nth)), nth) for nth in range(400)]
    assert len({each.phone for each in shoppers}) == len({each.email for each in shoppers}) == 400
    for nth, each in enumerate(shoppers):
        written = each.customer(Dice(2).at(str(nth)))
        number = phonenumbers.parse(written["phone"], "IN")
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == each.phone
        assert re.fullmatch(r"\+91[6-9]\d{9}", each.phone)
        assert re.fullmatch(r"[1-8]\d{5}", each.address["pincode"])
        assert each.address["state"]
        assert each.address["city"]
        assert len(each.address["line1"]) > 3


def test_only_scarce_goods_can_sell_out() -> None:
    stock = {product["id"]: product["stock"] for product in PRODUCTS}
    carts = [basket.cart(Dice(1).at(str(nth)), PRODUCTS) for nth in range(1000)]
    mixed = [cart for cart in carts if len(cart) > 1]
    assert mixed
    assert all(stock[each] > 10_000 for cart in mixed for each in cart)
    wanted: Counter[str] = Counter()
    for cart in carts:
        wanted.update(cart)
    short = {each for each, units in wanted.items() if units > stock[each]}
    assert short == {product["id"] for product in PRODUCTS if product["stock"] < basket.SCARCE}
    assert wanted.keys() == stock.keys()


def test_products_are_whole() -> None:
    assert len({product["id"] for product in PRODUCTS}) == len({product["sku"] for product in PRODUCTS}) == 12
    assert len({product["seller"] for product in PRODUCTS}) == 4
    assert sum(product["digital"] for product in PRODUCTS) == 2
    for product in PRODUCTS:
        assert isinstance(product["price"], int)
        assert product["price"] >= 100
        assert product["digital"] is not bool(product["dims"] and product["weight"])
