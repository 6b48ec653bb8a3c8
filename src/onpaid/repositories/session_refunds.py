"""What went back of a session's money, from events that tell it in two ways, in any order, and also too early.

`charge.refunded` tells the whole that went back so far, `refund.*` one refund each: whichever is told is enough, and
both together count nothing twice. What is told before the session is kept waits under its payment, until it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from onpaid.domain.payments import PaymentChanged
from onpaid.domain.sessions import Session
from onpaid.store.records import Kind

MOST_EARLY = 100


class EarlyRefunds(msgspec.Struct, frozen=True):
    """Refunds of a payment (its key) that nobody knew a session of when they were told."""

    payment: str
    changes: tuple[PaymentChanged, ...] = ()


EARLY_REFUNDS = Kind("session-refunds-early", EarlyRefunds, key=lambda each: each.payment)


def is_refund(change: PaymentChanged) -> bool:
    """Whether the change says how much went back; that some unknown refund failed says nothing of it."""
    return "refund" in change.what and (bool(change.refund) or "fail" not in change.what)


def with_refunds(session: Session, changes: Iterable[PaymentChanged]) -> Session:
    """The session with what went back of it, never more than was paid. A refund that failed stays so, however late
    its success is told; and what failed was part of the whole that was told before."""
    total = session.total
    if total is None:
        return session
    refunds, whole = dict(session.refunds), session.refunded_whole
    for change in changes:
        if change.amount.currency != total.currency or not is_refund(change):
            continue
        if not change.refund:
            whole = max(whole, change.amount.minor)
        elif change.failed:
            refunds[change.refund] = -change.amount.minor
        elif refunds.get(change.refund, 0) >= 0:
            refunds[change.refund] = change.amount.minor
    each = sum(minor for minor in refunds.values() if minor > 0)
    failed = -sum(minor for minor in refunds.values() if minor < 0)
    return msgspec.structs.replace(
        session,
        refunds=refunds,
        refunded_whole=whole,
        refunded=min(max(each, whole - failed), total.minor),
    )


def kept_early(held: EarlyRefunds | None, payment: str, change: PaymentChanged) -> EarlyRefunds | None:
    """The record with this change, or None if it is in it already."""
    before = () if held is None else held.changes
    if any(each.event == change.event for each in before):
        return None
    return EarlyRefunds(payment, (*before, change)[-MOST_EARLY:])
