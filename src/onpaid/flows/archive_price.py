"""A price at Stripe is sold no more, because another took its place under our name, or ours was withdrawn.

It is a run of its own for each price at Stripe: one that cannot be archived just now holds up no sale. Who pays by a
session that was opened before still pays the old price; what was bought at it goes on.
"""

from __future__ import annotations

from onpaid.domain.prices import PriceRef, PriceUnwanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles_billing import Till


@flow(
    on=PriceUnwanted,
    key=lambda unwanted: f"{unwanted.stripe_price}/{unwanted.at}",
    about=lambda unwanted: [f"price:{unwanted.price}"],
    same=lambda one, other: True,
    category="payment",
)
async def archive_price(ctx: Context, unwanted: PriceUnwanted, *, till: Till) -> PriceRef:
    return await ctx.step("archive price", till.archive_price, unwanted.stripe_price)
