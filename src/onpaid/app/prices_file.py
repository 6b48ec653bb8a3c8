"""Prices from a file: CSV with a header, or a JSON list of objects with the same names.

    id, product, product_name, amount, currency, interval, interval_count, tax_percent, tax_included, active

`amount` is in major units (`499.00`), `interval` is day, week, month or year, and empty for what is bought once. `id` is
the price's name here and at Stripe, `product` the product's. The whole file is read before anything is kept, and every
row that is wrong is named.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, get_args

from onpaid.app.rows_file import Row, flag_of, read_rows, text_of
from onpaid.domain.decimals import exact_decimal
from onpaid.domain.money import Money, smallest_charge
from onpaid.domain.prices import Interval, Price, Recurring
from onpaid.errors import InvalidInput

NAMES: Final = (
    "id",
    "product",
    "product_name",
    "amount",
    "currency",
    "interval",
    "interval_count",
    "tax_percent",
    "tax_included",
    "active",
)
MOST_PRICES: Final = 10_000
MOST_NAMED: Final = 20
"""Wrong rows that are named; of the others only how many there are."""
LONGEST: Final[dict[str, int]] = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""At most three years pass between two payments: Stripe takes no more."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", re.ASCII)
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
"""It is part of addresses at Stripe."""


def read_prices(text: str) -> list[Price]:
    """The prices of a file. Raises InvalidInput, naming every row that is wrong."""
    rows = read_rows(text, NAMES, "price")
    if len(rows) > MOST_PRICES:
        raise InvalidInput(f"a file holds at most {MOST_PRICES} prices")
    prices: list[Price] = []
    wrong: list[str] = []
    seen: set[str] = set()
    products: dict[str, str] = {}
    for place, row in rows:
        try:
            price = _price(row)
            if price.id in seen:
                raise InvalidInput(f"the price {price.id} is there twice")
            if products.setdefault(price.product, price.product_name) != price.product_name:
                raise InvalidInput(f"the product {price.product} has another name in an earlier row")
        except InvalidInput as bad:
            wrong.append(f"{place}: {bad}")
            continue
        seen.add(price.id)
        prices.append(price)
    if wrong:
        more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        raise InvalidInput("; ".join(wrong[:MOST_NAMED]) + more)
    return prices


def _price(row: Row) -> Price:
    ident, product, name = text_of(row, "id"), text_of(row, "product"), text_of(row, "product_name")
    amount, currency = text_of(row, "amount"), text_of(row, "currency").upper()
    if not (ident and product and name and amount and currency):
        raise InvalidInput("id, product, product_name, amount and currency are needed")
    if not _ID.fullmatch(ident):
        raise InvalidInput("id has up to 100 letters, digits and _ . : -, and begins with a letter or digit")
    if not _PRODUCT.fullmatch(product):
        raise InvalidInput("product has up to 100 letters, digits and _ -, and begins with a letter or digit")
    money = Money.parse(amount, currency)
    if money.minor < 0 or money.minor % smallest_charge(currency):
        raise InvalidInput(f"{amount} {currency} is no amount that can be charged")
    percent = text_of(row, "tax_percent")
    return Price(
        id=ident,
        product=product,
        product_name=name,
        amount=money,
        recurring=_recurring(text_of(row, "interval").lower(), text_of(row, "interval_count")),
        active=flag_of(text_of(row, "active"), "active", default=True),
        tax_percent=_percent(percent) if percent else None,
        tax_included=flag_of(text_of(row, "tax_included"), "tax_included", default=True),
    )


def _recurring(interval: str, count: str) -> Recurring | None:
    if not interval:
        if count not in ("", "0", "1"):
            raise InvalidInput("interval_count is told together with interval")
        return None
    each: Interval
    for each in get_args(Interval):
        if each == interval:
            number = count or "1"
            whole = number.isascii() and number.isdigit() and len(number) < 6
            if not whole or not 1 <= int(number) <= LONGEST[each]:
                raise InvalidInput(f"interval_count is a whole number from 1 to {LONGEST[each]} for {each}")
            return Recurring(each, int(number))
    raise InvalidInput("interval is day, week, month or year, or empty for what is bought once")


def _percent(text: str) -> Decimal:
    number = exact_decimal(text, "tax_percent")
    if not 0 <= number <= 100:
        raise InvalidInput("tax_percent must be from 0 to 100")
    return number
