"""One order with its payments and runs, record by record, as inbox and engine would have left them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Self

from onpaid.clock import Instant
from onpaid.domain.events import Envelope, OrderReceived
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, Order, OrderLine, Revision
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.engine.journal import RUNS, TICKETS, Attempt, Run, RunState, Step, StepClass
from onpaid.engine.tickets import new_ticket
from onpaid.repositories.orders import ALLOCATIONS, ORDERS, Allocation
from onpaid.repositories.payments import PAYMENTS
from onpaid.store.port import Store, Write
from tests.web.kept import ACCOUNT, SHOP, charge_of, event_write, order_body, raw


class Told:
    """What is kept of one order, told from its beginning. Times are seconds after it."""

    def __init__(
        self, number: str, at: Instant, customer: Customer, lines: Sequence[OrderLine], currency: str = "NOK"
    ) -> None:
        self.number, self.at, self.now = number, at, at
        self.customer, self.lines, self.currency = customer, tuple(lines), currency
        self.key = f"{SHOP}/{number}"
        self.revisions: list[Revision] = []
        self.allocation = Allocation(self.key)
        self.paid: list[PaymentSucceeded] = []
        self.runs: list[Run] = []
        self.run = Run("none", "none", raw({}), at)
        self.writes: list[Write] = []
        self.expired_at: Instant | None = None
        self.known = False

    def later(self, seconds: float) -> Self:
        self.now += round(seconds * 1000)
        return self

    def ordered(self, lines: Sequence[OrderLine] | None = None) -> Self:
        """The shop tells of the order, or of a new state of it."""
        self.known = True
        nth = len(self.revisions) + 1
        event = f"wh_{self.number}_{nth}"
        chosen = tuple(lines or self.lines)
        total = sum((line.unit_price * line.quantity for line in chosen), start=chosen[0].unit_price * 0)
        revision = Revision(nth, event, chosen, self.now, event, self.currency, True, total, self.customer)
        self.revisions.append(revision)
        self._event(
            "konverzky",
            event,
            "order_paid" if nth == 1 else "upsell_paid",
            order_body(self.number, self.currency, chosen, self.customer),
        )
        if nth == 1:
            self._watch(chosen)
        return self

    def pays(self, minor: int, payment: str | None = None) -> Self:
        """Stripe reports a payment; its run begins."""
        nth = len(self.paid) + 1
        payment = payment or f"pi_3Q{self.number}{'abcdef'[nth]}K"
        paid = PaymentSucceeded(
            account=ACCOUNT,
            payment_id=payment,
            order=self.key,
            amount=Money(minor, self.currency),
            paid_at=self.now,
            live=False,
            charge_id=payment.replace("pi_", "ch_"),
            customer_id=self.customer.id,
            billing=self.customer,
            event=f"evt_1Q{self.number}{nth}",
        )
        self.paid.append(paid)
        self.writes.append(PAYMENTS.insert(Payment(paid, self.now)))
        body = {
            "id": paid.event,
            "object": "event",
            "type": "charge.succeeded",
            "data": {"object": charge_of(paid, self.customer, self.number)},
        }
        self._event("stripe", paid.event, "charge.succeeded", body)
        self.later(0.004)
        self.run = Run(
            id=f"invoice_payment:{paid.key}",
            flow="invoice_payment",
            fact=raw(paid),
            started=self.now,
            about=[f"order:{self.key}"],
            state="running",
        )
        self.runs.append(self.run)
        for run in self.runs:
            if run.flow == "expire_order" and run.state == "waiting":
                run.state, run.due_at, run.wake, run.reason, run.ended = "done", None, [], "", self.now
                run.steps[0].state = "done"
        return self

    def step(
        self,
        name: str,
        act: str = "",
        kind: StepClass = "read",
        *,
        ms: int = 40,
        asked: Any = None,
        answered: Any = None,
        state: str = "done",
        tries: Sequence[tuple[str, str, int, str]] = (),
        quiet: float = 0.0,
    ) -> Self:
        """One step; `tries` are (what, outcome, milliseconds, note), else one act that went well."""
        step = Step(name=name, act=act or name, kind=kind, state=state)  # type: ignore[arg-type]
        step.input = raw([asked]) if asked is not None else step.input
        step.result = raw(answered) if answered is not None else step.result
        if kind not in ("local", "wait", "call"):
            for number, (what, outcome, took, note) in enumerate(tries or [("act", "done", ms, "")], 1):
                ended = self.now + took if outcome else None
                step.attempts.append(Attempt(number, self.now, what, ended, outcome, note))  # type: ignore[arg-type]
                step.tries += what == "act"
                self.later((took + 3) / 1000)
                if outcome in ("doubtful", "unknown", "unavailable") and number < len(tries):
                    self.later(35 if outcome != "unavailable" else 2)
        step.quiet_until = self.now + round(quiet * 1000) if quiet else 0
        self.run.steps.append(step)
        return self

    def rests(
        self, state: RunState, reason: str, *, due: float | None = None, wake: Sequence[str] = ()
    ) -> Self:
        """The run comes to rest, until `due` seconds from now."""
        self.run.state, self.run.reason, self.run.wake = state, reason, list(wake)
        self.run.due_at = None if due is None else self.now + round(due * 1000)
        return self

    def ticket(self, title: str, category: str, severity: str = "high", **facts: Any) -> Self:
        """A ticket about the run."""
        ticket = new_ticket(
            self.run,
            cause=title,
            title=title,
            category=category,
            severity=severity,
            facts=facts,
            now=self.now,
        )
        self.run.tickets.append(ticket.id)
        self.writes.append(TICKETS.insert(ticket))
        filing = Run(
            id=f"file_ticket:{ticket.id}",
            flow="file_ticket",
            fact=raw(ticket),
            started=self.now,
            state="done",
            about=ticket.about,
            ended=self.now,
        )
        told = Attempt(1, self.now + 5, "act", self.now + 9, "done")
        filing.steps.append(
            Step(
                "file ticket",
                "TicketLog.file_ticket",
                "find",
                "done",
                [told],
                1,
                result=raw({"reference": ticket.id}),
            )
        )
        self.runs.append(filing)
        return self

    async def write(self, store: Store) -> None:
        """Put all of it into the store."""
        if self.known:
            order = Order(SHOP, self.number, False, self.at, tuple(self.revisions), (), self.expired_at)
            self.writes.append(ORDERS.insert(order))
        if self.allocation.taken:
            self.writes.append(ALLOCATIONS.insert(self.allocation))
        self.writes.extend(RUNS.insert(run) for run in self.runs)
        await store.commit(self.writes)

    def _watch(self, lines: Sequence[OrderLine]) -> None:
        fact = OrderReceived(
            SHOP, self.number, (), False, tuple(lines), "d", self.revisions[0].event, self.now
        )
        due = self.now + round(timedelta(days=14).total_seconds() * 1000)
        self.runs.append(
            Run(
                id=f"expire_order:{self.key}",
                flow="expire_order",
                fact=raw(fact),
                started=self.now,
                state="waiting",
                due_at=due,
                reason=f"order {self.key} is not paid yet",
                wake=[f"payment-of:{self.key}"],
                about=[f"order:{self.key}"],
                steps=[Step("payment", "Payments.look_paid", "wait")],
            )
        )

    def _event(self, source: str, event: str, kind: str, body: Any) -> None:
        account = ACCOUNT if source == "stripe" else f"konverzky/{SHOP}/test"
        self.writes.append(
            event_write(
                Envelope(source, account, event, kind, False, self.now),
                self.now,
                body,
                "routed",
                about=[f"order:{self.key}"],
            )
        )
        self.later(0.002)
