"""What was paid against what exists: the world's books and the service's store, compared both ways."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.store.memory import MemoryStore
from tests.flows.stage import ACCOUNT
from tests.flows.world import World
from tests.simulation.day import Sale

STATES = ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled")


@dataclass
class Result:
    """What one simulated day came to. All is well if `lost`, `double` and `stuck` are empty."""

    seed: int
    payments: int = 0
    invoices: int = 0
    mails: int = 0
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    tickets_by_class: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    crashes: int = 0
    faults: int = 0
    digest: str = ""

    @property
    def well(self) -> bool:
        return not (self.lost or self.double or self.stuck)

    @property
    def why(self) -> str:
        """The first things that are wrong, with the seed that shows them."""
        wrong = [f"lost {one}" for one in self.lost] + [f"double {one}" for one in self.double]
        return f"seed {self.seed}: " + "; ".join([*wrong, *(f"stuck {one}" for one in self.stuck)][:5])


async def all_runs(store: MemoryStore) -> list[Run]:
    """Every run there is."""
    found: list[Run] = []
    for state in STATES:
        cursor: str | None = None
        while True:
            page = await RUNS.query(store, "state", state, after=cursor, limit=1000)
            found.extend(page.items)
            cursor = page.cursor
            if cursor is None:
                break
    return found


async def all_tickets(store: MemoryStore, state: str = "open") -> list[Ticket]:
    """Every ticket in this state."""
    found: list[Ticket] = []
    cursor: str | None = None
    while True:
        page = await TICKETS.query(store, "state", state, after=cursor, limit=1000)
        found.extend(page.items)
        cursor = page.cursor
        if cursor is None:
            return found


async def judge(result: Result, sales: Iterable[Sale], world: World, store: MemoryStore) -> None:
    """Fill in what is lost, double or stuck."""
    runs = {run.id: run for run in await all_runs(store)}
    tickets = await all_tickets(store)
    about: dict[str, list[Ticket]] = {}
    for ticket in tickets:
        about.setdefault(ticket.run or "", []).append(ticket)
    invoices: dict[str, list[Any]] = {}
    for invoice in world.invoices:
        invoices.setdefault(invoice.draft.our_reference, []).append(invoice)
    result.invoices, result.mails = len(world.invoices), world.mails
    for sale in sales:
        _judge_sale(result, sale, invoices, runs, about)
    _judge_books(result, world)
    for run in runs.values():
        if run.state in ("failed", "doubtful") and not about.get(run.id):
            result.stuck.append(f"{run.id} is {run.state} without a ticket: {run.reason}")
        if run.state in ("ready", "running", "waiting", "sleeping"):
            result.stuck.append(f"{run.id} is {run.state}: {run.reason}")


def _judge_sale(
    result: Result,
    sale: Sale,
    invoices: dict[str, list[Any]],
    runs: dict[str, Run],
    about: dict[str, list[Ticket]],
) -> None:
    made = {payment: invoices.get(payment, []) for payment in sale.payments}
    for payment, details in sale.payments.items():
        result.payments += 1
        run_id = f"invoice_payment:{ACCOUNT}/{payment}"
        ticketed = bool(about.get(run_id))
        expected = sale.expected[payment]
        if run_id not in runs:
            result.lost.append(f"{payment}: acknowledged, and there is no run")
            continue
        if len(made[payment]) > 1:
            result.double.append(f"{payment}: {len(made[payment])} invoices")
        for invoice in made[payment]:
            if invoice.draft.total != details.amount:
                result.double.append(f"{payment}: invoiced {invoice.draft.total}, paid {details.amount}")
            if invoice.draft.order_reference != sale.number:
                result.double.append(f"{payment}: invoiced for order {invoice.draft.order_reference}")
            if not invoice.mails and not ticketed:
                result.lost.append(f"{payment}: the mail")
        if expected == "ticket":
            if made[payment]:
                result.double.append(f"{payment}: an invoice that should not be")
            if not ticketed:
                result.lost.append(f"{payment}: the ticket")
        elif not made[payment] and not ticketed:
            result.lost.append(f"{payment}: the invoice")
        elif expected == "invoice" and not made[payment]:
            result.lost.append(f"{payment}: the invoice; there is only a ticket: {about[run_id][0].title}")
    if "one of two" in sale.expected.values() and sum(map(len, made.values())) != 1:
        result.double.append(
            f"order {sale.number}: {sum(map(len, made.values()))} invoices for two like payments"
        )


def _judge_books(result: Result, world: World) -> None:
    result.double.extend(world.faults)
    for reference, count in Counter(contact.details.reference for contact in world.contacts).items():
        if count > 1:
            result.double.append(f"{count} contacts for {reference}")
    for invoice in world.invoices:
        if len(invoice.mails) > 1:
            result.double.append(f"invoice {invoice.id}: {len(invoice.mails)} mails")
        names = [line.name for line in invoice.draft.lines]
        if len(names) != len(set(names)):
            result.double.append(f"invoice {invoice.id}: a line twice")
    lines = Counter(
        (invoice.draft.order_reference, line.name)
        for invoice in world.invoices
        for line in invoice.draft.lines
    )
    result.double.extend(
        f"line {name} of order {order}: invoiced {n} times" for (order, name), n in lines.items() if n > 1
    )
    for ticket, count in Counter(ticket.id for ticket in world.tickets).items():
        if count > 1:
            result.double.append(f"ticket {ticket}: filed {count} times")


def digest_of(store: MemoryStore, world: World) -> str:
    """One text for all that came to be: every document with its version, and the world's books in order."""
    told = hashlib.sha256()
    for place in sorted(store._documents):
        stored = store._documents[place][0]
        told.update(repr((place, stored.version)).encode())
        told.update(stored.body)
    for books in (world.contacts, world.invoices, world.tickets):
        for entry in books:
            told.update(repr(entry).encode())
    return told.hexdigest()
