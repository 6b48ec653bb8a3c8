"""Shiprocket's JSON: the order that we send it, and what its answers say.

Its shapes are uneven: what is missing is null here, an empty text or an empty list there; ids come as
numbers or as text. So answers are read field by field, and what is not as it should be counts as not there.
Money goes out in rupees as exact decimals, times are India's and say so nowhere, and an AWB is a text,
since it may begin with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from onpaid.clock import Instant, as_datetime, as_instant
from onpaid.domain.money import Money
from onpaid.domain.shipments import CourierOrder, ParcelLine, ParcelOrder, ParcelTold, Scan
from onpaid.domain.tracking import ORDER_CANCELLED
from onpaid.errors import Refused

INDIA: Final = ZoneInfo("Asia/Kolkata")
LONGEST_REFERENCE: Final = 50
LONGEST_SKU: Final = 50
LONGEST_CITY: Final = 30
LONGEST_TEXT: Final = 200
MOST_SCANS: Final = 500
_DEAD: Final = frozenset({"CANCELED", "CANCELLED"})
_DIGITS: Final = re.compile(r"\d{1,18}", re.ASCII)
_AWB: Final = re.compile(r"[A-Za-z0-9_-]{4,40}", re.ASCII)
_PHONE: Final = re.compile(r"\+91(\d{10})", re.ASCII)
_PUSHED: Final = "%d %m %Y %H:%M:%S"


def decoded(body: bytes) -> Any:
    """A body's JSON; None if it is none."""
    with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
        return msgspec.json.decode(body)
    return None


def text(value: object) -> str:
    """A short printable text, also of what is told as a number; else nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(value)[: 2 * LONGEST_TEXT]).split())
    return "" if plain == "NA" else plain[:LONGEST_TEXT]


def number(value: object) -> int | None:
    """A whole number, also of one that is told as a text."""
    plain = text(value)
    return int(plain) if _DIGITS.fullmatch(plain) else None


def ident(value: object) -> str:
    """One of Shiprocket's ids as text; nothing for what is none."""
    found = number(value)
    return str(found) if found else ""


def sent_id(given: str, what: str) -> int:
    """An id as the number that Shiprocket wants. Refused if it is none of its own."""
    if not _DIGITS.fullmatch(given):
        raise Refused(f"Shiprocket: {given[:40]!r} is no {what} of its own, so nothing was sent")
    return int(given)


def awb_of(value: object) -> str:
    """An AWB as it is told, with its zeros; nothing for what is none."""
    plain = text(value)
    return plain if _AWB.fullmatch(plain) else ""


def mapping(value: object) -> Mapping[str, Any]:
    """An object; an empty one for whatever is told instead."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, Any]]:
    """A list's objects; an object alone counts as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def moment(value: object) -> Instant | None:
    """A time of India as an instant, whether the webhook's way or the lists'; None if it is neither."""
    plain = text(value)
    for read in (datetime.fromisoformat, lambda told: datetime.strptime(told, _PUSHED)):  # noqa: DTZ007
        try:
            told = read(plain)
            return as_instant(told if told.tzinfo is not None else told.replace(tzinfo=INDIA))
        except (ValueError, OverflowError):
            continue
    return None


def dead(told: Mapping[str, Any]) -> bool:
    """Whether an order's record is cancelled, by its number or by exactly its word."""
    return number(told.get("status_code")) in ORDER_CANCELLED or text(told.get("status")).upper() in _DEAD


def record(
    order_id: object,
    shipment_id: object,
    told: Mapping[str, Any],
    shipment: Mapping[str, Any],
    reference: str,
) -> CourierOrder | None:
    """The record of an order with its shipment; None if one of its ids is none."""
    if not ident(order_id) or not ident(shipment_id):
        return None
    return CourierOrder(
        reference=reference,
        order_id=ident(order_id),
        shipment_id=ident(shipment_id),
        awb=awb_of(shipment.get("awb_code") or shipment.get("awb")),
        courier=text(shipment.get("courier_name") or shipment.get("courier")),
        cancelled=dead(told),
    )


def order_body(
    parcel: ParcelOrder, pickup_location: str, channel_id: int | None, email: str
) -> dict[str, Any]:
    """The order as Shiprocket wants it. `email` is the shop's own, for customers who have none."""
    to = parcel.recipient
    phone = _PHONE.fullmatch(to.phone)
    objections = {
        "order_id": len(parcel.reference) > LONGEST_REFERENCE and f"is longer than {LONGEST_REFERENCE}",
        "billing_phone": phone is None and "is no Indian number of ten digits",
        "billing_country": to.country.upper() != "IN" and "is not India",
        "order_items": not parcel.lines and "is empty",
    }
    wrong = "; ".join(f"{name} {why}" for name, why in objections.items() if why)
    if phone is None or wrong:
        raise Refused(
            f"Shiprocket: nothing was sent, since {wrong}. To do: correct the order; then retry the run."
        )
    body: dict[str, Any] = {
        "order_id": parcel.reference,
        "order_date": as_datetime(parcel.ordered_at, INDIA).strftime("%Y-%m-%d %H:%M"),
        "pickup_location": pickup_location,
        "billing_customer_name": to.name,
        "billing_last_name": "",
        "billing_address": to.line1,
        "billing_address_2": to.line2,
        "billing_city": to.city[:LONGEST_CITY],
        "billing_pincode": to.pincode,
        "billing_state": to.state,
        "billing_country": "India",
        "billing_email": to.email or email,
        "billing_phone": phone[1],
        "shipping_is_billing": True,
        "order_items": _items(parcel.lines),
        "payment_method": "Prepaid",
        "sub_total": _rupees(parcel.total),
        "length": parcel.length,
        "breadth": parcel.breadth,
        "height": parcel.height,
        "weight": parcel.weight,
    }
    if channel_id is not None:
        body["channel_id"] = channel_id
    return body


def private_words(parcel: ParcelOrder) -> list[str]:
    """What of a parcel must not be repeated in an error."""
    to = parcel.recipient
    return [
        to.name,
        to.email,
        to.phone,
        to.phone.removeprefix("+91"),
        to.line1,
        to.line2,
        to.city,
        to.pincode,
    ]


def told_by_api(awb: str, answer: object) -> ParcelTold | None:
    """What tracking says of a parcel; None if it knows nothing of it yet."""
    data = mapping(mapping(answer).get("tracking_data"))
    if not data or data.get("error") or not number(data.get("track_status")):
        return None
    track = next(iter(objects(data.get("shipment_track"))), {})
    listed = objects(data.get("shipment_track_activities"))
    scans = scans_of(reversed(listed[:MOST_SCANS]))
    if not awb or awb_of(track.get("awb_code")) not in ("", awb):
        return None
    return ParcelTold(
        awb=awb,
        number=number(data.get("shipment_status")),
        status=text(track.get("current_status")),
        told_at=moment(scans[-1].at) if scans else None,
        order_id=ident(track.get("order_id")),
        expected=text(data.get("etd") or track.get("edd")),
        scans=scans,
    )


def scans_of(listed: Iterable[Mapping[str, Any]]) -> tuple[Scan, ...]:
    """Scans in the order in which they are listed; those without a time or a word are left out."""
    scans = []
    for each in listed:
        at = moment(each.get("date"))
        what = text(each.get("activity")) or text(each.get("sr-status-label")) or text(each.get("status"))
        if at is None or not what:
            continue
        shown = as_datetime(at, INDIA).replace(tzinfo=None).isoformat(timespec="seconds")
        scans.append(Scan(shown, what, text(each.get("location")), number(each.get("sr-status"))))
    return tuple(scans)


def _items(lines: Sequence[ParcelLine]) -> list[dict[str, Any]]:
    """The goods. A product may stand in an order once, so that one of two prices gets a suffix to its SKU."""
    items: dict[str, dict[str, Any]] = {}
    for line in lines:
        price, nth, sku = _rupees(line.unit_price), 1, line.sku[:LONGEST_SKU]
        while sku in items and items[sku]["selling_price"] != price:
            nth += 1
            sku = f"{line.sku[: LONGEST_SKU - 4]}-{nth}"
        if sku in items:
            items[sku]["units"] += line.units
            continue
        item: dict[str, Any] = {"name": line.name, "sku": sku, "units": line.units, "selling_price": price}
        item |= {"discount": "", "tax": line.tax_percent or "", "hsn": line.hsn}
        items[sku] = item
    return list(items.values())


def _rupees(amount: Money) -> Decimal:
    if amount.currency != "INR":
        raise Refused(
            f"Shiprocket: it counts in rupees, and this order is in {amount.currency}: book it by hand"
        )
    return amount.to_decimal()
