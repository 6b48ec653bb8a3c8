"""A delivering service that hears of money by Razorpay's own signed webhooks; with what one order's story must come to.

await told_at_once(desk, 100)     {"receipts": {...}, "parcels": 1, ...}
"""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from onpaid.app.checkout import Opened
from onpaid.app.inbox import Inbox, Receipt
from onpaid.domain.money import Money
from onpaid.engine.testing import run_virtually
from tests.app import post_razorpay as post
from tests.flows.bazaar import Bazaar
from tests.flows.fates import Fates
from tests.flows.market import RACKET, Market, paid_by
from tests.flows.stage import Herald

PRICE = RACKET.price.minor
ONE_OF_EACH = {
    "runs": 1,
    "parcels": 1,
    "pickups": 1,
    "confirmations": 1,
    "shipments told": 1,
    "tickets": 0,
    "stock": 9,
}


class PaymentsDesk(Market):
    """A market whose inbox has Razorpay's source beside the herald."""

    def __init__(self, world: Bazaar | None = None, **more: Any) -> None:
        super().__init__(world or Bazaar(Fates()), **more)
        self.sources = {Herald.name: Herald(), "razorpay": post.source()}
        self.inbox = Inbox(self.process.engine.recorder, self.keeping, self.sources, self.clock)

    async def sold(self, *, refunded: int = 0) -> Opened:
        """One racket, for which money was captured that nobody told of yet."""
        await self.stocked(RACKET)
        opened = await self.buy("racket")
        paid = paid_by(opened.razorpay_order_id, Money(PRICE, "INR"))
        self.world.capture(paid, receipt=opened.order_number, refunded=Money(refunded, "INR"))
        return opened

    async def post(self, body: bytes, event: str = "") -> Receipt:
        """Hand a body in, signed."""
        return await self.inbox.receive("razorpay", post.signed(body, event), body)

    async def effects(self) -> dict[str, int]:
        """How often each step's effect is there, once all is at rest."""
        await self.rest()
        live = self.world.live()
        return {
            "runs": len(await self.runs("ship_paid_order")),
            "parcels": len(live),
            "pickups": sum(parcel.pickups for parcel in live),
            "confirmations": self.world.told("order_confirmation"),
            "shipments told": self.world.told("shipment_created"),
            "tickets": len(await self.tickets()),
            "stock": await self.left("racket"),
        }


def captured(opened: Opened) -> bytes:
    """The event that tells of one payment of this order."""
    return post.body_of_event("payment.captured", post.payment_of("pay_1", opened.razorpay_order_id, PRICE))


async def told_at_once(desk: PaymentsDesk, copies: int) -> dict[str, Any]:
    """One event, `copies` times at once; and as often under ids of its own, as a replay would come."""
    body = captured(await desk.sold())
    receipts = await asyncio.gather(*(desk.post(body) for _ in range(copies)))
    await asyncio.gather(*(desk.post(body, f"replay_{nth}") for nth in range(copies)))
    verdicts = dict(Count(receipt.verdict for receipt in receipts))
    return {"receipts": verdicts, **await desk.effects()}


async def told_over_days(desk: PaymentsDesk, copies: int, days: int) -> dict[str, int]:
    """One event again and again over so many days."""
    body = captured(await desk.sold())
    for nth in range(copies):
        await desk.post(body, "" if nth % 2 else f"replay_{nth}")
        await desk.wait(timedelta(days=days / copies))
    return await desk.effects()


def at_the_desk(story: Callable[[PaymentsDesk], Awaitable[None]], **more: Any) -> None:
    """Tell a story in virtual time."""

    async def main() -> None:
        desk = PaymentsDesk(**more)
        try:
            await story(desk)
        finally:
            await desk.process.kill()
        assert not desk.world.faults, desk.world.faults

    run_virtually(main)
