"""Payments, found by the order they name and by every id they bear."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from onpaid.clock import Instant
from onpaid.domain.payments import Payment, PaymentChanged, PaymentSucceeded
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records


class PaidMark(msgspec.Struct, frozen=True):
    """That an order has a payment: one record at a known place, so that its absence can be a condition."""

    order: str
    payment: str


def _entries(payment: Payment) -> Iterator[Entry]:
    yield Entry("all", "", payment.recorded_at)
    yield Entry("order", payment.fact.order, payment.fact.paid_at)
    yield Entry("id", payment.fact.payment_id, payment.recorded_at)
    if payment.fact.charge_id and payment.fact.charge_id != payment.fact.payment_id:
        yield Entry("id", payment.fact.charge_id, payment.recorded_at)


PAYMENTS = Kind("payment", Payment, key=lambda payment: payment.key, entries=_entries)
MARKS = Kind("order-paid", PaidMark, key=lambda mark: mark.order)


def paid_thing(order: str) -> str:
    """The name under which runs wait for an order's payment."""
    return f"payment-of:{order}"


class Payments:
    """The payments of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def receive(
        self, fact: PaymentSucceeded, now: Instant, changes: tuple[PaymentChanged, ...] = ()
    ) -> tuple[list[Write], list[str]]:
        """The writes that keep a payment (none if it is kept already), and whom they wake. `changes` were told of it
        before it was known."""
        held = await PAYMENTS.get(self._store, fact.key)
        if held is None:
            mark = MARKS.put(PaidMark(fact.order, fact.key))
            return [PAYMENTS.insert(Payment(fact, now, changes)), mark], [
                paid_thing(fact.order),
                f"payment:{fact.key}",
            ]
        known = held.record.fact
        if known.charge_id is None and fact.charge_id is not None:
            fuller = msgspec.structs.replace(known, charge_id=fact.charge_id)
            return [PAYMENTS.update(msgspec.structs.replace(held.record, fact=fuller), held.version)], []
        return [], []

    async def receive_change(self, fact: PaymentChanged) -> list[Write]:
        """The writes that note a change on its payment, if we have it."""
        held = await PAYMENTS.get(self._store, f"{fact.account}/{fact.payment_id}")
        if held is None or any(change.event == fact.event for change in held.record.changes):
            return []
        changed = msgspec.structs.replace(held.record, changes=(*held.record.changes, fact))
        return [PAYMENTS.update(changed, held.version)]

    async def get(self, key: str) -> Payment | None:
        """The payment of this key, or None."""
        held = await PAYMENTS.get(self._store, key)
        return None if held is None else held.record

    async def of_order(self, order: str) -> list[Payment]:
        """The payments that name this order, oldest first."""
        found = await PAYMENTS.query(self._store, "order", order, newest_first=False, limit=100)
        return found.items

    async def of_id(self, outside_id: str) -> list[Payment]:
        """The payments that bear this id: a PaymentIntent or a charge."""
        return (await PAYMENTS.query(self._store, "id", outside_id, limit=20)).items

    async def newest(self, *, after: str | None = None, limit: int = 50) -> Records[Payment]:
        """Payments, newest first."""
        return await PAYMENTS.query(self._store, "all", "", after=after, limit=limit)

    async def look_kept(self, key: str) -> Local[str]:
        """The order that a payment was for, once we have the payment; empty for one that was not to be invoiced."""
        held = await PAYMENTS.get(self._store, key)
        if held is not None:
            return Done(held.record.fact.order if "invoice" in held.record.fact.expects else "")
        return NotYet((f"payment:{key}",), (PAYMENTS.check(key, None),), f"payment {key} is not here")

    async def look_paid(self, order: str, aliases: tuple[str, ...]) -> Local[str]:
        """The payment of an order under any of its names, once there is one."""
        names = (order, *aliases)
        for name in names:
            held = await MARKS.get(self._store, name)
            if held is not None:
                return Done(held.record.payment)
        return NotYet(
            tuple(paid_thing(name) for name in names),
            tuple(MARKS.check(name, None) for name in names),
            f"order {order} is not paid yet",
        )
