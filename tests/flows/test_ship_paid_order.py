"""A paid checkout becomes exactly one shipment, and the customer is told: the story in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from onpaid.app.checkout import Opened
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.money import Money
from onpaid.engine.journal import RUNS
from onpaid.errors import InvalidInput, NotPossible, Unavailable
from tests.flows.bazaar import ACCOUNT, SHOP
from tests.flows.market import BALLS, LESSON, RACKET, Market, paid_by, trade


async def _sold(market: Market, *cart: str) -> None:
    await market.stocked(RACKET, BALLS, LESSON)
    opened = await market.buy(*cart)
    await market.pay(opened)
    await market.rest()


def test_a_paid_order_is_shipped_once_and_its_customer_told_twice() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, BALLS)
        opened = await market.buy("racket", ("balls", 2))
        await market.pay(opened)
        await market.rest()
        (parcel,) = market.world.live()
        assert parcel.order.reference == opened.order_number
        assert parcel.order.total.minor == opened.amount == 150_000 + 2 * 49_900
        assert parcel.pickups == 1
        assert [market.world.told(name) for name in ("order_confirmation", "shipment_created")] == [1, 1]
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert (fulfilment.status, fulfilment.payment_status, fulfilment.method) == (
            "confirmed",
            "paid",
            "upi",
        )
        assert fulfilment.parcel is not None
        assert fulfilment.parcel.awb == parcel.awb
        assert (await market.left("racket"), await market.left("balls")) == (9, 8)
        assert not await market.tickets()

    trade(story)


def test_two_events_about_the_same_money_are_one_run_and_one_shipment() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        for nth in range(50):
            await market.pay(opened, event=f"evt_{nth % 25}")
        await market.rest()
        assert len(market.world.live()) == 1
        assert len(await market.runs("ship_paid_order")) == 1
        assert market.world.told("order_confirmation") == market.world.told("shipment_created") == 1
        assert await market.left("racket") == 9

    trade(story)


def test_digital_goods_need_no_shipment_and_their_customer_gets_the_confirmation_only() -> None:
    async def story(market: Market) -> None:
        await _sold(market, "lesson")
        assert not market.world.parcels
        assert [market.world.told(name) for name in ("order_confirmation", "shipment_created")] == [1, 0]
        (run,) = await market.runs("ship_paid_order")
        assert b"nothing to ship" in bytes(run.result)

    trade(story)


def test_the_confirmation_does_not_wait_for_the_parcel() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await market.pay(await market.buy("racket"))
        await market.wait(timedelta(minutes=5))
        assert market.world.told("order_confirmation") == 1
        assert not market.world.live()
        await market.rest()
        assert len(market.world.live()) == market.world.told("shipment_created") == 1

    trade(story, fates={"find_order": ["503 before"] * 14})


def test_a_payment_that_comes_before_the_checkout_is_noted_waits_for_it() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        buying = asyncio.create_task(market.buy("racket"))
        await asyncio.sleep(1)
        (asked,) = market.world.asked
        paid = paid_by(asked.id, asked.wanted.amount)
        market.world.capture(paid)
        await market.hear(paid)
        with pytest.raises(Unavailable, match="same Idempotency-Key"):
            await buying
        await market.rest()
        assert len(market.world.asked) == 1, "the lost answer made no second order"
        assert len(market.world.live()) == 1

    trade(story, fates={"create_checkout": ["lost reply"]})


def test_another_amount_than_the_orders_is_a_ticket_and_no_shipment() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await market.pay(await market.buy("racket"), amount=Money(1, "INR"))
        await market.rest()
        ticket = await market.ticket()
        assert (ticket.category, ticket.severity) == ("payment", "critical")
        assert "INR 0.01" in ticket.title
        assert "INR 1,500.00" in ticket.title
        assert not market.world.parcels
        assert not market.world.messages
        assert await market.left("racket") == 10

    trade(story)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"captured": False}, "not captured"), ({"refunded": Money(150_000, "INR")}, "given back")],
)
def test_money_that_is_not_there_any_more_ships_nothing(changes: dict[str, Any], words: str) -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await market.pay(await market.buy("racket"), **changes)
        await market.rest()
        assert words in (await market.ticket()).title
        assert not market.world.parcels

    trade(story)


def test_money_for_something_else_is_nobodys_problem() -> None:
    async def story(market: Market) -> None:
        market.world.foreign = True
        paid = paid_by("order_of_a_payment_page", Money(5_000, "INR"))
        market.world.capture(paid)
        await market.hear(paid)
        await market.rest()
        (run,) = await market.runs("ship_paid_order")
        assert b"not ours" in bytes(run.result)
        assert not await market.tickets()

    trade(story)


def test_money_for_an_order_of_ours_that_is_not_here_is_a_critical_ticket() -> None:
    async def story(market: Market) -> None:
        paid = paid_by("order_lost", Money(5_000, "INR"))
        market.world.capture(paid, receipt="1001")
        await market.hear(paid)
        await market.rest(timedelta(days=4))
        ticket = await market.ticket()
        assert (ticket.category, ticket.severity) == ("order", "critical")
        assert "came for 1001" in ticket.title

    trade(story)


def test_a_second_payment_of_one_order_is_a_ticket_and_no_second_shipment() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.pay(opened)
        await market.rest()
        await market.pay(opened, payment="pay_2")
        await market.rest()
        assert len(market.world.live()) == 1
        assert (await market.ticket()).category == "payment"
        assert await market.left("racket") == 9

    trade(story)


def test_a_second_payment_that_comes_before_anything_was_done_does_not_replace_the_first() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        first, second = (
            paid_by(opened.razorpay_order_id, Money(opened.amount, opened.currency), payment=name)
            for name in ("pay_1", "pay_2")
        )
        market.world.capture(first)
        market.world.capture(second)
        await market.process.engine.recorder.record(facts=[first], event="e1")
        await market.process.engine.recorder.record(facts=[second], event="e2")
        await market.rest()
        ticket = await market.ticket()
        assert ticket.category == "payment"
        await market.operations.retry(ticket.run, by="a person")
        await market.rest()
        assert len(market.world.live()) == 1
        assert (await market.ticket()).id == ticket.id, "the money that came twice is not forgotten"

    trade(story)


def test_twenty_buyers_of_the_last_five_rackets() -> None:
    """Five are sold, fifteen are tickets, and the stock is at nothing, never below."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET, left=20)
        opened = [await market.buy("racket", phone=f"+9198765432{nth:02}") for nth in range(20)]
        await market.hands.set_stock("racket", 5)
        for nth, each in enumerate(opened):
            await market.pay(each, payment=f"pay_{nth}")
        await market.rest()
        assert len(market.world.live()) == market.world.told("order_confirmation") == 5
        assert await market.left("racket") == 0
        tickets = await market.tickets()
        assert [(ticket.category, ticket.severity) for ticket in tickets] == [("stock", "critical")] * 15
        held = [f for each in opened if (f := (await market.order(each)).fulfilment) and f.held == "oversold"]
        assert len(held) == 15
        with pytest.raises(NotPossible, match="sold out"):
            await market.buy("racket")

    trade(story)


def test_an_oversold_order_is_shipped_anyway_if_a_person_decides_so() -> None:
    async def story(market: Market) -> None:
        opened = await _oversold(market)
        await market.hands.decide(opened.order_number, "ship", by="ann")
        await market.rest()
        assert len(market.world.live()) == 1
        assert await market.left("racket") == 0
        movement = await market.guests["catalogue"].movement(f"shop/{opened.order_number}")
        assert [(moved.units, moved.short) for moved in movement.moved] == [(1, 1)]
        assert not await market.tickets()
        with pytest.raises(NotPossible, match="decided already"):
            await market.hands.decide(opened.order_number, "refund", by="bob")

    trade(story)


@pytest.mark.parametrize("fate", ["well", "lost reply", "lost request", "503 after", "429", "late"])
def test_an_oversold_order_is_given_back_once_if_a_person_decides_so(fate: str) -> None:
    async def story(market: Market) -> None:
        opened = await _oversold(market)
        await market.hands.decide(opened.order_number, "refund", by="ann")
        await market.hands.decide(opened.order_number, "refund", by="ann")
        await market.rest()
        assert len(market.world.refunds) == 1
        assert not market.world.parcels
        assert not market.world.messages
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert (fulfilment.status, fulfilment.payment_status) == ("cancelled", "refunded")
        assert not await market.tickets()

    trade(story, fates={"refund": [fate]})


async def _oversold(market: Market) -> Opened:
    await market.stocked(RACKET, left=2)
    opened = await market.buy(("racket", 2))
    await market.hands.set_stock("racket", 1)
    await market.pay(opened)
    await market.rest()
    assert (await market.ticket()).category == "stock"
    assert await market.left("racket") == 1, "all or nothing"
    return opened


def test_what_is_not_held_is_not_decided() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        with pytest.raises(NotPossible, match="not held"):
            await market.hands.decide(opened.order_number, "ship", by="ann")
        with pytest.raises(InvalidInput, match="no order"):
            await market.hands.decide("999", "ship", by="ann")

    trade(story)


def test_sellers_sales_are_counted_once() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, BALLS, LESSON)
        opened = await market.buy("racket", ("balls", 2), "lesson")
        for _ in range(3):
            await market.pay(opened)
        await market.rest()
        sellers = {each.id: each for each in (await market.guests["catalogue"].sellers()).items}
        assert (sellers["s1"].units, sellers["s1"].sales) == (2, {"INR": 179_900})
        assert (sellers["s2"].units, sellers["s2"].sales) == (2, {"INR": 99_800})

    trade(story)


def test_a_failed_try_leaves_the_order_payable_and_a_paid_one_paid() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.hear(_failure(opened, "pay_0"))
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert (fulfilment.status, fulfilment.payment_status) == ("pending", "failed")
        assert not await market.runs("ship_paid_order")
        await market.pay(opened)
        await market.hear(_failure(opened, "pay_00"))
        await market.rest()
        await market.hear(_failure(opened, "pay_000"))
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert fulfilment.payment_status == "paid"
        checkout = await market.guests["checkout_records"].get(f"shop/{opened.order_number}")
        assert (checkout.status, checkout.payment_id) == ("completed", "pay_1")
        assert [each.payment_id for each in checkout.tries] == ["pay_0", "pay_00", "pay_000"]
        assert len(market.world.live()) == 1

    trade(story)


def _failure(opened: Opened, payment: str) -> PaymentFailed:
    order = f"{SHOP}/{opened.razorpay_order_id}"
    return PaymentFailed(ACCOUNT, opened.razorpay_order_id, payment, order, "declined", payment, 0)


def test_an_unpaid_checkout_expires_and_a_paid_one_does_not() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        paid, unpaid = await market.buy("racket"), await market.buy("racket")
        await market.pay(paid)
        await market.rest(timedelta(days=20))
        assert (await market.order(unpaid)).expired_at is not None
        assert (await market.order(paid)).expired_at is None

    trade(story)


def test_a_late_payment_of_an_expired_order_is_shipped_all_the_same() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.rest(timedelta(days=20))
        await market.pay(opened)
        await market.rest()
        assert len(market.world.live()) == 1
        assert (await market.order(opened)).expired_at is None

    trade(story)


@pytest.mark.parametrize("seed", range(12))
def test_a_day_of_trouble_loses_and_doubles_nothing(seed: int) -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, BALLS, LESSON, left=100)
        carts = (["racket"], ["balls"], ["lesson"], ["racket", "balls"])
        opened = []
        for nth in range(16):
            try:
                phone = f"+91987654{nth:04}"
                opened.append(await market.buy(*carts[nth % 4], phone=phone, key=f"click {nth}"))
            except Unavailable:
                await market.rest()
                opened.append(await market.buy(*carts[nth % 4], phone=phone, key=f"click {nth}"))
        for nth, each in enumerate(opened):
            await market.pay(each, payment=f"pay_{nth}")
        await market.rest(timedelta(days=6))
        physical = [each for nth, each in enumerate(opened) if nth % 4 != 2]
        assert len(market.world.asked) == len(opened) == len({each.order_number for each in opened})
        references = sorted(parcel.order.reference for parcel in market.world.live())
        assert references == sorted(each.order_number for each in physical)
        assert all(parcel.pickups == 1 for parcel in market.world.live())
        doubts = {ticket.run for ticket in await market.tickets()}
        for run in await market.runs("send_message"):
            assert run.state == "done" or run.id in doubts
        refs = [message.ref for message in market.world.messages]
        assert len(refs) == len(set(refs)), "somebody was told twice"
        assert await market.left("racket") == 100 - 8
        assert await market.left("balls") == 100 - 8

    trade(story, share=0.3, seed=seed)


def test_the_journal_of_a_shipped_order_can_be_read_back() -> None:
    async def story(market: Market) -> None:
        await _sold(market, "racket")
        for run in await market.runs("book_shipment"):
            held = await RUNS.get(market.store, run.id)
            assert held is not None
            assert [step.name for step in held.record.steps] == [
                "parcel",
                "create shipment",
                "assign awb",
                "note shipment",
                "request pickup",
                "note pickup",
            ]

    trade(story)
