"""The proof from our records, and the comparison with somebody else's ledger."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from onpaid.app.proof import Proof, Row, compare, proof, rows
from onpaid.domain.money import Money
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.engine.journal import RUNS, TICKETS, Run, RunState, Step, Ticket
from onpaid.repositories.payments import PAYMENTS
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Write

ACCOUNT = "stripe/default/test"


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def payment(nth: int) -> Payment:
    fact = PaymentSucceeded(
        ACCOUNT, f"pi_{nth}", f"konverzky/100{nth}", Money(49_800, "NOK"), 1, False, f"ch_{nth}"
    )
    return Payment(fact, nth)


def run(nth: int, state: RunState, *, invoice: int | None = None, mailed: str = "") -> Run:
    """`mailed` is "sent" by the run, "before" it, or not at all."""
    steps: list[Step] = []
    if invoice is not None:
        steps.append(Step("create invoice", "", "find", "done", result=raw({"invoice_id": invoice})))
        steps.append(
            Step(
                "read invoice",
                "",
                "read",
                "done",
                result=raw({"invoice_id": invoice, "number": 10_000 + nth}),
            )
        )
        steps.append(Step("count dispatches", "", "read", "done", result=raw(int(mailed == "before"))))
    if mailed == "sent":
        steps.append(
            Step("send receipt", "", "find", "done", result=raw({"invoice_id": invoice, "count": 1}))
        )
    return Run(f"invoice_payment:{ACCOUNT}/pi_{nth}", "invoice_payment", raw({}), 1, state, steps=steps)


async def holding(*writes: Write) -> MemoryStore:
    store = MemoryStore()
    for write in writes:
        await store.commit([write])
    return store


async def test_a_day_that_went_well_holds() -> None:
    many = [
        write
        for nth in range(450)
        for write in (
            PAYMENTS.insert(payment(nth)),
            RUNS.insert(run(nth, "done", invoice=nth, mailed="sent")),
        )
    ]
    told = await proof(await holding(*many))
    assert told == Proof(450, 450, 450, 0, 0, 0, 0, [], [], [])
    assert told.holds


async def test_every_way_in_which_it_may_not_hold() -> None:
    store = await holding(
        *(PAYMENTS.insert(payment(nth)) for nth in range(1, 9)),
        RUNS.insert(run(1, "done", invoice=1, mailed="before")),
        RUNS.insert(run(2, "waiting")),
        RUNS.insert(run(3, "doubtful", invoice=3)),
        RUNS.insert(run(4, "failed")),
        RUNS.insert(run(5, "cancelled")),
        RUNS.insert(run(6, "done", invoice=1, mailed="sent")),
        RUNS.insert(run(7, "done", invoice=7)),
        RUNS.insert(run(9, "done", invoice=9, mailed="sent")),
        TICKETS.insert(Ticket("tkt_1", "doubt", "high", "?", 1)),
    )
    told = await proof(store)
    assert (told.paid, told.invoiced, told.mailed) == (8, 4, 2)
    assert (told.under_way, told.waiting_for_person, told.cancelled, told.open_tickets) == (1, 2, 1, 1)
    assert sorted(told.missing) == [f"{ACCOUNT}/pi_7", f"{ACCOUNT}/pi_8"]
    assert told.double == [1]
    assert told.unexplained == [f"invoice_payment:{ACCOUNT}/pi_9"]
    assert not told.holds


ROW = Row(f"{ACCOUNT}/pi_1", "pi_1", "konverzky/1001", Money(49_800, "NOK"), "done", "ch_1", 42, 10_001, True)
LEDGER: dict[str, Any] = {
    "payments": [
        {
            "payment_intent": "pi_1",
            "charge": "ch_1",
            "order_number": "1001",
            "amount": 49_800,
            "currency": "NOK",
            "captured": True,
        }
    ],
    "invoices": [
        {
            "invoice_id": 42,
            "invoice_number": 10_001,
            "order_reference": "1001",
            "gross": 49_800,
            "currency": "NOK",
            "mails": 1,
        }
    ],
}


def altered(place: str, **changes: Any) -> dict[str, Any]:
    told = deepcopy(LEDGER)
    told[place][0].update(changes)
    return told


def test_what_is_the_same_has_no_differences() -> None:
    assert compare([ROW], LEDGER) == []
    assert compare([msgspec.structs.replace(ROW, payment_id="ch_1")], LEDGER) == []
    none_owed = altered("payments", captured=False, order_number=None)
    assert compare([], {"payments": none_owed["payments"], "invoices": []}) == []


@pytest.mark.parametrize(
    ("ledger", "says"),
    [
        (altered("payments", amount=1), "NOK 498.00 here and NOK 0.01 there"),
        (altered("payments", captured=False), "took no such money"),
        (altered("invoices", gross=50_000), "is over NOK 500.00, and NOK 498.00 was paid"),
        (altered("invoices", order_reference="1002"), "names order 1002, not 1001"),
        (altered("invoices", invoice_number=10_002), "another number here (10001)"),
        (altered("invoices", mails=2), "is mailed here, and was mailed 2 times there"),
        (altered("invoices", mails=0), "is mailed here, and was mailed 0 times there"),
        ({**LEDGER, "invoices": []}, "the accounts have no such invoice"),
        (
            {**LEDGER, "invoices": [*LEDGER["invoices"], {**LEDGER["invoices"][0], "invoice_id": 43}]},
            "no payment of ours has it",
        ),
        ({**LEDGER, "payments": []}, "took no such money"),
    ],
)
def test_each_difference_is_a_sentence(ledger: dict[str, Any], says: str) -> None:
    told = compare([ROW], ledger)
    assert len(told) == 1
    assert says in told[0]


def test_what_only_one_side_knows() -> None:
    told = compare([], LEDGER)
    assert "was taken, and we do not hold it" in told[0]
    assert "no payment of ours has it" in told[1]
    unfinished = msgspec.structs.replace(
        ROW, invoice_id=None, invoice_number=None, mailed=False, state="waiting"
    )
    assert "has no invoice here (waiting)" in compare([unfinished], {**LEDGER, "invoices": []})[0]
    twice = [ROW, msgspec.structs.replace(ROW, payment_id="ch_1")]
    assert compare(twice, LEDGER) == ["the invoice 42 belongs to 2 payments"]


async def test_rows_name_order_and_number() -> None:
    store = await holding(PAYMENTS.insert(payment(1)), RUNS.insert(run(1, "done", invoice=42, mailed="sent")))
    (row,) = [each async for each in rows(store)]
    assert row == ROW
    assert row.order_number == "1001"
