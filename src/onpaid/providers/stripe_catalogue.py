"""Our products and prices at Stripe: made there under our own names, found again by them, and archived.

A product has our id at Stripe too, for ever; a price there is known by our name as its `lookup_key`, which moves to
the newer price in the moment that it is made. The one that lost the name still bears it in its metadata.
"""

from __future__ import annotations

from typing import Any

from onpaid.acts import Absent, Finding, Found, Unsure, act
from onpaid.domain.prices import Price, PriceRef, ProductRef
from onpaid.errors import Refused, Unauthorised
from onpaid.providers import stripe_catalogue_wire as wire
from onpaid.providers.stripe_sdk import KEY_LIFE, TIMEOUT, StripeSdk, checked


class StripeCatalogue:
    """The part of a Till that knows products and prices."""

    def __init__(self, sdk: StripeSdk) -> None:
        self.sdk = sdk

    @act(lane="stripe", timeout=TIMEOUT, look_first=True)
    async def create_product(self, price: Price) -> ProductRef:
        """The price's product under our own id, which Stripe takes once: whoever comes second takes what is there.

        Which code a second one is refused with is not documented, so after any refusal it is asked for.
        """
        product = checked(price.product)
        made = self.sdk.v1.products.create_async({"id": product, "name": price.product_name})
        try:
            return (await self.sdk.ask(made, wire.ProductTold)).ref()
        except Unauthorised:
            raise
        except Refused:
            there = await self._product(product)
            if there is None:
                raise
            return there.ref()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def find_product(self, price: Price) -> Finding[ProductRef]:
        """The product under our own id, whatever it is called there."""
        there = await self._product(checked(price.product))
        return Absent() if there is None else Found(there.ref())

    @act(lane="stripe", timeout=TIMEOUT, key_life=KEY_LIFE, look_first=True)
    async def create_price(self, price: Price) -> PriceRef:
        """A price under our name; the name is taken over from the price that had it, in one act."""
        asked: dict[str, Any] = {
            "product": checked(price.product),
            "currency": price.amount.currency.lower(),
            "unit_amount": price.amount.minor,
            "lookup_key": price.id,
            "transfer_lookup_key": True,
            "tax_behavior": _tax_behavior(price),
            "metadata": {wire.NAME: price.id},
        }
        if price.recurring is not None:
            asked["recurring"] = {
                "interval": price.recurring.interval,
                "interval_count": price.recurring.count,
            }
        made = self.sdk.v1.prices.create_async(asked, self.sdk.keyed())  # type: ignore[arg-type]
        return (await self.sdk.ask(made, wire.PriceTold)).ref()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def find_price(self, price: Price) -> Finding[PriceRef]:
        """The active price under our name, if it is what ours says: another one there is the one before it."""
        there = [each for each in await self._under_name(price) if each.lookup_key == price.id]
        if len(there) > 1:
            return Unsure(f"Stripe has {len(there)} prices under the name {price.id}", final=True)
        fitting = [each for each in there if each.sells(price)]
        return Found(fitting[0].ref()) if fitting else Absent()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def prices_of(self, price: Price) -> list[PriceRef]:
        """Every active price of the product that bears, or bore, our name; and the one that bears it, whosever it is."""
        ours: dict[str, wire.PriceTold] = {}
        if await self._product(checked(price.product)) is not None:
            params = {"product": price.product, "active": True}
            there, whole = await self.sdk.listed(self.sdk.v1.prices.list_async, params, wire.PriceTold)
            if not whole:
                raise Refused(
                    f"Stripe: {price.product} has too many active prices to be listed. Archive some"
                )
            ours = {each.id: each for each in there if each.bears(price.id)}
        ours |= {each.id: each for each in await self._under_name(price)}
        return [each.ref() for each in ours.values()]

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def archive_price(self, price_id: str) -> PriceRef:
        """Sell no more at this price. What was bought at it goes on; a session that is open may still be paid."""
        asked = self.sdk.v1.prices.update_async(checked(price_id), {"active": False})
        return (await self.sdk.ask(asked, wire.PriceTold)).ref()

    async def _product(self, product_id: str) -> wire.ProductTold | None:
        asked = self.sdk.v1.products.retrieve_async(product_id)
        return await self.sdk.ask_if_there(asked, wire.ProductTold)

    async def _under_name(self, price: Price) -> list[wire.PriceTold]:
        params = {"lookup_keys": [price.id], "active": True}
        return (await self.sdk.page(self.sdk.v1.prices.list_async, params, wire.PriceTold))[0]


def _tax_behavior(price: Price) -> str:
    return "inclusive" if price.tax_included else "exclusive"
