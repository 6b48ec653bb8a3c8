"""What is kept about an order under any of its names: runs, payments, events, tickets. Each read by an index."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onpaid.domain.orders import Order, order_key
from onpaid.domain.payments import Payment
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.repositories.events import EventRecord, Events
from onpaid.repositories.orders import ALIASES, ORDERS, order_thing
from onpaid.repositories.payments import Payments
from onpaid.repositories.renewals import bill_thing
from onpaid.repositories.sessions import session_thing
from onpaid.store.port import Store

MOST = 100


def names_of(key: str, order: Order | None) -> list[str]:
    """Every key under which an order is spoken of."""
    if order is None:
        return [key]
    return list(dict.fromkeys((order.key, *(order_key(order.shop, alias) for alias in order.aliases), key)))


def sold_thing(order: Order | None) -> str:
    """What runs and events call the session or the bill that an order came from; empty if it came from neither."""
    if order is None or not order.sold:
        return ""
    return session_thing(order.session) if order.session else bill_thing(order.bill)


def _things(names: Sequence[str], sold: str) -> list[str]:
    """What runs and events are about: an order under its names, and the session or bill that it came from."""
    return [*map(order_thing, names), *([sold] if sold else ())]


class About:
    """Finds what belongs together."""

    def __init__(self, store: Store, payments: Payments, events: Events) -> None:
        self._store = store
        self._payments = payments
        self._events = events

    async def runs(self, names: Sequence[str], sold: str = "") -> list[Run]:
        found: dict[str, Run] = {}
        for thing in _things(names, sold):
            page = await RUNS.query(self._store, "about", thing, newest_first=False, limit=MOST)
            found.update({run.id: run for run in page.items})
        return sorted(found.values(), key=lambda run: run.started)

    async def with_children(self, runs: list[Run]) -> list[Run]:
        """And the runs whose results these use: those they wait for, and those that a step names."""
        names = [thing.removeprefix("run:") for run in runs for thing in run.wake if thing.startswith("run:")]
        for run in runs:
            for step in run.steps:
                if step.kind == "call" and bytes(step.input).startswith(b'"'):
                    names.append(msgspec.json.decode(step.input, type=str))
        known = {run.id for run in runs}
        wanted = [name for name in dict.fromkeys(names) if name not in known][:MOST]
        children = await RUNS.get_many(self._store, wanted) if wanted else []
        return [*runs, *(child for child in children if child is not None)]

    async def payments(self, names: Sequence[str]) -> list[Payment]:
        found: dict[str, Payment] = {}
        for name in names:
            found.update({payment.key: payment for payment in await self._payments.of_order(name)})
        return sorted(found.values(), key=lambda payment: payment.fact.paid_at)

    async def events(self, names: Sequence[str], sold: str = "") -> list[EventRecord]:
        things = _things(names, sold)
        found = {event.key: event for thing in things for event in await self._events.about(thing)}
        return sorted(found.values(), key=lambda event: event.received_at)

    async def tickets(self, names: Sequence[str], sold: str = "") -> list[Ticket]:
        found: dict[str, Ticket] = {}
        for thing in _things(names, sold):
            page = await TICKETS.query(self._store, "about", thing, limit=MOST)
            found.update({ticket.id: ticket for ticket in page.items})
        return sorted(found.values(), key=lambda ticket: (ticket.state == "closed", -ticket.opened_at))

    async def orders(self, keys: list[str]) -> list[tuple[str, Order | None]]:
        """The orders of these keys or aliases, each once."""
        orders = dict(zip(keys, await ORDERS.get_many(self._store, keys), strict=True))
        absent = [key for key, order in orders.items() if order is None]
        aliases = [alias for alias in await ALIASES.get_many(self._store, absent) if alias is not None]
        named = await ORDERS.get_many(self._store, [alias.order for alias in aliases])
        orders.update({alias.alias: order for alias, order in zip(aliases, named, strict=True)})
        return list({order.key if order else key: (key, order) for key, order in orders.items()}.values())
