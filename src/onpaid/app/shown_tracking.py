"""What a customer, and whoever asks the API, is shown of an order on its way."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from onpaid.app.shown import Mood
from onpaid.domain.fulfilment import OrderStatus, ParcelState, PaymentStatus
from onpaid.domain.money import Money

Standing = Literal[
    "unpaid",
    "failed",
    "expired",
    "held",
    "packing",
    "digital",
    "refunded",
    "pending_pickup",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "returning",
    "returned",
    "lost",
    "cancelled",
]
"""How an order stands for whoever waits for it: as its parcel does, or why there is none."""
StepState = Literal["done", "now", "todo", "stopped"]


class TrackedLine(msgspec.Struct, frozen=True):
    """Something that was ordered."""

    name: str
    quantity: str


class TrackedStep(msgspec.Struct, frozen=True):
    """One step of the way. `at` is only told where it is known."""

    name: str
    state: StepState
    at: datetime | None = None


class TrackedScan(msgspec.Struct, frozen=True):
    """One thing that happened to the parcel. `at` is None if the courier's time could not be read; `told` is as told."""

    at: datetime | None
    told: str
    what: str
    place: str
    status: ParcelState | None = None


class Tracked(msgspec.Struct, frozen=True):
    """Where an order is. `status` is its parcel's, null while there is none.

    `pickup` and `expected` are null if the courier has not told them, or not in a way that can be read. `dry_run` says
    that the parcel was only logged: no courier was asked.
    """

    order: str
    status: ParcelState | None
    order_status: OrderStatus
    payment_status: PaymentStatus
    standing: Standing
    title: str
    sentence: str
    mood: Mood
    ordered: datetime
    amount: Money
    items: list[TrackedLine]
    steps: list[TrackedStep]
    scans: list[TrackedScan]
    courier: str = ""
    awb: str = ""
    courier_url: str = ""
    pickup: datetime | None = None
    expected: datetime | None = None
    updated: datetime | None = None
    dry_run: bool = False
