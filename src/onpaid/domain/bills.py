"""A bill: what Stripe charges a subscriber for one period, and how that was paid. Stripe itself calls it an invoice.

An invoice is the accounting document, here as everywhere; a bill that is paid becomes an order, and that its invoice.
"""

from __future__ import annotations

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer
from onpaid.domain.sessions import Origin

FIRST = "subscription_create"
"""Why there is a bill: the subscription has just begun, perhaps in a session."""
NO_PAYMENT = "Stripe names no payment that paid it: it was paid from a balance or beside Stripe"


class SubscriptionPaid(msgspec.Struct, frozen=True):
    """A subscription's bill is paid, as an event tells: starts `keep_renewal`, once for each bill."""

    account: str
    invoice_id: str
    subscription_id: str
    live: bool
    told_at: Instant
    origin: Origin = "webhook"
    event: str = ""

    @property
    def key(self) -> str:
        """The bill's key: `stripe/default/live/in_1`."""
        return f"{self.account}/{self.invoice_id}"


class Bill(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bill as Stripe tells it now. `total` has discounts and tax in it; `beside` is what of it is in no line."""

    invoice_id: str
    status: str
    created_at: Instant
    live: bool
    total: Money
    reason: str = ""
    subscription_id: str | None = None
    customer_id: str | None = None
    customer: Customer | None = None
    beside: int = 0

    @property
    def first(self) -> bool:
        """Whether it is the subscription's first: that may be a session's."""
        return self.reason == FIRST


class BillPaid(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one payment that paid a bill, and its amount; or `why` there is none that an invoice could be made for."""

    payment_id: str = ""
    amount: Money | None = None
    why: str = ""
