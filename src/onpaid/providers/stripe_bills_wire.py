"""The shapes in which Stripe's invoices, their lines and their payments arrive, and what they mean to us: bills.

As in `stripe_wire.py`: fields that may be added are passed over, and one that is missing or of another type is an
error. These are only ever read in the release that we ask for.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.domain.bills import NO_PAYMENT, Bill, BillPaid
from onpaid.domain.orders import Customer
from onpaid.domain.sessions import SessionLine
from onpaid.providers.stripe_wire import AddressWire, Ident, Link, Seconds, customer_of, linked, money_of


class _SubscriptionOf(msgspec.Struct):
    subscription: Link = None


class _Parent(msgspec.Struct):
    subscription_details: _SubscriptionOf | None = None


class _Shipping(msgspec.Struct):
    amount_total: int


class BillTold(msgspec.Struct):
    """An invoice of Stripe's. Its lines are a list of their own."""

    id: Ident
    currency: str
    total: int
    created: Seconds
    livemode: bool
    status: str | None
    billing_reason: str | None = None
    customer: Link = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    customer_address: AddressWire | None = None
    parent: _Parent | None = None
    shipping_cost: _Shipping | None = None

    def bill(self) -> Bill:
        """As it is now. Refused if its amount cannot be read."""
        of = self.parent.subscription_details if self.parent else None
        customer_id = linked(self.customer)
        who = customer_of(
            customer_id, self.customer_name, self.customer_email, self.customer_phone, self.customer_address
        )
        return Bill(
            invoice_id=self.id,
            status=self.status or "draft",
            created_at=self.created * 1000,
            live=self.livemode,
            total=money_of(self.total, self.currency, self.id),
            reason=self.billing_reason or "",
            subscription_id=linked(of.subscription) if of else None,
            customer_id=customer_id,
            customer=None if who == Customer(id=customer_id) else who,
            beside=self.shipping_cost.amount_total if self.shipping_cost else 0,
        )


class _Amount(msgspec.Struct):
    amount: int


class _Tax(_Amount):
    tax_behavior: Literal["inclusive", "exclusive"] = "exclusive"


class _Priced(msgspec.Struct):
    price: Link = None
    product: Link = None


class _Pricing(msgspec.Struct):
    price_details: _Priced | None = None


class BillLineTold(msgspec.Struct):
    """One line of an invoice. `amount` has taxes in it that are part of the price, and no discount taken off."""

    id: str
    currency: str
    amount: int
    description: str | None = None
    quantity: int | None = None
    discount_amounts: list[_Amount] | None = None
    pretax_credit_amounts: list[_Amount] | None = None
    taxes: list[_Tax] | None = None
    pricing: _Pricing | None = None

    def line(self) -> SessionLine:
        """As it is kept. Credits before taxes have the discounts among them, and stand for both where they are told."""
        priced = (self.pricing.price_details if self.pricing else None) or _Priced()
        price, taxes = linked(priced.price) or "", self.taxes or []
        off = sum(each.amount for each in self.pretax_credit_amounts or self.discount_amounts or [])
        on_top = sum(each.amount for each in taxes if each.tax_behavior == "exclusive")
        return SessionLine(
            id=self.id,
            name=(self.description or "").strip() or price or self.id,
            quantity=1 if self.quantity is None else self.quantity,
            subtotal=self.amount,
            discount=off,
            tax=sum(each.amount for each in taxes),
            total=self.amount - off + on_top,
            currency=money_of(self.amount, self.currency, self.id).currency,
            price_id=price,
            product_id=linked(priced.product) or "",
        )


class _PaidBy(msgspec.Struct):
    type: str
    payment_intent: Link = None
    charge: Link = None


class InvoicePaymentTold(msgspec.Struct):
    """What stands between an invoice and what paid it."""

    id: str
    currency: str
    status: str
    payment: _PaidBy
    amount_paid: int | None = None


def paid_by(told: list[InvoicePaymentTold]) -> BillPaid:
    """The one payment among those that paid. A payment that Stripe only keeps a record of was made beside it."""
    paid = [each for each in told if each.status == "paid" and each.amount_paid]
    if len(paid) > 1:
        return BillPaid(why=f"{len(paid)} payments paid it, each a part")
    if not paid:
        return BillPaid(why=NO_PAYMENT)
    payment = linked(paid[0].payment.payment_intent) or linked(paid[0].payment.charge)
    if payment is None:
        return BillPaid(why=NO_PAYMENT)
    return BillPaid(payment, money_of(paid[0].amount_paid or 0, paid[0].currency, paid[0].id))
