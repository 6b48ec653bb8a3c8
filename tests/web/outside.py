"""The services around a shop that delivers, under the names that journals show: they do what they are asked, at once.

What goes wrong is said beforehand, by phone number: the courier that is away, the phone without WhatsApp, the message
whose answer is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act
from onpaid.clock import Instant, as_datetime
from onpaid.domain.checkouts import (
    CapturedPayment,
    CheckoutRef,
    CheckoutWanted,
    PaymentFailed,
    RefundRef,
    RefundWanted,
)
from onpaid.domain.events import Envelope, Fact, Judged
from onpaid.domain.messages import MessageTold, OutMessage, Sent
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.shipments import Awb, CourierOrder, ParcelOrder, ParcelTold, Pickup
from onpaid.errors import Doubtful, Unavailable
from onpaid.providers.roles import FiledTicket, TicketRef

LANES = (
    LaneLimit("razorpay", at_once=16, per_second=25),
    LaneLimit("shiprocket", at_once=4, per_second=8),
    LaneLimit("whatsapp", at_once=8, per_second=20),
    LaneLimit("ticket-log", at_once=4),
)
FETCHED = 4 * 3_600_000
"""Milliseconds after a pickup was asked for."""
COURIERS = ("Delhivery Surface", "Blue Dart Air", "Xpressbees Surface", "Ecom Express", "DTDC Air")
FACTS: dict[str, type[Fact]] = {
    kind.__name__: kind for kind in (PaymentSucceeded, PaymentChanged, PaymentFailed, ParcelTold, MessageTold)
}


@dataclass
class Outside:
    """What the services know. `away`: phones whose parcels the courier does not take now, and so on."""

    now: Callable[[], Instant]
    away: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    only_logged: set[str] = field(default_factory=set)
    opened: int = 0
    booked: int = 0
    sent: int = 0


class Razorpay:
    """A Checkouts."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    @act(lane="razorpay")
    async def create_checkout(self, wanted: CheckoutWanted) -> CheckoutRef:
        await asyncio.sleep(0.21)
        self._outside.opened += 1
        return CheckoutRef(f"order_RB58Mi{self._outside.opened:03}SFYyM", wanted.amount, wanted.number)

    @act(lane="razorpay", repeatable=True)
    async def find_checkout(self, wanted: CheckoutWanted) -> Finding[CheckoutRef]:
        return Absent()

    @act(lane="razorpay", repeatable=True)
    async def fetch_captured(self, paid: PaymentSucceeded) -> CapturedPayment:
        await asyncio.sleep(0.13)
        return CapturedPayment(
            paid.charge_id or "",
            paid.payment_id,
            paid.amount,
            captured=True,
            refunded=Money.zero(paid.amount.currency),
            method="upi",
        )

    @act(lane="razorpay", key_life=timedelta(hours=24))
    async def refund(self, wanted: RefundWanted) -> RefundRef:
        await asyncio.sleep(0.34)
        return RefundRef("rfnd_RB6n2PzKq8dW3x", wanted.amount, "processed")

    @act(lane="razorpay", repeatable=True)
    async def find_refund(self, wanted: RefundWanted) -> Finding[RefundRef]:
        return Absent()


class Shiprocket:
    """A Shipping."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    @act(lane="shiprocket", look_first=True)
    async def create_order(self, parcel: ParcelOrder) -> CourierOrder:
        await asyncio.sleep(0.62)
        if parcel.recipient.phone in self._outside.away:
            raise Unavailable("503 Service Unavailable")
        if parcel.recipient.phone in self._outside.only_logged:
            ident = f"dry-run-{parcel.reference}"
            return CourierOrder(parcel.reference, ident, ident, dry_run=True)
        self._outside.booked += 1
        nth = self._outside.booked
        return CourierOrder(parcel.reference, str(348_456_300 + nth), str(347_001_200 + nth))

    @act(lane="shiprocket", repeatable=True)
    async def find_order(self, parcel: ParcelOrder) -> Finding[CourierOrder]:
        await asyncio.sleep(0.24)
        return Absent()

    @act(lane="shiprocket")
    async def assign_awb(self, order: CourierOrder) -> Awb:
        await asyncio.sleep(1.41)
        nth = int(order.order_id) - 348_456_300
        return Awb(f"190417{nth * 7919 % 1_000_000:06}{nth % 10}", COURIERS[nth % len(COURIERS)])

    @act(lane="shiprocket", repeatable=True)
    async def find_awb(self, order: CourierOrder) -> Finding[Awb]:
        return Absent()

    @act(lane="shiprocket")
    async def request_pickup(self, order: CourierOrder) -> Pickup:
        await asyncio.sleep(0.55)
        fetched = as_datetime(self._outside.now() + FETCHED, "Asia/Kolkata")
        return Pickup(f"{fetched:%Y-%m-%d %H}:30:00", token="1 parcel")

    @act(lane="shiprocket", repeatable=True)
    async def find_pickup(self, order: CourierOrder) -> Finding[Pickup]:
        return Absent()

    @act(lane="shiprocket")
    async def cancel_order(self, order: CourierOrder) -> CourierOrder:
        await asyncio.sleep(0.48)
        return msgspec.structs.replace(order, cancelled=True)

    @act(lane="shiprocket", repeatable=True)
    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        return Found(msgspec.structs.replace(order, cancelled=True))


class Meta:
    """A Messaging."""

    name = "meta"

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    @act(lane="whatsapp", settles=None)
    async def send_message(self, message: OutMessage) -> Sent:
        await asyncio.sleep(0.31)
        if message.to in self._outside.silent:
            raise Doubtful("no answer within 20 s")
        if message.to in self._outside.unreachable:
            return Sent("meta", "", "undeliverable", "131026: the number has no WhatsApp")
        self._outside.sent += 1
        return Sent("meta", f"wamid.HBgMOTE5ODc2NTQz{self._outside.sent:04}")

    @act(lane="whatsapp", repeatable=True)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        return Unsure("no status has come")


class TicketLog:
    """A Ticketing."""

    @act(lane="ticket-log")
    async def file_ticket(self, ticket: FiledTicket) -> TicketRef:
        await asyncio.sleep(0.004)
        return TicketRef(ticket.id)

    @act(lane="ticket-log", repeatable=True)
    async def find_ticket(self, ticket: FiledTicket) -> Finding[TicketRef]:
        return Absent()


class Teller:
    """A WebhookSource that says facts in our own words, under a service's name."""

    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        return None

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        said: Any = msgspec.json.decode(body)
        return Envelope(self.name, f"{self.name}/default/test", said["id"], said["type"], False, now)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        said = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(said["kind"], type=str)
        return Judged((msgspec.json.decode(said["fact"], type=FACTS[kind]),))


def body_of(fact: Fact, event: str, kind: str) -> bytes:
    """What a teller sends."""
    return msgspec.json.encode({"id": event, "type": kind, "kind": type(fact).__name__, "fact": fact})
