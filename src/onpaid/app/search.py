"""Finding an order by whatever its customer, the payment provider, the courier or the accounts call it: one field, a few
reads by key.

Tried at once: order number, alias or key; e-mail; phone number; payment, charge or checkout; AWB, the courier service's
ids and ours; invoice number or id. A run, an event or a ticket is found by its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from onpaid.app.about import About
from onpaid.domain.orders import Order, order_key
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.repositories.events import Events
from onpaid.repositories.orders import Orders, phone_digits
from onpaid.repositories.payments import Payments
from onpaid.repositories.references import References
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.port import Store

LONGEST = 300
OUTSIDE = (
    ("invoice-number", "invoice number"),
    ("invoice", "invoice id"),
    ("payment", "payment"),
    ("awb", "AWB"),
    ("shipment", "shipment id"),
    ("courier-order", "courier’s order id"),
)
"""Kinds of outside ids, and how they are spoken of."""

Other = Literal["run", "event", "ticket"]


class Found(msgspec.Struct):
    """What a search found, and by what. A key without an order is money that waits for its order."""

    orders: list[tuple[str, Order | None]]
    by: str = ""
    cursor: str | None = None
    others: list[tuple[Other, str]] = []


class Search:
    """Looks in every index that an operator's words could mean."""

    def __init__(
        self,
        store: Store,
        orders: Orders,
        payments: Payments,
        events: Events,
        references: References,
        shops: Sequence[str],
    ) -> None:
        self._store = store
        self._orders = orders
        self._payments = payments
        self._events = events
        self._references = references
        self._shops = shops
        self._about = About(store, payments, events)

    def candidates(self, name: str) -> list[str]:
        """The keys that this number or key may mean."""
        return [name, *(order_key(shop, name) for shop in self._shops)]

    async def orders(self, q: str, *, after: str | None, limit: int) -> Found:
        """Everything that `q` may mean."""
        q = q[:LONGEST]
        if "@" in q and (page := await self._orders.of_email(q, after=after, limit=limit)).items:
            return Found([(order.key, order) for order in page.items], "e-mail", page.cursor)
        keys: dict[str, str] = {}
        for key in self.candidates(q):
            if await self._orders.find(key) is not None or await self._payments.of_order(key):
                keys.setdefault(key, "order number")
        for payment in await self._payments.of_id(q):
            keys.setdefault(payment.fact.order, "payment")
        for kind, by in OUTSIDE:
            for key in await self._references.orders_of(kind, q):
                keys.setdefault(key, by)
        shipment = await SHIPMENTS.get(self._store, q)
        if shipment is not None:
            keys.setdefault(shipment.record.order, "shipment id")
        digits = phone_digits(q)
        if digits:
            page = await self._orders.of_phone(digits, after=after, limit=limit)
            if page.items and not keys:
                return Found([(order.key, order) for order in page.items], "phone", page.cursor)
            keys |= {order.key: "phone" for order in page.items if order.key not in keys}
        found = await self._about.orders(list(keys)[:limit])
        return Found(found, ", ".join(dict.fromkeys(keys.values())), None, await self._others(q))

    async def _others(self, q: str) -> list[tuple[Other, str]]:
        others: list[tuple[Other, str]] = []
        if ":" in q and await RUNS.get(self._store, q) is not None:
            others.append(("run", q))
        if "/" in q and await self._events.get(q) is not None:
            others.append(("event", q))
        if q.startswith("tkt_") and await TICKETS.get(self._store, q) is not None:
            others.append(("ticket", q))
        return others
