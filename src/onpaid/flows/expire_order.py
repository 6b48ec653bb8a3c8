"""An order that nobody pays expires after a while, and says so. A payment that comes later is invoiced all the same."""

from __future__ import annotations

from datetime import timedelta

from onpaid.clock import as_instant
from onpaid.domain.events import OrderReceived
from onpaid.domain.orders import order_key
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.flows.rules import Rules
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments


def _key(received: OrderReceived) -> str:
    return order_key(received.shop, received.number)


@flow(
    on=OrderReceived,
    key=_key,
    about=lambda received: [f"order:{_key(received)}"],
    same=lambda one, other: True,
)
async def expire_order(
    ctx: Context, received: OrderReceived, *, orders: Orders, payments: Payments, rules: Rules
) -> str:
    order = _key(received)
    aliases = tuple(order_key(received.shop, alias) for alias in received.aliases)
    patience = rules.order_expires_after
    payment = await ctx.wait_at_most(
        "payment", payments.look_paid, order, aliases, at_most=patience, every=timedelta(days=1)
    )
    if payment is not None:
        return f"paid by {payment}"
    await ctx.step("expire order", orders.expire, order, as_instant(ctx.started + patience))
    return f"nobody paid within {patience.days} days"
