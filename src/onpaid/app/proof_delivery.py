"""The proof of deliveries: what was paid at our own checkout, held against what we shipped, told and took from stock.

It reads our own records only; `proof_delivery_ledger` holds them against somebody else's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from onpaid.app.proof import FOR_A_PERSON, MOST_NAMED, NO_RUN, PAGE, UNDER_WAY
from onpaid.domain.money import Money
from onpaid.domain.payments import Payment
from onpaid.engine.journal import RUNS, Run
from onpaid.repositories.catalogue import MOVEMENTS, PRODUCTS, STOCK
from onpaid.repositories.messages import MESSAGES, message_ref
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import PAYMENTS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.port import Store

FLOW: Final = "ship_paid_order"
EXPECTED: Final = "shipment"
CONFIRMED: Final = "order_confirmation"
SHIPPED: Final = "shipment_created"
OUT: Final = frozenset({"logged", "accepted", "sent", "delivered", "read"})
"""States of a message that went out; `undeliverable` is final too: that number cannot be told anything."""


class Row(msgspec.Struct, frozen=True):
    """One paid checkout and what became of it. `state` is its run's, or "no run"; `money` its payment status here.

    `told` has the state of each message, `took` the units that it took of each product, `short` how many of those
    were not on the shelf. `shipment` is the courier service's id of the live parcel.
    """

    payment: str
    checkout: str
    payment_id: str
    order: str
    amount: Money
    state: str
    money: str = ""
    ships: bool = False
    shipment: str = ""
    reference: str = ""
    awb: str = ""
    told: dict[str, str] = {}
    took: dict[str, int] = {}
    short: dict[str, int] = {}

    @property
    def number(self) -> str:
        """The order's number, without its shop."""
        return self.order.partition("/")[2]

    @property
    def due(self) -> bool:
        """Whether a parcel is owed."""
        return self.ships and self.money == "paid"


class Proof(msgspec.Struct, frozen=True):
    """What our records say of deliveries. The counts are exact; the lists name the first of each kind.

    `missing`: the story ended, or was never begun, and a parcel that is due is not booked. `untold`: a message that
    was to go out was given up on. `unreachable` counts messages to numbers that are not on WhatsApp.
    """

    paid: int
    due: int
    shipped: int
    confirmed: int
    told_shipped: int
    unreachable: int
    given_back: int
    under_way: int
    waiting_for_person: int
    missing: list[str]
    untold: list[str]

    @property
    def holds(self) -> bool:
        """Whether every paid order has its one parcel, and nobody has to do anything."""
        return self.due == self.shipped and not (self.missing or self.untold or self.waiting_for_person)


async def rows(store: Store) -> AsyncIterator[Row]:
    """Every paid checkout that we hold, newest first. Money that was for something else than our orders is left out."""
    orders, cursor = Orders(store), None
    while True:
        page = await PAYMENTS.query(store, "all", "", after=cursor, limit=PAGE)
        paid = [payment for payment in page.items if EXPECTED in payment.fact.expects]
        runs = await RUNS.get_many(store, [f"{FLOW}:{payment.key}" for payment in paid])
        for payment, run in zip(paid, runs, strict=True):
            row = await _row(store, orders, payment, run)
            if row.order or row.state != "done":
                yield row
        cursor = page.cursor
        if cursor is None:
            return
        await asyncio.sleep(0)  # reading is done on the loop: let others have a turn


async def proof(store: Store) -> Proof:
    """The proof of a store as it is now."""
    states: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    missing: list[str] = []
    untold: list[str] = []
    async for row in rows(store):
        states[row.state] += 1
        figures.update(
            paid=row.money == "paid",
            due=row.due,
            shipped=row.due and bool(row.awb),
            confirmed=row.told.get(CONFIRMED, "") in OUT,
            told_shipped=row.told.get(SHIPPED, "") in OUT,
            unreachable=sum(state == "undeliverable" for state in row.told.values()),
            given_back=row.money == "refunded",
        )
        if row.state in (NO_RUN, "done") and row.due and not row.awb:
            missing.append(row.payment)
        if "failed" in row.told.values():
            untold.append(row.payment)
    return Proof(
        **{name: figures[name] for name in FIGURES},
        under_way=sum(states[state] for state in UNDER_WAY),
        waiting_for_person=sum(states[state] for state in FOR_A_PERSON),
        missing=missing[:MOST_NAMED],
        untold=untold[:MOST_NAMED],
    )


FIGURES: Final = ("paid", "due", "shipped", "confirmed", "told_shipped", "unreachable", "given_back")


async def shelves(store: Store) -> dict[str, int]:
    """How many units of each product are left."""
    left: dict[str, int] = {}
    cursor: str | None = None
    while True:
        page = await PRODUCTS.query(store, "all", "", after=cursor, limit=PAGE)
        stock = await STOCK.get_many(store, [product.id for product in page.items])
        left |= {
            product.id: 0 if held is None else held.left
            for product, held in zip(page.items, stock, strict=True)
        }
        cursor = page.cursor
        if cursor is None:
            return left


async def _row(store: Store, orders: Orders, payment: Payment, run: Run | None) -> Row:
    fact = payment.fact
    row = Row(
        payment=payment.key,
        checkout=fact.payment_id,
        payment_id=fact.charge_id or "",
        order="",
        amount=fact.amount,
        state=NO_RUN if run is None else run.state,
    )
    held = await orders.find(fact.order)
    fulfilment = None if held is None else held.record.fulfilment
    if held is None or fulfilment is None:
        return row
    key, parcel = held.record.key, fulfilment.parcel
    live = parcel is not None and not parcel.dry_run and parcel.state != "cancelled"
    booked = await SHIPMENTS.get(store, parcel.shipment) if parcel is not None and live else None
    moved = await MOVEMENTS.get(store, key)
    messages = await MESSAGES.get_many(store, [message_ref(key, name) for name in (CONFIRMED, SHIPPED)])
    return msgspec.structs.replace(
        row,
        order=key,
        money=fulfilment.payment_status,
        ships=fulfilment.ships,
        shipment="" if booked is None else booked.record.shipment_id,
        reference="" if booked is None else booked.record.reference,
        awb="" if booked is None else booked.record.awb,
        told={each.template: each.state for each in messages if each is not None},
        took={} if moved is None else {each.product: each.units + each.short for each in moved.record.moved},
        short={}
        if moved is None
        else {each.product: each.short for each in moved.record.moved if each.short},
    )
