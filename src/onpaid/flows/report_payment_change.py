"""A payment that we hold was refunded or disputed after its capture: a person is told, once for each change.

Credit notes are not made by onpaid yet; the ticket says what to correct by hand.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.domain.payments import PaymentChanged
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.flows.rules import Rules
from onpaid.repositories.payments import Payments


def _key(change: PaymentChanged) -> str:
    """One refund is told by several types of event: they meet in one run, by what and how much."""
    what = "dispute" if "dispute" in change.what else "refund"
    return f"{change.account}/{change.payment_id}/{what}/{change.amount.minor}"


@flow(
    on=PaymentChanged,
    key=_key,
    same=lambda one, other: True,
    about=lambda change: [f"order:{change.order}"] if change.order else [],
    when=lambda change: "invoice" in change.expects,
)
async def report_payment_change(
    ctx: Context, change: PaymentChanged, *, payments: Payments, rules: Rules
) -> str:
    payment = f"{change.account}/{change.payment_id}"
    order = await ctx.wait_at_most(
        "payment", payments.look_kept, payment, at_most=rules.change_wait, every=timedelta(hours=1)
    )
    if order is None:
        return "not a payment of ours"
    if not order:
        return "it was not to be invoiced"
    raise Problem(
        f"A payment changed after it was captured ({change.what}, {change.amount.format()}): "
        "correct its invoice with a credit note in the accounts, then cancel this run",
        category="payment",
        facts={"payment": payment, "order": order, "what": change.what, "amount": change.amount.format()},
    )
