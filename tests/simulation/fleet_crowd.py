"""The same event many times at once, at many sandboxes of `web` that share nothing but the table.

crowd(100)                       in virtual time, and all that follows: {"runs": 1, "invoices": 1, "mails": 1, ...}
await on_the_emulator(100)       what a table keeps of it, before anything is worked on
"""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from collections.abc import Sequence
from typing import Any

from onpaid.domain.money import Money
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.errors import StoreError
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.app.counter import BOOK, GRO, Counter
from tests.app.post import charge, shop_event, signed, stripe_event
from tests.emulator import running_emulator, table
from tests.flows.fates import Fates
from tests.flows.stage import details_of, paid_for
from tests.flows.world import World
from tests.simulation.fleet import Fleet, Skies
from tests.simulation.fleet_scenes import moves
from tests.simulation.lives import Parts
from tests.simulation.simulate import quiet
from tests.simulation.verdict import all_runs, all_tickets

MINOR = 19_900
ONE_OF_EACH = {"runs": 1, "contacts": 1, "invoices": 1, "mails": 1, "tickets": 0, "faults": 0}
PAID = stripe_event("charge.succeeded", charge("pi_1", MINOR, "1001"), "evt_1")
ORDERED = tuple(shop_event("1001", (BOOK,), webhook=f"w{nth}") for nth in range(3))


def crowd(copies: int = 100, skies: Skies | None = None) -> dict[str, Any]:
    """One event and its order, each so many times at once: what came of it all."""
    with quiet():
        return run_virtually(lambda: _crowd(copies, skies or Skies(twice=0.5, refused=0.2, two_ticks=0.5)))


async def _crowd(copies: int, skies: Skies) -> dict[str, Any]:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    memory, clock, world = MemoryStore(), VirtualClock(), World(Fates())
    paid = paid_for("1001", Money(MINOR, "NOK"), payment="pi_1", customer=None, billing=GRO)
    world.payments["pi_1"] = details_of(paid)
    fleet = Fleet(memory, world, clock, Parts(), skies, 1)
    working = asyncio.create_task(fleet.works())
    await clock.sleep(0)
    verdicts: Count[str] = Count()

    async def post(source: str, body: bytes) -> None:
        while True:
            try:
                await fleet.web(lambda web: _received(web.inbox, source, body, clock, verdicts))
            except StoreError:
                verdicts["sent again"] += 1
                await clock.sleep(1)
            else:
                return

    await asyncio.gather(*(post("stripe", PAID) for _ in range(copies)))
    told = dict(verdicts)
    await asyncio.gather(*(post("konverzky", ORDERED[nth % 3]) for nth in range(copies)))
    while not working.done() and await moves(memory):
        await clock.sleep(30)
    await clock.sleep(1000)
    assert not working.done(), working.exception()
    working.cancel()
    runs = [run for run in await all_runs(memory) if run.flow == "invoice_payment"]
    made = {"contacts": len(world.contacts), "invoices": len(world.invoices), "mails": world.mails}
    tickets = len(await all_tickets(memory))
    return {**told, "runs": len(runs), **made, "tickets": tickets, "faults": len(world.faults)}


async def _received(inbox: Any, source: str, body: bytes, clock: Any, verdicts: Count[str]) -> None:
    verdicts[(await inbox.receive(source, signed(source, body, clock.now()), body)).verdict] += 1


async def at_the_table(stores: Sequence[Store], copies: int = 100) -> dict[str, int]:
    """Several inboxes, each on a store of its own over one table. What is answered, and what is kept."""
    counters = [Counter(store=store, alive=False) for store in stores]
    for counter in counters:
        counter.exists("pi_1", MINOR, "1001")
    answers: Count[str] = Count()

    async def post(counter: Counter, source: str, body: bytes) -> None:
        while True:
            try:
                answers[(await counter.post(source, body)).verdict] += 1
            except StoreError:
                answers["sent again"] += 1
            else:
                return

    of = len(counters)
    await asyncio.gather(*(post(counters[nth % of], "stripe", PAID) for nth in range(copies)))
    await asyncio.gather(*(post(counters[nth % of], "konverzky", ORDERED[nth % 3]) for nth in range(copies)))
    orders = (await counters[0].guests["orders"].newest()).items
    return {
        **answers,
        "runs": len(await counters[0].runs("invoice_payment")),
        "events": len(await counters[0].events()),
        "orders": len(orders),
        "revisions": sum(len(order.revisions) for order in orders),
    }


async def on_the_emulator(copies: int = 100, stores: int = 8) -> dict[str, int]:
    """The same at a table of an emulator of its own."""
    with quiet(), running_emulator() as emulator:
        client, name = emulator.client("dynamodb"), table()
        create_table(client, name)
        opened = [await DynamoStore.open(name, client=client) for _ in range(stores)]
        try:
            return await at_the_table(opened, copies)
        finally:
            for store in opened:
                await store.close()
