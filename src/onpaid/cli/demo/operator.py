"""The demo's own operator: decides what in life a person would have to, and no more than that.

A mail has no reference at Fiken, so where its answer was lost and no more dispatches show, nobody but a person can
tell whether it went out. The operator reads the ticket, waits until nothing is landing at the simulators, looks
there, and settles. It has an allowance for each fault, as large as chance explains; everything beyond it, and every
other step, it leaves alone: those the engine has to bring home by itself, and the demo fails if it did not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection
from typing import Any

from onpaid.cli.demo.house import House, Json, Talk
from onpaid.errors import NotPossible

MAY_SETTLE = "send receipt"
CALL_RATE = 0.15
NEVER_DONE = 0.3
"""The simulators' own figures: how often a call is hit, and how often a lost one never took effect."""
CALL_FAULTS = frozenset(
    {"429", "503", "slow", "commit-then-timeout", "concurrent-call-refused", "late-landing"}
)
LOSING = frozenset({"503", "commit-then-timeout", "late-landing"})
KILLED = "a killed service"
_ANSWERED = re.compile(r"answered 5\d\d")


class Allowance:
    """How many doubts about one step may be settled for each fault: six deviations above what chance yields."""

    def __init__(self, mails: int, faults: Collection[str]) -> None:
        on = CALL_FAULTS.intersection(faults)
        self._most: dict[str, int] = {}
        for fault in LOSING.intersection(on):
            expected = mails * CALL_RATE / len(on) * NEVER_DONE
            self._most[fault] = math.floor(expected + 6 * math.sqrt(expected) + 4)
        self.used: Counter[str] = Counter()
        self.kills = 0
        """How often the service was killed: Fiken is called by one run at a time, so each leaves one doubt at most."""

    def most(self, fault: str) -> int:
        """How many doubts this fault may leave to a person."""
        return self.kills if fault == KILLED else self._most.get(fault, 0)

    def take(self, fault: str) -> bool:
        """One more, if there is one left."""
        if self.used[fault] >= self.most(fault):
            return False
        self.used[fault] += 1
        return True

    def fault_behind(self, note: str) -> str:
        """Which fault left an attempt with this note."""
        if "worker is gone" in note:
            return KILLED
        if _ANSWERED.search(note):
            return "503"
        return "commit-then-timeout" if self.most("commit-then-timeout") else "late-landing"


class Operator:
    """Settles doubts through the API. `settled` counts by step, `left` names what it would not touch, and why."""

    def __init__(self, house: House, simulators: Talk, allowance: Allowance) -> None:
        self._house = house
        self._simulators = simulators
        self._allowance = allowance
        self.settled: Counter[str] = Counter()
        self.left: dict[str, str] = {}

    async def work(self) -> None:
        """One round: settle what can be settled now."""
        for ident in await self._house.doubts():
            if ident not in self.left:
                await self._consider(ident)

    async def _consider(self, ident: str) -> None:
        run = await self._house.run(ident)
        doubt = run.get("settling")
        if not doubt or "settle" not in run["may"]:
            return  # a request may still be in flight, or it has been settled since
        step = next(each for each in run["steps"] if each["name"] == doubt["step"])
        if step["name"] != MAY_SETTLE:
            self.left[ident] = f"“{step['name']}” is not for a person to settle: the engine can look it up"
            return
        ledger = await self._simulators.get("/_ledger")
        if ledger["counts"]["landing"]:
            return
        mails = _mails(run, ledger)
        if mails is None:
            self.left[ident] = "its invoice is not at the simulator"
            return
        last = [each for each in step["attempts"] if each["what"] == "act"][-1]
        fault = self._allowance.fault_behind(last["note"])
        if not self._allowance.take(fault):
            self.left[ident] = (
                f"more doubts than {self._allowance.most(fault)} about {MAY_SETTLE} after {fault}"
            )
            return
        invoice, count = mails
        result = {"invoice_id": invoice, "count": count} if count else None
        try:
            await self._house.settle(
                ident, step=step["name"], attempt=doubt["attempt"], done=bool(count), result=result
            )
        except NotPossible:
            self._allowance.used[fault] -= 1  # it changed meanwhile: the next round looks again
        else:
            self.settled[step["name"]] += 1


def _mails(run: Json, ledger: Json) -> tuple[int, int] | None:
    """The invoice of a run, and how often the simulator mailed it."""
    for step in run["steps"]:
        answered: Any = step.get("answered")
        if step["name"] == "create invoice" and isinstance(answered, dict):
            ident = answered["invoice_id"]
            return next(
                ((ident, row["mails"]) for row in ledger["invoices"] if row["invoice_id"] == ident), None
            )
    return None
