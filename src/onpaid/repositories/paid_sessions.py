"""What a paid session comes to: its order and payment, its snapshot, and the facts that start what follows.

Everything is made from the session as Stripe tells it and from what was kept first, so that webhook and nightly
reconciliation come to the same. Who commits it demands that the session is still as it was read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from onpaid.clock import Instant
from onpaid.domain.billing import BillingNews
from onpaid.domain.bills import BillPaid
from onpaid.domain.money import Money
from onpaid.domain.session_orders import owner_of
from onpaid.domain.sessions import Session, SessionDetails, SessionLine, SessionTold
from onpaid.errors import Problem
from onpaid.repositories.paid_orders import PaidOrders, Sale, SaleMade, SessionRules
from onpaid.store.port import Write

SETUP = "setup"
"""The mode of a session that only keeps a card: nothing is sold in it."""


class SessionPayment(msgspec.Struct, frozen=True):
    """In which session a payment was made. Both are keys."""

    payment: str
    session: str


@dataclass(frozen=True, slots=True)
class PaidSession:
    """A paid session as it was read, how its bill was paid (if it has one), and what was kept of it before."""

    told: SessionTold
    details: SessionDetails
    lines: list[SessionLine]
    before: Session | None
    at: Instant
    bill: BillPaid | None = None


@dataclass(slots=True)
class Composed:
    """The session to be kept, and what is kept with it in one commit."""

    session: Session
    payment: str = ""
    writes: list[Write] = field(default_factory=list)
    wakes: tuple[str, ...] = ()
    facts: tuple[msgspec.Struct, ...] = ()


async def compose(paid: PaidSession, orders: PaidOrders) -> Composed:
    """Everything that a paid session comes to. A set-up session is kept, and sells nothing."""
    if paid.details.mode == SETUP:
        return Composed(_session(paid, SaleMade("", "")))
    made = await orders.made(_sale(paid, orders.rules))
    session = _session(paid, made)
    facts = (*made.facts, _news(session, paid.told, paid.details))
    return Composed(session, made.payment, made.writes, made.wakes, facts)


def _sale(paid: PaidSession, rules: SessionRules) -> Sale:
    """An invoice is due for what was paid at once, and for a subscription's bill; a subscription that was read by a
    release without bills has none."""
    details, total = paid.details, _total(paid.details)
    billed = details.mode == "payment" or details.invoice_id is not None
    return Sale(
        account=paid.told.account,
        event=paid.told.event,
        at=paid.at,
        paid_at=paid.told.told_at,
        live=details.live,
        total=total,
        lines=paid.lines,
        session=details.session_id,
        customer_id=details.customer_id,
        customer=details.customer,
        payment_id=details.payment_id or "",
        paid=None if paid.bill is None else paid.bill.amount,
        unpaid="" if paid.bill is None else paid.bill.why,
        invoiced=rules.invoices and billed and total.minor > 0,
    )


def _total(details: SessionDetails) -> Money:
    if details.total is None:
        raise Problem(
            f"The session {details.session_id} is paid and names no amount: look at it at Stripe, then retry",
            category="payment",
            facts={"session": details.session_id},
        )
    return details.total


def _session(paid: PaidSession, made: SaleMade) -> Session:
    details, before = paid.details, paid.before
    user = details.user or ("" if before is None else before.user)
    return Session(
        key=paid.told.key,
        session_id=details.session_id,
        state="paid",
        created_at=details.created_at,
        seen_at=paid.at,
        user=user,
        customer_id=details.customer_id or "",
        mode=details.mode,
        order=made.order,
        order_number=made.number,
        payment_id=details.payment_id or "",
        subscription_id=details.subscription_id or "",
        total=details.total,
        origin=paid.told.origin,
        synced_at=paid.at,
        paid_at=paid.told.told_at,
        lines=tuple(paid.lines),
        owner=owner_of(details, user),
        why_no_invoice=made.why_no_invoice,
    )


def _news(session: Session, told: SessionTold, details: SessionDetails) -> BillingNews:
    """What others are told: the same event, whoever heard of the session first."""
    total = _total(details)
    return BillingNews(
        account=told.account,
        type="checkout.completed",
        subject=details.session_id,
        happened_at=told.told_at,
        live=details.live,
        customer_id=session.customer_id,
        user=session.user,
        event=told.event,
        data={
            "mode": details.mode,
            "paymentStatus": details.payment_status,
            "amount": total.minor,
            "currency": total.currency,
            "orderNumber": session.order_number,
            "paymentIntentId": details.payment_id,
            "subscriptionId": details.subscription_id,
        },
    )
