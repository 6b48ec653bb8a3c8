"""The body of a billing event: what leaves the house, by topic and by webhook alike.

The same event has the same bytes whenever and however often it is told. Fields may be added without another version;
one that changes its meaning or goes raises it. `docs/events/` has the schema of each type.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onpaid.clock import iso
from onpaid.domain.billing import VERSION, BillingEvent, BillingNews, BillingType, Value

SETTLED_BY: dict[BillingType, BillingType] = {
    "payment.failed": "payment.successful",
    "payment.action_required": "payment.successful",
    "invoice.payment_failed": "invoice.paid",
    "checkout.payment_failed": "checkout.payment_succeeded",
    "payment.refunded": "payment.refund_failed",
}
"""News that say nothing any more once the other was noted of the same subject: they came late. A refund that failed
stays so, and there may be several of one payment: it is the same refund's failure that counts."""
DISPUTED: frozenset[BillingType] = frozenset(("dispute.opened", "dispute.updated"))
DISPUTE_ENDS = ("won", "lost", "warning_closed", "prevented")
"""How a dispute can end, in Stripe's words (docs.stripe.com/api/disputes/object). That it is open says nothing then."""
AFTER_PAYMENT: frozenset[BillingType] = frozenset(
    ("payment.refunded", "payment.refund_failed", "dispute.opened", "dispute.updated", "dispute.closed")
)
"""News of a payment that often do not say whose it was."""


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """A billing event as others get it."""

    id: str
    type: BillingType
    version: int
    occurred_at: str
    sequence: int
    livemode: bool
    customer_id: str | None
    user_id: str | None
    subject: str
    data: dict[str, Value]


def body_of(event: BillingEvent) -> Body:
    """The event as others get it; the fields of `data` in the order of their names."""
    news = event.news
    return Body(
        id=event.id,
        type=news.type,
        version=VERSION,
        occurred_at=iso(news.happened_at),
        sequence=event.sequence,
        livemode=news.live,
        customer_id=news.customer_id or None,
        user_id=news.user or None,
        subject=news.subject,
        data={name: news.data[name] for name in sorted(news.data)},
    )


def bytes_of(event: BillingEvent) -> bytes:
    """The event's JSON: the same bytes each time, which a signature needs."""
    return msgspec.json.encode(body_of(event))


def tree_of(event: BillingEvent) -> Any:
    """The event's JSON as a tree, for those who show it."""
    return msgspec.to_builtins(body_of(event))


def settled_by(news: BillingNews) -> tuple[str, ...]:
    """The ids of the events after any of which this news comes too late; empty if there are no such events."""
    if news.type in DISPUTED:
        dispute, _, rest = news.mark.partition("/")
        if rest.startswith("funds_"):  # money moves after the end as well
            return ()
        marks = [f"{dispute}/{status}" for status in DISPUTE_ENDS]
        return tuple(_id(news, "dispute.closed", mark) for mark in marks)
    better = SETTLED_BY.get(news.type)
    if better is None:
        return ()
    return (_id(news, better, news.mark if better == "payment.refund_failed" else ""),)


def _id(news: BillingNews, type_: BillingType, mark: str = "") -> str:
    return BillingNews(news.account, type_, news.subject, 0, news.live, mark).id


def paid_by(news: BillingNews) -> str:
    """The id of the event that tells of the payment which this news is about; empty if it is about none."""
    if news.type not in AFTER_PAYMENT:
        return ""
    return _id(news, "payment.successful")
