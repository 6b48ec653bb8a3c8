"""What the tests of delivery's commands work with: an environment, and a database with orders at several points."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from onpaid.clock import SystemClock
from onpaid.compose import Service, build
from onpaid.domain.fulfilment import Fulfilment, ParcelState, Recipient
from onpaid.domain.messages import Message
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, OrderLine, Revision
from onpaid.domain.products import Dimensions, Product, Seller, Stock
from onpaid.domain.shipments import Awb, CourierOrder, ParcelTold, Scan
from onpaid.repositories.catalogue import PRODUCTS, SELLERS, STOCK
from onpaid.repositories.messages import MESSAGES, message_ref
from onpaid.repositories.orders import ORDERS
from onpaid.settings import Settings
from onpaid.store.local import Done
from onpaid.store.port import Write
from tests.cli.kit import CANARIES, NOWHERE

HELD, DRY, BOOKED, ARRIVED = "2950000001001", "2950000001002", "2950000001003", "2950000001004"
"""An order that waits for a decision, one whose parcel was only logged, one with a parcel, one that has arrived."""
PUBLIC = "https://pay.example.org"
DELIVERY_CANARIES = {
    "RAZORPAY_KEY_SECRET": "canary-razorpay-key-secret",
    "RAZORPAY_WEBHOOK_SECRET": "canary-razorpay-webhook",
    "SHIPROCKET_PASSWORD": "canary-shiprocket-password",
    "SHIPROCKET_WEBHOOK_TOKEN": "canary-tracking-token",
}
AMOUNT = Money(150_000, "INR")
RACKET = Product(
    "racket",
    "Racket",
    AMOUNT,
    Decimal(18),
    seller="garuda",
    packed=Dimensions(Decimal(30), Decimal(20), Decimal(5), Decimal("0.5")),
)
RECIPIENT = Recipient(
    "Asha Rao", "+919876543210", "asha@example.org", "12 MG Road", "", "Bengaluru", "Karnataka", "560001"
)


def delivery_settings(folder: Path, **more: str) -> dict[str, str]:
    """An environment for a service that only delivers, with nowhere to call."""
    return {
        **{name: value for name, value in CANARIES.items() if name.startswith("ONPAID_")},
        **DELIVERY_CANARIES,
        "ONPAID_DATABASE": f"sqlite:///{folder / 'onpaid.db'}",
        "ONPAID_TICKET_LOG": str(folder / "tickets.jsonl"),
        "ONPAID_PORT": "0",
        "ONPAID_PUBLIC_URL": PUBLIC,
        "RAZORPAY_KEY_ID": "rzp_test_1",
        "RAZORPAY_API_BASE": f"{NOWHERE}/razorpay",
        "SHIPROCKET_API_BASE": f"{NOWHERE}/shiprocket",
        "SHIPROCKET_EMAIL": "api@shop.example",
        **more,
    }


def stock_deliveries(environment: Mapping[str, str]) -> None:
    """Put the four orders into the database, and what they are about."""
    asyncio.run(_stock(environment))


async def _stock(environment: Mapping[str, str]) -> None:
    service = await build(Settings(environment))
    try:
        writes: list[Write] = [
            PRODUCTS.insert(RACKET),
            STOCK.insert(Stock("racket", 3)),
            SELLERS.insert(Seller("garuda", "Garuda Sports", 7, {"INR": 1_050_000})),
        ]
        await service.store.commit(
            [*writes, *(ORDERS.insert(_order(each)) for each in (HELD, DRY, BOOKED, ARRIVED))]
        )
        await _book(service, DRY, dry_run=True)
        await _book(service, BOOKED, awb="0014711", message="delivered")
        await _book(service, ARRIVED, awb="0014712", state="delivered")
    finally:
        await service.stop()


def _order(number: str) -> Order:
    now = SystemClock().now()
    line = OrderLine("racket", "racket", "Racket", Decimal(1), AMOUNT.to_decimal(), Decimal(18))
    revision = Revision(1, "d", (line,), now, "", "INR", prices_include_vat=True)
    fulfilment = Fulfilment(
        RECIPIENT,
        AMOUNT,
        ships=True,
        status="confirmed",
        payment_status="paid",
        held="oversold" if number == HELD else "",
    )
    return Order("shop", number, False, now, (revision,), fulfilment=fulfilment)


async def _book(
    service: Service,
    number: str,
    *,
    awb: str = "",
    dry_run: bool = False,
    state: ParcelState = "pending_pickup",
    message: str = "",
) -> None:
    """A parcel for the order, as its run would have kept it."""
    assert service.delivery is not None
    key, now = f"shop/{number}", SystemClock().now()
    shipments = service.delivery.shipments
    made = CourierOrder(number, f"o{number[-1]}", f"s{number[-1]}", dry_run=dry_run)
    done = await shipments.note_booked(key, f"parcel-{number}", made, Awb(awb, "Delhivery Surface"), now)
    assert isinstance(done, Done)
    await service.store.commit(done.writes)
    if state == "delivered":
        scan = Scan("2026-11-20 15:32:17", "Delivered to Asha Rao", "Bengaluru", 7)
        told = ParcelTold(awb, 7, "DELIVERED", now, scans=(scan,))
        writes, _ = await shipments.receive(told, now)
        await service.store.commit(writes)
    if message:
        ref = message_ref(key, "order_confirmation")
        kept = Message(ref, key, "order_confirmation", RECIPIENT.phone, now, "queued", "meta", "wamid.1")
        await service.store.commit([MESSAGES.insert(msgspec.structs.replace(kept, state=message))])
