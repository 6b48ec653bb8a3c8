"""Prices as operators see them: what they say here, and what they are called at Stripe."""

from __future__ import annotations

import msgspec

from onpaid.domain.decimals import plain
from onpaid.domain.money import Money
from onpaid.domain.prices import Price, PriceFiled
from onpaid.repositories.prices import Prices


class AtStripe(msgspec.Struct, frozen=True):
    """What a price was filed as. `fits` says whether that is what the price says now."""

    product: str
    price: str
    version: int
    fits: bool
    archived: list[str]


class PriceShown(msgspec.Struct, frozen=True):
    """One price. `every` is how often it is due (`month`, `3 months`), empty for what is bought once."""

    id: str
    product: str
    product_name: str
    amount: Money
    every: str
    tax_percent: str | None
    tax_included: bool
    active: bool
    stripe: AtStripe | None


class PriceList(msgspec.Struct, frozen=True):
    """One page of prices, by id."""

    items: list[PriceShown]
    cursor: str | None


async def price_list(prices: Prices, after: str | None, limit: int) -> PriceList:
    """One page of prices, by id."""
    page = await prices.listed(after=after, limit=limit)
    filed = await prices.filed_many([price.id for price in page.items])
    shown = [price_shown(price, each) for price, each in zip(page.items, filed, strict=True)]
    return PriceList(shown, page.cursor)


def price_shown(price: Price, filed: PriceFiled | None) -> PriceShown:
    """One price, and what it is called at Stripe."""
    stripe = None
    if filed is not None:
        stripe = AtStripe(
            filed.stripe_product,
            filed.stripe_price,
            filed.version,
            filed.fits(price),
            list(filed.archived),
        )
    return PriceShown(
        id=price.id,
        product=price.product,
        product_name=price.product_name,
        amount=price.amount,
        every=every(price),
        tax_percent=None if price.tax_percent is None else plain(price.tax_percent),
        tax_included=price.tax_included,
        active=price.active,
        stripe=stripe,
    )


def every(price: Price) -> str:
    """How often a price is due, in words."""
    if price.recurring is None:
        return ""
    count, interval = price.recurring.count, price.recurring.interval
    return interval if count == 1 else f"{count} {interval}s"
