"""What is sold at Stripe: the prices of our products, one-off or recurring.

A price is ours and never changes at Stripe: another amount is another price there, under the same name of ours.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money

Interval = Literal["day", "week", "month", "year"]


class Recurring(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often a recurring price is due: every `count` intervals."""

    interval: Interval
    count: int = 1


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """One price of one of our products. `id` is ours and is its `lookup_key` at Stripe; `recurring` None is one-off.

    `tax_percent` is 25 for 25 %: the VAT that is in it or comes on top (`tax_included`), for the invoice.
    """

    id: str
    product: str
    product_name: str
    amount: Money
    recurring: Recurring | None = None
    active: bool = True
    tax_percent: Decimal | None = None
    tax_included: bool = True

    def sold_alike(self, other: Price) -> bool:
        """Whether both are the same at Stripe. The VAT rate and the product's name are not part of a price there."""
        return (self.product, self.amount, self.recurring, self.tax_included, self.active) == (
            other.product,
            other.amount,
            other.recurring,
            other.tax_included,
            other.active,
        )


class PriceFiled(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a price of ours is called at Stripe, and what was filed there: who changes a price files it anew.

    `version` counts what was filed under this price's name; `archived` are Stripe's ids of those before. A price that
    is sold no more is filed as not `active`, with no `stripe_price`.
    """

    price: str
    amount: Money
    stripe_price: str
    stripe_product: str
    recurring: Recurring | None = None
    tax_included: bool = True
    product_name: str = ""
    version: int = 1
    archived: tuple[str, ...] = ()
    active: bool = True

    def fits(self, price: Price) -> bool:
        """Whether what was filed is what the price says now."""
        return (self.stripe_product, self.amount, self.recurring, self.tax_included, self.active) == (
            price.product,
            price.amount,
            price.recurring,
            price.tax_included,
            price.active,
        )


class PriceWanted(msgspec.Struct, frozen=True):
    """A price is to be at Stripe: the fact that starts `file_price`, once for each version of it."""

    price: Price
    version: int


class PriceUnwanted(msgspec.Struct, frozen=True):
    """A price at Stripe is to be sold no more, because another took its place: starts `archive_price`."""

    stripe_price: str
    price: str
    at: Instant


class ProductRef(msgspec.Struct, frozen=True):
    """A product at Stripe."""

    product_id: str
    name: str
    active: bool = True


class PriceRef(msgspec.Struct, frozen=True):
    """A price at Stripe."""

    price_id: str
    product_id: str
    amount: Money
    recurring: Recurring | None = None
    lookup_key: str = ""
    active: bool = True
    tax_behavior: str = "unspecified"

    def sells(self, price: Price) -> bool:
        """Whether this is what our price says now, under our name."""
        behavior = "inclusive" if price.tax_included else "exclusive"
        return (
            self.active
            and self.lookup_key == price.id
            and self.product_id == price.product
            and self.amount == price.amount
            and self.recurring == price.recurring
            and self.tax_behavior in (behavior, "unspecified")
        )
