"""A session that was paid becomes an order, once: whoever told of it, and however often.

The webhook and the nightly reconciliation start the same run. What was told is never believed alone: the session is
read, and every line of it; where a subscription began in it, also what paid its first bill. What follows (an invoice,
a billing event) starts in the commit that stores the order.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final

from onpaid.clock import as_instant
from onpaid.domain.sessions import SessionDetails, SessionTold
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem, Unavailable
from onpaid.providers.roles_billing import Till
from onpaid.repositories.sessions import Sessions, session_thing

AGAIN: Final = 3600.0
"""Seconds after which a session that was told as paid and is not is read again."""


@flow(
    on=SessionTold,
    key=lambda told: told.key,
    about=lambda told: [session_thing(told.session_id)],
    same=lambda one, other: True,
    category="payment",
)
async def keep_session(ctx: Context, told: SessionTold, *, till: Till, sessions: Sessions) -> str:
    at = as_instant(ctx.started)
    details = await ctx.step("read session", once_settled(till), told.session_id)
    if details.state != "paid":
        return await ctx.step("note state", sessions.note_seen, told, details, at)
    paid = None
    if details.bill:
        paid = await ctx.step("read invoice payment", till.fetch_bill_payment, details.bill)
    lines = await ctx.step("read lines", till.session_lines, told.session_id)
    stored = await ctx.step("store order", sessions.store_paid, told, details, lines, at, paid)
    if stored.why_no_invoice:
        raise Problem(
            f"A session is paid and kept as order {stored.number}, but no invoice can be made of it: "
            f"{stored.why_no_invoice}. Make it by hand, give the price its tax_percent for the next one, and cancel "
            "this run",
            category="invoice",
            facts={"order": stored.order, "session": told.session_id, "why": stored.why_no_invoice},
        )
    return stored.order or "nothing was sold"


def once_settled(till: Till) -> Callable[[str], Coroutine[Any, Any, SessionDetails]]:
    """A read of a session that is only answered once the session is paid or over.

    A run that ended at "not paid yet" would take no notice of the payment that comes after all, since it is the run
    of this session for ever. So it goes on asking.
    """

    @wraps(till.fetch_session)
    async def fetch_settled(session_id: str) -> SessionDetails:
        details = await till.fetch_session(session_id)
        if details.state in ("open", "unpaid"):
            raise Unavailable(f"the session {session_id} is {details.state}: asked again later", AGAIN)
        return details

    return fetch_settled
