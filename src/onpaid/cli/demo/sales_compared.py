"""Our records of sales at Stripe held against the ledger's part about them, both ways.

Every difference is a sentence, whichever side has what the other has not: sessions and their orders, subscriptions
as they are now, and billing events as each listener heard them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from onpaid.domain.billing import BillingEvent
from onpaid.domain.money import Money
from onpaid.domain.orders import Order
from onpaid.domain.sessions import Session
from onpaid.repositories.billing_records import BILLING_EVENTS, SUBSCRIPTIONS, SubscriptionState
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.sessions import SESSIONS
from onpaid.store.port import Store
from onpaid.store.records import Kind

Ledger = Mapping[str, Any]
PAGE = 200


class Compared(msgspec.Struct, frozen=True):
    """How many orders were made of sessions, and every difference."""

    orders: int = 0
    differences: list[str] = []


async def compare_sales(store: Store, ledger: Ledger) -> Compared:
    """Compare everything."""
    sessions = [each async for each in _all(store, SESSIONS, "all")]
    orders = [each.order for each in sessions if each.state == "paid" and each.order]
    kept = await ORDERS.get_many(store, orders)
    told = [
        f"the order {key} of a session is not kept"
        for key, order in zip(orders, kept, strict=True)
        if order is None
    ]
    told += of_sessions({each.session_id: each for each in sessions}, ledger)
    told += of_subscriptions(await _subscriptions(store, sessions, ledger), ledger)
    told += of_bills(await _of_bills(store, ledger), ledger)
    told += of_events([each async for each in _all(store, BILLING_EVENTS, "all")], ledger)
    return Compared(len(set(orders)), told)


def of_sessions(ours: Mapping[str, Session], ledger: Ledger) -> Iterator[str]:
    """The differences of sessions."""
    theirs = {row["id"]: row for row in ledger["sessions"]}
    for ident in ours.keys() - theirs.keys():
        yield f"we hold the session {ident}, and Stripe has none of this id"
    for ident, row in theirs.items():
        mine = ours.get(ident)
        if mine is None:
            yield f"the session {ident} was made at Stripe, and we do not hold it"
        elif (mine.state == "paid") != row["paid"]:
            there = "paid" if row["paid"] else "not paid"
            yield f"the session {ident} is {mine.state} here, and {there} at Stripe"
        elif row["paid"]:
            yield from _of_paid(mine, row)


def _of_paid(mine: Session, row: Mapping[str, Any]) -> Iterator[str]:
    total = Money(row["amount"], row["currency"])
    if mine.total != total:
        yield f"the session {mine.session_id} came to {mine.total} here, and to {total} at Stripe"
    if mine.order_number != row["order_number"]:
        yield f"the session {mine.session_id} is order {mine.order_number} here, and {row['order_number']} there"
    if mine.user != (row["user"] or ""):
        yield f"the session {mine.session_id} is another user's here than at Stripe"


async def _of_bills(store: Store, ledger: Ledger) -> dict[str, Order]:
    """Our orders by the bill that they are paid for, or by the session that it came about in."""
    numbers = {row["order_number"]: row["id"] for row in ledger["bills"]}
    held = [each async for each in _all(store, ORDERS, "all")]
    ours = {numbers.get(each.number, each.bill): each for each in held if each.sold}
    ours.pop("", None)
    return ours


def of_bills(ours: Mapping[str, Order], ledger: Ledger) -> Iterator[str]:
    """The differences of bills: each that is paid is one order over its amount, and no other one is an order."""
    theirs = {row["id"]: row for row in ledger["bills"] if row["paid"]}
    for ident in ours.keys() - theirs.keys():
        yield f"the bill {ident} is order {ours[ident].number} here, and is not paid at Stripe"
    for ident, row in theirs.items():
        mine, total = ours.get(ident), Money(row["amount"], row["currency"])
        if mine is None:
            yield f"the bill {ident} was paid at Stripe, and is no order here"
        elif (mine.latest.currency, mine.latest.total) != (total.currency, total.to_decimal()):
            yield f"the bill {ident} came to {mine.latest.total} here, and to {total} at Stripe"


async def _subscriptions(
    store: Store, sessions: list[Session], ledger: Ledger
) -> dict[str, SubscriptionState]:
    """Ours, found by every customer that either side knows."""
    customers = {each.customer_id for each in sessions} | {row["customer"] for row in ledger["subscriptions"]}
    found: dict[str, SubscriptionState] = {}
    for customer in sorted(customers - {""}):
        async for state in _all(store, SUBSCRIPTIONS, "customer", customer):
            found[state.key.rpartition("/")[2]] = state
    return found


def of_subscriptions(ours: Mapping[str, SubscriptionState], ledger: Ledger) -> Iterator[str]:
    """The differences of subscriptions."""
    theirs = {row["id"]: row for row in ledger["subscriptions"]}
    for ident in ours.keys() - theirs.keys():
        yield f"we hold the subscription {ident}, and Stripe has none of this id"
    for ident, row in theirs.items():
        state = ours.get(ident)
        if state is None or state.details is None:
            yield f"the subscription {ident} was made at Stripe, and we do not hold it"
            continue
        mine = state.details
        here = (mine.status, mine.cancel_at_period_end)
        there = (row["status"], row["cancel_at_period_end"])
        if here != there and not (state.ended and row["ended_at"] is not None and here[0] == there[0]):
            yield f"the subscription {ident} is {here[0]} here, and {there[0]} at Stripe"
        if mine.customer_id != row["customer"]:
            yield f"the subscription {ident} is another customer's here than at Stripe"


def of_events(ours: list[BillingEvent], ledger: Ledger) -> Iterator[str]:
    """The differences between what we published and what each listener heard."""
    out = {each.id: each for each in ours if each.published_at}
    for each in ours:
        if not each.published_at and not each.stale:
            yield f"the billing event {each.id} ({each.news.type} {each.news.subject}) was never published"
    for listener, rows in ledger["heard"].items():
        heard = {row["id"]: row for row in rows}
        for ident in out.keys() - heard.keys():
            yield f"{listener} never heard of {ident} ({out[ident].news.type} {out[ident].news.subject})"
        for ident, row in heard.items():
            mine = out.get(ident)
            if mine is None:
                yield f"{listener} heard of {ident} ({row['type']}), and we never published it"
            elif (mine.news.type, mine.news.subject, mine.sequence) != (
                row["type"],
                row["subject"],
                row["sequence"],
            ):
                yield f"{listener} heard something else of {ident} than we published"


async def _all(store: Store, kind: Kind[Any], index: str, value: str = "") -> Any:
    """Every record of a kind under an index value."""
    cursor: str | None = None
    while True:
        page = await kind.query(store, index, value, after=cursor, limit=PAGE)
        for each in page.items:
            yield each
        cursor = page.cursor
        if cursor is None:
            return
