"""How fast the reconciliation compares sessions: without the provider's time, and with answers that take 100 ms; and
how much memory a hundred thousand of them need, beside ten thousand.

The list is made up as it is asked for, so that nobody holds it; the records are real ones on a real database.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
import tracemalloc
from pathlib import Path
from random import Random
from typing import Any

import structlog

from bench.machine import Figure
from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_night import Gate
from onpaid.app.reconciling_plan import Lists
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_sessions import Sessions as ComparedSessions
from onpaid.clock import Instant, SystemClock
from onpaid.domain.money import Money
from onpaid.domain.reconciliation import Reconciliation
from onpaid.domain.session_orders import order_number
from onpaid.domain.sessions import Session, SessionDetails
from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flows
from onpaid.engine.runner import Engine
from onpaid.flows.keep_session import keep_session
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.reconciliations import Reconciliations
from onpaid.repositories.sessions import SESSIONS, Sessions
from onpaid.store.sqlite import SqliteStore

ACCOUNT = "stripe/default/test"
PAGE = 100
MISSING = 200
"""Every so manieth session is not here."""
LARGE, SMALL = 100_000, 10_000


class Endless:
    """Lists so many sessions, newest first, and keeps none of them. `spent` is the time that its answers took."""

    def __init__(self, count: int, at: Instant, answer: float = 0.0) -> None:
        self._count, self._at, self._answer = count, at, answer
        self.spent = 0.0

    def session(self, nth: int) -> SessionDetails:
        return SessionDetails(
            session_id=f"cs_test_{nth:08}",
            mode="payment",
            status="complete",
            payment_status="paid",
            created_at=self._at,
            live=False,
            total=Money(19_900, "NOK"),
            payment_id=f"pi_{nth:08}",
        )

    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        began = time.perf_counter()
        if self._answer:
            await asyncio.sleep(self._answer)
        first = 0 if after is None else int(after.rpartition("_")[2]) + 1
        page = [self.session(nth) for nth in range(first, min(first + PAGE, self._count))]
        self.spent += time.perf_counter() - began
        return page, page[-1].session_id if first + PAGE < self._count else None

    async def fetch_session(self, session_id: str) -> SessionDetails:
        return self.session(int(session_id.rpartition("_")[2]))

    async def session_lines(self, session_id: str) -> list[Any]:
        return []


async def fill(store: SqliteStore, count: int, at: Instant) -> None:
    """All but every so manieth session, as they are kept."""
    for first in range(0, count, 100):
        await store.commit(
            [
                SESSIONS.insert(
                    Session(
                        f"{ACCOUNT}/cs_test_{nth:08}",
                        f"cs_test_{nth:08}",
                        "paid",
                        at,
                        at,
                        total=Money(19_900, "NOK"),
                        order_number=f"BC-{nth:08}",
                    )
                )
                for nth in range(first, min(first + 100, count))
                if nth % MISSING
            ]
        )


async def reconcile(store: SqliteStore, till: Endless, owner: str, most: int) -> Reconciliation:
    """One run over everything."""
    clock, orders, payments = SystemClock(), Orders(store), Payments(store)
    records = Sessions(store, orders, payments, Prices(store), SessionRules(ACCOUNT))
    flows = Flows([keep_session], {"till": till, "sessions": records})
    engine = Engine(store, flows, clock=clock, bell=Silence(), random=Random(1), owner=owner)
    compared = ComparedSessions(
        till,
        records,
        engine.recorder,
        clock,
        account=ACCOUNT,
        number_of=lambda session: order_number("BC-", session),
        gate=Gate(clock, per_second=None),
        settle=0.0,
    )
    kept = Reconciliations(store, owner=owner, sole=True)
    return await Reconciler(
        engine.recorder, kept, clock, SyncSettings(most=most), Lists(sessions=compared)
    ).run("manual", {"lookbackHours": 25})


async def measure(count: int = LARGE) -> list[Figure]:
    """Fill a database, reconcile it, and reconcile it again under a look at the memory."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="onpaid-bench-") as made:
        store = await SqliteStore.open(Path(made) / "bench.db")
        try:
            at = SystemClock().now() - 3_600_000
            await fill(store, count, at)
            rates = []
            for answer, most in ((0.0, count), (0.1, SMALL)):
                till = Endless(most, at, answer)
                began = time.perf_counter()
                run = await reconcile(store, till, f"answers after {answer}", most)
                took = time.perf_counter() - began
                if run.counts.processed != most or run.counts.errors or run.findings:
                    raise RuntimeError(f"{run.counts} of {most} sessions, {run.failures[:1]}")
                rates.append((most / (took - (0 if answer else till.spent)), run))
            peaks = [await _peak(store, size, at) for size in (SMALL, count)]
        finally:
            await store.close()
    (alone, first), (waiting, _) = rates
    return [
        Figure(
            f"sessions reconciled, {count:,} of them, the provider's time excluded",
            alone,
            "/s",
            notes={"missing and started": f"{first.counts.created:,}"},
        ),
        Figure("sessions reconciled with answers after 100 ms, one page at a time", waiting, "/s"),
        Figure(
            f"memory of a run over {count:,} sessions, at its peak",
            peaks[1],
            "MB",
            target="<= 1 MB more than the smaller run",
            notes={f"{SMALL:,} sessions": f"{peaks[0]:.1f} MB"},
        ),
    ]


async def _peak(store: SqliteStore, count: int, at: Instant) -> float:
    """The most that a run holds at once, in MB."""
    tracemalloc.start()
    try:
        await reconcile(store, Endless(count, at), f"memory {count}", count)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
