"""Products from a file: CSV with a header, or a JSON list of objects with the same names.

    id, name, price, currency, tax_percent, sku, hsn, seller, digital, active, length, breadth, height, weight, stock

`price` is in major units and includes tax; lengths are centimetres, weight kilograms; `id`, `name` and `price` are needed.
The whole file is read before anything is kept, and the first wrong line is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from onpaid.app.rows_file import flag_of, read_rows, text_of
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


def read_products(text: str, *, currency: str = "INR") -> list[tuple[Product, int | None]]:
    """Each product with its stock (None: not told). Raises InvalidInput, naming the line."""
    rows = read_rows(text, NAMES, "product")
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


def _product(row: Mapping[str, Any], currency: str) -> tuple[Product, int | None]:
    def text(name: str, longest: int = 200) -> str:
        return text_of(row, name, longest)

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
        digital=flag_of(text("digital"), "digital", default=False),
        active=flag_of(text("active"), "active", default=True),
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
