"""What is sold: products, who sells them, and how many are left.

Prices come from here and never from a browser. A product's stock is a record of its own, so that a change of its
price and a sale never get in each other's way.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from onpaid.domain.money import Money


class Dimensions(msgspec.Struct, frozen=True):
    """One packed unit: centimetres and kilograms."""

    length: Decimal
    breadth: Decimal
    height: Decimal
    weight: Decimal


class Product(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product. `price` includes tax; `tax_percent` is 18 for 18 %; digital goods need no parcel.

    `sku` is unique within an order at the courier service; by default it is the product's id.
    """

    id: str
    name: str
    price: Money
    tax_percent: Decimal = Decimal(0)
    sku: str = ""
    hsn: str = ""
    seller: str = ""
    digital: bool = False
    active: bool = True
    packed: Dimensions | None = None

    @property
    def code(self) -> str:
        """What the courier service calls the product."""
        return self.sku or self.id


class Stock(msgspec.Struct, frozen=True):
    """How many units of a product are left. Never below zero."""

    product: str
    left: int


class Seller(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who sells. `units` and `sales` (minor units by currency) count what was sold and paid, each order once."""

    id: str
    name: str = ""
    units: int = 0
    sales: dict[str, int] = {}


class Moved(msgspec.Struct, frozen=True):
    """Units of one product that an order took; `short` is how many of them were not there (shipped anyway)."""

    product: str
    units: int
    short: int = 0


class StockMovement(msgspec.Struct, frozen=True):
    """What one order took from stock: kept once for each order, for ever."""

    order: str
    at: int
    moved: tuple[Moved, ...]
