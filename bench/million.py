"""A database with very many orders, each invoiced and mailed, as the service itself would have left it."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import msgspec

from bench.events import charge_event
from onpaid.domain.events import Envelope
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer, Order, OrderLine, Revision
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.engine.journal import RUNS, Attempt, Run, Step
from onpaid.repositories.events import EVENTS, EventRecord, digest_of, pack
from onpaid.repositories.orders import ALLOCATIONS, ORDERS, Allocation, TakenLine
from onpaid.repositories.payments import MARKS, PAYMENTS, PaidMark
from onpaid.repositories.references import REFERENCES, Reference
from onpaid.store.port import Write
from onpaid.store.sqlite import SqliteStore

STEPS = (
    ("order", "wait"),
    ("lines to pay for", "wait"),
    ("read payment", "read"),
    ("take lines", "wait"),
    ("file contact", "call"),
    ("create invoice", "find"),
    ("read invoice", "read"),
    ("note invoice", "local"),
    ("count dispatches", "read"),
    ("send receipt", "find"),
)


def order_writes(number: int, at: int) -> list[Write]:
    """Everything that one finished order leaves behind."""
    key, payment = f"konverzky/{number}", f"stripe/default/test/pi_{number:012x}"
    line = OrderLine("77", "77", "E-book", Decimal(2), Decimal("199.00"), Decimal(25))
    buyer = Customer(
        name="Ola Nordmann",
        email=f"buyer{number % 400_000}@example.org",
        address=Address(line1="Storgata 1", postal_code="0155", city="Oslo", country="NO"),
    )
    revision = Revision(1, f"{number:064x}", (line,), at, f"wh_{number}", "NOK", True, Decimal(398), buyer)
    money = Money(39_800, "NOK")
    fact = PaymentSucceeded(
        "stripe/default/test",
        f"pi_{number:012x}",
        key,
        money,
        at,
        False,
        f"ch_{number:012x}",
        None,
        buyer,
        f"evt_{number}",
    )
    body = charge_event(number, order=str(number))
    envelope = Envelope("stripe", "stripe/default/test", f"evt_{number:012x}", "charge.succeeded", False, at)
    raw = msgspec.Raw(msgspec.json.encode(fact))
    steps = [
        Step(
            name=name,
            act=f"Bench.{name}",
            kind=kind,  # type: ignore[arg-type]
            state="done",
            attempts=[Attempt(1, at, ended=at + 40, outcome="done")],
            tries=1,
            result=msgspec.Raw(b'{"invoice_id":2000010}'),
        )
        for name, kind in STEPS
    ]
    run = Run(
        f"invoice_payment:{payment}",
        "invoice_payment",
        raw,
        at,
        "done",
        about=[f"order:{key}"],
        steps=steps,
        ended=at,
    )
    expiring = Run(f"expire_order:{key}", "expire_order", raw, at, "done", about=[f"order:{key}"], ended=at)
    return [
        EVENTS.insert(
            EventRecord(
                f"stripe/default/test/evt_{number:012x}",
                envelope,
                at,
                digest_of(body),
                pack(body),
                "routed",
                "",
                [run.id],
                [f"order:{key}"],
            )
        ),
        ORDERS.insert(Order("konverzky", str(number), False, at, (revision,))),
        PAYMENTS.insert(Payment(fact, at)),
        MARKS.put(PaidMark(key, payment)),
        ALLOCATIONS.insert(Allocation(key, {"77": TakenLine(payment, line, 1)}, {payment: money})),
        REFERENCES.put(Reference("invoice-number", str(10_000 + number), key, at)),
        RUNS.insert(run),
        RUNS.insert(expiring),
    ]


async def fill(path: Path, orders: int) -> float:
    """Write so many orders; returns orders a second."""
    store = await SqliteStore.open(path)
    started, now = time.perf_counter(), int(time.time() * 1000) - orders * 1000
    numbers = iter(range(1, orders + 1))

    async def write() -> None:
        while True:
            batch: list[Write] = []
            for number in numbers:
                batch.extend(order_writes(number, now + number * 1000))
                if len(batch) > 90:
                    break
            if not batch:
                return
            await store.commit(batch)

    await asyncio.gather(*(write() for _ in range(32)))
    await store.close()
    return orders / (time.perf_counter() - started)
