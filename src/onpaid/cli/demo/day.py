"""How far the demo's day is, when it is over, and what it came to.

It is over when every webhook is acknowledged, no run can go on by itself, nothing is landing any more and the
operator has nothing left to settle. What is reported then is the simulators' ledger, held against our database.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from onpaid.app import proof, proof_delivery
from onpaid.app.proof_delivery_ledger import compare, compare_stock
from onpaid.cli.demo.goods import start_of_stock
from onpaid.cli.demo.house import Talk
from onpaid.cli.demo.operator import Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Beside, Report, judge
from onpaid.cli.demo.show import STATES, Now
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.store.port import Store

SHOP_TELLS: Final = ("invoice_payment", "file_contact")
CHECKOUT_TELLS: Final = ("open_checkout", "ship_paid_order", "book_shipment", "send_message", "note_refund")
TELLS: Final = (*SHOP_TELLS, *CHECKOUT_TELLS, "file_ticket", "report_problem", "open_issue")
"""The flows that have to come to their end."""
SHOWN: Final = ("invoice_payment", "ship_paid_order")
WATCHES = "expire_order"
"""Waits whether somebody pays its order. All are paid, so it ends at once, or a wake-up was lost."""
LINGER = 3.0
IN_VAIN = 12.0
"""Seconds without any change after which runs that wait are taken to wait for what never comes."""
MOST = 1_000_000
PAGE = 1000
FOR_A_PERSON: Final = ("doubtful", "failed")

Rest = Literal["busy", "waiting", "over"]
Counted = Counter[tuple[str, str]]
"""How many runs there are, by flow and state."""
Count = Callable[[Store], Awaitable[Counted]]


async def by_index(store: Store) -> Counted:
    """Count what the day looks at, one index value after the other: quick where an index is near."""
    counted: Counted = Counter()
    for flow in (*TELLS, WATCHES):
        for state in STATES:
            counted[flow, state] = await store.count(RUNS.name, "flow-state", f"{flow}:{state}", at_most=MOST)
    return counted


class Day:
    """How far a day is, and when it is over. `findings` are reasons why it did not end well."""

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
        self.now = Now(orders=options.shop_orders, carts=options.carts)
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
        now, done = self.now, (operator.settled.total(), operator.decided.total())
        seen = (
            now.invoiced,
            now.mailed,
            now.confirmed,
            now.shipped,
            now.told_shipped,
            *done,
            *states.values(),
        )
        if seen != self._seen:
            self._seen, self._changed = seen, here
        if self.now.seconds > self._options.patience:
            self.findings.append(f"it had not come to its end after {self._options.patience:.0f} s")
            return True
        if rest == "waiting" and here - self._changed > IN_VAIN * self._options.slowness:
            self.findings.append(f"{states['waiting']} runs wait for what does not come")
            return True
        if rest != "over" or self.for_a_person > len(operator.left):
            return False
        return self._all_woken(here, counted[WATCHES, "waiting"])

    def _all_woken(self, here: float, unwoken: int) -> bool:
        self._over_since = self._over_since or here
        if unwoken and here - self._over_since > LINGER * self._options.slowness:
            self.findings.append(f"{unwoken} orders were paid, and who waited for it was not woken")
            return True
        return not unwoken

    @property
    def everybody_paid(self) -> bool:
        """Whether all orders that are to be paid are."""
        return self._paid

    async def _look(self, counted: Counted) -> tuple[Rest, dict[str, int]]:
        ledger = await self._simulators.get("/_ledger")
        told = await self._simulators.get("/_play")
        by_flow = {flow: {state: counted[flow, state] for state in STATES} for flow in TELLS}
        states = {state: sum(counts[state] for counts in by_flow.values()) for state in STATES}
        counts, shipping = ledger["counts"], ledger["delivery"]["verdict"]
        self.now = Now(
            orders=self._options.shop_orders,
            placed=told.get("placed", 0),
            paid=told.get("paid", 0),
            expected=told.get("expected", 0),
            invoiced=counts["invoices"],
            mailed=counts["mails"],
            carts=self._options.carts,
            refused=told.get("refused", 0),
            bought=told.get("checkouts_paid", 0),
            due=shipping["due"],
            shipped=shipping["shipped"],
            confirmed=shipping["confirmed"],
            told_shipped=shipping["told_shipped"],
            runs={state: sum(by_flow[flow][state] for flow in SHOWN) for state in STATES},
            faults=ledger["faults_injected"],
        )
        tickets = (await TICKETS.query(self._store, "state", "open", limit=PAGE)).items
        self.for_a_person = sum(states[state] for state in FOR_A_PERSON)
        self.for_a_person += sum(ticket.run is None for ticket in tickets)
        moving = sum(states[state] for state in ("ready", "running", "sleeping"))
        self._paid = told["state"] == "done"
        ended = told["state"] in ("done", "failed", "stopped")
        if not ended or moving or counts["landing"] or ledger["webhooks"]["waiting"]:
            return "busy", states
        return "waiting" if states["waiting"] else "over", states

    async def judged(self, operator: Operator) -> Report:
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
        return judge(
            ledger,
            Beside(
                orders=self._options.orders,
                carts=self._options.carts,
                refused=told.get("refused", 0),
                messenger=self._options.messenger,
                seconds=seconds,
                waiting_for_person=max(kept.waiting_for_person, kept.open_tickets),
                settled=dict(operator.settled),
                decided=dict(operator.decided),
                acknowledged=len(operator.acknowledged),
                differences=[*proof.compare(ours, ledger), *compare(shipped, delivery)],
                stock=compare_stock(start_of_stock(), await proof_delivery.shelves(store), shipped, delivery),
                unreachable=sum(list(row.told.values()).count("undeliverable") for row in shipped),
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
