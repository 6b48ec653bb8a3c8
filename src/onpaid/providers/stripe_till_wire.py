"""The shapes in which Stripe's customers, sessions and subscriptions arrive, and what they mean to us.

As in `stripe_wire.py`: fields that may be added are passed over, and one that is missing or of another type is an
error. Older releases had a few fields elsewhere; those that events may still bring are read from both places.
"""

from __future__ import annotations

import msgspec

from onpaid.domain.billing import SubscriptionDetails
from onpaid.domain.orders import Customer
from onpaid.domain.sessions import CustomerRef, SessionDetails, SessionLine, SessionRef
from onpaid.providers.stripe_wire import (
    REFERENCE,
    USER,
    Billing,
    Ident,
    Link,
    Ref,
    Seconds,
    customer_of,
    linked,
    money_of,
)

GENERATION = "onpaidGeneration"
"""The metadata's key on customers that counts those that were replaced."""


class CustomerTold(msgspec.Struct):
    """A customer, or the little that is left of a deleted one."""

    id: str
    deleted: bool = False
    email: str | None = None
    metadata: dict[str, str] = {}

    def ref(self) -> CustomerRef:
        """As it is kept."""
        return CustomerRef(self.id, self.email or "", self.metadata.get(USER, ""), self.deleted)


class DetailsTold(Billing):
    """Who paid, as told on the page of a session."""

    business_name: str | None = None


class ChargeTold(Ref):
    """The last charge of a payment, where it was expanded."""

    amount_refunded: int | None = None


class PaymentTold(Ref):
    """The payment of a session, where it was expanded."""

    latest_charge: str | ChargeTold | None = None

    @property
    def refunded(self) -> int | None:
        """What went back of it, in minor units as Stripe writes them; None where that was not told."""
        charge = self.latest_charge
        return charge.amount_refunded if isinstance(charge, ChargeTold) else None


class SessionWire(msgspec.Struct):
    """A session of Stripe Checkout."""

    id: Ident
    mode: str
    payment_status: str
    created: Seconds
    livemode: bool
    status: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    payment_intent: str | PaymentTold | None = None
    subscription: Link = None
    invoice: Link = None
    customer: Link = None
    customer_details: DetailsTold | None = None
    metadata: dict[str, str] | None = None
    url: str | None = None

    def ref(self) -> SessionRef:
        """As it was made. The address is gone once the session ended."""
        return SessionRef(
            self.id, self.url or "", linked(self.customer) or "", linked(self.payment_intent) or None
        )

    def details(self) -> SessionDetails:
        """As it is now. Refused if its amount cannot be read."""
        metadata, customer_id = self.metadata or {}, linked(self.customer)
        return SessionDetails(
            session_id=self.id,
            mode=self.mode,
            status=self.status or "complete",
            payment_status=self.payment_status,
            created_at=self.created * 1000,
            live=self.livemode,
            total=None
            if self.amount_total is None or self.currency is None
            else money_of(self.amount_total, self.currency, self.id),
            payment_id=linked(self.payment_intent),
            subscription_id=linked(self.subscription),
            customer_id=customer_id,
            customer=self._customer(customer_id),
            user=metadata.get(USER, ""),
            reference=metadata.get(REFERENCE, ""),
            url=self.url or "",
            refunded=self._refunded(),
            invoice_id=linked(self.invoice),
        )

    def _refunded(self) -> int | None:
        told = self.payment_intent.refunded if isinstance(self.payment_intent, PaymentTold) else None
        if told is None or self.amount_total is None or self.currency is None:
            return None
        return money_of(told, self.currency, self.id).minor

    def _customer(self, customer_id: str | None) -> Customer | None:
        told = self.customer_details or DetailsTold()
        made = customer_of(customer_id, told.name, told.email, told.phone, told.address, told.business_name)
        return None if made == Customer() else made


class LinePrice(msgspec.Struct):
    """The price of a line."""

    id: str
    product: Link = None
    lookup_key: str | None = None


class LineTold(msgspec.Struct):
    """One line of a session."""

    id: str
    currency: str
    amount_subtotal: int
    amount_discount: int
    amount_tax: int
    amount_total: int
    description: str | None = None
    quantity: int | None = None
    price: LinePrice | None = None

    def line(self) -> SessionLine:
        """As it is kept. Refused if its amount cannot be read."""
        price = self.price or LinePrice("")
        return SessionLine(
            id=self.id,
            name=(self.description or "").strip() or price.lookup_key or price.id,
            quantity=1 if self.quantity is None else self.quantity,
            subtotal=self.amount_subtotal,
            discount=self.amount_discount,
            tax=self.amount_tax,
            total=self.amount_total,
            currency=money_of(self.amount_total, self.currency, self.id).currency,
            price_id=price.id,
            product_id=linked(price.product) or "",
            lookup_key=price.lookup_key or "",
        )


class ItemTold(msgspec.Struct):
    """One item of a subscription: since the release basil it has the period."""

    id: str
    price: LinePrice
    quantity: int | None = None
    current_period_end: Seconds | None = None


class _Items(msgspec.Struct):
    data: list[ItemTold]
    has_more: bool = False


class _Ending(msgspec.Struct):
    reason: str | None = None


class SubscriptionWire(msgspec.Struct):
    """A subscription."""

    id: str
    status: str
    customer: Link
    created: Seconds
    livemode: bool
    items: _Items
    metadata: dict[str, str] | None = None
    trial_end: Seconds | None = None
    cancel_at: Seconds | None = None
    cancel_at_period_end: bool = False
    canceled_at: Seconds | None = None
    ended_at: Seconds | None = None
    cancellation_details: _Ending | None = None
    pause_collection: dict[str, object] | None = None

    def details(self, items: list[ItemTold]) -> SubscriptionDetails:
        """As it is now. `period_end` is when the first of its items is due again."""
        metadata = self.metadata or {}
        ends = [item.current_period_end for item in items if item.current_period_end]
        return SubscriptionDetails(
            subscription_id=self.id,
            status=self.status,
            customer_id=linked(self.customer) or "",
            created_at=self.created * 1000,
            live=self.livemode,
            user=metadata.get(USER, ""),
            products=tuple(linked(item.price.product) or "" for item in items),
            prices=tuple(item.price.id for item in items),
            quantities=tuple(1 if item.quantity is None else item.quantity for item in items),
            period_end=min(ends, default=0) * 1000,
            trial_end=(self.trial_end or 0) * 1000,
            cancel_at=(self.cancel_at or 0) * 1000,
            cancel_at_period_end=self.cancel_at_period_end,
            canceled_at=(self.canceled_at or 0) * 1000,
            ended_at=(self.ended_at or 0) * 1000,
            reason=(self.cancellation_details.reason if self.cancellation_details else None) or "",
            paused=self.pause_collection is not None or self.status == "paused",
            metadata=metadata,
        )
