"""One live parcel for an order, whatever the courier service holds under its number already, and whatever is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from onpaid.app.checkout import Opened
from onpaid.domain.money import Money
from onpaid.domain.products import Dimensions
from onpaid.engine.journal import Run
from onpaid.repositories.parcels import Packing
from tests.app.couriers import Switch
from tests.flows.bazaar import SHOP, Parcel
from tests.flows.market import BALLS, BOX, LESSON, RACKET, UNSIZED, Market, trade

HOUR = timedelta(hours=1)


def market_day(story: Callable[[Market], Awaitable[None]], **more: Any) -> None:
    async def stocked(market: Market) -> None:
        await market.stocked(RACKET, BALLS, LESSON, UNSIZED, left=50)
        await story(market)

    trade(stocked, **more)


async def sold(market: Market, *cart: Any, payment: str = "pay_1", phone: str = "+919876543210") -> Opened:
    opened = await market.buy(*cart or ("racket",), phone=phone)
    await market.pay(opened, payment=payment)
    await market.wait(HOUR)
    return opened


async def booking(market: Market) -> Run:
    (run,) = await market.runs("book_shipment")
    return run


def names(run: Run) -> list[str]:
    return [step.name for step in run.steps]


# -- what the courier service holds already


@pytest.mark.parametrize("dead", [0, 1, 2])
def test_a_dead_record_is_left_alone_and_the_parcel_made_under_another_reference(dead: int) -> None:
    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        number = opened.order_number
        tried = [number, f"{number}-02", f"{number}-03"]
        market.world.dead.update(tried[:dead])
        await market.pay(opened)
        await market.wait(HOUR)
        (parcel,) = market.world.live()
        assert parcel.order.reference == tried[dead]
        assert [each.order.reference for each in market.world.parcels] == tried[: dead + 1]
        (shipment,) = await market.guests["shipments"].of_order(f"{SHOP}/{number}")
        assert shipment.reference == tried[dead]
        assert not await market.tickets()

    market_day(story)


def test_nothing_but_dead_records_is_for_a_person() -> None:
    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        number = opened.order_number
        market.world.dead.update({number, f"{number}-02", f"{number}-03"})
        await market.pay(opened)
        await market.wait(HOUR)
        ticket = await market.ticket()
        assert (ticket.category, ticket.facts["reference"]) == ("delivery", number)
        assert "cancelled record" in ticket.title
        assert market.world.told("shipment_created") == 0

    market_day(story)


@pytest.mark.parametrize("awb", ["", "0099887766"])
def test_a_record_that_lives_already_is_adopted(awb: str) -> None:
    """As after a restored backup, or if somebody booked it by hand: no second parcel, and no second AWB."""

    async def story(market: Market) -> None:
        opened = await sold(market)
        order = market.world.parcels[0].order
        other = await market.buy("racket")
        there = msgspec.structs.replace(order, reference=other.order_number)
        market.world.parcels.append(Parcel(2, there, 0.0, awb=awb))
        await market.pay(other, payment="pay_2")
        await market.wait(HOUR)
        assert sorted(each.order.reference for each in market.world.live()) == sorted(
            (opened.order_number, other.order_number)
        )
        adopted = market.world.parcels[1]
        assert adopted.pickups == 1
        assert adopted.awb == (awb or "0024711")
        fulfilment = (await market.order(other)).fulfilment
        assert fulfilment is not None
        assert fulfilment.parcel is not None
        assert fulfilment.parcel.awb == adopted.awb
        (run,) = [each for each in await market.runs("book_shipment") if other.order_number in each.id]
        assert ("assign awb" in names(run)) is not bool(awb)

    market_day(story)


def test_a_pickup_that_came_with_the_awb_is_booked_already() -> None:
    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        await market.pay(opened)
        while not market.world.parcels or not market.world.parcels[0].awb:
            await market.wait(timedelta(milliseconds=20))
        market.world.parcels[0].pickups = 1
        await market.wait(HOUR)
        assert market.world.parcels[0].pickups == 1
        assert market.world.told("shipment_created") == 1
        assert not await market.tickets()

    market_day(story)


# -- what is missing


def test_a_parcel_without_a_size_waits_for_it_and_goes_out_by_itself() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market, "racket", "net")
        ticket = await market.ticket()
        assert (ticket.category, ticket.facts["products"]) == ("delivery", "net")
        assert (await booking(market)).state == "failed"
        assert market.world.parcels == []
        assert market.world.told("order_confirmation") == 1
        await market.stocked(msgspec.structs.replace(UNSIZED, packed=BOX))
        await market.wait(HOUR)
        (parcel,) = market.world.live()
        assert parcel.order.reference == opened.order_number
        assert {line.sku for line in parcel.order.lines} == {"racket", "net"}
        assert not await market.tickets(), "its ticket closes by itself"
        (shipping,) = await market.runs("ship_paid_order")
        assert shipping.state == "done"

    market_day(story)


def test_a_size_for_whatever_has_none_may_be_set() -> None:
    async def story(market: Market) -> None:
        await sold(market, ("net", 2))
        (parcel,) = market.world.live()
        assert (parcel.order.length, parcel.order.height, parcel.order.weight) == (10, 6, Decimal("0.8"))
        assert not await market.tickets()

    size = Dimensions(length=Decimal(10), breadth=Decimal(9), height=Decimal(3), weight=Decimal("0.4"))
    market_day(story, packing=Packing(size))


def test_what_is_packed_is_what_has_a_body_in_one_box() -> None:
    async def story(market: Market) -> None:
        broad = Dimensions(length=Decimal(20), breadth=Decimal(50), height=Decimal(2), weight=Decimal("0.25"))
        await market.stocked(msgspec.structs.replace(BALLS, packed=broad, sku="BALL-6", hsn="9506"))
        await sold(market, "racket", ("balls", 3), "lesson")
        (parcel,) = market.world.live()
        order = parcel.order
        assert [(line.sku, line.units, line.hsn, line.tax_percent) for line in order.lines] == [
            ("racket", 1, "", Decimal(18)),
            ("BALL-6", 3, "9506", Decimal(12)),
        ]
        assert order.total == Money(150_000 + 3 * 49_900, "INR"), "without the lesson"
        assert (order.length, order.breadth, order.height) == (Decimal(30), Decimal(50), Decimal(11))
        assert order.weight == Decimal("1.25")

    market_day(story)


def test_a_dry_run_books_nothing_and_tells_no_customer_of_a_parcel() -> None:
    async def story(market: Market) -> None:
        opened = await sold(market)
        assert names(await booking(market)) == ["parcel", "create shipment", "note shipment"]
        assert market.world.parcels == []
        assert market.world.told("shipment_created") == 0
        assert market.world.told("order_confirmation") == 1
        (shipment,) = await market.guests["shipments"].of_order(f"{SHOP}/{opened.order_number}")
        assert (shipment.dry_run, shipment.awb, shipment.look_at) == (True, "", None)
        assert not await market.tickets()

    market_day(story, shipping=Switch())


# -- what the courier service refuses


@pytest.mark.parametrize("operation", ["create_order", "assign_awb", "request_pickup"])
def test_a_refusal_is_a_ticket_about_the_delivery_and_is_tried_again_when_a_person_says_so(
    operation: str,
) -> None:
    async def story(market: Market) -> None:
        await sold(market)
        ticket, run = await market.ticket(), await booking(market)
        assert (ticket.category, ticket.severity, ticket.run) == ("delivery", "high", run.id)
        assert f"{operation} was refused" in ticket.title
        assert market.world.told("shipment_created") == 0
        await market.operations.retry(run.id, by="ann")
        await market.wait(HOUR)
        (parcel,) = market.world.live()
        assert parcel.pickups == 1
        assert market.world.told("shipment_created") == 1
        assert not await market.tickets()

    market_day(story, fates={operation: ["refuse"]})


def test_an_empty_wallet_pauses_the_lane_with_one_ticket_for_all() -> None:
    async def story(market: Market) -> None:
        for nth in range(5):
            opened = await market.buy("racket", phone=f"+9198765432{nth:02}")
            await market.pay(opened, payment=f"pay_{nth}")
        await market.wait(6 * HOUR)
        ticket = await market.ticket()
        assert (ticket.category, ticket.severity, ticket.facts["lane"]) == ("settings", "critical", "courier")
        assert "onpaid lanes resume courier" in ticket.title
        assert all(not parcel.pickups for parcel in market.world.parcels)
        assert market.world.told("order_confirmation") == 5, "customers hear of their payment all the same"
        await market.operations.resume("courier", by="ann")
        await market.wait(HOUR)
        assert [parcel.pickups for parcel in market.world.live()] == [1] * 5
        assert market.world.told("shipment_created") == 5
        assert not await market.tickets()

    market_day(story, fates={"assign_awb": ["unauthorised"]})


def test_a_courier_that_is_down_for_a_day_is_one_ticket_that_closes_by_itself() -> None:
    async def story(market: Market) -> None:
        for nth in range(3):
            opened = await market.buy("racket", phone=f"+9198765432{nth:02}")
            await market.pay(opened, payment=f"pay_{nth}")
        await market.wait(HOUR / 2)
        ticket = await market.ticket()
        assert (ticket.category, ticket.run, ticket.facts["lane"]) == ("delivery", None, "courier")
        await market.wait(24 * HOUR)
        assert len(market.world.live()) == market.world.told("shipment_created") == 3
        assert not await market.tickets()

    market_day(story, fates={"find_order": ["503 before"] * 60})
