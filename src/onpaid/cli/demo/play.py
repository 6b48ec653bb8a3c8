"""One shop day: it is played, watched and judged; doubts go to the operator meanwhile.

It is over when every webhook is acknowledged, no run can go on by itself, nothing is landing any more and the
operator has nothing left to settle. What is reported then is the simulators' ledger, held against our database.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

from onpaid.app import proof
from onpaid.cli.demo.house import House, NoAnswer, Talk
from onpaid.cli.demo.operator import Allowance, Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Report, judge
from onpaid.cli.demo.show import STATES, Now, Show
from onpaid.cli.demo.stage import Stage
from onpaid.engine.journal import RUNS
from onpaid.simulators import parse
from onpaid.store.sqlite import SqliteStore

TELLS = ("invoice_payment", "file_contact", "file_ticket")
"""The flows that have to come to their end."""
WATCHES = "expire_order"
"""Waits whether somebody pays its order. All are paid, so it ends at once, or a wake-up was lost."""
EVERY = 0.25
GENTLY = 15
"""How much longer than a look to wait until the next: looking must not slow down what is looked at."""
LINGER = 3.0
IN_VAIN = 12.0
"""Seconds without any change after which runs that wait are taken to wait for what never comes."""
MOST = 1_000_000

Rest = Literal["busy", "waiting", "over"]


async def play(stage: Stage, options: Options, show: Show) -> Report:
    """Play the day that was asked for, to its end."""
    headers = {"Authorization": f"Bearer {stage.admin_token}"}
    async with (
        Talk("service", headers) as house,
        Talk("simulators") as simulators,
        _reading(stage.database) as store,
    ):
        house.base, simulators.base = stage.service_url, stage.simulators_url
        asked = {"orders": options.orders, "target": stage.service_url, "upsells": options.upsells}
        await simulators.post("/_play", asked)
        allowance = Allowance(options.orders, parse(options.faults))
        operator = Operator(House(house), simulators, allowance)
        day = Day(store, simulators, options)
        while not await day.ended(operator):
            stage.check()
            show.tell(day.now)
            if day.now.runs.get("doubtful") and stage.service is not None:
                allowance.kills = stage.kills
                with contextlib.suppress(NoAnswer):  # it may be starting again: the next round asks again
                    await operator.work()
            await asyncio.sleep(max(EVERY, GENTLY * day.took))
        show.tell(day.now)
        return await day.judged(operator)


@contextlib.asynccontextmanager
async def _reading(database: Path) -> AsyncIterator[SqliteStore]:
    """The service's database, read beside it."""
    store = await SqliteStore.open(database, exclusive=False)
    try:
        yield store
    finally:
        await store.close()


class Day:
    """How far a day is, and when it is over. `findings` are reasons why it did not end well."""

    def __init__(self, store: SqliteStore, simulators: Talk, options: Options) -> None:
        self._store = store
        self._simulators = simulators
        self._options = options
        self._begun = time.monotonic()
        self._over_since: float | None = None
        self._changed = self._begun
        self._seen: Any = None
        self.now = Now(orders=options.orders)
        self.took = 0.0
        self.findings: list[str] = []

    async def ended(self, operator: Operator) -> bool:
        """Look once. Whether nothing more will happen."""
        looked = time.monotonic()
        rest = await self._look()
        here = time.monotonic()
        self.took = here - looked
        self.now.seconds, self.now.settled = here - self._begun, operator.settled.total()
        seen = (self.now.invoiced, self.now.mailed, self.now.settled, tuple(self.now.runs.values()))
        if seen != self._seen:
            self._seen, self._changed = seen, here
        if self.now.seconds > self._options.patience:
            self.findings.append(f"it had not come to its end after {self._options.patience:.0f} s")
            return True
        if rest == "waiting" and here - self._changed > IN_VAIN:
            self.findings.append(f"{self.now.runs['waiting']} runs wait for what does not come")
            return True
        if rest != "over" or self.now.runs["doubtful"] > len(operator.left):
            return False
        return await self._all_woken(here)

    async def _all_woken(self, here: float) -> bool:
        unwoken = await self._count(WATCHES, "waiting")
        self._over_since = self._over_since or here
        if unwoken and here - self._over_since > LINGER:
            self.findings.append(f"{unwoken} orders were paid, and who waited for it was not woken")
            return True
        return not unwoken

    async def _look(self) -> Rest:
        told = await self._simulators.get("/_play")
        ledger = await self._simulators.get("/_ledger")
        counts = ledger["counts"]
        self.now = Now(
            orders=self._options.orders,
            placed=told.get("placed", 0),
            paid=told.get("paid", 0),
            expected=told.get("expected", 0),
            invoiced=counts["invoices"],
            mailed=counts["mails"],
            runs={state: await self._count(TELLS[0], state) for state in STATES},
            faults=ledger["faults_injected"],
        )
        others = {state: sum([await self._count(flow, state) for flow in TELLS[1:]]) for state in STATES}
        self.now.runs["doubtful"] += others["doubtful"]
        moving = sum(self.now.runs[state] + others[state] for state in ("ready", "running", "sleeping"))
        if told["state"] not in ("done", "failed", "stopped") or moving or counts["landing"]:
            return "busy"
        return "waiting" if self.now.runs["waiting"] + others["waiting"] else "over"

    async def _count(self, flow: str, state: str) -> int:
        return await self._store.count(RUNS.name, "flow-state", f"{flow}:{state}", at_most=MOST)

    async def judged(self, operator: Operator) -> Report:
        """The report: the ledger's figures, and every reason to fail."""
        told = await self._simulators.get("/_play")
        if told.get("error"):
            self.findings.append(f"the scenario broke: {told['error']}")
        ledger = await self._simulators.get("/_ledger")
        seconds = time.monotonic() - self._begun
        ours = [row async for row in proof.rows(self._store)]
        kept = await proof.proof(self._store)
        self.findings += [f"{run} was left alone: {why}" for run, why in operator.left.items()]
        return judge(
            ledger,
            orders=self._options.orders,
            seconds=seconds,
            waiting_for_person=max(kept.waiting_for_person, kept.open_tickets),
            settled=dict(operator.settled),
            differences=proof.compare(ours, ledger),
            findings=self.findings,
        )
