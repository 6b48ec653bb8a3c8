"""What the pages and the API show of deliveries: an order's parcels, messages and decisions, products, sellers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from onpaid.app.shown import Mood
from onpaid.app.shown_tracking import TrackedScan
from onpaid.domain.fulfilment import OrderStatus, ParcelState, PaymentStatus, Recipient
from onpaid.domain.money import Money

MayDo = Literal["ship", "refund", "book", "cancel-shipment"]
"""What an operator can do to a delivery now: decide about a held order in one of two ways, book a parcel, cancel it."""


class ParcelShown(msgspec.Struct, frozen=True):
    """One parcel. `told` is the courier's last word, `current` whether it is the one that its order speaks of."""

    id: str
    order: str
    number: str
    reference: str
    courier_order: str
    courier_shipment: str
    state: ParcelState
    mood: Mood
    sentence: str
    courier: str
    awb: str
    courier_url: str
    pickup: datetime | None
    expected: datetime | None
    told: str
    created: datetime
    updated: datetime
    dry_run: bool
    current: bool
    scans: list[TrackedScan] = []


class StateAt(msgspec.Struct, frozen=True):
    """A state, and when it was told."""

    state: str
    at: datetime


class MessageShown(msgspec.Struct, frozen=True):
    """One message to the customer, and what became of it."""

    ref: str
    template: str
    title: str
    state: str
    mood: Mood
    sentence: str
    provider: str
    provider_id: str
    reason: str
    wanted: datetime
    history: list[StateAt]


class TryShown(msgspec.Struct, frozen=True):
    """A try to pay that failed."""

    payment_id: str
    at: datetime
    reason: str


class TakenShown(msgspec.Struct, frozen=True):
    """Units of a product that the order took from stock; `short` of them were not there."""

    product: str
    units: int
    short: int


class DecisionShown(msgspec.Struct, frozen=True):
    """What a person decided about a held order."""

    choice: Literal["ship", "refund"]
    by: str
    at: datetime


class DeliveryShown(msgspec.Struct, frozen=True):
    """How far an order of our own checkout has come. `held` says why it waits for a person, `missing` what is not there.

    `taken` is empty until stock was taken. `track_url` is the customer's link: for operators only.
    """

    status: OrderStatus
    payment_status: PaymentStatus
    amount: Money
    ships: bool
    held: str
    missing: dict[str, int]
    method: str
    checkout_id: str
    recipient: Recipient
    tries: list[TryShown]
    taken: list[TakenShown]
    taken_at: datetime | None
    decision: DecisionShown | None
    parcels: list[ParcelShown]
    messages: list[MessageShown]
    may: list[MayDo]
    track_url: str | None = None

    @property
    def parcel(self) -> ParcelShown | None:
        """The parcel that the order speaks of."""
        return next((parcel for parcel in self.parcels if parcel.current), None)


class ParcelList(msgspec.Struct, frozen=True):
    """One page of parcels, without their scans."""

    items: list[ParcelShown]
    cursor: str | None


class Box(msgspec.Struct, frozen=True):
    """One packed unit: centimetres and kilograms."""

    length: str
    breadth: str
    height: str
    weight: str


class ProductShown(msgspec.Struct, frozen=True):
    """One product with its stock. `price` includes tax; `packed` is null if nobody has told its size and weight."""

    id: str
    name: str
    price: Money
    tax_percent: str
    sku: str
    hsn: str
    seller: str
    digital: bool
    active: bool
    packed: Box | None
    left: int


class ProductList(msgspec.Struct, frozen=True):
    """One page of products, by id."""

    items: list[ProductShown]
    cursor: str | None


class SellerShown(msgspec.Struct, frozen=True):
    """One seller, with what was sold and paid: each order counted once."""

    id: str
    name: str
    units: int
    sales: list[Money]


class SellerList(msgspec.Struct, frozen=True):
    """One page of sellers, by id."""

    items: list[SellerShown]
    cursor: str | None
