"""Which billing events told of an order: of its payments, and of the session or the bill that it came from.

Only what happens once is looked up here, by its id, which follows from what happened; refunds, failed tries and the
subscription's own events are among the customer's, to which the list of billing events leads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from onpaid.app.billing_shown import MOODS
from onpaid.app.shown import Mood
from onpaid.clock import as_datetime
from onpaid.domain.billing import BillingNews, BillingType
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment
from onpaid.repositories.billing_pages import state_of
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.store.port import Store

OF_PAYMENT: tuple[BillingType, ...] = ("payment.successful",)
OF_SESSION: tuple[BillingType, ...] = (
    "checkout.completed",
    "checkout.payment_succeeded",
    "checkout.payment_failed",
)
OF_BILL: tuple[BillingType, ...] = ("invoice.paid",)


class EventOfOrder(msgspec.Struct, frozen=True):
    """One billing event about an order, and how far it is: `published`, `unpublished` or `stale`."""

    id: str
    type: str
    state: str
    mood: Mood
    noted: datetime
    customer: str


async def events_of(store: Store, order: Order | None, payments: Sequence[Payment]) -> list[EventOfOrder]:
    """The billing events about this order, oldest first; none where billing is not told."""
    ids = dict.fromkeys(news.id for news in _may_be(order, payments))
    found = await BILLING_EVENTS.get_many(store, list(ids)) if ids else []
    events = sorted((each for each in found if each is not None), key=lambda each: each.noted_at)
    return [
        EventOfOrder(
            id=each.id,
            type=each.news.type,
            state=state_of(each),
            mood=MOODS[state_of(each)],
            noted=as_datetime(each.noted_at),
            customer=each.news.customer_id,
        )
        for each in events
    ]


def _may_be(order: Order | None, payments: Sequence[Payment]) -> Iterator[BillingNews]:
    """What may have been told of an order. Only what makes its id is filled in."""
    sold = ((order.session, OF_SESSION), (order.bill, OF_BILL)) if order is not None else ()
    for payment in payments:
        fact = payment.fact
        for subject, types in ((fact.payment_id, OF_PAYMENT), *sold):
            for kind in types if subject else ():
                yield BillingNews(fact.account, kind, subject, fact.paid_at, fact.live)
