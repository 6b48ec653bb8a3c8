"""Events and their bodies as they are kept: what a shop and Stripe would have sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from onpaid.clock import Instant
from onpaid.domain.events import Envelope
from onpaid.domain.orders import Customer, OrderLine
from onpaid.domain.payments import PaymentSucceeded
from onpaid.engine.journal import Ticket
from onpaid.engine.tickets import new_ticket
from onpaid.repositories.events import EVENTS, EventRecord, Verdict, digest_of, event_key, pack
from onpaid.store.port import Write

SHOP = "konverzky"
ACCOUNT = "stripe/default/test"


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def order_body(number: str, currency: str, lines: Sequence[OrderLine], customer: Customer) -> dict[str, Any]:
    """A shop's webhook about an order."""
    items = [
        {"id": line.id, "name": line.name, "quantity": 1, "unit_price": str(line.unit_price), "vat": 25}
        for line in lines
    ]
    order = {"order_number": number, "currency": currency, "items": items, "customer": customer}
    return {"webhook_type": "order_paid", "order": order}


def charge_of(paid: PaymentSucceeded, customer: Customer, number: str) -> dict[str, Any]:
    """Stripe's charge for a payment."""
    return {
        "id": paid.charge_id,
        "object": "charge",
        "amount": paid.amount.minor,
        "currency": paid.amount.currency.lower(),
        "payment_intent": paid.payment_id,
        "customer": customer.id,
        "billing_details": {"name": customer.name, "email": customer.email, "phone": customer.phone},
        "metadata": {"order_number": number},
    }


def event_write(
    envelope: Envelope,
    at: Instant,
    body: Any,
    verdict: Verdict,
    *,
    reason: str = "",
    about: Sequence[str] = (),
) -> Write:
    """A kept event."""
    content = msgspec.json.encode(body)
    record = EventRecord(
        event_key(envelope), envelope, at, digest_of(content), pack(content), verdict, reason, [], list(about)
    )
    return EVENTS.insert(record)


def open_ticket(**given: Any) -> Ticket:
    """A ticket that belongs to no run."""
    return new_ticket(None, **given)
