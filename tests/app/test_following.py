"""Parcels of which nothing is heard are asked about: seldom, many at once, and never against a later word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from onpaid.app.following import MOST, Following
from onpaid.domain.shipments import Scan, Shipment
from onpaid.errors import Doubtful, ProviderError, Unauthorised, Unavailable
from onpaid.repositories.shipments import SHIPMENTS
from tests.app.couriers import Lookout, Switch, word
from tests.app.stores import PoliteStore
from tests.flows.bazaar import SHOP
from tests.flows.market import RACKET, Market, trade

HOUR = timedelta(hours=1)


def following(market: Market, lookout: Any) -> Following:
    return Following(market.process.engine.recorder, market.guests["shipments"], lookout, market.clock)


def after(story: Callable[[Market, str, str], Awaitable[None]], **more: Any) -> None:
    """Tell what follows a parcel that was booked: `story` gets its order's number and its AWB."""

    async def booked(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.pay(opened)
        await market.rest()
        awb = market.world.parcels[0].awb if market.world.parcels else ""
        await story(market, opened.order_number, awb)

    trade(booked, **more)


async def state(market: Market, number: str) -> str:
    """The parcel's state, and its order's."""
    (shipment,) = await market.guests["shipments"].of_order(f"{SHOP}/{number}")
    held = await market.guests["orders"].find(f"{SHOP}/{number}")
    assert held is not None
    return f"{shipment.state}, {held.record.fulfilment.status}"


def test_a_silent_parcel_is_asked_about_and_what_is_told_moves_it() -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        scan = Scan("2026-11-21T10:00:00", "Bag added", "Jaipur")
        lookout = Lookout(word(awb, "in_transit", scans=(scan,), expected="2026-11-24"))
        look = following(market, lookout).look
        assert await look() == 0, "it was booked just now"
        assert lookout.asked == []
        await market.wait(7 * HOUR)
        assert await look() == 1
        assert lookout.asked == [[awb]]
        assert await state(market, number) == "in_transit, shipped"
        (shipment,) = await market.guests["shipments"].of_order(f"{SHOP}/{number}")
        assert (shipment.scans, shipment.expected) == ((scan,), "2026-11-24")
        assert await look() == 0, "it was just heard of"
        await market.wait(7 * HOUR)
        lookout.told[awb] = word(awb, "delivered")
        assert await look() == 1
        assert await state(market, number) == "delivered, delivered"
        await market.wait(30 * 24 * HOUR)
        assert await look() == 0
        assert len(lookout.asked) == 2, "what has arrived is not followed"

    after(story)


def test_a_parcel_that_its_webhook_tells_of_is_not_asked_about() -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout()
        look = following(market, lookout).look
        for _ in range(5):
            await market.wait(5 * HOUR)
            await market.told(word(awb, "in_transit", event=str(market.clock.now())))
            assert await look() == 0
        assert lookout.asked == []

    after(story)


def test_a_parcel_that_nobody_knows_of_is_asked_about_again_later_and_given_up_in_the_end() -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout()
        look = following(market, lookout).look
        for _ in range(12):
            await market.wait(HOUR)
            assert await look() == 0
        assert lookout.asked == [[awb], [awb]]
        for _ in range(200):
            await market.wait(24 * HOUR)
            await look()
        asked = len(lookout.asked)
        assert asked < 70
        await market.wait(30 * 24 * HOUR)
        await look()
        assert len(lookout.asked) == asked
        assert await state(market, number) == "pending_pickup, confirmed"

    after(story)


@pytest.mark.parametrize(
    "error", [Unavailable("503"), Doubtful("no answer"), Unauthorised("the token is revoked")]
)
def test_a_courier_that_is_down_changes_nothing_and_is_asked_again(error: ProviderError) -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout(word(awb, "in_transit"))
        look = following(market, lookout).look
        await market.wait(7 * HOUR)
        lookout.error = error
        for _ in range(3):
            assert await look() == 0
        assert await state(market, number) == "pending_pickup, confirmed"
        assert not await market.tickets()
        lookout.error = None
        assert await look() == 1
        assert lookout.asked == [[awb]] * 4

    after(story)


def test_a_webhook_that_comes_while_the_courier_answers_is_not_undone() -> None:
    """The answer is older than the webhook: the parcel goes forward only."""

    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout(word(awb, "picked_up"))
        lookout.meanwhile = lambda: market.told(word(awb, "delivered"))
        await market.wait(7 * HOUR)
        await following(market, lookout).look()
        assert await state(market, number) == "delivered, delivered"

    after(story)


def test_a_webhook_at_the_same_moment_and_the_answer_are_both_kept() -> None:
    store = PoliteStore()

    async def story(market: Market, number: str, awb: str) -> None:
        first, second = Scan("2026-11-21T10:00:00", "Picked up"), Scan("2026-11-21T12:00:00", "In a bag")
        lookout = Lookout(word(awb, "picked_up", scans=(first,)))
        await market.wait(7 * HOUR)
        for _ in range(5):
            await asyncio.gather(
                following(market, lookout).look(),
                market.told(word(awb, "in_transit", scans=(second,), event=str(market.clock.now()))),
            )
        assert store.conflicts.get("shipment", 0) > 0
        assert await state(market, number) == "in_transit, shipped"
        (shipment,) = await market.guests["shipments"].of_order(f"{SHOP}/{number}")
        assert shipment.scans == (first, second)

    after(story, store=store)


def test_a_webhook_while_the_courier_knows_nothing_is_not_postponed_away() -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout()
        lookout.meanwhile = lambda: market.told(word(awb, "out_for_delivery"))
        await market.wait(7 * HOUR)
        assert await following(market, lookout).look() == 0
        assert await state(market, number) == "out_for_delivery, shipped"
        await market.wait(3 * HOUR)
        lookout.told[awb], lookout.meanwhile = word(awb, "delivered"), None
        assert await following(market, lookout).look() == 1

    after(story)


def test_a_store_that_is_always_contended_leaves_it_to_the_next_look() -> None:
    store = PoliteStore()

    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout(word(awb, "in_transit"))
        await market.wait(7 * HOUR)
        store.never.add("shipment")
        assert await following(market, lookout).look() == 0
        store.never.clear()
        assert await following(market, lookout).look() == 1

    after(story, store=store)


def test_many_are_asked_about_in_few_calls_those_silent_longest_first() -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        now = market.clock.now()
        for nth in range(60):
            one = Shipment(
                id=f"ship-{nth}",
                order=f"{SHOP}/{number}",
                reference=number,
                order_id="",
                shipment_id="",
                created_at=now,
                updated_at=now,
                awb=f"AWB{nth:04}",
                look_at=now + nth,
            )
            await market.store.commit([SHIPMENTS.insert(one)])
        await market.wait(HOUR)
        lookout = Lookout(*(word(f"AWB{nth:04}", "in_transit") for nth in range(60)))
        look = following(market, lookout).look
        assert [await look() for _ in range(3)] == [MOST, 10, 0]
        assert [len(asked) for asked in lookout.asked] == [MOST, 10]
        assert lookout.asked[0][0] == "AWB0000"

    after(story)


def test_what_was_only_logged_is_not_asked_about() -> None:
    async def story(market: Market, number: str, awb: str) -> None:
        lookout = Lookout()
        await market.wait(48 * HOUR)
        assert await following(market, lookout).look() == 0
        assert lookout.asked == []

    after(story, shipping=Switch())
