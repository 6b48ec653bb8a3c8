"""A hundred deliveries of one Razorpay event make one parcel, one confirmation, one word of the shipment."""

from __future__ import annotations

import asyncio

from tests.app.arrival_of_payments import differing
from tests.app.payments_desk import (
    ONE_OF_EACH,
    PRICE,
    PaymentsDesk,
    at_the_desk,
    captured,
    told_at_once,
    told_over_days,
)
from tests.app.post_razorpay import body_of_event, payment_of


def test_a_hundred_at_once_in_memory() -> None:
    async def story(desk: PaymentsDesk) -> None:
        told = await told_at_once(desk, 100)
        assert told.pop("receipts") == {"routed": 1, "duplicate": 99}
        assert told == ONE_OF_EACH

    at_the_desk(story)


def test_again_and_again_for_more_than_a_year() -> None:
    async def story(desk: PaymentsDesk) -> None:
        assert await told_over_days(desk, 100, 400) == ONE_OF_EACH

    at_the_desk(story)


def test_both_events_about_one_payment_at_once_fifty_times_each() -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        payment = payment_of("pay_1", opened.razorpay_order_id, PRICE)
        bodies = (captured(opened), body_of_event("order.paid", payment))
        await asyncio.gather(*(desk.post(bodies[nth % 2]) for nth in range(100)))
        assert await desk.effects() == ONE_OF_EACH

    at_the_desk(story)


def test_a_few_orders_of_arrival_come_to_one_end() -> None:
    """All of them: the scorecard."""
    found = differing(every=31)
    assert found["told"] > 20
    assert found["differing"] == 0, found["examples"]
