"""What arrives becomes records: several words in one delivery, words about other people's things, words out of order."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from onpaid.app.checkout import Opened
from onpaid.app.keeping import Kept
from onpaid.domain.messages import MessageState, MessageTold
from onpaid.engine.testing import START
from tests.app.couriers import word
from tests.flows.bazaar import SHOP
from tests.flows.market import BALLS, RACKET, Market, trade


def after(story: Callable[[Market, Opened], Awaitable[None]], **more: Any) -> None:
    """Tell what follows a parcel that was booked, of which its customer was told."""

    async def shipped(market: Market) -> None:
        await market.stocked(RACKET, BALLS)
        opened = await market.buy("racket")
        await market.pay(opened)
        await market.rest()
        await story(market, opened)

    trade(shipped, **more)


def ref(opened: Opened, template: str = "order_confirmation") -> str:
    return f"onpaid:{SHOP}/{opened.order_number}:{template}"


async def kept(market: Market, *facts: Any) -> Kept:
    """Keep these facts as one delivery does."""
    found = await market.keeping.keep(facts, market.clock.now())
    if found.writes:
        await market.store.commit(found.writes)
    return found


async def message(market: Market, opened: Opened, template: str = "order_confirmation") -> Any:
    found = await market.guests["messages"].of_order(f"{SHOP}/{opened.order_number}")
    (one,) = [each for each in found if each.template == template]
    return one


def told(
    opened: Opened, state: MessageState, *, at: int = 0, template: str = "order_confirmation"
) -> MessageTold:
    return MessageTold("messenger", state, ref=ref(opened, template), told_at=START + at)


@pytest.mark.parametrize("states", list(itertools.permutations(("sent", "delivered", "read"))))
def test_of_several_states_of_one_message_in_one_delivery_the_furthest_counts(states: Any) -> None:
    async def story(market: Market, opened: Opened) -> None:
        found = await kept(market, *(told(opened, state) for state in states))
        assert len(found.writes) == 1
        assert found.about == [f"order:{SHOP}/{opened.order_number}"]
        assert (await message(market, opened)).state == "read"

    after(story)


def test_states_of_two_messages_in_one_delivery_are_both_kept() -> None:
    async def story(market: Market, opened: Opened) -> None:
        found = await kept(
            market,
            told(opened, "read"),
            told(opened, "delivered", template="shipment_created"),
            told(opened, "sent", template="shipment_created"),
        )
        assert len(found.writes) == 2
        assert (await message(market, opened)).state == "read"
        assert (await message(market, opened, "shipment_created")).state == "delivered"

    after(story)


def test_a_message_moves_forward_only_and_a_failure_may_be_overtaken_by_its_delivery() -> None:
    async def story(market: Market, opened: Opened) -> None:
        steps: list[tuple[MessageState, str]] = [
            ("sent", "sent"),
            ("failed", "failed"),
            ("sent", "failed"),
            ("delivered", "delivered"),
            ("failed", "delivered"),
            ("read", "read"),
            ("delivered", "read"),
        ]
        for nth, (state, now) in enumerate(steps):
            await kept(market, told(opened, state, at=nth))
            assert (await message(market, opened)).state == now
        history = (await message(market, opened)).history
        assert [name for name, _ in history][-4:] == ["sent", "failed", "delivered", "read"]

    after(story)


def test_a_status_with_the_services_own_id_alone_is_understood() -> None:
    async def story(market: Market, opened: Opened) -> None:
        ident = (await message(market, opened)).provider_id
        await kept(market, MessageTold("messenger", "read", provider_id=ident))
        assert (await message(market, opened)).state == "read"

    after(story)


@pytest.mark.parametrize(
    "fact",
    [
        MessageTold("messenger", "read", ref="onpaid:shop/1:order_confirmation"),
        MessageTold("messenger", "read", provider_id="wamid.of-another-program"),
        MessageTold("another", "read", provider_id="wamid.1"),
        MessageTold("messenger", "read"),
        word("0099999999999", "delivered"),
        word("0099999999999", "delivered", order_id="o99"),
        word("", "delivered"),
    ],
)
def test_other_peoples_messages_and_parcels_change_nothing_and_are_no_error(fact: Any) -> None:
    async def story(market: Market, opened: Opened) -> None:
        found = await kept(market, fact)
        assert found == Kept()
        receipt = await market.told(fact)
        assert receipt.verdict == "routed"
        assert (await message(market, opened)).state == "accepted"
        assert not await market.tickets()

    after(story, world={"statuses": False})


async def _status(market: Market, opened: Opened) -> tuple[str, str]:
    fulfilment = (await market.order(opened)).fulfilment
    assert fulfilment is not None
    assert fulfilment.parcel is not None
    return fulfilment.status, fulfilment.parcel.state


ONE_WAY = ("picked_up", "in_transit", "out_for_delivery", "delivered")


@pytest.mark.parametrize("order", list(itertools.permutations(ONE_WAY)))
def test_an_order_is_delivered_in_the_end_in_whatever_order_it_is_told(order: tuple[str, ...]) -> None:
    async def story(market: Market, opened: Opened) -> None:
        reached = 0
        ranks = {"confirmed": 0, "shipped": 1, "delivered": 2}
        for state in order:
            awb = market.world.live()[0].awb
            await market.told(word(awb, state))
            status, _ = await _status(market, opened)
            assert ranks[status] >= reached, "an order never goes back"
            reached = ranks[status]
        assert await _status(market, opened) == ("delivered", "delivered")

    after(story)


@pytest.mark.parametrize(
    ("told_of", "expected"),
    [
        (("in_transit", "pending_pickup"), ("shipped", "in_transit")),
        (("in_transit", "returning", "in_transit"), ("shipped", "returning")),
        (("in_transit", "returning", "returned", "delivered"), ("returned", "returned")),
        (("delivered", "returning"), ("delivered", "delivered")),
        (("delivered", "returned"), ("returned", "returned")),
        (("lost", "in_transit"), ("confirmed", "lost")),
        (("in_transit", "lost", "delivered"), ("delivered", "delivered")),
        (("cancelled",), ("confirmed", "cancelled")),
        (("cancelled", "in_transit"), ("shipped", "in_transit")),
        (("a word that nobody knows",), ("confirmed", "pending_pickup")),
    ],
)
def test_what_a_parcel_is_told_to_be_makes_of_its_order(
    told_of: tuple[str, ...], expected: tuple[str, str]
) -> None:
    async def story(market: Market, opened: Opened) -> None:
        for state in told_of:
            await market.told(word(market.world.parcels[0].awb, state))
        assert await _status(market, opened) == expected

    after(story)


def test_a_word_about_an_earlier_parcel_leaves_the_order_to_the_later_one() -> None:
    async def story(market: Market, opened: Opened) -> None:
        first = market.world.live()[0].awb
        await market.told(word(first, "returned"))
        await market.hands.ship_again(opened.order_number)
        await market.rest()
        second = market.world.live()[1].awb
        await market.told(word(second, "in_transit"))
        before = await _status(market, opened)
        await market.told(word(first, "delivered"))
        assert await _status(market, opened) == before
        assert before[1] == "in_transit"

    after(story)


def test_a_parcel_is_found_by_the_couriers_order_when_its_awb_changed() -> None:
    async def story(market: Market, opened: Opened) -> None:
        parcel = market.world.live()[0]
        await market.told(word("0088888888888", "in_transit", order_id=f"o{parcel.id}"))
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert fulfilment.parcel is not None
        assert fulfilment.parcel.awb == "0088888888888"
        await market.told(word("0088888888888", "delivered"))
        assert await _status(market, opened) == ("delivered", "delivered")

    after(story)
