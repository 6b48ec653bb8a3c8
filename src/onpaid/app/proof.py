"""The proof: what was paid, held against what we invoiced and mailed; and both held against somebody else's ledger.

`proof` reads our own records only. `compare` takes what the outside says of itself (a simulator's ledger, later the
providers' lists) and names every difference, in both directions: what they have and we do not, and what we have and
they do not. What was paid at our own checkout is not invoiced, and has a proof of its own: `proof_delivery`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import msgspec

from onpaid.domain.invoices import InvoiceRef
from onpaid.domain.money import Money
from onpaid.domain.payments import Payment
from onpaid.engine.journal import RUNS, TICKETS, Run
from onpaid.repositories.payments import PAYMENTS
from onpaid.store.port import Store

FLOW: Final = "invoice_payment"
EXPECTED: Final = "invoice"
PAGE: Final = 200
MOST_NAMED: Final = 1000
"""How many findings of one kind are named; all are counted."""
UNDER_WAY: Final = frozenset({"ready", "running", "waiting", "sleeping"})
FOR_A_PERSON: Final = frozenset({"doubtful", "failed"})
NO_RUN: Final = "no run"


class Row(msgspec.Struct, frozen=True):
    """One payment and what became of it. `state` is its run's, or "no run"."""

    payment: str
    payment_id: str
    order: str
    amount: Money
    state: str
    charge_id: str | None = None
    invoice_id: int | None = None
    invoice_number: int | None = None
    mailed: bool = False

    @property
    def order_number(self) -> str:
        """The order's number, without its shop."""
        return self.order.partition("/")[2]


class Proof(msgspec.Struct, frozen=True):
    """What our records say. The counts are exact; the lists name the first of each kind.

    `missing`: its story ended without an invoice or a mail, or has no run. `double`: invoices that two payments
    lay claim to. `unexplained`: runs of this flow whose payment we do not hold.
    """

    paid: int
    invoiced: int
    mailed: int
    under_way: int
    waiting_for_person: int
    cancelled: int
    open_tickets: int
    missing: list[str]
    double: list[int]
    unexplained: list[str]

    @property
    def holds(self) -> bool:
        """Whether every payment has its one invoice and mail, and nobody has to do anything."""
        whole = self.paid == self.invoiced == self.mailed
        return whole and not (self.missing or self.double or self.unexplained or self.waiting_for_person)


async def rows(store: Store) -> AsyncIterator[Row]:
    """Every payment that is to be invoiced, newest first, with what became of it."""
    cursor: str | None = None
    while True:
        page = await PAYMENTS.query(store, "all", "", after=cursor, limit=PAGE)
        paid = [payment for payment in page.items if EXPECTED in payment.fact.expects]
        runs = await RUNS.get_many(store, [f"{FLOW}:{payment.key}" for payment in paid])
        for payment, run in zip(paid, runs, strict=True):
            yield _row(payment, run)
        cursor = page.cursor
        if cursor is None:
            return
        await asyncio.sleep(0)  # reading is done on the loop: let others have a turn


async def proof(store: Store) -> Proof:
    """The proof of a store as it is now."""
    states: Counter[str] = Counter()
    claimed: Counter[int] = Counter()
    invoiced = mailed = 0
    missing: list[str] = []
    async for row in rows(store):
        states[row.state] += 1
        mailed += row.mailed
        if row.invoice_id is not None:
            invoiced += 1
            claimed[row.invoice_id] += 1
        if row.state == NO_RUN or (row.state == "done" and not (row.invoice_id is not None and row.mailed)):
            missing.append(row.payment)
    return Proof(
        paid=states.total(),
        invoiced=invoiced,
        mailed=mailed,
        under_way=sum(states[state] for state in UNDER_WAY),
        waiting_for_person=await _unfinished_by_people(store),
        cancelled=states["cancelled"],
        open_tickets=await store.count(TICKETS.name, "state", "open", at_most=1_000_000),
        missing=missing[:MOST_NAMED],
        double=sorted(invoice for invoice, times in claimed.items() if times > 1)[:MOST_NAMED],
        unexplained=(await _without_payment(store))[:MOST_NAMED],
    )


async def _unfinished_by_people(store: Store) -> int:
    """Runs of any flow that go on only when a person has decided."""
    counts = [
        await store.count(RUNS.name, "state", state, at_most=1_000_000) for state in sorted(FOR_A_PERSON)
    ]
    return sum(counts)


async def _without_payment(store: Store) -> list[str]:
    """Runs of this flow whose payment is not kept. Both are written in one commit, so there are none."""
    found: list[str] = []
    for state in ("done", "cancelled", *sorted(UNDER_WAY), *sorted(FOR_A_PERSON)):
        cursor: str | None = None
        while True:
            page = await RUNS.query(store, "flow-state", f"{FLOW}:{state}", after=cursor, limit=PAGE)
            keys = [run.id.removeprefix(f"{FLOW}:") for run in page.items]
            held = await store.get_many(PAYMENTS.name, keys)
            found += [run.id for run, kept in zip(page.items, held, strict=True) if kept is None]
            cursor = page.cursor
            if cursor is None:
                break
            await asyncio.sleep(0)
    return found


def _row(payment: Payment, run: Run | None) -> Row:
    fact = payment.fact
    invoice = None if run is None else invoice_of(run)
    return Row(
        payment=payment.key,
        payment_id=fact.payment_id,
        order=fact.order,
        amount=fact.amount,
        state=NO_RUN if run is None else run.state,
        charge_id=fact.charge_id,
        invoice_id=None if invoice is None else invoice.invoice_id,
        invoice_number=None if invoice is None else invoice.number,
        mailed=run is not None and _mailed(run),
    )


def invoice_of(run: Run) -> InvoiceRef | None:
    """The invoice that a run made or found, with its number once it was read back."""
    for name in ("read invoice", "create invoice"):
        step = run.step(name)
        if step is not None and step.state == "done" and step.result:
            return msgspec.json.decode(step.result, type=InvoiceRef)
    return None


def _mailed(run: Run) -> bool:
    """Whether the mail went out: sent by this run, or found to have been sent before it."""
    sent = run.step("send receipt")
    if sent is not None:
        return sent.state == "done"
    counted = run.step("count dispatches")
    return counted is not None and counted.state == "done" and bytes(counted.result) not in (b"", b"0")


Ledger = Mapping[str, Any]


def compare(ours: Iterable[Row], ledger: Ledger) -> list[str]:
    """Every difference between our rows and a ledger (as `GET /_ledger` gives it), in sentences; none if they agree."""
    told: list[str] = []
    payments = {row["payment_intent"]: row for row in ledger["payments"]}
    payments.update({row["charge"]: row for row in ledger["payments"]})
    invoices = {row["invoice_id"]: row for row in ledger["invoices"]}
    claimed: Counter[int] = Counter()
    known: set[str] = set()
    for row in ours:
        paid = payments.get(row.payment_id)
        if paid is None or not paid["captured"]:
            told.append(f"we hold the payment {row.payment_id}, and the payment provider took no such money")
        else:
            known.add(paid["payment_intent"])
            if (paid["amount"], paid["currency"]) != (row.amount.minor, row.amount.currency):
                theirs = Money(paid["amount"], paid["currency"])
                told.append(f"the payment {row.payment_id} is {row.amount} here and {theirs} there")
        if row.invoice_id is None:
            told.append(
                f"the payment {row.payment_id} of order {row.order_number} has no invoice here ({row.state})"
            )
            continue
        claimed[row.invoice_id] += 1
        told += _differences(row, invoices.get(row.invoice_id))
    told += [
        f"the payment {row['payment_intent']} of order {row['order_number']} was taken, and we do not hold it"
        for row in ledger["payments"]
        if row["captured"] and row["order_number"] is not None and row["payment_intent"] not in known
    ]
    told += [
        f"the invoice {ident} of order {row['order_reference']} exists, and no payment of ours has it"
        for ident, row in invoices.items()
        if claimed[ident] == 0
    ]
    return told + [
        f"the invoice {ident} belongs to {times} payments" for ident, times in claimed.items() if times > 1
    ]


def _differences(row: Row, theirs: Mapping[str, Any] | None) -> list[str]:
    if theirs is None:
        return [f"we hold the invoice {row.invoice_id}, and the accounts have no such invoice"]
    told = []
    if (theirs["gross"], theirs["currency"]) != (row.amount.minor, row.amount.currency):
        gross = Money(theirs["gross"], theirs["currency"])
        told.append(f"the invoice {row.invoice_id} is over {gross}, and {row.amount} was paid")
    if theirs["order_reference"] != row.order_number:
        told.append(
            f"the invoice {row.invoice_id} names order {theirs['order_reference']}, not {row.order_number}"
        )
    if row.invoice_number is not None and theirs["invoice_number"] != row.invoice_number:
        told.append(f"the invoice {row.invoice_id} has another number here ({row.invoice_number}) than there")
    if theirs["mails"] != row.mailed:
        here = "mailed" if row.mailed else "not mailed"
        told.append(
            f"the invoice {row.invoice_id} is {here} here, and was mailed {theirs['mails']} times there"
        )
    return told
