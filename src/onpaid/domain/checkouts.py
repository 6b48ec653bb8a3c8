"""A checkout: a payment that was asked for and may come. Its provider's order, its tries, and how it ended.

This is the requirement's payment while it is pending or failed; once money is captured there is a Payment as well.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money

CheckoutStatus = Literal["pending", "failed", "completed"]


class CheckoutWanted(msgspec.Struct, frozen=True):
    """A customer wants to pay for an order: the fact that starts `open_checkout`."""

    order: str
    number: str
    amount: Money


class CheckoutRef(msgspec.Struct, frozen=True):
    """The provider's order for a checkout (`order_...`), over exactly this amount, with our number as its receipt."""

    checkout_id: str
    amount: Money
    receipt: str
    status: str = "created"


class CheckoutTry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try to pay (`pay_...`) that failed, and why."""

    payment_id: str
    at: Instant
    reason: str = ""


class Checkout(msgspec.Struct, frozen=True, omit_defaults=True):
    """One checkout, kept under its order's key."""

    order: str
    amount: Money
    created_at: Instant
    status: CheckoutStatus = "pending"
    checkout_id: str = ""
    payment_id: str = ""
    method: str = ""
    tries: tuple[CheckoutTry, ...] = ()


class PaymentFailed(msgspec.Struct, frozen=True):
    """A try to pay failed: a fact that is noted and starts nothing, since a later try may succeed."""

    account: str
    checkout_id: str
    payment_id: str
    order: str
    reason: str
    event: str
    failed_at: Instant


class CapturedPayment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment for a checkout as its provider tells it now. `amount` is what was captured."""

    payment_id: str
    checkout_id: str
    amount: Money
    captured: bool
    refunded: Money
    method: str = ""
    contact: str = ""
    receipt: str = ""
    ours: bool = True
    """Whether the provider's order bears our mark, so that an unknown receipt is a loss and not another business."""


class RefundWanted(msgspec.Struct, frozen=True):
    """A payment is to be given back, wholly. `reference` is ours and finds it again."""

    payment_id: str
    amount: Money
    reference: str


class RefundRef(msgspec.Struct, frozen=True):
    """A refund that the provider took on. `status` is its own: pending, processed, failed."""

    refund_id: str
    amount: Money
    status: str
