"""The demo's own operator: decides what in life a person would have to, and no more than that.

A mail has no reference at Fiken, and a message that never reached its service shows nowhere: where the answer is lost
and nothing tells, nobody but a person can know. The operator reads the ticket, waits until nothing is landing at the
simulators, looks there, and settles. An order that was paid and is oversold is a person's to decide too, and so is what
a refund or a dispute means for an invoice: the operator takes note of it where it is true. For doubts it
has an allowance, as large as chance explains; everything beyond it, and every other step, it leaves alone: those the
engine has to bring home by itself, and the demo fails if it did not.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any, Final

from onpaid.cli.demo.allowance import MAIL, MESSAGE, Allowance
from onpaid.cli.demo.house import House, Json, OpenTicket, Talk
from onpaid.errors import NotPossible

CHOICES: Final = ("ship", "refund")
OVERSOLD: Final = "stock"
"""The category of tickets that ask for such a decision."""
CHANGED: Final = "report_payment_change:"
"""How runs begin that tell of a refund or a dispute of a payment that was invoiced."""
FORGED: Final = "requests"
"""What only the tickets about forged webhooks tell."""


class Operator:
    """Settles and decides through the API. `settled` counts by step, `decided` by choice, `acknowledged` are the
    tickets about forged webhooks, `booked` the runs that told of refunds and disputes; `left` names what it would not touch, by run or ticket, and why."""

    def __init__(self, house: House, simulators: Talk, allowance: Allowance, *, seed: int = 0) -> None:
        self._house = house
        self._simulators = simulators
        self._allowance = allowance
        self._seed = seed
        self._choices: dict[str, str] = {}
        self.settled: Counter[str] = Counter()
        self.acknowledged: set[str] = set()
        self.booked: set[str] = set()
        self.left: dict[str, str] = {}

    @property
    def decided(self) -> Counter[str]:
        """How often it decided what."""
        return Counter(self._choices.values())

    @property
    def done(self) -> tuple[int, ...]:
        """What changes whenever it has done something."""
        return self.settled.total(), self.decided.total(), len(self.acknowledged), len(self.booked)

    async def work(self) -> None:
        """One round: settle and decide what can be now."""
        tickets = await self._house.tickets()
        stand = {ticket.subject for ticket in tickets}
        self.left = {subject: why for subject, why in self.left.items() if subject in stand}
        for ticket in tickets:
            if ticket.subject in self.left or ticket.run in self._choices:
                continue
            if ticket.category == "doubt" and ticket.run:
                await self._consider(ticket.run)
            elif ticket.category == OVERSOLD and ticket.order:
                await self._decide(ticket)
            elif ticket.run.startswith(CHANGED):
                await self._book(ticket)
            elif FORGED in ticket.facts:
                await self._acknowledge(ticket)
            else:
                self.left[ticket.subject] = ticket.title

    async def _acknowledge(self, ticket: OpenTicket) -> None:
        """Somebody forges webhooks: here that is known, and it is put away once no more of them come."""
        ledger = await self._simulators.get("/_ledger")
        if ledger["webhooks"]["waiting"]:
            return  # a forged one may be under way, and counts only once it is answered
        if not ledger["forged"]["sent"]:
            self.left[ticket.subject] = ticket.title
        else:
            with contextlib.suppress(NotPossible):
                await self._house.close(ticket.id)
                self.acknowledged.add(ticket.id)

    async def _book(self, ticket: OpenTicket) -> None:
        """Money of an invoiced payment went back, or is disputed: in life a person books it. Here it is looked up."""
        payment = ticket.facts.get("payment", "").rpartition("/")[2]
        sales = (await self._simulators.get("/_ledger"))["sales"]
        kind = "disputes" if "dispute" in ticket.facts.get("what", "") else "refunds"
        if not any(row["payment_intent"] == payment for row in sales[kind]):
            self.left[ticket.subject] = f"{ticket.title}: there is no such thing at the simulator"
            return
        with contextlib.suppress(NotPossible):
            await self._house.cancel(ticket.run, "booked by the demo's operator")
            self.booked.add(ticket.run)

    async def _decide(self, ticket: OpenTicket) -> None:
        """By the seed: this one is shipped anyway, the next is given back."""
        choice = CHOICES[(self._seed + len(self._choices)) % len(CHOICES)]
        try:
            await self._house.decide(ticket.order, choice)
        except NotPossible as why:
            self.left[ticket.run] = f"it could not be decided: {why}"
            return
        self._choices[ticket.run] = choice

    async def _consider(self, ident: str) -> None:
        run = await self._house.run(ident)
        doubt = run.get("settling")
        if not doubt or "settle" not in run["may"]:
            return  # a request may still be in flight, or it has been settled since
        step = next(each for each in run["steps"] if each["name"] == doubt["step"])
        if step["name"] not in LOOKS:
            self.left[ident] = f"“{step['name']}” is not for a person to settle: the engine can look it up"
            return
        ledger = await self._simulators.get("/_ledger")
        if ledger["counts"]["landing"]:
            return
        seen = LOOKS[step["name"]](ident, run, ledger)
        if seen is None:
            self.left[ident] = "what it is about is not at the simulator"
            return
        done, result = seen
        last = [each for each in step["attempts"] if each["what"] == "act"][-1]
        fault = self._allowance.fault_behind(step["name"], last["note"])
        if not self._allowance.take(step["name"], fault):
            most = self._allowance.most(step["name"], fault)
            self.left[ident] = f"more doubts than {most} about {step['name']} after {fault}"
            return
        try:
            await self._house.settle(
                ident, step=step["name"], attempt=doubt["attempt"], done=done, result=result
            )
        except NotPossible:
            self._allowance.give_back(step["name"], fault)  # it changed meanwhile: the next round looks again
        else:
            self.settled[step["name"]] += 1


Seen = tuple[bool, Any] | None


def _mails(_ident: str, run: Json, ledger: Json) -> Seen:
    """Whether the simulator mailed a run's invoice, and how often."""
    for step in run["steps"]:
        answered: Any = step.get("answered")
        if step["name"] == "create invoice" and isinstance(answered, dict):
            ident = answered["invoice_id"]
            counts = [row["mails"] for row in ledger["invoices"] if row["invoice_id"] == ident]
            if counts:
                return bool(counts[0]), {"invoice_id": ident, "count": counts[0]} if counts[0] else None
    return None


def _messages(ident: str, _run: Json, ledger: Json) -> Seen:
    """Whether a service has a run's message. The run's id names order and template."""
    _, _, key = ident.partition(":")
    order, _, template = key.rpartition("/")
    number = order.rpartition("/")[2]
    if number not in ledger["delivery"]["by_order"]:
        return None
    for row in ledger["delivery"]["messages"]:
        if (row["params"].get("orderNumber"), row["template"]) == (number, template):
            return True, {"provider": row["service"], "provider_id": row["provider_id"], "state": "accepted"}
    return False, None


LOOKS: Final = {MAIL: _mails, MESSAGE: _messages}
"""The steps that a person may have to settle, and where they look."""
