"""How orders of shops, orders by customer, and events look in the tables that were agreed for them.

An order is found by the number that payments name, by its customer and time, and an event by its sender's id. Every
key follows from what was recorded first, so that what is told later, twice or in another order stays the same item.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from onpaid.clock import iso
from onpaid.domain.orders import Order, OrderLine
from onpaid.repositories.documented_tables import Place, exact, second
from onpaid.repositories.events import EventRecord, event_key
from onpaid.store.dynamodb_shadows import Shadow

EVENT_DAYS: Final = 30
"""For how many days an event is remembered in the table at least; in our own records it is for ever."""
EVENT_SOURCE: Final = "stripe"
"""Whose events the table holds: ids of others could be the same."""
_EVENT_WORDS: Final = {"routed": "processed", "ignored": "ignored", "unrouted": "unrouted"}


def shop_order_items(order: Order, place: Place) -> Sequence[Shadow]:
    """An order that a shop told us of, as it is now. Who bought it is not part of the agreement."""
    if order.fulfilment is not None or order.sold:
        return ()
    latest = order.latest
    fields = {
        "items": [_line(line) for line in latest.lines],
        "currency": latest.currency,
        "total": None if latest.total is None else exact(latest.total),
        "createdAt": iso(order.received_at),
        "updatedAt": iso(latest.received_at),
    }
    return (place.item((order.number,), fields),)


def _line(line: OrderLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "quantity": exact(line.quantity),
        "unitPrice": exact(line.unit_price),
        "vat": exact(line.vat_percent),
    }


def customer_order_items(order: Order, place: Place) -> Sequence[Shadow]:
    """An order among those of its customer, if anybody told who that is.

    A cart of our own checkout becomes an order by its payment; an order of a shop is one from the beginning, and
    whether it was paid is not in its record. An order of a session is shown by its session, and not here; of those that
    bills become, the agreement says nothing.
    """
    if order.sold:
        return ()
    user, status = _user(order), _status(order)
    if not user or not status:
        return ()
    fields = {
        "orderId": order.number,
        "orderNumber": order.number,
        "status": status,
        "source": "webhook",
        "ttl": second(order.received_at, place.days) if place.days else None,
    }
    key = (f"USER#{user}", f"ORDER#{second(order.received_at)}#{order.number}")
    return (place.item(key, fields),)


def _user(order: Order) -> str:
    """The customer's id, else the e-mail address: as first told, so that later words do not move the order."""
    for revision in sorted(order.revisions, key=lambda each: each.number):
        customer = revision.customer
        if customer is not None and (customer.id or (customer.email or "").strip()):
            return customer.id or (customer.email or "").strip().lower()
    return ""


def _status(order: Order) -> str:
    if order.fulfilment is None:
        return "received" if order.expired_at is None else "expired"
    return {"paid": "completed", "refunded": "refunded"}.get(order.fulfilment.payment_status, "")


def event_items(event: EventRecord, place: Place) -> Sequence[Shadow]:
    """An event that was taken on. Another body under the same id is kept by us alone."""
    envelope = event.envelope
    if envelope.source != EVENT_SOURCE or event.key != event_key(envelope):
        return ()
    fields = {
        "processedAt": iso(event.received_at),
        "status": _EVENT_WORDS[event.verdict],
        "ttl": second(event.received_at, max(EVENT_DAYS, place.days)),
    }
    return (place.item((envelope.event_id,), fields),)
