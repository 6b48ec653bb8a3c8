"""Every row of the requirement's error handling of delivery, each with a test of its name.

Each ends with exactly one ticket of the right category, whose line in the log has the requirement's structure and no
personal data; or with none, where docs/deviations.md says why there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from onpaid.app.forgeries import Forgeries
from onpaid.domain.money import Money
from onpaid.engine.journal import TICKETS
from onpaid.errors import StoreUnavailable
from onpaid.providers.ticket_log import line_of
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Delete, Write
from tests.flows.market import RACKET, UNSIZED, Market, paid_by, trade

PERSONAL = ("Asha", "asha@example.org", "9876543210", "MG Road")
STRUCTURE = {
    "id",
    "orderId",
    "category",
    "severity",
    "issue",
    "errorMessage",
    "context",
    "createdAt",
    "environment",
}


async def _paid(market: Market, product: str = "racket") -> None:
    await market.stocked(RACKET, UNSIZED)
    await market.pay(await market.buy(product))
    await market.rest()


async def _one(market: Market, category: str) -> None:
    """The only open ticket is of this category, is filed once, and reads as the requirement wants it."""
    ticket = await market.ticket()
    assert ticket.category == category, ticket.title
    filed = [each for each in market.world.tickets if each.id == ticket.id]
    assert len(filed) == 1
    line = msgspec.to_builtins(line_of(filed[0]))
    assert set(line) >= STRUCTURE
    assert line["category"] == category
    said = msgspec.json.encode(line).decode()
    assert not [word for word in PERSONAL if word in said]


# -- delivery ----------------------------------------------------------------------------------------------------


def test_error_delivery_shipment_creation_failed() -> None:
    async def story(market: Market) -> None:
        await _paid(market)
        await _one(market, "delivery")
        assert not market.world.live()

    trade(story, fates={"create_order": ["refuse"]})


def test_error_delivery_pickup_scheduling_failed() -> None:
    async def story(market: Market) -> None:
        await _paid(market)
        await _one(market, "delivery")
        assert market.world.live()[0].awb, "what was booked is kept"

    trade(story, fates={"request_pickup": ["refuse"]})


def test_error_delivery_duplicate_prevention_triggered() -> None:
    """A second attempt is not a failure: it joins the run, and there is nothing to tell anybody."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        for _ in range(5):
            await market.pay(opened)
        await market.rest()
        assert len(market.world.live()) == 1
        assert not market.world.tickets

    trade(story)


def test_error_delivery_awb_not_received() -> None:
    async def story(market: Market) -> None:
        await _paid(market)
        await _one(market, "delivery")
        assert not market.world.live()[0].awb

    trade(story, fates={"assign_awb": ["refuse"]})


def test_error_delivery_parcel_without_a_size() -> None:
    async def story(market: Market) -> None:
        await _paid(market, "net")
        await _one(market, "delivery")
        assert not market.world.calls["create_order"]
        await market.hands.import_products([(msgspec.structs.replace(UNSIZED, packed=RACKET.packed), None)])
        await market.rest()
        assert len(market.world.live()) == 1
        assert not await market.tickets()

    trade(story)


# -- payment -----------------------------------------------------------------------------------------------------


def test_error_payment_webhook_signature_invalid() -> None:
    """Thousands of forged webhooks are one ticket."""

    async def story(market: Market) -> None:
        forgeries = Forgeries(market.process.engine.recorder, market.clock)
        for _ in range(3000):
            await forgeries.note("razorpay")
        await forgeries.close()
        await market.rest()
        await _one(market, "payment")

    trade(story)


def test_error_payment_record_update_failed() -> None:
    """The record is not updated with money that does not fit it: both figures are in the ticket."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.pay(opened, amount=Money(100, "INR"))
        await market.rest()
        await _one(market, "payment")
        fulfilment = (await market.order(opened)).fulfilment
        assert fulfilment is not None
        assert fulfilment.payment_status == "pending"

    trade(story)


def test_error_payment_razorpay_api_error() -> None:
    async def story(market: Market) -> None:
        await _paid(market)
        await _one(market, "payment")

    trade(story, fates={"fetch_captured": ["refuse"]})


# -- stock -------------------------------------------------------------------------------------------------------


def test_error_stock_product_stock_update_failed() -> None:
    """Oversold: nothing is taken, and a person decides."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.hands.set_stock("racket", 0)
        await market.pay(opened)
        await market.rest()
        await _one(market, "stock")
        assert await market.left("racket") == 0

    trade(story)


def test_error_stock_seller_sales_increment_failed() -> None:
    """Sales are counted in the commit that takes the stock: without the one there is not the other."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.hands.set_stock("racket", 0)
        await market.pay(opened)
        await market.rest()
        assert not (await market.guests["catalogue"].sellers()).items
        await market.hands.decide(opened.order_number, "ship", by="ann")
        await market.rest()
        (seller,) = (await market.guests["catalogue"].sellers()).items
        assert (seller.units, seller.sales) == (1, {"INR": 150_000})

    trade(story)


def test_error_stock_product_not_found() -> None:
    """A product that vanished between checkout and payment has no stock."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.store.commit([Delete("product", "racket"), Delete("stock", "racket")])
        await market.pay(opened)
        await market.rest()
        await _one(market, "stock")

    trade(story)


# -- database ----------------------------------------------------------------------------------------------------


class FullDisk(MemoryStore):
    """A store that can be read and, for a while, not written."""

    full = False

    async def commit(self, writes: Sequence[Write]) -> None:
        if self.full:
            raise StoreUnavailable("the disk is full")
        await super().commit(writes)


def test_error_database_write_failed() -> None:
    """No ticket can be kept where nothing can be written: the sender is told to send again, and nothing is lost."""

    async def story(market: Market) -> None:
        store = market.store
        assert isinstance(store, FullDisk)
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        store.full = True
        with pytest.raises(StoreUnavailable, match="disk is full"):
            await market.pay(opened)
        store.full = False
        await market.pay(opened)
        await market.rest()
        assert len(market.world.live()) == 1
        assert await store.count(TICKETS.name, "state", "open") == 0

    trade(story, store=FullDisk())


def test_error_database_record_not_found() -> None:
    """Money for an order of ours that is not here."""

    async def story(market: Market) -> None:
        paid = paid_by("order_lost", Money(5_000, "INR"))
        market.world.capture(paid, receipt="1001")
        await market.hear(paid)
        await market.rest()
        await _one(market, "order")

    trade(story)
