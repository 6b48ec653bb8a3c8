"""A price of ours is filed at Stripe, once for each version of it, however many ask for it at once.

Product and price are made or found under our own names; what was sold under the same name before is archived by runs
of their own. Versions take turns. One that was overtaken while it waited does nothing and answers with the later one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from onpaid.clock import as_instant
from onpaid.domain.prices import PriceFiled, PriceWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.providers.roles_billing import Till
from onpaid.repositories.prices import Prices

TURN: Final = timedelta(minutes=5)
"""For so long a version waits for the one before it. That one may be stuck for days, and a customer wants to pay."""
LOOK: Final = timedelta(minutes=1)


@flow(
    on=PriceWanted,
    key=lambda wanted: f"{wanted.price.id}#{wanted.version}",
    about=lambda wanted: [f"price:{wanted.price.id}"],
    same=lambda one, other: one.price.sold_alike(other.price),
    category="payment",
)
async def file_price(ctx: Context, wanted: PriceWanted, *, till: Till, prices: Prices) -> PriceFiled:
    price, at = wanted.price, as_instant(ctx.started)
    latest = await ctx.wait_at_most("its turn", prices.take_turn, wanted, at_most=TURN, every=LOOK)
    if latest is False:
        return await ctx.wait_for("later version", prices.look_newer, wanted, every=LOOK)
    if not price.active:
        withdrawn = await ctx.step("list prices to withdraw", till.prices_of, price)
        return await ctx.step("note withdrawn", prices.note_withdrawn, wanted, withdrawn, at)
    product = await ctx.step("create product", till.create_product, price, find=till.find_product)
    if not product.active:
        raise Problem(
            f"The product {product.product_id} is archived at Stripe, so nothing of it can be sold: make it active "
            "there, then retry",
            category="payment",
            facts={"price": price.id, "product": product.product_id},
        )
    there = await ctx.step("list prices", till.prices_of, price)
    made = await ctx.step("create price", till.create_price, price, find=till.find_price)
    return await ctx.step("note filed", prices.note_filed, wanted, product, made, there, at)
