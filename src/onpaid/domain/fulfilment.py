"""How far an order of our own checkout has come: its states, to whom it goes, its parcel and its messages.

An order that a shop sent us has none of this: we only invoice it. States are the requirement's words; what it has no
word for (held, returned, refunded) is told beside them. A payment state never goes back from paid.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money

OrderStatus = Literal["pending", "confirmed", "shipped", "delivered", "returned", "cancelled"]
PaymentStatus = Literal["pending", "paid", "failed", "refunded"]
ParcelState = Literal[
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


class Recipient(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who gets the parcel, and where. Validated before it is kept.

    `phone` is E.164 (`+919876543210`), `pincode` six digits, `state` the full name of a state or union territory.
    An order of digital goods has no address: its `line1`, `city`, `state` and `pincode` may be empty.
    """

    name: str
    phone: str
    email: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    pincode: str = ""
    country: str = "IN"


class ParcelNote(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an order says of its parcel. `shipment` is our id of it, `shipment_id` the courier service's."""

    shipment: str
    shipment_id: str
    state: ParcelState
    created_at: Instant
    awb: str = ""
    courier: str = ""
    pickup_at: str = ""
    dry_run: bool = False


class Fulfilment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an order of our own checkout carries beyond its lines.

    `checkout` is the payment provider's order (`order_...`), `payment` the key of the payment that paid, `held` says why
    the order waits for a person's decision, `ships` whether any of its goods needs a parcel.
    """

    recipient: Recipient
    amount: Money
    ships: bool
    status: OrderStatus = "pending"
    payment_status: PaymentStatus = "pending"
    customer_id: str = ""
    address_id: str = ""
    checkout: str = ""
    payment: str = ""
    method: str = ""
    held: str = ""
    parcel: ParcelNote | None = None
