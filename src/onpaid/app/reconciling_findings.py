"""What the reconciliation finds and cannot put right by itself: amounts that differ, runs that ended without their order.

Findings of one kind are one ticket, and each finding is told of once: a night that finds the same again is silent. What
was mended in between and comes again is told of again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onpaid.clock import Instant
from onpaid.domain.payments import Payment
from onpaid.domain.reconciliation import Finding
from onpaid.domain.sessions import Session, SessionDetails
from onpaid.domain.takings import Taking
from onpaid.engine.journal import Run, Ticket
from onpaid.engine.tickets import new_ticket

AMOUNT: Final = "amount differs"
REFUND: Final = "refund differs"
TWICE: Final = "paid twice"
ENDED_WITHOUT: Final = "session without its order"
MOST_NAMED: Final = 10
"""Findings that a ticket names; the run's page has more."""


def compared(details: SessionDetails, session: Session) -> list[Finding]:
    """Where a session that is kept says another amount than its provider. What was not told is not compared."""
    found: list[Finding] = []
    if details.total is not None and session.total is not None and details.total != session.total:
        found.append(
            Finding(
                AMOUNT,
                details.session_id,
                f"The session {details.session_id} is over {details.total.format()} at its provider, and over "
                f"{session.total.format()} here: compare the order {session.order_number} with it",
                {"order": session.order_number},
            )
        )
    if details.refunded is not None and details.refunded != session.refunded:
        found.append(
            Finding(
                REFUND,
                details.session_id,
                f"Of the session {details.session_id}, {details.refunded} minor units went back at its provider, and "
                f"{session.refunded} here: look at the order {session.order_number}",
                {"order": session.order_number},
            )
        )
    return found


def ended_without(details: SessionDetails, runs: Sequence[Run]) -> list[Finding]:
    """A run that came to its end without an order, although the session is paid. One that failed has a ticket."""
    return [
        Finding(
            ENDED_WITHOUT,
            details.session_id,
            f"The session {details.session_id} is paid, and its run {run.id} is {run.state} without an order: look "
            "at the run, and retry it",
            {"run": run.id},
        )
        for run in runs
        if run.state in ("done", "cancelled")
    ]


def payment_compared(taking: Taking, payment: Payment) -> list[Finding]:
    """Where a payment that is kept says another amount than its provider."""
    ours = payment.fact.amount
    if payment.fact.charge_id not in (None, taking.charge_id):
        return [
            Finding(
                TWICE,
                taking.charge_id,
                f"The payment {taking.charge_id} over {taking.amount.format()} is for an order that "
                f"{payment.fact.charge_id} had paid: give one of them back at its provider",
                {"order": payment.fact.order},
            )
        ]
    if ours == taking.amount:
        return []
    return [
        Finding(
            AMOUNT,
            taking.charge_id,
            f"The payment {taking.charge_id} is over {taking.amount.format()} at its provider, and over "
            f"{ours.format()} here: compare the order with it",
            {"order": payment.fact.order},
        )
    ]


def refund_compared(taking: Taking, noted: int) -> list[Finding]:
    """Where less or more went back at the provider than is noted here."""
    if noted == taking.refunded.minor:
        return []
    return [
        Finding(
            REFUND,
            taking.charge_id,
            f"Of the payment {taking.charge_id}, {taking.refunded.format()} went back at its provider, and {noted} "
            "minor units here: look at its refunds there",
        )
    ]


def tickets_of(findings: Sequence[Finding], run: str, now: Instant) -> list[Ticket]:
    """One ticket for each kind, which names the first of its findings."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    return [_ticket(kind, found, run, now) for kind, found in by_kind.items()]


def _ticket(kind: str, found: Sequence[Finding], run: str, now: Instant) -> Ticket:
    more = "" if len(found) == 1 else f" ({len(found)} such findings)"
    named = {finding.subject: finding.sentence for finding in found[:MOST_NAMED]}
    category = "provider" if found[0].passes else "payment"
    return new_ticket(
        None,
        subject=f"reconciliation:{kind}",
        cause=kind,
        title=f"The reconciliation found: {found[0].sentence}{more}",
        category=category,
        facts={**named, "reconciliation": run, "count": len(found)},
        now=now,
        about=[
            f"order:{finding.facts['order']}" for finding in found[:MOST_NAMED] if finding.facts.get("order")
        ],
    )
