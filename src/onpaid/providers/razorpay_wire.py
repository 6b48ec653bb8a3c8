"""What Razorpay sends, as far as we read it: orders, payments, refunds and the envelope of its events.

Parsed leniently, since Razorpay adds fields without notice. An empty `notes` comes as a list, a filled one as an object.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onpaid.domain.money import Money
from onpaid.errors import InvalidInput

OUR_MARK = "onpaid_order"
"""The note by which we know an order of ours."""


class OrderWire(msgspec.Struct):
    """An order: what a customer is asked to pay."""

    id: str
    amount: int
    currency: str
    status: str
    receipt: str | None = None
    notes: dict[str, Any] | list[Any] = {}

    @property
    def ours(self) -> bool:
        """Whether we made it."""
        return isinstance(self.notes, dict) and OUR_MARK in self.notes


class PaymentWire(msgspec.Struct):
    """A payment. `status` counts: there are samples of failed ones that say `captured`."""

    id: str
    amount: int
    currency: str
    status: str
    captured: bool | None = False
    order_id: str | None = None
    method: str | None = None
    contact: str | None = None
    amount_refunded: int | None = 0
    refund_status: str | None = None
    error_description: str | None = None
    error_reason: str | None = None
    created_at: int = 0

    @property
    def taken(self) -> bool:
        """Whether the money was taken, even if it went back since; what goes back uncaptured was never ours."""
        return self.status == "captured" or (self.status == "refunded" and bool(self.captured))


class RefundWire(msgspec.Struct):
    """Money on its way back."""

    id: str
    amount: int
    currency: str
    payment_id: str
    status: str = "processed"
    receipt: str | None = None
    notes: dict[str, Any] | list[Any] = {}
    created_at: int = 0


class _OfPayment(msgspec.Struct):
    entity: PaymentWire


class _OfOrder(msgspec.Struct):
    entity: OrderWire


class _OfRefund(msgspec.Struct):
    entity: RefundWire


class Payload(msgspec.Struct):
    """What an event is about."""

    payment: _OfPayment | None = None
    order: _OfOrder | None = None
    refund: _OfRefund | None = None


class Event(msgspec.Struct):
    """One event. It has no id: that is in a header."""

    entity: str
    event: str
    payload: Payload
    created_at: int
    account_id: str = ""


class Head(msgspec.Struct):
    """What every event has, of a kind that we know or not."""

    entity: str
    event: str
    created_at: int
    account_id: str = ""


class Orders(msgspec.Struct):
    """A page of orders."""

    items: list[OrderWire]
    count: int


class Payments(msgspec.Struct):
    """A page of payments."""

    items: list[PaymentWire]
    count: int


class Refunds(msgspec.Struct):
    """A page of refunds."""

    items: list[RefundWire]
    count: int


EVENT = msgspec.json.Decoder(Event)
HEAD = msgspec.json.Decoder(Head)


def money(minor: int, currency: str) -> Money:
    """An amount as Razorpay writes it: whole minor units. Raises InvalidInput."""
    if isinstance(minor, bool) or minor < 0:
        raise InvalidInput("an amount must be a whole number of minor units, 0 or more")
    return Money.from_wire(minor, currency)
