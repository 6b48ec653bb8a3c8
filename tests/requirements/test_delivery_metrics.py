"""The success metrics of the requirement "Payment to Delivery", line by line: what a sale through the whole service
leaves behind, what nobody waits for, and how seldom something fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onpaid.domain.checkouts import Checkout
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.products import Seller
from onpaid.domain.shipments import Shipment
from tests.flows.market import BALLS, RACKET, Market, trade
from tests.providers import till
from tests.requirements.premises import premises

HOUR = timedelta(hours=1)


@dataclass
class Sale:
    """One sale over HTTP, and all that it left behind."""

    opened: dict[str, Any]
    webhooks: dict[str, Any]
    forged: int
    checkout: Checkout
    fulfilment: Fulfilment
    left: int
    seller: Seller
    shipments: list[Shipment]
    couriers: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    page: tuple[int, Any]
    lines: list[Any]
    issues: list[Any]
    unfinished: int


async def _sell(folder: Path) -> Sale:
    async with premises(folder) as there:
        opened = await there.buy("racket")
        forged, _, _ = await there.tell(till.body(), secret="guessed")
        paid = there.simulators.razorpay.pay(opened["razorpay_order_id"])
        await there.rest()
        handed = there.simulators.razorpay.handler(paid)
        page, told, _ = await there.post("/payment/verify", json.dumps(handed).encode())
        key = f"shop/{opened['order_number']}"
        checkout = await there.delivery.checkouts.get(key)
        held = await there.delivery.orders.find(key)
        assert checkout is not None
        assert held is not None
        assert held.record.fulfilment is not None
        return Sale(
            opened=opened,
            webhooks=there.simulators.sender.counts(),
            forged=forged,
            checkout=checkout,
            fulfilment=held.record.fulfilment,
            left=await there.delivery.catalogue.left("racket"),
            seller=(await there.delivery.catalogue.sellers()).items[0],
            shipments=await there.delivery.shipments.of_order(key),
            couriers=there.simulators.shiprocket.rows()["shipments"],
            messages=there.simulators.meta.rows(),
            page=(page, told),
            lines=there.lines(),
            issues=there.simulators.jira.rows(),
            unfinished=len(await there.runs("failed", "doubtful")),
        )


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Sale:
    """It is made once, for all that is asked of it."""
    return asyncio.run(_sell(tmp_path_factory.mktemp("premises")))


# -- webhook processing


def test_success_webhook_signature_verified(sale: Sale) -> None:
    assert sale.webhooks["delivered"] == sale.webhooks["facts"] >= 2
    assert (sale.webhooks["refused"], sale.webhooks["waiting"]) == ({}, 0)
    assert sale.forged == 401


def test_success_payment_record_updated_to_completed(sale: Sale) -> None:
    assert (sale.checkout.status, sale.checkout.method) == ("completed", "upi")
    assert sale.checkout.checkout_id == sale.opened["razorpay_order_id"]
    assert sale.checkout.payment_id.startswith("pay_")


def test_success_order_status_updated_to_confirmed(sale: Sale) -> None:
    assert (sale.fulfilment.status, sale.fulfilment.payment_status) == ("confirmed", "paid")
    status, told = sale.page
    assert (status, told["payment_status"], told["order_number"]) == (
        200,
        "paid",
        sale.opened["order_number"],
    )


def test_success_product_stock_decremented(sale: Sale) -> None:
    assert sale.left == 9
    assert (sale.seller.id, sale.seller.units, sale.seller.sales) == ("s1", 1, {"INR": 150_000})


def test_success_shipment_created_in_shiprocket(sale: Sale) -> None:
    (row,) = sale.couriers
    assert row["channel_order_id"] == sale.opened["order_number"]
    assert row["awb"]
    assert row["pickup"]


async def test_success_shipment_dry_run_logged(tmp_path: Path) -> None:
    async with premises(tmp_path, SHIPROCKET_DRY_RUN="true") as there:
        opened = await there.buy("racket")
        there.simulators.razorpay.pay(opened["razorpay_order_id"])
        await there.rest()
        assert there.simulators.shiprocket.rows()["shipments"] == []
        (shipment,) = await there.delivery.shipments.of_order(f"shop/{opened['order_number']}")
        assert (shipment.dry_run, shipment.awb) == (True, "")
        assert there.lines() == []


def test_success_shipment_record_saved(sale: Sale) -> None:
    (shipment,) = sale.shipments
    (row,) = sale.couriers
    assert (shipment.reference, shipment.awb) == (sale.opened["order_number"], row["awb"])
    assert shipment.order_id
    assert shipment.shipment_id
    assert shipment.pickup_at


def test_success_order_updated_with_shipment_id_and_awb(sale: Sale) -> None:
    (shipment,), parcel = sale.shipments, sale.fulfilment.parcel
    assert parcel is not None
    assert (parcel.shipment, parcel.shipment_id, parcel.awb, parcel.state) == (
        shipment.id,
        shipment.shipment_id,
        shipment.awb,
        "pending_pickup",
    )
    assert parcel.created_at > 0


def test_success_whatsapp_notification_sent(sale: Sale) -> None:
    assert [row["template"] for row in sale.messages] == ["order_confirmation", "shipment_created"]
    confirmation, shipped = (row["params"] for row in sale.messages)
    assert confirmation["orderNumber"] == shipped["orderNumber"] == sale.opened["order_number"]
    assert confirmation["orderAmount"] == "INR 1,500.00"
    assert confirmation["estimatedDelivery"] == "3-5 business days"
    assert "/track/" in confirmation["trackingUrl"]
    assert (shipped["awb"], bool(shipped["courierName"])) == (sale.shipments[0].awb, True)
    assert {row["to"] for row in sale.messages} == {"919876543210"}


def test_success_no_tickets_created(sale: Sale) -> None:
    """But for the forged webhook that this test sent itself."""
    assert [line["issue"].split(":")[0] for line in sale.lines] == ["Webhook signature invalid"]
    assert len(sale.issues) == 1
    assert sale.unfinished == 0


# -- response time: what nobody waits for


async def test_response_time_webhook_acknowledged_while_every_provider_hangs(tmp_path: Path) -> None:
    """No provider answers, each of which is waited for longer than the five seconds that Razorpay has."""
    let_go = asyncio.Event()

    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.close()

    silent = await asyncio.start_server(never, "127.0.0.1", 0)
    where = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    names = ("RAZORPAY_API_BASE", "SHIPROCKET_API_BASE", "META_API_BASE", "JIRA_BASE_URL")
    bases = {**dict.fromkeys(names, where), "ONPAID_TIME_FACTOR": "1"}
    async with premises(tmp_path, **bases) as there:
        for nth in range(20):
            status, told, _ = await there.tell(till.body(fee=nth), event=f"evt_{nth}")
            assert (status, told["verdict"]) == (200, "routed")
        (run,) = [each for each in await there.runs("running", "ready") if each.flow == "ship_paid_order"]
        assert [step.name for step in run.steps] in ([], ["read payment"])
        let_go.set()
    silent.close()


def told(story: Callable[[Market], Awaitable[None]], **more: Any) -> None:
    async def stocked(market: Market) -> None:
        await market.stocked(RACKET, BALLS, left=500)
        await story(market)

    trade(stocked, **more)


def test_response_time_acknowledging_takes_no_time_of_a_provider() -> None:
    """In virtual time, where a call takes a tenth of a second and the store none."""

    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        before, calls = market.clock.monotonic(), market.world.sent
        await market.pay(opened)
        assert (market.clock.monotonic(), market.world.sent) == (before, calls)

    told(story)


def test_response_time_shipment_waits_for_nothing_but_its_own_calls() -> None:
    """Six calls of a tenth of a second each, from the payment's reading to the pickup: the requirement asks for three
    seconds, of which the courier may take the rest."""

    async def story(market: Market) -> None:
        opened = await market.buy("racket")
        began = market.clock.monotonic()
        await market.pay(opened)
        while not market.world.live() or not market.world.live()[0].pickups:
            await market.wait(timedelta(milliseconds=10))
        assert market.clock.monotonic() - began < 3

    told(story)


def test_response_time_a_slow_courier_holds_up_neither_webhooks_nor_confirmations() -> None:
    """Nothing has to be done within the sixty seconds of a Lambda: the work is on disk."""

    async def story(market: Market) -> None:
        opened = [await market.buy("racket", phone=f"+91987654{nth:04}") for nth in range(30)]
        began = market.clock.monotonic()
        for nth, each in enumerate(opened):
            await market.pay(each, payment=f"pay_{nth}")
        assert market.clock.monotonic() == began
        await market.wait(timedelta(seconds=30))
        assert market.world.told("order_confirmation") == 30
        assert not market.world.live()
        await market.wait(12 * HOUR)
        assert len(market.world.live()) == 30

    told(story, fates={"find_order": ["lost reply"] * 60})


# -- error rate


def test_error_rate_no_shipment_fails_where_nearly_a_third_of_all_calls_does() -> None:
    async def story(market: Market) -> None:
        opened = []
        for nth in range(100):
            try:
                opened.append(await market.buy("racket", phone=f"+91987654{nth:04}", key=f"click {nth}"))
            except Exception:
                await market.wait(HOUR)
                opened.append(await market.buy("racket", phone=f"+91987654{nth:04}", key=f"click {nth}"))
            await market.pay(opened[-1], payment=f"pay_{nth}")
        await market.wait(12 * HOUR)
        assert {run.state for run in await market.runs("book_shipment")} == {"done"}
        assert len(market.world.live()) == len(opened) == 100

    told(story, share=0.3, seed=5)


def test_error_rate_no_shipment_is_made_twice() -> None:
    """Every event twenty times, under its own id and under others, while calls fail."""

    async def story(market: Market) -> None:
        opened = [await market.buy("racket", phone=f"+91987654{nth:04}") for nth in range(10)]
        for copy in range(20):
            deliveries = (
                market.pay(each, payment=f"pay_{nth}", event=f"evt_{nth}_{copy % 7}")
                for nth, each in enumerate(opened)
            )
            await asyncio.gather(*deliveries)
            await market.wait(timedelta(seconds=0.3))
        await market.wait(12 * HOUR)
        assert sorted(parcel.order.reference for parcel in market.world.parcels) == sorted(
            each.order_number for each in opened
        )
        assert await market.left("racket") == 490

    bad = ["lost reply", "503 after", "late", "reset"]
    told(story, fates=dict.fromkeys(("create_order", "assign_awb", "request_pickup"), bad * 2))


def test_error_rate_every_failure_has_its_ticket_and_its_line() -> None:
    async def story(market: Market) -> None:
        for nth in range(30):
            opened = await market.buy("racket", phone=f"+91987654{nth:04}")
            await market.pay(opened, payment=f"pay_{nth}")
        await market.wait(12 * HOUR)
        failed = {
            run.id
            for flow in ("ship_paid_order", "book_shipment")
            for run in await market.runs(flow)
            if run.state == "failed"
        }
        assert len(failed) == 5 + 4 + 3 + 2
        tickets = await market.tickets()
        assert len(tickets) == len(failed)
        assert {ticket.run for ticket in tickets} == failed
        assert {filed.run for filed in market.world.tickets} == failed
        assert len(market.world.tickets) == len(failed)

    plan = {"fetch_captured": 5, "create_order": 4, "assign_awb": 3, "request_pickup": 2}
    told(story, fates={name: ["refuse"] * times for name, times in plan.items()})
