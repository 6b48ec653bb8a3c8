"""How far the demo's day is, when it is over, and what it came to.

It is over when every webhook is acknowledged, no run can go on by itself, nothing is landing any more and the
operator has nothing left to settle. What is reported then is the simulators' ledger, held against our database.
"""

from __future__ import annotations

import time
from typing import Any, Final, Literal

from onpaid.app import proof, proof_delivery
from onpaid.app.proof_delivery_ledger import compare, compare_stock
from onpaid.cli.demo.counting import (
    FOR_A_PERSON,
    MOVING,
    SHOWN,
    STATES,
    WATCHES,
    Count,
    Counted,
    by_index,
    by_state,
)
from onpaid.cli.demo.house import Talk
from onpaid.cli.demo.operator import Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.progress import Now, now_of
from onpaid.cli.demo.report import Beside, Report, judge
from onpaid.cli.demo.report_delivery import UNDELIVERABLE, with_lost_reports
from onpaid.cli.demo.report_proof import Proven, Reconciled
from onpaid.cli.demo.sales_compared import Compared, compare_sales
from onpaid.cli.demo.surroundings import start_of_stock
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.store.port import Store

LINGER = 3.0
IN_VAIN = 12.0
"""Seconds without any change after which runs that wait are taken to wait for what never comes."""
NEVER_TOLD = 4.0
"""The same while some webhooks are known to be lost: then the operator looks what is missing."""
PAGE: Final = 1000

Rest = Literal["busy", "waiting", "over"]


class Day:
    """How far a day is, and when it is over. `findings` are reasons why it did not end well.

    While it is `lossy`, runs may wait for what was never told: the day comes to rest all the same, and somebody has to
    find out what is missing.
    """

    def __init__(self, store: Store, simulators: Talk, options: Options, count: Count = by_index) -> None:
        self._store = store
        self._count = count
        self._simulators = simulators
        self._options = options
        self._begun = time.monotonic()
        self._over_since: float | None = None
        self._changed = self._begun
        self._seen: Any = None
        self._paid = False
        self.lossy = options.loses_webhooks
        self.now = Now.of(options)
        self.took = 0.0
        self.for_a_person = 0
        """How many runs go on only when a person has decided, and how many tickets are about no run."""
        self.findings: list[str] = []

    async def ended(self, operator: Operator) -> bool:
        """Look once. Whether nothing more will happen."""
        looked = time.monotonic()
        counted = await self._count(self._store)
        rest, states = await self._look(counted)
        here = time.monotonic()
        self.took = here - looked
        self.now.seconds, self.now.settled = here - self._begun, operator.settled.total()
        seen = (self.now.figures, operator.done, *states.values())
        if seen != self._seen:
            self._seen, self._changed = seen, here
        if self.now.seconds > self._options.patience:
            self.findings.append(f"it had not come to its end after {self._options.patience:.0f} s")
            return True
        if rest == "waiting" and here - self._changed > self._in_vain:
            if not self.lossy:
                self.findings.append(f"{states['waiting']} runs wait for what does not come")
            return True
        if rest != "over" or self.for_a_person > len(operator.left):
            return False
        return self._all_woken(here, counted[WATCHES, "waiting"])

    @property
    def _in_vain(self) -> float:
        return (NEVER_TOLD if self.lossy else IN_VAIN) * self._options.slowness

    def _all_woken(self, here: float, unwoken: int) -> bool:
        self._over_since = self._over_since or here
        if unwoken and here - self._over_since > LINGER * self._options.slowness:
            if not self.lossy:
                self.findings.append(f"{unwoken} orders were paid, and who waited for it was not woken")
            return True
        return not unwoken

    def goes_on(self, *, lossy: bool) -> None:
        """Somebody brought in what was missing: it may come to its end anew."""
        self.lossy, self._over_since, self._changed = lossy, None, time.monotonic()

    @property
    def everybody_paid(self) -> bool:
        """Whether all orders that are to be paid are."""
        return self._paid

    async def _look(self, counted: Counted) -> tuple[Rest, dict[str, int]]:
        ledger = await self._simulators.get("/_ledger")
        told = await self._simulators.get("/_play")
        states = by_state(counted)
        shown = {state: sum(counted[flow, state] for flow in SHOWN) for state in STATES}
        self.now = now_of(self._options, ledger, told, shown)
        tickets = (await TICKETS.query(self._store, "state", "open", limit=PAGE)).items
        self.for_a_person = sum(states[state] for state in FOR_A_PERSON)
        self.for_a_person += sum(ticket.run is None for ticket in tickets)
        moving = sum(states[state] for state in MOVING)
        self._paid = told["state"] == "done"
        ended = told["state"] in ("done", "failed", "stopped")
        if not ended or moving or ledger["counts"]["landing"] or ledger["webhooks"]["waiting"]:
            return "busy", states
        return "waiting" if states["waiting"] else "over", states

    async def judged(
        self, operator: Operator, proof_told: Proven | None, reconciled: list[Reconciled]
    ) -> Report:
        """The report: the ledger's figures, and every reason to fail."""
        told = await self._simulators.get("/_play")
        if told.get("error"):
            self.findings.append(f"the scenario broke: {told['error']}")
        ledger = await self._simulators.get("/_ledger")
        seconds = time.monotonic() - self._begun
        store = self._store
        ours = [row async for row in proof.rows(store)]
        shipped = [row async for row in proof_delivery.rows(store)]
        kept = await proof.proof(store)
        self.findings += [f"{subject} was left alone: {why}" for subject, why in await self._still(operator)]
        delivery = ledger["delivery"]
        told_of, unheard = (
            with_lost_reports(shipped, delivery) if self._options.loses_webhooks else (shipped, 0)
        )
        differences = [*proof.compare(ours, ledger), *compare(told_of, delivery)]
        sold = await compare_sales(store, ledger["sales"]) if self._options.sold else Compared()
        return judge(
            ledger,
            Beside(
                orders=self._options.orders,
                carts=self._options.carts,
                sales=self._options.sold,
                messenger=self._options.messenger,
                refused=told.get("refused", 0),
                seconds=seconds,
                waiting_for_person=max(kept.waiting_for_person, kept.open_tickets),
                settled=dict(operator.settled),
                decided=dict(operator.decided),
                acknowledged=len(operator.acknowledged),
                booked=len(operator.booked),
                differences=differences,
                stock=compare_stock(start_of_stock(), await proof_delivery.shelves(store), shipped, delivery),
                sold_orders=sold.orders,
                sold_otherwise=sold.differences,
                unreachable=sum(list(row.told.values()).count(UNDELIVERABLE) for row in shipped),
                unheard=unheard,
                proof=proof_told,
                reconciled=reconciled,
                findings=self.findings,
            ),
        )

    async def _still(self, operator: Operator) -> list[tuple[str, str]]:
        """What the operator left alone, and what nobody has settled since."""
        subjects = list(operator.left)
        runs = await RUNS.get_many(self._store, subjects)
        tickets = await TICKETS.get_many(self._store, subjects)
        return [
            (subject, operator.left[subject])
            for subject, run, ticket in zip(subjects, runs, tickets, strict=True)
            if (run is not None and run.state in FOR_A_PERSON)
            or (ticket is not None and ticket.state == "open")
        ]
