"""A customer wants to pay for an order: the payment provider makes its own order for it, once.

The provider takes no idempotency key here, so ours is its receipt: whatever happens to the answer, the order is looked
up by our number before another is made.
"""

from __future__ import annotations

from onpaid.clock import as_instant
from onpaid.domain.checkouts import CheckoutRef, CheckoutWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.providers.roles_delivery import Checkouts
from onpaid.repositories.checkouts import CheckoutRecords


@flow(
    on=CheckoutWanted,
    key=lambda wanted: wanted.order,
    about=lambda wanted: [f"order:{wanted.order}"],
    same=lambda one, other: True,
    category="payment",
)
async def open_checkout(
    ctx: Context, wanted: CheckoutWanted, *, checkouts: Checkouts, checkout_records: CheckoutRecords
) -> CheckoutRef:
    opened = await ctx.step(
        "create checkout", checkouts.create_checkout, wanted, find=checkouts.find_checkout
    )
    if opened.amount != wanted.amount:
        raise Problem(
            "The payment provider's order is over another amount than ours: nobody can pay it here",
            category="payment",
            severity="critical",
            facts={"order": wanted.order, "ours": wanted.amount.format(), "theirs": opened.amount.format()},
        )
    await ctx.step(
        "note checkout", checkout_records.note_opened, wanted.order, opened, as_instant(ctx.started)
    )
    return opened
