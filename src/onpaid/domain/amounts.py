"""What order lines come to, VAT included, and which payments that sum can explain.

A shop's prices times its quantities need not be whole minor units. Shops round the sum, or each line and add up; so
a payment fits if it is the exact sum rounded half-up or half-even, or the sum of the lines rounded one by one.
Nothing else fits: there is no tolerance. Sums are exact fractions until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from onpaid.domain.decimals import plain
from onpaid.domain.money import LIMIT, Money, exponent, smallest, smallest_charge
from onpaid.domain.orders import OrderLine
from onpaid.errors import Problem

PRICES_SETTING = "KONVERZKY_PRICES_INCLUDE_VAT"

_SCALE = (1, 10, 100, 1000)


class Gross(msgspec.Struct, frozen=True):
    """The gross sum of some lines in minor units: exact, and as the sum of the rounded lines."""

    exact: Fraction
    rounded: int
    currency: str

    def fits(self, captured: int) -> bool:
        """Whether a payment of that many minor units can be for exactly these lines."""
        window = exact_window(captured, self.currency)
        return self.rounded == captured or (window is not None and window.holds(self.exact))

    def shown(self) -> str:
        """The sum for people."""
        return Money(half_up(self.exact, smallest(self.currency)), self.currency).format()


class Window(msgspec.Struct, frozen=True):
    """The exact sums that are rounded to one amount; `high` is one of them only if `closed`."""

    low: Fraction
    high: Fraction
    closed: bool

    def holds(self, exact: Fraction) -> bool:
        """Whether the sum is one of them."""
        return self.low <= exact < self.high or (self.closed and exact == self.high)


def exact_window(captured: int, currency: str) -> Window | None:
    """The exact sums that come to `captured` when rounded half-up or half-even to what can be charged.

    A sum half a step below is rounded up to it; one half a step above is rounded down to it by half-even, if the
    amount is an even number of steps. None if nothing is rounded to this amount: nothing was paid, or 1.50 ISK.
    """
    steps = [step for step in (smallest_charge(currency), smallest(currency)) if captured % step == 0]
    if not steps or captured <= 0:
        return None
    half = Fraction(steps[0], 2)
    return Window(captured - half, captured + half, captured // steps[0] % 2 == 0)


def half_up(amount: Fraction, step: int = 1) -> int:
    """The nearest multiple of `step`; half a step goes away from zero."""
    whole = (2 * abs(amount) + step) // (2 * step) * step
    return whole if amount >= 0 else -whole


def line_gross(line: OrderLine, prices_include_vat: bool, currency: str) -> Fraction:
    """Exactly what the line costs with VAT, in minor units of the currency."""
    if line.quantity <= 0:
        raise _odd(line, "quantity", line.quantity, "the quantity is not above zero")
    if not 0 <= line.vat_percent <= 100:
        raise _odd(line, "vat_percent", line.vat_percent, "the VAT is not between 0 and 100 percent")
    priced = Fraction(line.quantity) * Fraction(line.unit_price) * _SCALE[exponent(currency)]
    if not prices_include_vat:
        priced *= 1 + Fraction(line.vat_percent) / 100
    if abs(priced) >= LIMIT:
        raise _odd(line, "unit_price", line.unit_price, "quantity times price is beyond any payment")
    return priced


def rounded_gross(line: OrderLine, prices_include_vat: bool, currency: str) -> int:
    """What the line costs with VAT, as an amount that exists in the currency."""
    return half_up(line_gross(line, prices_include_vat, currency), smallest(currency))


def gross_of(lines: Sequence[OrderLine], prices_include_vat: bool, currency: str) -> Gross:
    """What the lines come to together."""
    each = [line_gross(line, prices_include_vat, currency) for line in lines]
    exact, step = sum(each, Fraction(0)), smallest(currency)
    if abs(exact) >= LIMIT - smallest_charge(currency):
        raise Problem("the order comes to more than any payment can be", category="invoice")
    return Gross(exact, sum(half_up(one, step) for one in each), currency)


def how_prices_read(prices_include_vat: bool | None) -> bool:
    """Whether prices include VAT. Not knowing is a Problem: a guess would be wrong by the whole VAT."""
    if prices_include_vat is None:
        raise Problem(
            f"it is not known whether the shop's prices include VAT: set {PRICES_SETTING} to true or false, then retry",
            category="invoice",
            facts={"setting": PRICES_SETTING},
        )
    return prices_include_vat


def agree_on_currency(order_currency: str | None, captured: Money) -> str:
    """The currency of both. An order that names none has its payment's; two different ones are a Problem."""
    if order_currency is not None and order_currency.upper() != captured.currency:
        raise Problem(
            f"the order is in {order_currency.upper()}, but {captured.currency} were paid",
            category="invoice",
            facts={"order_currency": order_currency.upper(), "paid": captured.format()},
        )
    return captured.currency


def _odd(line: OrderLine, field: str, value: Decimal, why: str) -> Problem:
    return Problem(
        f"the order has a line that cannot be invoiced: {why}",
        category="invoice",
        facts={"line": f"{line.name} ({line.key})", field: plain(value)},
    )
