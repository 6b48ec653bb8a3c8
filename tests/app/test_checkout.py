"""A cart becomes one order and one checkout, however often and however fast somebody clicks; a page is believed
only with the payment provider's signature."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from onpaid.app.checkout import CheckoutDesk, Opened, Shop, Verified
from onpaid.domain.money import Money
from onpaid.domain.products import Product
from onpaid.errors import (
    BadSignature,
    InvalidInput,
    NotPossible,
    StoreError,
    StoreUnavailable,
    StoreUnknown,
    Unavailable,
)
from onpaid.repositories.checkouts import ADDRESSES, CHECKOUTS
from onpaid.repositories.orders import ORDERS
from onpaid.store.memory import MemoryStore
from tests.app.stores import Mood, MoodyStore
from tests.flows.bazaar import SHOP
from tests.flows.market import BALLS, LESSON, PHONE, RACKET, Market, cart_of, trade

HOUR = timedelta(hours=1)
PLACE = {"line1": "12 MG Road", "city": "Bengaluru", "state": "Karnataka", "pincode": "560001"}


def shop(story: Callable[[Market], Awaitable[None]], **more: Any) -> None:
    """Tell a story of a shop that sells rackets, balls and lessons."""

    async def stocked(market: Market) -> None:
        await market.stocked(RACKET, BALLS, LESSON)
        await story(market)

    trade(stocked, **more)


def desk_of(market: Market, random: Random) -> CheckoutDesk:
    """A further desk, as another process has it."""
    return CheckoutDesk(
        market.process.engine.recorder,
        market.guests["orders"],
        market.guests["checkout_records"],
        market.guests["catalogue"],
        market.guests["messages"],
        market.clock,
        random,
        Shop(SHOP, live=False, key_id="rzp_test_1"),
        lambda *_: True,
    )


class Loaded(Random):
    """Dice that fall as they are told to."""

    def __init__(self, falls: Sequence[int]) -> None:
        super().__init__()
        self.falls = list(falls)

    def randrange(self, *_: Any) -> int:
        return self.falls.pop(0)


async def orders(market: Market) -> int:
    return len((await market.guests["orders"].newest()).items)


def test_a_click_makes_an_order_that_waits_for_its_payment() -> None:
    async def story(market: Market) -> None:
        opened = await market.buy(("racket", 2), "lesson")
        (asked,) = market.world.asked
        assert opened == Opened(opened.order_number, asked.id, 329_900, "INR", "rzp_test_1")
        assert opened.order_number.isdigit()
        assert (asked.wanted.number, asked.wanted.amount) == (opened.order_number, Money(329_900, "INR"))
        order = await market.order(opened)
        fulfilment = order.fulfilment
        assert fulfilment is not None
        assert (fulfilment.status, fulfilment.payment_status, fulfilment.ships) == (
            "pending",
            "pending",
            True,
        )
        assert (fulfilment.checkout, fulfilment.customer_id) == (asked.id, "cst_1")
        assert [(line.id, line.quantity, line.unit_price) for line in order.latest.lines] == [
            ("racket", Decimal(2), Decimal("1500.00")),
            ("lesson", Decimal(1), Decimal("299.00")),
        ]
        checkout = await CHECKOUTS.get(market.store, order.key)
        assert checkout is not None
        assert (checkout.record.status, checkout.record.checkout_id) == ("pending", asked.id)
        address = await ADDRESSES.get(market.store, fulfilment.address_id)
        assert address is not None
        assert (address.record.owner, address.record.recipient.phone) == ("cst_1", PHONE)
        assert await market.left("racket") == 10, "stock is taken by the payment"

    shop(story)


def test_a_hundred_clicks_at_once_are_one_order_and_one_checkout() -> None:
    async def story(market: Market) -> None:
        opened = await asyncio.gather(*(market.buy("racket", key="click 1") for _ in range(100)))
        assert len({each.order_number for each in opened}) == 1
        assert len(set(opened)) == 1
        assert len(market.world.asked) == await orders(market) == 1
        assert len(await market.runs("open_checkout")) == 1
        later = await market.buy("racket", key="click 1")
        assert later == opened[0]

    shop(story)


@pytest.mark.parametrize("fate", ["lost reply", "late", "reset", "503 after", "429", "slow"])
def test_clicks_at_once_are_one_checkout_whatever_becomes_of_the_call(fate: str) -> None:
    async def story(market: Market) -> None:
        clicks = [market.buy("racket", key="k") for _ in range(20)]
        found = await asyncio.gather(*clicks, return_exceptions=True)
        assert all(isinstance(each, (Opened, Unavailable)) for each in found)
        await market.wait(HOUR)
        opened = await market.buy("racket", key="k")
        assert [each.id for each in market.world.asked] == [opened.razorpay_order_id]
        assert await orders(market) == 1

    shop(story, fates={"create_checkout": [fate]})


def test_without_a_key_each_click_is_an_order_of_its_own() -> None:
    async def story(market: Market) -> None:
        first, second = await market.buy("racket"), await market.buy("racket")
        assert first.order_number != second.order_number
        assert len(market.world.asked) == 2

    shop(story)


def test_a_key_stands_for_one_cart() -> None:
    async def story(market: Market) -> None:
        first = await market.buy("racket", key="k")
        with pytest.raises(NotPossible, match="another cart"):
            await market.buy("racket", "balls", key="k")
        with pytest.raises(NotPossible, match="another cart"):
            await market.buy(("racket", 2), key="k")
        assert await market.buy("racket", key="k", phone="+91 98765 43210") == first, (
            "the same in other words"
        )
        assert len(market.world.asked) == 1

    shop(story)


@pytest.mark.parametrize("key", ["k" * 201, "clé", "a\x00", "tab\t"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    async def story(market: Market) -> None:
        with pytest.raises(InvalidInput, match="Idempotency-Key"):
            await market.buy("racket", key=key)

    shop(story)


def test_a_key_survives_a_day_and_a_change_of_the_price() -> None:
    async def story(market: Market) -> None:
        first = await market.buy("racket", key="k")
        dearer = msgspec.structs.replace(RACKET, price=Money(200_000, "INR"))
        await market.stocked(dearer)
        await market.wait(timedelta(days=1))
        assert await market.buy("racket", key="k") == first
        assert (await market.buy("racket", key="k2")).amount == 200_000

    shop(story)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"items": [{"product_id": "racket", "quantity": 1, "price": 1499}]}, "costs INR 1,500.00 now"),
        ({"items": [{"product_id": "racket", "quantity": 1, "price": 1500.01}]}, "costs INR 1,500.00 now"),
        ({"amount": 1}, "comes to INR 1,500.00, not to 1"),
        ({"amount": 150000}, "not to 150000"),
    ],
)
def test_a_price_that_the_page_told_wrongly_is_not_charged(more: dict[str, Any], says: str) -> None:
    async def story(market: Market) -> None:
        with pytest.raises(NotPossible, match=says):
            await market.desk.create(cart_of("racket", **more))
        assert market.world.asked == []
        assert await orders(market) == 0

    shop(story)


def test_right_prices_are_no_obstacle_and_other_currencies_are() -> None:
    async def story(market: Market) -> None:
        items = [{"product_id": "racket", "quantity": 2, "price": "1500.00"}]
        body = cart_of("racket", items=items, amount="3000", currency="inr")
        assert (await market.desk.create(body)).amount == 300_000
        with pytest.raises(InvalidInput, match="sells in INR"):
            await market.buy("racket", currency="USD")

    shop(story)


def test_the_requirements_form_with_items_in_the_notes_is_served() -> None:
    async def story(market: Market) -> None:
        items = '[{"id":"racket","name":"Racket","quantity":1,"price":1500}]'
        notes = {"customerId": "cst_123", "items": items}
        person = {"name": "Asha Rao", "phone": "9876543210"}
        body = {"amount": 1500, "currency": "INR", "notes": notes, "customer": person, "address": PLACE}
        opened = await market.desk.create(msgspec.json.encode(body))
        assert opened.amount == 150_000
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert (fulfilment.customer_id, fulfilment.recipient.phone) == ("cst_123", PHONE)

    shop(story)


@pytest.mark.parametrize(
    ("product", "left", "cart", "says"),
    [
        (RACKET, 0, "racket", "sold out"),
        (RACKET, 1, ("racket", 2), "only 1 of it are left"),
        (LESSON, 0, "lesson", "sold out"),
        (msgspec.structs.replace(RACKET, active=False), 5, "racket", "no product racket for sale"),
        (RACKET, 5, "unknown", "no product unknown for sale"),
        (msgspec.structs.replace(RACKET, price=Money(9_900, "USD")), 5, "racket", "sold in USD"),
        (Product("pin", "Pin", Money(99, "INR"), digital=True), 5, "pin", "one rupee at least"),
    ],
)
def test_what_cannot_be_sold_is_not_asked_for(product: Product, left: int, cart: Any, says: str) -> None:
    async def story(market: Market) -> None:
        await market.stocked(product, left=left)
        with pytest.raises((NotPossible, InvalidInput), match=says):
            await market.buy(cart)
        assert market.world.asked == []
        assert await orders(market) == 0

    trade(story)


def test_digital_goods_need_no_address_and_goods_do() -> None:
    async def story(market: Market) -> None:
        opened = await market.buy("lesson", address=None)
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert not fulfilment.ships
        assert fulfilment.recipient.line1 == ""
        with pytest.raises(InvalidInput, match="address is missing"):
            await market.buy("lesson", "racket", address=None)

    shop(story)


def test_a_page_is_believed_with_the_right_signature_only() -> None:
    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        checkout = opened.razorpay_order_id
        seen = await market.desk.verify(checkout, "pay_1", f"{checkout}|pay_1")
        assert seen == Verified(True, opened.order_number, "pending", seen.track_url)
        assert seen.track_url.startswith("https://shop.example/track/")
        link = seen.track_url.rpartition("/")[2]
        tracked = market.guests["messages"].tracked(link, market.clock.now())
        assert tracked == f"{SHOP}/{opened.order_number}"
        for payment, signature in (("pay_2", f"{checkout}|pay_1"), ("pay_1", ""), ("", "x")):
            with pytest.raises(BadSignature):
                await market.desk.verify(checkout, payment, signature)
        await market.pay(opened)
        await market.wait(HOUR)
        later = await market.desk.verify(checkout, "pay_1", f"{checkout}|pay_1")
        assert later.payment_status == "paid"

    shop(story)


def test_a_genuine_signature_of_another_order_opens_nothing() -> None:
    """The id that is signed comes from our records: our own number is not taken for the payment provider's order."""

    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        for unknown in ("order_999", "", opened.order_number, f"../{opened.razorpay_order_id}"):
            with pytest.raises(InvalidInput, match="no checkout"):
                await market.desk.verify(unknown, "pay_1", f"{unknown}|pay_1")

    shop(story)


def test_a_number_that_is_taken_is_followed_by_another() -> None:
    async def story(market: Market) -> None:
        falls: tuple[list[int], ...] = ([7], [7, 8], [7, 8, 9])
        desks = [desk_of(market, Loaded(each)) for each in falls]
        opened = await asyncio.gather(*(desk.create(cart_of("racket")) for desk in desks))
        assert sorted(each.order_number[-4:] for each in opened) == ["0007", "0008", "0009"]
        assert len(market.world.asked) == await orders(market) == 3
        with pytest.raises(StoreUnavailable, match="send it again"):
            await desk_of(market, Loaded([7, 8] * 4)).create(cart_of("racket"))

    shop(story)


def test_a_payment_provider_that_is_down_is_told_and_a_repeated_click_gets_the_order_later() -> None:
    async def story(market: Market) -> None:
        began = market.clock.monotonic()
        with pytest.raises(Unavailable, match="same Idempotency-Key"):
            await market.buy("racket", key="k")
        assert market.clock.monotonic() - began < 9, "a customer waits a few seconds, not for ever"
        assert await orders(market) == 1
        assert market.world.asked == []
        await market.wait(HOUR)
        opened = await market.buy("racket", key="k")
        assert [each.id for each in market.world.asked] == [opened.razorpay_order_id]
        assert await orders(market) == 1
        await market.pay(opened)
        await market.wait(HOUR)
        assert len(market.world.live()) == 1

    shop(story, fates={"create_checkout": ["503 before"] * 3, "find_checkout": ["503 before"] * 6})


def test_a_payment_provider_that_refuses_is_a_ticket_and_the_click_says_so() -> None:
    async def story(market: Market) -> None:
        with pytest.raises(Unavailable):
            await market.buy("racket", key="k")
        ticket = await market.ticket()
        assert (ticket.category, ticket.facts["flow"]) == ("payment", "open_checkout")
        (run,) = await market.runs("open_checkout")
        await market.operations.retry(run.id, by="ann")
        await market.wait(HOUR)
        assert (await market.buy("racket", key="k")).razorpay_order_id == "order_1"
        assert not await market.tickets()

    shop(story, fates={"create_checkout": ["refuse"]})


@pytest.mark.parametrize("mood", ["full", "unknown, not written", "unknown, written"])
def test_an_order_is_kept_as_a_whole_or_not_at_all(mood: Mood) -> None:
    """Order, checkout, address, click and run are one commit: whatever the store says, a repeat makes no second."""
    store = MoodyStore(MemoryStore())

    async def story(market: Market) -> None:
        store.moods = [mood]
        with pytest.raises(StoreUnavailable if mood == "full" else StoreUnknown):
            await market.buy("racket", key="k")
        kept = [
            await orders(market),
            len((await CHECKOUTS.query(market.store, "all", "")).items),
            len((await ADDRESSES.query(market.store, "owner", "cst_1")).items),
            len(await market.runs("open_checkout")),
            len(await market.runs("expire_order")),
        ]
        assert kept == [int(mood == "unknown, written")] * 5
        opened = await market.buy("racket", key="k")
        await market.wait(HOUR)
        assert [each.id for each in market.world.asked] == [opened.razorpay_order_id]
        assert await orders(market) == 1

    shop(story, store=store)


@pytest.mark.parametrize("mood", ["full", "unknown, not written", "unknown, written"])
@pytest.mark.parametrize("nth", range(6))
def test_trouble_at_any_commit_of_a_checkout_makes_no_second_one(nth: int, mood: Mood) -> None:
    store = MoodyStore(MemoryStore())

    async def story(market: Market) -> None:
        store.moods = ["well"] * nth + [mood]
        opened = None
        for _ in range(4):
            try:
                opened = await market.buy("racket", key="k")
                break
            except (StoreError, Unavailable):
                await market.wait(timedelta(minutes=5))
        assert opened is not None
        await market.wait(HOUR)
        assert [each.id for each in market.world.asked] == [opened.razorpay_order_id]
        held = await ORDERS.get(market.store, f"{SHOP}/{opened.order_number}")
        assert held is not None
        assert await orders(market) == 1

    shop(story, store=store)
