"""What people may do: decide about held orders, ship again, cancel parcels, keep products and stock. Nothing of it
happens twice, whoever else does the same at the same moment."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onpaid.app.checkout import Opened
from onpaid.app.delivering import Imported
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.money import Money
from onpaid.errors import InvalidInput, NotPossible
from tests.app.couriers import Switch, word
from tests.app.stores import PoliteStore
from tests.flows.bazaar import SHOP
from tests.flows.market import BALLS, LESSON, RACKET, Market, trade
from tests.flows.stage import line, order_received

HOUR = timedelta(hours=1)


async def sold(market: Market, *cart: Any, payment: str = "pay_1") -> Opened:
    """Bought and paid for; what follows is over."""
    await market.stocked(RACKET, BALLS, LESSON)
    opened = await market.buy(*cart or ("racket",))
    await market.pay(opened, payment=payment)
    await market.rest()
    return opened


async def held(market: Market) -> Opened:
    """Paid for, and no longer there."""
    await market.stocked(RACKET, left=1)
    opened = await market.buy("racket")
    await market.hands.set_stock("racket", 0)
    await market.pay(opened)
    await market.rest()
    return opened


async def fulfilment(market: Market, opened: Opened) -> Fulfilment:
    found = (await market.order(opened)).fulfilment
    assert found is not None
    return found


def references(market: Market) -> list[str]:
    return [parcel.order.reference for parcel in market.world.live()]


# -- deciding


@pytest.mark.parametrize(("first", "second"), [("ship", "refund"), ("refund", "ship")])
def test_of_two_who_decide_otherwise_at_once_one_is_told_so(first: Any, second: Any) -> None:
    store = PoliteStore()

    async def story(market: Market) -> None:
        opened = await held(market)
        found = await asyncio.gather(
            market.hands.decide(opened.order_number, first, by="ann"),
            market.hands.decide(opened.order_number, second, by="bob"),
            return_exceptions=True,
        )
        (refused,) = [each for each in found if isinstance(each, BaseException)]
        assert isinstance(refused, NotPossible)
        await market.rest()
        assert len(market.world.live()) + len(market.world.refunds) == 1

    trade(story, store=store)


def test_a_decision_that_is_repeated_is_the_first_one() -> None:
    async def story(market: Market) -> None:
        opened = await held(market)
        first = await market.hands.decide(opened.order_number, "ship", by="ann")
        assert await market.hands.decide(f"{SHOP}/{opened.order_number}", "ship", by="bob") == first
        await market.rest()
        assert len(market.world.live()) == 1

    trade(story)


# -- shipping again


def test_a_dry_run_is_followed_by_a_real_parcel_once() -> None:
    switch = Switch()

    async def story(market: Market) -> None:
        opened, digital = await sold(market), await sold(market, "lesson", payment="pay_2")
        noted = (await fulfilment(market, opened)).parcel
        assert noted is not None
        assert (noted.dry_run, noted.awb, noted.state) == (True, "", "pending_pickup")
        assert [market.world.told(name) for name in ("order_confirmation", "shipment_created")] == [2, 0]
        assert [each.order for each in await market.hands.dry_run_ones()] == [f"{SHOP}/{opened.order_number}"]
        with pytest.raises(NotPossible, match="no parcel yet"):
            await market.hands.ship_again(digital.order_number)
        switch.go_live(market.world)
        runs = [await market.hands.ship_again(opened.order_number) for _ in range(3)]
        assert len(set(runs)) == 1
        await market.rest()
        assert references(market) == [f"{opened.order_number}-2"]
        assert market.world.told("shipment_created") == 1
        real = (await fulfilment(market, opened)).parcel
        assert real is not None
        assert (real.dry_run, real.awb) == (False, market.world.live()[0].awb)
        assert await market.hands.dry_run_ones() == []
        with pytest.raises(NotPossible, match="has a live parcel"):
            await market.hands.ship_again(opened.order_number)

    trade(story, shipping=switch)


def test_dry_runs_are_listed_to_the_last_page_oldest_first() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, left=200)
        opened = []
        for nth in range(103):
            opened.append(await market.buy("racket", phone=f"+91987654{nth:04}"))
            await market.pay(opened[-1], payment=f"pay_{nth}")
        await market.rest()
        found = [each.reference for each in await market.hands.dry_run_ones()]
        assert sorted(found) == sorted(each.order_number for each in opened)

    trade(story, shipping=Switch())


def test_a_dry_runs_parcel_is_not_to_be_cancelled() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        with pytest.raises(NotPossible, match="only logged"):
            await market.hands.cancel_shipment(opened.order_number, by="ann")

    trade(story, shipping=Switch())


def test_a_parcel_that_came_back_is_followed_by_another() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        awb = market.world.live()[0].awb
        for state in ("in_transit", "returning", "returned"):
            await market.told(word(awb, state))
        assert (await fulfilment(market, opened)).status == "returned"
        await market.hands.ship_again(opened.order_number)
        await market.rest()
        assert references(market) == [opened.order_number, f"{opened.order_number}-2"]
        parcel = (await fulfilment(market, opened)).parcel
        assert parcel is not None
        assert parcel.state == "pending_pickup"
        shipments = await market.guests["shipments"].of_order(f"{SHOP}/{opened.order_number}")
        assert [each.state for each in shipments] == ["returned", "pending_pickup"]

    trade(story)


def test_twenty_who_ship_again_at_once_book_one_parcel() -> None:
    store = PoliteStore()

    async def story(market: Market) -> None:
        opened = await sold(market)
        await market.told(word(market.world.live()[0].awb, "returned"))
        await asyncio.gather(
            *(market.hands.ship_again(opened.order_number) for _ in range(20)), return_exceptions=True
        )
        await market.rest()
        assert references(market) == [opened.order_number, f"{opened.order_number}-2"]

    trade(story, store=store)


def test_what_is_not_paid_is_not_shipped_again() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        with pytest.raises(NotPossible, match="only paid orders"):
            await market.hands.ship_again(opened.order_number)

    trade(story)


# -- cancelling


def test_a_cancelled_parcel_leaves_its_order_paid_and_can_be_followed() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        for _ in range(3):
            await market.hands.cancel_shipment(opened.order_number, by="ann")
        await market.rest()
        assert market.world.live() == []
        assert len(await market.runs("cancel_shipment")) == 1
        found = await fulfilment(market, opened)
        assert found.parcel is not None
        assert (found.parcel.state, found.payment_status) == ("cancelled", "paid")
        with pytest.raises(NotPossible, match="is cancelled"):
            await market.hands.cancel_shipment(opened.order_number, by="ann")
        await market.hands.ship_again(opened.order_number)
        await market.rest()
        assert references(market) == [f"{opened.order_number}-2"]
        assert not await market.tickets()

    trade(story)


@pytest.mark.parametrize("state", ["picked_up", "out_for_delivery", "delivered"])
def test_a_parcel_on_its_way_is_not_to_be_cancelled(state: str) -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        await market.told(word(market.world.live()[0].awb, state))
        with pytest.raises(NotPossible, match=state.replace("_", " ")):
            await market.hands.cancel_shipment(opened.order_number, by="ann")

    trade(story)


@pytest.mark.parametrize("fate", ["lost reply", "late", "503 after", "429"])
def test_a_lost_answer_to_a_cancellation_cancels_once(fate: str) -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        await market.hands.cancel_shipment(opened.order_number, by="ann")
        await market.rest()
        assert market.world.live() == []
        assert not await market.tickets()

    trade(story, fates={"cancel_order": [fate]})


def test_a_courier_that_refuses_to_cancel_is_a_ticket_and_the_parcel_stays() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        await market.hands.cancel_shipment(opened.order_number, by="ann")
        await market.rest()
        assert (await market.ticket()).category == "delivery"
        parcel = (await fulfilment(market, opened)).parcel
        assert parcel is not None
        assert parcel.state == "pending_pickup"

    trade(story, fates={"cancel_order": ["refuse"]})


def test_what_has_no_parcel_has_none_to_cancel() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market, "lesson")
        with pytest.raises(NotPossible, match="has no parcel"):
            await market.hands.cancel_shipment(opened.order_number, by="ann")

    trade(story)


def test_orders_that_are_not_there_or_not_ours_to_ship_are_refused() -> None:
    async def story(market: Market) -> None:
        await market.hear(order_received("1001", line("77", "199.00")))
        hands: Any = market.hands
        for act in (hands.ship_again, lambda name: hands.cancel_shipment(name, by="ann")):
            with pytest.raises(InvalidInput, match="no order 999"):
                await act("999")
            with pytest.raises(InvalidInput, match="onpaid only invoices it"):
                await act("konverzky/1001")

    trade(story)


# -- products and stock


def test_an_import_sets_stock_where_it_is_told_or_where_there_is_none() -> None:
    async def story(market: Market) -> None:
        assert await market.hands.import_products([(RACKET, 5), (BALLS, None)]) == Imported(2, 2)
        assert (await market.left("racket"), await market.left("balls")) == (5, 0)
        dearer = msgspec.structs.replace(RACKET, price=Money(160_000, "INR"))
        assert await market.hands.import_products([(dearer, None), (BALLS, 7)]) == Imported(2, 1)
        assert (await market.left("racket"), await market.left("balls")) == (5, 7)
        assert await market.hands.import_products([(dearer, 5), (BALLS, 7)]) == Imported(2, 0)
        product = await market.guests["catalogue"].product("racket")
        assert product.price == Money(160_000, "INR")

    trade(story)


def test_stock_is_set_and_the_old_figure_told() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, left=5)
        assert await market.hands.set_stock("racket", 9) == 5
        assert await market.left("racket") == 9
        for wrong in (-1, 10**9):
            with pytest.raises(InvalidInput, match="whole number"):
                await market.hands.set_stock("racket", wrong)
        with pytest.raises(InvalidInput, match="no product"):
            await market.hands.set_stock("net", 1)

    trade(story)


def test_stock_that_many_set_and_sell_at_once_is_never_lost_nor_below_nothing() -> None:
    """Each count replaces the figure of its moment, and each sale takes one of what is there: so the end is the last
    count less the sales after it."""
    store = PoliteStore()

    async def story(market: Market) -> None:
        await market.stocked(RACKET, left=50)
        opened = [await market.buy("racket", phone=f"+9198765432{nth:02}") for nth in range(10)]
        counted = asyncio.gather(*(market.hands.set_stock("racket", 20) for _ in range(10)))
        paid = asyncio.gather(*(market.pay(each, payment=f"pay_{nth}") for nth, each in enumerate(opened)))
        await asyncio.gather(counted, paid)
        await market.hands.import_products([(RACKET, None)])
        await market.rest()
        assert store.conflicts.get("stock", 0) > 0
        assert 10 <= await market.left("racket") <= 20
        assert len(market.world.live()) == 10
        movements = [
            await market.guests["catalogue"].movement(f"{SHOP}/{each.order_number}") for each in opened
        ]
        assert all(movement.moved[0].units == 1 for movement in movements)
        last = await market.left("racket")
        assert await market.hands.set_stock("racket", 3) == last

    trade(story, store=store)


def test_a_product_that_sells_without_end_is_told_so() -> None:
    store = PoliteStore()

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        store.never.add("stock")
        with pytest.raises(NotPossible, match="too fast to be counted"):
            await market.hands.set_stock("racket", 1)
        with pytest.raises(NotPossible, match="too fast to be changed"):
            await market.hands.import_products([(RACKET, 1)])
        assert await market.left("racket") == 10

    trade(story, store=store)
