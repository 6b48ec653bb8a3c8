"""What is sent again counts once. Most senders of the story of delivery sign no time, so the store's memory has to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from onpaid.app.inbox import Inbox, Receipt
from onpaid.errors import BadSignature
from onpaid.repositories.events import EVENTS
from tests.flows.market import Market, paid_by, trade
from tests.providers import till
from tests.providers.listed import SOURCES, Source

DELIVERY = ("razorpay", "tracking", "meta", "twilio", "msg91", "wati")


class Door:
    """The inbox with the real sources."""

    def __init__(self, market: Market) -> None:
        self.market = market
        sources = {SOURCES[name].source.name: SOURCES[name].source for name in DELIVERY}
        self._inbox = Inbox(market.process.engine.recorder, market.keeping, sources, market.clock)

    async def receive(self, each: Source, body: bytes = b"", **headers: str) -> Receipt:
        proof, token = each.prove(body or each.body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._inbox.receive(each.source.name, {**proof, **named}, body or each.body, token=token)

    async def events(self) -> int:
        return len((await EVENTS.query(self.market.store, "all", "", limit=1000)).items)


def at_the_door(story: Callable[[Door], Awaitable[None]]) -> None:
    """Razorpay knows of a payment, which is not for an order of ours."""

    async def told(market: Market) -> None:
        market.world.foreign = True
        paid = paid_by(till.ORDER_ID, till.AMOUNT, payment=till.PAYMENT_ID)
        market.world.capture(paid)
        await story(Door(market))

    trade(told)


@pytest.mark.parametrize("name", DELIVERY)
def test_the_same_delivery_a_hundred_times_at_once_is_one_event(name: str) -> None:
    async def story(door: Door) -> None:
        receipts = await asyncio.gather(*(door.receive(SOURCES[name]) for _ in range(100)))
        assert [receipt.verdict for receipt in receipts].count("duplicate") == 99
        assert len({receipt.event for receipt in receipts}) == 1
        assert await door.events() == 1

    at_the_door(story)


@pytest.mark.parametrize("name", DELIVERY)
def test_a_forged_delivery_leaves_no_trace(name: str) -> None:
    async def story(door: Door) -> None:
        each: Any = SOURCES[name]
        with pytest.raises(BadSignature):
            await door._inbox.receive(each.source.name, {"x-razorpay-event-id": "1"}, each.body)
        assert await door.events() == 0

    at_the_door(story)


def test_razorpays_event_sent_again_under_its_id_is_a_duplicate_and_under_another_says_nothing_new() -> None:
    """The id is in a header that nobody signs: who replays a body may choose it, and gains nothing."""

    async def story(door: Door) -> None:
        razorpay, market = SOURCES["razorpay"], door.market
        ids = ["one", "one", "two", "three"]
        found = [await door.receive(razorpay, x_razorpay_event_id=ident) for ident in ids]
        assert [receipt.verdict for receipt in found] == ["routed", "duplicate", "routed", "routed"]
        await door.receive(razorpay, till.body("order.paid"), x_razorpay_event_id="four")
        await market.rest()
        (run,) = await market.runs("ship_paid_order")
        assert {joined.verdict for joined in run.joined} == {"same"}
        assert not await market.tickets()

    at_the_door(story)


def test_an_old_id_over_a_new_body_is_an_event_of_its_own() -> None:
    async def story(door: Door) -> None:
        razorpay, market = SOURCES["razorpay"], door.market
        first = await door.receive(razorpay, x_razorpay_event_id="one")
        second = await door.receive(razorpay, till.body(amount=1), x_razorpay_event_id="one")
        assert second.verdict == "routed"
        assert second.event.startswith(f"{first.event}#")
        assert await door.events() == 2
        await market.rest()
        (run,) = await market.runs("ship_paid_order")
        assert [joined.verdict for joined in run.joined] == ["adopted"], "it had not acted on the first yet"

    at_the_door(story)
