"""Worlds in which something can be proven: nine orders of yesterday, and losses among them."""

from __future__ import annotations

from onpaid.domain.money import Money
from onpaid.engine.journal import TICKETS, Ticket
from tests.app.proving_kit import DAY, Books
from tests.web.world import NOON, World

YESTERDAY = NOON - DAY


async def books_of(world: World, count: int = 9) -> Books:
    """So many orders that agree, and a prover in the world."""
    books = Books(world.store, world.clock)
    await books.sell(count, at=YESTERDAY)
    world.prover = books.prover
    return books


async def spoilt(world: World) -> Books:
    """One order lost its invoice, one has two, one was paid and never heard of."""
    books = await books_of(world)
    del books.accounts.invoices[2]
    books.accounts.invoices.append(books.invoice(3, invoice_id=9999, number=99))
    books.take(50, at=YESTERDAY)
    return books


async def on_show(world: World) -> None:
    """Findings of each kind, a ticket, a refund; one proof that has ended, one of all that agrees, one under way."""
    books = await spoilt(world)
    books.accounts.invoices[4] = books.invoice(5, total=Money(1, "NOK"))
    books.accounts.invoices.append(books.invoice(60))
    reason = "There is no VAT rule for SE at 25 %"
    await world.store.commit([TICKETS.put(Ticket("tkt_1", "invoice", "high", reason, NOON))])
    await books.keep(20, at=YESTERDAY, state="failed", reason=reason, tickets=["tkt_1"])
    books.take(20, at=YESTERDAY)
    books.take(8, at=YESTERDAY, refunded=Money(5000, "NOK"))
    books.stripe.takings.pop(8)
    await books.prover.begin(NOON - 5 * DAY, NOON - 4 * DAY, "ann")
    await books.prover.work()
    world.clock.at += 1
    await books.prover.begin(NOON - 2 * DAY, NOON, "ann")
    await books.prover.work()
    await world.engine.open()
