"""The accounting document: drawn up from an order's lines, a payment and the VAT table, exact to the minor unit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from onpaid.domain.money import Money
from onpaid.domain.orders import Customer


class ContactDetails(msgspec.Struct, frozen=True):
    """The accounting contact to be filed. `reference` is our key for it: the payment provider's customer id, or
    one derived from the e-mail address for a guest."""

    reference: str
    name: str
    email: str
    language: str
    customer: Customer
    country: str


class ContactRef(msgspec.Struct, frozen=True):
    """A contact that exists."""

    contact_id: int


class InvoiceLine(msgspec.Struct, frozen=True):
    """One line, in whole minor units of the invoice's currency; net + vat = gross."""

    name: str
    quantity: Decimal
    unit_net: int
    net: int
    vat: int
    gross: int
    vat_percent: Decimal
    vat_type: str
    income_account: str


class InvoiceDraft(msgspec.Struct, frozen=True):
    """An invoice to be issued. `uuid` is derived from the payment, so that a repeat names the same document."""

    uuid: str
    order_reference: str
    contact_id: int
    total: Money
    lines: tuple[InvoiceLine, ...]
    issue_date: date
    due_date: date
    cash: bool
    text: str = ""
    our_reference: str = ""


class InvoiceRef(msgspec.Struct, frozen=True):
    """An invoice that exists. `number` is the accounting number, known once it was read back."""

    invoice_id: int
    number: int | None = None
    total: Money | None = None
    uuid: str | None = None


class Receipt(msgspec.Struct, frozen=True):
    """A mail to be sent with the invoice attached.

    `dispatches_before` is how many dispatches the invoice had before the first attempt: what a look compares with.
    """

    invoice_id: int
    to_email: str
    to_name: str
    message: str
    dispatches_before: int = 0


class Dispatch(msgspec.Struct, frozen=True):
    """Proof that a mail went out: how many dispatches the invoice has, and how the newest went."""

    invoice_id: int
    count: int
    method: str = "email"
