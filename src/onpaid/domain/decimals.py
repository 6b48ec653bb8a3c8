"""Decimals out of other people's JSON, exactly as they were written.

A number in a webhook may be `129`, `129.00`, `1.29e2`, `"129.00"` or an attack: `NaN`, `1e999999999` (cheap to send,
gigabytes to add up) or ten thousand digits. Text is checked before Decimal sees it, and what comes out is a finite
number of at most MAX_WHOLE digits before the point and MAX_PLACES behind it. A float is never accepted: by the time
there is one, the digits are gone.
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext

from onpaid.errors import InvalidInput

MAX_TEXT = 64
MAX_WHOLE = 15
MAX_PLACES = 18
"""Enough for what floating point leaves behind in a shop that reckons with it (0.30000000000000004)."""
PRECISION = 80
"""Enough for the product of a quantity, a price and a rate without any rounding."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


def exact_decimal(value: Decimal | str | int, what: str = "the number") -> Decimal:
    """The number as a bounded Decimal, without an exponent. `what` names it in the error."""
    if isinstance(value, (bool, float)) or not isinstance(value, (Decimal, str, int)):
        raise TypeError(f"{what} must be text, an int or a Decimal, never {type(value).__name__}")
    if isinstance(value, str):
        if len(value) > MAX_TEXT or not _NUMBER.fullmatch(value):
            raise InvalidInput(f"{what} is not a plain decimal number: {value[:40]!r}")
        value = Decimal(value)
    elif isinstance(value, int):
        # Compared before it becomes text: a huge int is slow to write out.
        if abs(value) >= 10**MAX_WHOLE:
            raise InvalidInput(f"{what} has more than {MAX_WHOLE} digits before the decimal point")
        return Decimal(value)
    return _bounded(value, what)


def _bounded(number: Decimal, what: str) -> Decimal:
    if not number.is_finite():
        raise InvalidInput(f"{what} is not a finite number: {number}")
    if not number:
        return Decimal(0)
    if number.adjusted() >= MAX_WHOLE:
        raise InvalidInput(f"{what} has more than {MAX_WHOLE} digits before the decimal point")
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  # finite: not one of the letters
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if -(exponent + trailing) > MAX_PLACES:
        raise InvalidInput(f"{what} has more than {MAX_PLACES} digits behind the decimal point")
    with localcontext() as context:
        context.prec = PRECISION
        places = min(max(-exponent, 0), MAX_PLACES)
        return number.quantize(Decimal((0, (1,), -places)))


def plain(number: Decimal) -> str:
    """As people write it: no exponent, no zeros at the end. `1.50` is 1.5, `2E+1` is 20."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
