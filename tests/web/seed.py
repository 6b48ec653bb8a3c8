"""Fills a store with a shop's day, record by record, as inbox and engine would have left it.

`Story` writes one order with its payments and runs; `fill` writes every situation that an operator meets, and a
number of orders where all went well.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.clock import Instant
from onpaid.domain.events import Envelope, OrderReceived
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, Order, OrderLine, Revision
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.engine.journal import RUNS, TICKETS, Attempt, Run, RunState, Step, StepClass, Ticket
from onpaid.engine.tickets import new_ticket
from onpaid.repositories.events import EVENTS, EventRecord, Verdict, digest_of, event_key, pack
from onpaid.repositories.orders import ALLOCATIONS, ORDERS, Allocation, TakenLine
from onpaid.repositories.payments import PAYMENTS
from onpaid.repositories.references import REFERENCES, Reference
from onpaid.store.port import Store, Write

SHOP = "konverzky"
ACCOUNT = "stripe/default/test"


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


class Story:
    """One order, told from its beginning. Times are seconds after it."""

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
        self.writes: list[Write] = []
        self.expired_at: Instant | None = None
        self.known = False

    def later(self, seconds: float) -> Story:
        self.now += round(seconds * 1000)
        return self

    def ordered(self, lines: Sequence[OrderLine] | None = None) -> Story:
        """The shop tells of the order, or of a new state of it."""
        self.known = True
        nth = len(self.revisions) + 1
        event = f"wh_{self.number}_{nth}"
        chosen = tuple(lines or self.lines)
        total = sum((line.unit_price * line.quantity for line in chosen), start=chosen[0].unit_price * 0)
        revision = Revision(nth, event, chosen, self.now, event, self.currency, True, total, self.customer)
        self.revisions.append(revision)
        self._event("konverzky", event, "order_paid" if nth == 1 else "upsell_paid", self._order_body(chosen))
        if nth == 1:
            self._watch(chosen)
        return self

    def pays(self, minor: int, payment: str | None = None) -> Story:
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
            "data": {"object": self._charge(paid)},
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
    ) -> Story:
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

    def opening(self) -> Story:
        """The steps up to the contact, when all goes well."""
        paid = self.paid[-1]
        told = {"payment_id": paid.payment_id, "captured": True, "amount": paid.amount, "disputed": False}
        self.step("order", kind="wait", answered=self.key)
        self.step("lines to pay for", kind="wait", answered=True)
        self.step("read payment", "Stripe.fetch_payment", ms=34, asked=paid, answered=told)
        self.take()
        self.step(
            "fetch customer", "Stripe.fetch_customer", ms=28, asked=paid.customer_id, answered=self.customer
        )
        return self.step("file contact", "file_contact", "call", answered={"contact_id": 8_801_230})

    def take(self, lines: Sequence[OrderLine] | None = None) -> Story:
        """The payment takes lines that no other has taken."""
        paid = self.paid[-1]
        free = [line for line in self.revisions[-1].lines if line.key not in self.allocation.taken]
        for line in lines or free:
            self.allocation.taken[line.key] = TakenLine(paid.key, line, len(self.revisions))
        self.allocation.amounts[paid.key] = paid.amount
        return self.step("take lines", "Orders.take_lines", "wait", answered={"order": self.key})

    def invoice(self, invoice_id: int, number: int, **more: Any) -> Story:
        """The invoice is made, read back and noted."""
        paid = self.paid[-1]
        draft = {
            "uuid": "0b6f6a2e-0f4e-5d41-9a53-5d1c2b7a9e10",
            "order_reference": self.number,
            "contact_id": 8_801_230,
            "total": paid.amount,
            "our_reference": paid.payment_id,
            "lines": [{"name": line.name, "gross": str(line.unit_price)} for line in self.lines],
        }
        look = ("look", "absent", 61, "")
        tries = more.pop("tries", [look, ("act", "done", 412, "")])
        answered = {"invoice_id": invoice_id, "uuid": draft["uuid"]}
        self.step(
            "create invoice", "Fiken.create_invoice", "find", asked=draft, answered=answered, tries=tries
        )
        booked = {"invoice_id": invoice_id, "number": number, "total": paid.amount}
        self.step("read invoice", "Fiken.fetch_invoice", ms=88, asked=invoice_id, answered=booked)
        self.step("note invoice", "References.note", "local", answered=True)
        self.writes.append(REFERENCES.put(Reference("invoice", str(invoice_id), self.key, self.now)))
        self.writes.append(REFERENCES.put(Reference("invoice-number", str(number), self.key, self.now)))
        return self.step("count dispatches", "Fiken.count_dispatches", ms=57, asked=invoice_id, answered=0)

    def receipt(self, invoice_id: int) -> dict[str, Any]:
        """What is asked when the mail is sent."""
        return {
            "invoice_id": invoice_id,
            "to_email": self.customer.email,
            "to_name": self.customer.name,
            "message": f"Hei {self.customer.name},\n\ntakk for handelen! Vedlagt finner du faktura.",
        }

    def mail(self, invoice_id: int) -> Story:
        """The mail goes out."""
        answered = {"invoice_id": invoice_id, "count": 1, "method": "email"}
        asked = self.receipt(invoice_id)
        return self.step("send receipt", "Fiken.send_receipt", "find", ms=640, asked=asked, answered=answered)

    def ends(self) -> Story:
        self.run.state, self.run.ended, self.run.result = "done", self.now, self.run.steps[-4].result
        return self

    def rests(
        self, state: RunState, reason: str, *, due: float | None = None, wake: Sequence[str] = ()
    ) -> Story:
        """The run comes to rest, until `due` seconds from now."""
        self.run.state, self.run.reason, self.run.wake = state, reason, list(wake)
        self.run.due_at = None if due is None else self.now + round(due * 1000)
        return self

    def ticket(self, title: str, category: str, severity: str = "high", **facts: Any) -> Story:
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

    def well(self, invoice_id: int, number: int) -> Story:
        """From payment to mail without a hitch."""
        return self.opening().invoice(invoice_id, number).mail(invoice_id).ends()

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

    def _order_body(self, lines: Sequence[OrderLine]) -> dict[str, Any]:
        items = [
            {"id": line.id, "name": line.name, "quantity": 1, "unit_price": str(line.unit_price), "vat": 25}
            for line in lines
        ]
        return {
            "webhook_type": "order_paid",
            "order": {
                "order_number": self.number,
                "currency": self.currency,
                "items": items,
                "customer": self.customer,
            },
        }

    def _charge(self, paid: PaymentSucceeded) -> dict[str, Any]:
        return {
            "id": paid.charge_id,
            "object": "charge",
            "amount": paid.amount.minor,
            "currency": self.currency.lower(),
            "payment_intent": paid.payment_id,
            "customer": self.customer.id,
            "billing_details": {
                "name": self.customer.name,
                "email": self.customer.email,
                "phone": self.customer.phone,
            },
            "metadata": {"order_number": self.number},
        }


def event_write(
    envelope: Envelope,
    at: Instant,
    body: Any,
    verdict: Verdict,
    *,
    reason: str = "",
    about: Sequence[str] = (),
) -> Write:
    """A kept event."""
    content = msgspec.json.encode(body)
    record = EventRecord(
        event_key(envelope), envelope, at, digest_of(content), pack(content), verdict, reason, [], list(about)
    )
    return EVENTS.insert(record)


def open_ticket(**given: Any) -> Ticket:
    """A ticket that belongs to no run."""
    return new_ticket(None, **given)
