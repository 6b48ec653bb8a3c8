"""The payment provider gave money back for an order of our own checkout: noted, and a person is told if goods are out.

A refund that a person decided here is no news. Nothing is given back twice, and no parcel is stopped by itself.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.domain.payments import PaymentChanged
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.flows.rules import Rules
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.orders import Orders

WHOLE = "whole"
"""How `PaymentChanged.what` ends if all of the money went back."""
NO_GOODS_OUT = frozenset({"", "cancelled", "returned"})


@flow(
    on=PaymentChanged,
    key=lambda change: f"{change.account}/{change.payment_id}/{change.event}",
    about=lambda change: [f"order:{change.order}"] if change.order else [],
    same=lambda one, other: True,
    when=lambda change: "shipment" in change.expects,
)
async def note_refund(
    ctx: Context, change: PaymentChanged, *, orders: Orders, fulfilments: Fulfilments, rules: Rules
) -> str:
    order = await ctx.wait_at_most(
        "order", orders.look_order, change.order or "", at_most=rules.change_wait, every=timedelta(hours=1)
    )
    if order is None:
        return "not a payment of ours"
    whole = change.what.endswith(WHOLE)
    noted = await ctx.step("note refund", fulfilments.note_refund, order, change, whole)
    if noted.decided or not whole or noted.parcel in NO_GOODS_OUT:
        return "noted"
    raise Problem(
        f"All of the money went back ({change.amount.format()}), and the parcel is {noted.parcel.replace('_', ' ')}: "
        f"cancel it (`onpaid orders cancel-shipment {order.partition('/')[2]}`) or let it go, then cancel this run",
        category="payment",
        facts={"order": order, "payment": change.payment_id, "amount": change.amount.format()},
    )
