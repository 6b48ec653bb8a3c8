"""An order as its customer may see it: where the parcel is, what was in it, and nothing of who gets it.

Never a phone number, an e-mail address, a name or a street: what the courier says of each scan is cleared of them. The
same is answered to whoever asks the API with a token, so that a shop can show it on a page of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from onpaid.app.masking import Mask
from onpaid.app.orders_shown import private_of
from onpaid.app.shown_tracking import Standing, Tracked, TrackedLine, TrackedScan, TrackedStep
from onpaid.app.tracked_words import (
    ALSO_REFUNDED,
    BOOKED_NOWHERE,
    WORDS,
    standing_of,
    steps_of,
)
from onpaid.clock import as_datetime
from onpaid.domain.decimals import plain
from onpaid.domain.fulfilment import Fulfilment, ParcelState
from onpaid.domain.orders import Order
from onpaid.domain.shipments import Scan, Shipment
from onpaid.domain.templates import COURIER_TRACKING
from onpaid.domain.tracking import parcel_state
from onpaid.repositories.orders import Orders
from onpaid.repositories.shipments import Shipments

INDIA: Final = ZoneInfo("Asia/Kolkata")
"""Couriers tell times of India without saying so, and every parcel goes to India."""
_WORD_DATE: Final = "%b %d, %Y"


async def track(orders: Orders, shipments: Shipments, key: str) -> Tracked | None:
    """What may be seen of the order of this key; None if we do not deliver it."""
    held = await orders.find(key)
    fulfilment = None if held is None else held.record.fulfilment
    if held is None or fulfilment is None:
        return None
    parcel = fulfilment.parcel
    shipment = None if parcel is None else await shipments.get(parcel.shipment)
    return tracked(held.record, fulfilment, shipment)


def tracked(order: Order, fulfilment: Fulfilment, shipment: Shipment | None) -> Tracked:
    """The order as these records tell it."""
    booked = shipment is not None and not shipment.dry_run
    state = None if shipment is None else shipment.state
    standing = standing_of(fulfilment, state, booked=booked, expired=order.expired_at is not None)
    mood, title, sentence = WORDS[standing]
    if standing == "packing" and shipment is not None:
        sentence = BOOKED_NOWHERE
    if standing != "refunded" and fulfilment.payment_status == "refunded":
        sentence += ALSO_REFUNDED
    scans = [] if shipment is None else scans_of(shipment.scans, Mask(private_of(order, [])))
    ordered = as_datetime(order.received_at)
    return Tracked(
        order=order.number,
        status=state,
        order_status=fulfilment.status,
        payment_status=fulfilment.payment_status,
        standing=standing,
        title=title,
        sentence=sentence,
        mood=mood,
        ordered=ordered,
        amount=fulfilment.amount,
        items=[TrackedLine(line.name, plain(line.quantity)) for line in order.latest.lines],
        steps=_steps(standing, fulfilment, shipment, scans, ordered),
        scans=scans,
        courier="" if shipment is None else shipment.courier,
        awb="" if shipment is None else shipment.awb,
        courier_url=courier_page(shipment),
        pickup=None if shipment is None else moment(shipment.pickup_at),
        expected=None if shipment is None else moment(shipment.expected),
        updated=None if shipment is None else as_datetime(shipment.updated_at),
        dry_run=shipment is not None and shipment.dry_run,
    )


def courier_page(shipment: Shipment | None) -> str:
    """The courier service's own page of a parcel; nothing for one that was only logged."""
    if shipment is None or shipment.dry_run or not shipment.awb:
        return ""
    return COURIER_TRACKING + shipment.awb


def scans_of(scans: Iterable[Scan], mask: Mask) -> list[TrackedScan]:
    """Scans, newest first, without a word about whom the parcel is for."""
    return [
        TrackedScan(
            at=moment(scan.at),
            told=scan.at,
            what=mask.text(_without_place(scan)),
            place=mask.text(scan.place),
            status=parcel_state(scan.number),
        )
        for scan in reversed(list(scans))
    ]


def moment(told: str) -> datetime | None:
    """A courier's time in UTC; None if it cannot be read."""
    text = told.strip()
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        try:
            read = datetime.strptime(text, _WORD_DATE)  # noqa: DTZ007 - the zone follows
        except ValueError:
            return None
    try:
        return (read.replace(tzinfo=INDIA) if read.tzinfo is None else read).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _without_place(scan: Scan) -> str:
    """What happened; couriers like to say the place twice."""
    what = scan.what.strip()
    if scan.place and what.endswith(scan.place):
        what = re.sub(r"[\s\-–:,@]+$", "", what[: -len(scan.place)]) or what
    return what


def _steps(
    standing: Standing,
    fulfilment: Fulfilment,
    shipment: Shipment | None,
    scans: list[TrackedScan],
    ordered: datetime,
) -> list[TrackedStep]:
    """The steps with the times at which they were reached, as far as scans tell them."""
    reached: dict[str, datetime | None] = {
        "Ordered": ordered,
        "On its way": _first(scans, "picked_up", "in_transit", "out_for_delivery"),
        "Delivered": _first(scans, "delivered"),
        "Turned back": _first(scans, "returning", "returned"),
        "Back with us": _first(scans, "returned"),
        "Missing": _first(scans, "lost"),
    }
    if shipment is not None and not shipment.dry_run:
        reached["Packed"] = as_datetime(shipment.created_at)
    return [
        TrackedStep(name, state, None if state == "todo" else reached.get(name))
        for name, state in steps_of(standing, ships=fulfilment.ships)
    ]


def _first(scans: list[TrackedScan], *states: ParcelState) -> datetime | None:
    """When a parcel was first told to be in one of these states. Scans come newest first."""
    return next((scan.at for scan in reversed(scans) if scan.status in states and scan.at), None)
