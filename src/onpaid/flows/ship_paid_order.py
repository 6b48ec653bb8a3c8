"""A paid checkout becomes exactly one shipment, and the customer is told.

The run is keyed by the payment provider's order, so every event about the same money meets in it. Stock is taken in one
commit with the confirmation's message; the parcel is a run of its own, and the message never waits for it.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.clock import as_instant
from onpaid.domain.checkouts import CapturedPayment, RefundWanted
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.shipments import ShipmentBooked, ShipmentWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.flows.rules import Rules
from onpaid.providers.roles_delivery import Checkouts
from onpaid.repositories.catalogue import Catalogue, StockTaken
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.orders import Orders
from onpaid.store.local import NotYet

AT_ONCE = timedelta(0)
NOT_OURS = "not ours: paid to the same account for something else"
GIVEN_BACK = "given back"
DIGITAL = "digital goods only: nothing to ship"


def _same(one: PaymentSucceeded, other: PaymentSucceeded) -> bool:
    return one.order == other.order and one.amount == other.amount and one.charge_id == other.charge_id


def _one_payment(one: PaymentSucceeded, other: PaymentSucceeded) -> bool:
    """Two payments of one checkout are money twice: the second is a ticket, however early it comes."""
    return one.charge_id == other.charge_id


@flow(
    on=PaymentSucceeded,
    key=lambda paid: paid.key,
    about=lambda paid: [f"order:{paid.order}"],
    same=_same,
    corrects=_one_payment,
    when=lambda paid: "shipment" in paid.expects,
    category="payment",
)
async def ship_paid_order(
    ctx: Context,
    paid: PaymentSucceeded,
    *,
    orders: Orders,
    checkouts: Checkouts,
    fulfilments: Fulfilments,
    catalogue: Catalogue,
    rules: Rules,
) -> str:
    payment = await ctx.step("read payment", checkouts.fetch_captured, paid)
    if not payment.ours:
        return NOT_OURS
    order = await ctx.wait_for(
        "order",
        orders.look_order,
        paid.order,
        at_most=rules.order_wait,
        every=rules.look_again,
        giving_up=lambda missing: _no_order(paid, payment, missing),
    )
    _must_be_untouched(paid, payment)
    confirmed = await ctx.step("confirm order", fulfilments.confirm, order, paid, payment)
    if not await _take_stock(ctx, order, payment, catalogue, fulfilments, checkouts):
        return GIVEN_BACK
    if not confirmed.ships:
        return DIGITAL
    booked = await ctx.call("book shipment", ShipmentWanted(order), ShipmentBooked)
    return f"shipped as {booked.awb or booked.shipment}"


async def _take_stock(
    ctx: Context,
    order: str,
    payment: CapturedPayment,
    catalogue: Catalogue,
    fulfilments: Fulfilments,
    checkouts: Checkouts,
) -> bool:
    """Whether the goods are taken: at once, or because a person decided to ship what is oversold; else the money goes
    back."""
    at = as_instant(ctx.started)
    taken = await ctx.step("take stock", catalogue.take, order, at)
    if taken.taken:
        return True
    choice = await ctx.wait_for(
        "decision",
        fulfilments.look_decision,
        order,
        at_most=AT_ONCE,
        giving_up=lambda _none: _oversold(order, payment, taken),
    )
    if choice == "ship":
        await ctx.step("take stock anyway", catalogue.take_anyway, order, at)
        return True
    refund = RefundWanted(payment.payment_id, payment.amount, f"{ctx.run_id}/refund")
    await ctx.step("refund", checkouts.refund, refund, find=checkouts.find_refund)
    await ctx.step("note refund", fulfilments.note_given_back, order)
    return False


def _must_be_untouched(paid: PaymentSucceeded, payment: CapturedPayment) -> None:
    """Between the event and now the money may have gone back: then nothing is shipped without a person."""
    facts = {
        "payment": payment.payment_id,
        "order": paid.order,
        "told": paid.amount.format(),
        "captured": payment.amount.format(),
    }
    if not payment.captured:
        raise Problem(
            "The payment is not captured (any more): nothing is shipped", category="payment", facts=facts
        )
    if payment.refunded.minor:
        facts["refunded"] = payment.refunded.format()
        raise Problem(
            "The payment was given back before the order was shipped: cancel this run, or ship by hand",
            category="payment",
            facts=facts,
        )


def _no_order(paid: PaymentSucceeded, payment: CapturedPayment, missing: NotYet) -> Problem:
    return Problem(
        f"Paid, but no order: {payment.amount.format()} came for {payment.receipt or paid.order}, which is not here",
        category="order",
        severity="critical",
        facts={
            "payment": payment.payment_id,
            "order": paid.order,
            "receipt": payment.receipt,
            "why": missing.why,
        },
    )


def _oversold(order: str, payment: CapturedPayment, taken: StockTaken) -> Problem:
    short = ", ".join(f"{count} of {product}" for product, count in taken.short.items())
    number = order.partition("/")[2]
    return Problem(
        f"Oversold: paid, and {short} missing. Decide: `onpaid orders decide {number} --ship-anyway`, or `--refund`",
        category="stock",
        severity="critical",
        facts={
            "order": order,
            "short": short,
            "payment": payment.payment_id,
            "amount": payment.amount.format(),
        },
    )
