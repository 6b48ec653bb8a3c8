"""A subscription's bill that was paid becomes an order, once: whoever told of it, and however often.

The webhook and the nightly reconciliation start the same run. What was told is never believed alone: the bill is read,
every line of it, and what paid it. The first bill of a subscription that began in a session is kept by that session's
own run; if that never comes about, because nobody told of the session or its payment failed, it is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from onpaid.clock import as_instant
from onpaid.domain.bills import Bill, SubscriptionPaid
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem, Unavailable
from onpaid.providers.roles_billing import Till
from onpaid.repositories.renewals import Renewals, bill_thing

PATIENCE: Final = timedelta(days=2)
"""So long a session may take to be told of: the nightly reconciliation has been there by then."""
LOOK_AGAIN: Final = timedelta(hours=1)
AGAIN: Final = 60.0
"""Seconds after which a bill that was told as paid and is not shown so is read again."""


@flow(
    on=SubscriptionPaid,
    key=lambda told: told.key,
    about=lambda told: [bill_thing(told.invoice_id), f"subject:{told.subscription_id}"],
    same=lambda one, other: True,
    category="payment",
)
async def keep_renewal(ctx: Context, told: SubscriptionPaid, *, till: Till, renewals: Renewals) -> str:
    at = as_instant(ctx.started)
    bill = await ctx.step("read bill", once_paid(till), told.invoice_id)
    if bill.subscription_id is None:
        return "it is no subscription's"
    if bill.total.minor <= 0:
        return "nothing was to be paid"
    if bill.first:
        session = await ctx.step("find session", till.fetch_session_of, bill.subscription_id)
        if session is not None:
            kept = await ctx.wait_at_most(
                "session", renewals.look_session, told, session, at_most=PATIENCE, every=LOOK_AGAIN
            )
            if kept:
                return f"it is kept as order {kept} of its session {session}"
    lines = await ctx.step("read bill lines", till.fetch_bill_lines, told.invoice_id)
    paid = await ctx.step("read invoice payment", till.fetch_bill_payment, told.invoice_id)
    stored = await ctx.step("store order", renewals.store_paid, told, bill, lines, paid, at)
    if stored.why_no_invoice:
        raise Problem(
            f"A subscription was paid for and is kept as order {stored.number}, but no invoice can be made of it: "
            f"{stored.why_no_invoice}. Make it by hand, and cancel this run",
            category="invoice",
            facts={"order": stored.order, "bill": told.invoice_id, "why": stored.why_no_invoice},
        )
    return stored.order


def once_paid(till: Till) -> Callable[[str], Coroutine[Any, Any, Bill]]:
    """A read of a bill that is only answered once it is shown as paid: what was told may be ahead of what is read."""

    @wraps(till.fetch_bill)
    async def fetch_paid(invoice_id: str) -> Bill:
        bill = await till.fetch_bill(invoice_id)
        if bill.status != "paid":
            raise Unavailable(f"the bill {invoice_id} is {bill.status}: asked again later", AGAIN)
        return bill

    return fetch_paid
