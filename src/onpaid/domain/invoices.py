"""The accounting document: drawn up from an order's lines, a payment and the VAT table, exact to the minor unit.

Of every line the gross is fixed first, because that is what was paid; its net is gross / (1 + rate) rounded, and the
VAT is the rest. So net + VAT is gross, and the VAT is within one minor unit of the rate, whichever way prices are
told. What rounding leaves over goes into the gross of the largest line, before it is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from onpaid.domain.amounts import (
    PRICES_SETTING,
    Gross,
    agree_on_currency,
    gross_of,
    half_up,
    how_prices_read,
    rounded_gross,
)
from onpaid.domain.decimals import plain
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, OrderLine
from onpaid.domain.vat import VatRule, VatTable
from onpaid.errors import Problem

LONGEST_NAME = 200


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


def draw_up(
    lines: Sequence[OrderLine],
    *,
    vat: VatTable,
    country: str,
    on: date,
    prices_include_vat: bool | None,
    captured: Money,
    order_currency: str | None = None,
    order_total: Decimal | None = None,
) -> tuple[InvoiceLine, ...]:
    """The invoice's lines, which come to exactly what was captured. Raises Problem, and then there is no invoice.

    `order_total` is what the shop says the whole order costs: hand it in only if `lines` are the whole order.
    """
    currency = agree_on_currency(order_currency, captured)
    include = how_prices_read(prices_include_vat)
    if captured.minor <= 0:
        raise Problem(
            "there is nothing to invoice: no money was captured",
            category="invoice",
            facts={"paid": captured.format()},
        )
    total = gross_of(lines, include, currency)
    if not lines or not total.fits(captured.minor):
        raise Problem(
            f"the order's lines come to {total.shown()}, but {captured.format()} were paid",
            category="invoice",
            facts=_mismatch(lines, total, include, captured),
        )
    if order_total is not None:
        _agree_with_shop(order_total, captured)
    rules = [vat.rule_for(country, line.vat_percent, on) for line in lines]
    gross = [rounded_gross(line, include, currency) for line in lines]
    largest = max(range(len(lines)), key=lambda nth: (gross[nth], -nth))
    gross[largest] += captured.minor - sum(gross)
    return tuple(_line(line, rule, paid) for line, rule, paid in zip(lines, rules, gross, strict=True))


def split(gross: int, vat_percent: Decimal) -> tuple[int, int]:
    """Net and VAT of a gross amount: they add up to it, and the VAT is within one minor unit of the rate.

    Where some net has a VAT that, rounded, leads back to this gross, it is the one found here: accounts that work
    it out again agree. For some amounts there is none (0.97 at 25 %), so net, VAT and gross must all be sent.
    """
    net = half_up(Fraction(gross) / (1 + Fraction(vat_percent) / 100))
    return net, gross - net


def _line(line: OrderLine, rule: VatRule, gross: int) -> InvoiceLine:
    net, vat = split(gross, rule.vat_percent)
    name = " ".join(line.name.split()) or line.id
    quantity, unit_net = line.quantity, Fraction(net) / Fraction(line.quantity)
    if unit_net.denominator != 1:
        # A unit price in whole minor units would not multiply out to the net, and the line would not add up.
        name, quantity, unit_net = f"{plain(quantity)} × {name}", Decimal(1), Fraction(net)
    return InvoiceLine(
        name=name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…",
        quantity=quantity,
        unit_net=int(unit_net),
        net=net,
        vat=vat,
        gross=gross,
        vat_percent=rule.vat_percent,
        vat_type=rule.vat_type,
        income_account=rule.income_account,
    )


def _mismatch(lines: Sequence[OrderLine], total: Gross, include: bool, captured: Money) -> dict[str, str]:
    facts = {
        "order": total.shown(),
        "paid": captured.format(),
        "prices_include_vat": "yes" if include else "no",
    }
    if gross_of(lines, not include, captured.currency).fits(captured.minor):
        other = "without" if include else "with"
        facts["hint"] = f"it would fit if the shop's prices were {other} VAT: check {PRICES_SETTING}"
    return facts


def _agree_with_shop(order_total: Decimal, captured: Money) -> None:
    """The shop's own total, if it tells one, must be the captured amount too: a different one hides a discount or a
    shipping cost that its lines do not show."""
    if Fraction(order_total) != Fraction(captured.to_decimal()):
        raise Problem(
            f"the shop says the order costs {captured.currency} {plain(order_total)}, but {captured.format()} were paid",
            category="invoice",
            facts={"shop_total": f"{captured.currency} {plain(order_total)}", "paid": captured.format()},
        )
