"""How a paid session or bill becomes an order: its number, its lines, their VAT, and whether an invoice can be made.

The number follows from the id alone, so that whoever hears of it first gives it the same one. Lines come to exactly
what was paid, to the minor unit: whatever Stripe's quantities, discounts and credits make of a price.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from onpaid.domain.amounts import half_up
from onpaid.domain.money import Money, smallest
from onpaid.domain.orders import OrderLine
from onpaid.domain.prices import Price
from onpaid.domain.sessions import SessionDetails, SessionLine

SHORT: Final = 8
LONG: Final = 16
"""How many characters a number has behind its prefix; the long one where another session has the short one."""
REST: Final = "#rest"
"""The key of the line that holds what was paid beside the lines: shipping, mostly."""


class Lines(msgspec.Struct, frozen=True):
    """The lines of an order, and what keeps an invoice from being made of them (empty: nothing)."""

    lines: tuple[OrderLine, ...]
    unclear: str = ""


def order_number(prefix: str, sold: str, length: int = SHORT) -> str:
    """The number of the order of a session or bill: letters A to Z and digits 2 to 7, behind the prefix."""
    digest = hashlib.sha256(sold.encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:length]


def owner_of(details: SessionDetails, user: str = "") -> str:
    """Whose order it is: the user's id, else the e-mail address in small letters, else the customer's id at Stripe."""
    known = details.user or user
    if known:
        return known
    email = (details.customer.email if details.customer is not None else None) or ""
    return email.strip().lower() or details.customer_id or ""


def order_lines(
    total: Money | None,
    lines: Sequence[SessionLine],
    prices: Sequence[Price | None],
    *,
    beside: int | None = None,
) -> Lines:
    """The order's lines, which come to the total; `prices` has for each line our price of it, where we have one.

    `beside` is what of the total is known to be in no line; None: whatever is left, as a session does not say.
    """
    made: list[OrderLine] = []
    unclear: list[str] = []
    rates: set[Decimal] = set()
    for line, price in zip(lines, prices, strict=True):
        rate = vat_percent(line, price)
        if rate is None:
            unclear.append(f"the VAT of {line.name} is not known")
        else:
            rates.add(rate)
        made.append(_order_line(line, rate or Decimal(0)))
    rest = (total.minor if total is not None else 0) - sum(line.total for line in lines)
    if beside is not None and rest != beside:
        unclear.append("its lines do not come to its total")
    if rest and total is not None:
        rate = next(iter(rates)) if len(rates) == 1 else Decimal(0)
        if rest < 0:
            unclear.append("less was paid than the lines come to")
        elif len(rates) > 1:
            unclear.append("the VAT of what was paid beside the lines is not known")
        amount = Money(rest, total.currency).to_decimal()
        name = "Shipping" if rest > 0 else "Deduction"
        made.append(OrderLine(REST, REST, name, Decimal(1), amount, rate))
    return Lines(tuple(made), "; ".join(dict.fromkeys(unclear)))


def _order_line(line: SessionLine, rate: Decimal) -> OrderLine:
    """A line whose quantity times price is its total. Where that does not divide, it is one of several pieces."""
    total = Money.from_wire(line.total, line.currency)
    each, left = divmod(total.minor, line.quantity) if line.quantity > 0 else (0, 1)
    fits = left == 0 and each % smallest(total.currency) == 0
    return OrderLine(
        key=line.id,
        id=line.lookup_key or line.product_id or line.price_id or line.id,
        name=line.name if fits or line.quantity <= 1 else f"{line.quantity} x {line.name}",
        quantity=Decimal(line.quantity if fits else 1),
        unit_price=Money(each if fits else total.minor, total.currency).to_decimal(),
        vat_percent=rate,
    )


def vat_percent(line: SessionLine, price: Price | None) -> Decimal | None:
    """The rate of the VAT that is in the line's total: as our price says where Stripe's tax agrees, else as Stripe's tax
    tells. None if neither tells, or the two contradict each other. A line that cost nothing has none."""
    if not line.total:
        return Decimal(0)
    net = line.total - line.tax
    if price is None or price.tax_percent is None:
        return _rate_of(net, line.tax) if line.tax else None
    if line.tax:
        agrees = abs(Fraction(price.tax_percent) * net / 100 - line.tax) <= 1
        return price.tax_percent if agrees else None
    # Nothing came on top at Stripe: then a tax that our price does not include was never paid.
    return price.tax_percent if price.tax_included or not price.tax_percent else None


def _rate_of(net: int, tax: int) -> Decimal | None:
    """The whole percentage that makes this tax of this net amount, if there is exactly one; of a credit likewise."""
    if net < 0:
        net, tax = -net, -tax
    if not net or tax < 0:
        return None
    near = half_up(Fraction(100 * tax, net))
    fitting = [
        rate
        for rate in range(max(0, near - 2), min(100, near + 2) + 1)
        if half_up(Fraction(net * rate, 100)) == tax
    ]
    return Decimal(fitting[0]) if len(fitting) == 1 else None
