"""Money: a whole number of minor units and a currency. Never a float, never a rounding that was not asked for.

The minor unit is the one in which payment providers count. Which currencies have none or three decimals is taken
from https://docs.stripe.com/currencies, not from ISO 4217 or CLDR, which disagree with it: ISK and UGX have no minor
unit in life but two decimals on the wire (5 ISK is 500), HUF and TWD have two decimals for charges, MGA has none.
A currency that is not in the table is refused: a wrong guess would be wrong by a factor of a hundred.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Final, Self

import msgspec

from onpaid.domain.decimals import PRECISION, exact_decimal
from onpaid.errors import InvalidInput

LIMIT: Final = 10**15
"""Amounts stay below this many minor units."""

_ZERO_TEXT: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_TWO_TEXT: Final = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC
    CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR JMD KES KGS
    KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
    PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SZL THB TJS TOP TRY TTD TWD TZS UAH
    USD UYU UZS WST XCD XCG YER ZAR ZMW
"""
_THREE_TEXT: Final = "BHD JOD KWD OMR TND"
_WHOLE_ONLY: Final = frozenset(("ISK", "UGX"))
_EXPONENT: Final[dict[str, int]] = {
    **dict.fromkeys(_ZERO_TEXT.split(), 0),
    **dict.fromkeys([*_TWO_TEXT.split(), *_WHOLE_ONLY], 2),
    **dict.fromkeys(_THREE_TEXT.split(), 3),
}


def known_currency(code: str) -> bool:
    """Whether `code` is an upper-case currency code whose minor unit we know."""
    return code in _EXPONENT


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has on the wire."""
    try:
        return _EXPONENT[currency]
    except KeyError:
        raise InvalidInput(f"{currency!r} is not a currency code we know (upper case, such as NOK)") from None


def smallest(currency: str) -> int:
    """The smallest amount that exists in the currency, in minor units: 1, but 100 for ISK and UGX."""
    exponent(currency)
    return 100 if currency in _WHOLE_ONLY else 1


def smallest_charge(currency: str) -> int:
    """Charges are multiples of this many minor units: as `smallest`, but 10 for three-decimal currencies."""
    return 10 if exponent(currency) == 3 else smallest(currency)


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in one currency. Equal only to the same amount in the same currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, never {type(self.minor).__name__}")
        if self.currency not in _EXPONENT:
            exponent(self.currency)  # raises, naming it
        if not -LIMIT < self.minor < LIMIT:
            raise InvalidInput(f"an amount in {self.currency} is beyond {LIMIT:,} minor units")

    @classmethod
    def parse(cls, amount: Decimal | str | int, currency: str) -> Self:
        """Exactly `amount` major units. A remainder below the smallest amount is an error, never rounded away."""
        places, step = exponent(currency), smallest(currency)
        number = exact_decimal(amount, f"the amount in {currency}")
        with localcontext() as context:
            context.prec = PRECISION
            minor = number.scaleb(places)
            whole = int(minor)
            if minor != whole or whole % step:
                raise InvalidInput(
                    f"{number} {currency} is not a whole number of the smallest amount in {currency} "
                    f"({Decimal(step).scaleb(-places)})"
                )
        return cls(whole, currency)

    @classmethod
    def from_wire(cls, minor: int, currency: str) -> Self:
        """As payment providers send it: minor units and a currency code in either case."""
        return cls(minor, currency.upper())

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in that currency."""
        return cls(0, currency)

    def to_decimal(self) -> Decimal:
        """In major units, with as many decimals as the wire has."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def format(self) -> str:
        """For people: `NOK 1,338.00`, `JPY 1,338`."""
        places = exponent(self.currency)
        if self.minor % smallest(self.currency) == 0 and smallest(self.currency) > 1:
            places = 0
        return f"{self.currency} {self.to_decimal():,.{places}f}"

    def __str__(self) -> str:
        return self.format()

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other, "add"), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other, "subtract"), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other, "compare")

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other, "compare")

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other, "compare")

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other, "compare")

    def _same(self, other: Money, what: str) -> int:
        if self.currency != other.currency:
            raise ValueError(
                f"cannot {what} {self.currency} and {other.currency}: they are different currencies"
            )
        return other.minor
