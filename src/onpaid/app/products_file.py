"""Products from a file: CSV with a header, or a JSON list of objects with the same names.

    id, name, price, currency, tax_percent, sku, hsn, seller, digital, active, length, breadth, height, weight, stock

`price` is in major units and includes tax; lengths are centimetres, weight kilograms; `id`, `name` and `price` are needed.
The whole file is read before anything is kept, and the first wrong line is named.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from onpaid.domain.decimals import exact_decimal
from onpaid.domain.money import Money
from onpaid.domain.products import Dimensions, Product
from onpaid.errors import InvalidInput

NAMES: Final = (
    "id",
    "name",
    "price",
    "currency",
    "tax_percent",
    "sku",
    "hsn",
    "seller",
    "digital",
    "active",
    "length",
    "breadth",
    "height",
    "weight",
    "stock",
)
MOST_PRODUCTS: Final = 100_000
_YES: Final = frozenset({"true", "yes", "1", "y"})
_NO: Final = frozenset({"false", "no", "0", "n", ""})


def read_products(text: str, *, currency: str = "INR") -> list[tuple[Product, int | None]]:
    """Each product with its stock (None: not told). Raises InvalidInput, naming the line."""
    text = text.removeprefix("\ufeff")
    rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)
    if not rows:
        raise InvalidInput("the file holds no products")
    if len(rows) > MOST_PRODUCTS:
        raise InvalidInput(f"a file holds at most {MOST_PRODUCTS} products")
    found: list[tuple[Product, int | None]] = []
    seen: set[str] = set()
    for place, row in rows:
        try:
            product, stock = _product(row, currency)
        except InvalidInput as bad:
            raise InvalidInput(f"{place}: {bad}") from None
        if product.id in seen:
            raise InvalidInput(f"{place}: the product {product.id} is there twice")
        seen.add(product.id)
        found.append((product, stock))
    return found


def _csv_rows(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _known(reader.fieldnames or [])
        rows = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as bad:
        raise InvalidInput(f"line {reader.line_num}: this is no CSV: {bad}") from None
    for place, row in rows:
        if None in row or any(value is None for value in row.values()):
            raise InvalidInput(f"{place}: it has another number of fields than the header")
    return [(place, dict(row)) for place, row in rows]


def _json_rows(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        told = json.loads(text, parse_float=Decimal, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as bad:
        raise InvalidInput(f"this is no JSON: {bad}"[:200]) from None
    items = told.get("products") if isinstance(told, dict) else told
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidInput(
            "the file must be a JSON list of objects, or an object with such a list as `products`"
        )
    for item in items:
        _known(list(item))
    return [(f"product {nth}", item) for nth, item in enumerate(items, 1)]


def _known(names: Sequence[str]) -> None:
    unknown = [str(name) for name in names if name not in NAMES]
    if unknown:
        raise InvalidInput(f"unknown: {', '.join(unknown)[:200]}. Known: {', '.join(NAMES)}")
    if len(set(names)) != len(names):
        raise InvalidInput("a column is there twice")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return dict(pairs)


def _product(row: Mapping[str, Any], currency: str) -> tuple[Product, int | None]:
    def text(name: str, longest: int = 200) -> str:
        value = row.get(name)
        if isinstance(value, list | dict):
            raise InvalidInput(f"{name} must be a text, a number, true or false")
        told = "" if value is None else " ".join(str(value).split())
        if len(told) > longest or not told.isprintable():
            raise InvalidInput(f"{name} is too long, or holds an invisible character")
        return told

    ident, name, price = text("id", 64), text("name"), text("price")
    if not ident or not name or not price:
        raise InvalidInput("id, name and price are needed")
    money = Money.parse(price, text("currency") or currency)
    if money.minor <= 0:
        raise InvalidInput("the price must be more than nothing")
    stock = text("stock")
    if stock and not (stock.isascii() and stock.isdigit() and len(stock) < 9):
        raise InvalidInput("stock is a whole number, 0 or more")
    product = Product(
        id=ident,
        name=name,
        price=money,
        tax_percent=_decimal(text("tax_percent") or "0", "tax_percent", most=100),
        sku=text("sku", 64),
        hsn=text("hsn", 16),
        seller=text("seller", 64),
        digital=_flag(text("digital"), "digital", default=False),
        active=_flag(text("active"), "active", default=True),
        packed=_packed(text("length"), text("breadth"), text("height"), text("weight")),
    )
    return product, int(stock) if stock else None


def _packed(length: str, breadth: str, height: str, weight: str) -> Dimensions | None:
    given = (length, breadth, height, weight)
    if not any(given):
        return None
    if not all(given):
        raise InvalidInput("length, breadth, height and weight are told together, or not at all")
    packed = Dimensions(
        length=_decimal(length, "length", most=500),
        breadth=_decimal(breadth, "breadth", most=500),
        height=_decimal(height, "height", most=500),
        weight=_decimal(weight, "weight", most=1000),
    )
    if min(packed.length, packed.breadth, packed.height) <= Decimal("0.5") or packed.weight <= 0:
        raise InvalidInput("a side has more than 0.5 cm, and a product weighs something")
    return packed


def _decimal(text: str, what: str, *, most: int) -> Decimal:
    number = exact_decimal(text, what)
    if not 0 <= number <= most:
        raise InvalidInput(f"{what} must be from 0 to {most}")
    return number


def _flag(text: str, what: str, *, default: bool) -> bool:
    word = text.lower()
    if not word:
        return default
    if word not in _YES and word not in _NO:
        raise InvalidInput(f"{what} is true or false")
    return word in _YES
