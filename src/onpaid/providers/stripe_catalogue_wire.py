"""The shapes in which Stripe's products and prices arrive, and what they mean to us.

A price that bears our name and has no whole amount was made by hand, with tiers or fractions: it is refused, since
what it costs cannot be said in one figure.
"""

from __future__ import annotations

import msgspec

from onpaid.domain.prices import Interval, Price, PriceRef, ProductRef, Recurring
from onpaid.errors import Refused
from onpaid.providers.stripe_wire import Link, linked, money_of

NAME = "onpaid_price"
"""The metadata's key under which a price keeps our name for it, also when a newer one has taken the name over."""


class ProductTold(msgspec.Struct):
    """A product."""

    id: str
    name: str
    active: bool

    def ref(self) -> ProductRef:
        """As it is kept."""
        return ProductRef(self.id, self.name, self.active)


class RecurringTold(msgspec.Struct):
    """How often a price is due."""

    interval: Interval
    interval_count: int = 1


class PriceTold(msgspec.Struct):
    """A price. `unit_amount` is null where it has tiers or fractions of a minor unit."""

    id: str
    active: bool
    currency: str
    product: Link
    unit_amount: int | None = None
    recurring: RecurringTold | None = None
    lookup_key: str | None = None
    tax_behavior: str | None = None
    metadata: dict[str, str] = {}

    def bears(self, name: str) -> bool:
        """Whether the price is filed under this name of ours, or was until another took the name over."""
        return name in (self.lookup_key, self.metadata.get(NAME))

    def ref(self) -> PriceRef:
        """As it is kept. Refused if it has no whole amount: it was not made by us."""
        if self.unit_amount is None:
            raise Refused(
                f"Stripe: the price {self.id} bears a name of ours and has no single amount. Archive it there"
            )
        often = self.recurring
        return PriceRef(
            price_id=self.id,
            product_id=linked(self.product) or "",
            amount=money_of(self.unit_amount, self.currency, self.id),
            recurring=Recurring(often.interval, often.interval_count) if often else None,
            lookup_key=self.lookup_key or "",
            active=self.active,
            tax_behavior=self.tax_behavior or "unspecified",
        )

    def sells(self, price: Price) -> bool:
        """Whether this is what our price says now, so that it need not be made again."""
        return self.unit_amount is not None and self.ref().sells(price)
