"""A shipment: one parcel with its AWB, pickup and tracking state; and what is asked of a courier service for it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.fulfilment import ParcelState, Recipient
from onpaid.domain.money import Money


class ParcelLine(msgspec.Struct, frozen=True):
    """One kind of goods in a parcel. `unit_price` includes tax."""

    sku: str
    name: str
    units: int
    unit_price: Money
    hsn: str = ""
    tax_percent: Decimal = Decimal(0)


class ParcelOrder(msgspec.Struct, frozen=True):
    """What is asked of the courier service. `reference` is our order's number, suffixed if an earlier record under
    it is dead; lengths are centimetres, `weight` kilograms; `total` is what was paid for the goods."""

    reference: str
    ordered_at: Instant
    recipient: Recipient
    lines: tuple[ParcelLine, ...]
    total: Money
    length: Decimal
    breadth: Decimal
    height: Decimal
    weight: Decimal

    def suffixed(self, suffix: str) -> ParcelOrder:
        """The same parcel under another reference; under its own if there is no suffix."""
        return msgspec.structs.replace(self, reference=f"{self.reference}-{suffix}") if suffix else self


class CourierOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The courier service's record of a parcel. `order_id` and `shipment_id` are its own ids, `reference` is ours.

    `cancelled` says that the record is dead: a parcel needs another, under another reference.
    """

    reference: str
    order_id: str
    shipment_id: str
    awb: str = ""
    courier: str = ""
    cancelled: bool = False
    dry_run: bool = False


class Awb(msgspec.Struct, frozen=True, omit_defaults=True):
    """The air waybill: the parcel's tracking number, with leading zeros. From here on it costs money."""

    awb: str
    courier: str
    pickup_at: str = ""


class Pickup(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pickup that is booked; `at` as the service told it, India time, may be empty."""

    at: str = ""
    token: str = ""
    already: bool = False


class Scan(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened to a parcel on its way. `at` as the courier told it, India time (ISO)."""

    at: str
    what: str
    place: str = ""
    number: int | None = None


class ParcelTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A courier service's word about a parcel, by webhook or asked for. A fact.

    `number` is of the service's shipment numbering (never of its order numbering), `status` its text; `told_at` is the
    courier's time as an instant, if it could be read. `awb` identifies; the other two help if we do not know it yet.
    """

    awb: str
    number: int | None
    status: str
    told_at: Instant | None = None
    order_id: str = ""
    reference: str = ""
    expected: str = ""
    scans: tuple[Scan, ...] = ()
    event: str = ""


class Shipment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One parcel of one order, as it is kept. `id` is ours; `number` and `told` are the last raw state, even if unknown.

    `look_at` is when a silent parcel is asked about next; None: it has arrived, or is no longer followed.
    """

    id: str
    order: str
    reference: str
    order_id: str
    shipment_id: str
    created_at: Instant
    updated_at: Instant
    state: ParcelState = "pending_pickup"
    awb: str = ""
    courier: str = ""
    customer_id: str = ""
    pickup_at: str = ""
    expected: str = ""
    number: int | None = None
    told: str = ""
    scans: tuple[Scan, ...] = ()
    dry_run: bool = False
    look_at: Instant | None = None


class ShipmentWanted(msgspec.Struct, frozen=True):
    """An order is to be shipped: the fact that starts `book_shipment`. `nth` is 1, higher when a dry run or a cancelled
    parcel is followed by a real one."""

    order: str
    nth: int = 1


class ShipmentBooked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What booking came to."""

    shipment: str
    awb: str
    courier: str
    dry_run: bool = False


class ShipmentUnwanted(msgspec.Struct, frozen=True):
    """A person wants a parcel cancelled: the fact that starts `cancel_shipment`."""

    order: str
    shipment: str
    by: str
