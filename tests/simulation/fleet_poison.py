"""A thousand orders on a fleet, of which a few are poison: one breaks, one cannot be read, one kills whoever works on it.

    poisoned(1000)      {"orders": 1000, "poison": 3, "unserved": 0, "double": 0, "later": 2, "worst": 241.0, ...}

The same day is told without the poison. What shares a batch with a killer comes again with it, and may be served later
by as long as a lease lasts; nobody is served twice, or never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from onpaid.acts import act
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.errors import StoreError, StoreUnavailable
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store, Stored
from tests.app.counter import BOOK, GRO
from tests.app.post import charge, shop_event, signed, stripe_event
from tests.flows.fates import Fates
from tests.flows.stage import ACCOUNT, details_of, paid_for
from tests.flows.world import Money as Till
from tests.flows.world import World
from tests.simulation.fleet import Fleet, Skies
from tests.simulation.lives import INVOICES, Parts, Trade
from tests.simulation.simulate import quiet
from tests.simulation.verdict import all_runs, all_tickets

APART = 5.0
MINOR = 19_900
AFTERWARDS = 7200.0
GARBAGE = ("", "{", '{"run":7}', '{"run":""}', "null", '{"other":"thing"}')
LATER = 30.0
"""Seconds: who is served so much later than without the poison is counted."""


class _Till(Till):
    """A payment source over some of whose payments we break, or die."""

    def __init__(self, world: World, poison: Mapping[str, str], road: Any) -> None:
        super().__init__(world)
        self._poison, self._road = poison, road

    @act(repeatable=True, lane="money")
    async def fetch_payment(self, paid: PaymentSucceeded) -> PaymentDetails:
        how = self._poison.get(paid.payment_id, "")
        if how == "breaks":
            raise ZeroDivisionError("poison")
        if how == "kills":
            self._road.dead.set()
            await asyncio.Event().wait()
        details: PaymentDetails = await super().fetch_payment(paid)
        return details


class _Unreadable(MemoryStore):
    """A table of which one run cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: frozenset[str] = frozenset()
        self.asked = 0

    async def get(self, kind: str, key: str) -> Stored | None:
        if kind == "run" and key in self.runs:
            self.asked += 1
            raise StoreUnavailable("this item cannot be read")
        return await super().get(kind, key)


async def _day(orders: int, poison: Mapping[str, str]) -> dict[str, Any]:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    memory, clock, world = _Unreadable(), VirtualClock(), World(Fates())

    def guests(world: World, road: Store, clock: Any) -> dict[str, Any]:
        return {**INVOICES.guests(world, road, clock), "payment_source": _Till(world, poison, road)}

    trade = Trade(INVOICES.flows, guests, INVOICES.sources, INVOICES.lanes)
    fleet = Fleet(memory, world, clock, Parts(), Skies(), 1, trade)
    working = asyncio.create_task(fleet.works())
    await clock.sleep(0)
    for nth in range(orders):
        number, payment = str(1001 + nth), f"pi_{nth}"
        paid = paid_for(number, Money(MINOR, "NOK"), payment=payment, customer=None, billing=GRO)
        world.payments[payment] = details_of(paid)
        await _post(fleet, clock, "konverzky", shop_event(number, (BOOK,), webhook=f"w{nth}"))
        await _post(
            fleet,
            clock,
            "stripe",
            stripe_event("charge.succeeded", charge(payment, MINOR, number), f"evt_{nth}"),
        )
        if poison.get(payment) == "unread":
            memory.runs = frozenset({_run(payment)})
        if poison:
            fleet.queue.put(GARBAGE[nth % len(GARBAGE)], 0.0)
        await clock.sleep(APART)
    await clock.sleep(AFTERWARDS)
    assert not working.done(), working.exception()
    working.cancel()
    memory.runs = frozenset()
    took = {run.id: run.ended - run.started for run in await all_runs(memory) if run.ended is not None}
    return {
        "took": took,
        "tickets": [ticket.run for ticket in await all_tickets(memory)],
        "invoices": [each.draft.our_reference for each in world.invoices],
        "mails": world.mails,
        "faults": len(world.faults),
        "dead": len(fleet.queue.dead),
        "crashes": fleet.crashes,
        "asked": memory.asked,
    }


async def _post(fleet: Fleet, clock: VirtualClock, source: str, body: bytes) -> None:
    while True:
        try:
            if await fleet.receive(source, signed(source, body, clock.now()), body):
                return
        except StoreError:
            await clock.sleep(1)


def _run(payment: str) -> str:
    return f"invoice_payment:{ACCOUNT}/{payment}"


def poisoned(orders: int = 1000) -> dict[str, Any]:
    """How the others fared, and what became of the poison."""
    poison = {
        f"pi_{orders // 4}": "breaks",
        f"pi_{orders // 3}": "unread",
        f"pi_{orders // 2}": "kills",
    }
    with quiet():
        calm = run_virtually(lambda: _day(orders, {}))
        rough = run_virtually(lambda: _day(orders, poison))
    others = [f"pi_{nth}" for nth in range(orders) if f"pi_{nth}" not in poison]
    late = [
        (rough["took"][run] - calm["took"][run]) / 1000 for run in map(_run, others) if run in rough["took"]
    ]
    return {
        "orders": orders,
        "poison": len(poison),
        "unserved": sum(payment not in rough["invoices"] for payment in others),
        "double": len(rough["invoices"]) - len(set(rough["invoices"])) + rough["faults"],
        "mails": rough["mails"],
        "later": sum(each > LATER for each in late),
        "worst": round(max(late, default=0.0), 1),
        "tickets": len(rough["tickets"]),
        "of_others": sum(run in set(map(_run, others)) for run in rough["tickets"]),
        "workers_killed": rough["crashes"],
        "unread": rough["asked"],
        "dead_letters": rough["dead"],
    }
