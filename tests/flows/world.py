"""The outside world by role: a payment source, the accounts, the ticketing, each with books of its own.

It outlives the processes that call it. A request that was sent lands by itself, whether its sender still lives or
not; a caller whose deadline is over must not send, and is noted if it does. The books are the oracle of every test
of flows: what they hold is what happened.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act, current_call
from onpaid.domain.invoices import ContactDetails, ContactRef, Dispatch, InvoiceDraft, InvoiceRef, Receipt
from onpaid.domain.orders import Customer
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.alerts import NoAlerts
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.trackers import NoTracker
from tests.flows.fates import Fate, Fates

T = TypeVar("T")

TIMEOUT = timedelta(seconds=30)
SETTLES = timedelta(seconds=30)
LANES = (
    LaneLimit("accounts", at_once=1, per_second=4, strict=True),
    LaneLimit("money", at_once=16, per_second=20),
)
TRAVEL = 0.05
"""Seconds that a request or an answer is on its way."""


@dataclass
class Contact:
    id: int
    details: ContactDetails
    visible_at: float


@dataclass
class Invoice:
    id: int
    draft: InvoiceDraft
    visible_at: float
    mails: list[Receipt] = field(default_factory=list)

    @property
    def ref(self) -> InvoiceRef:
        return InvoiceRef(self.id, 10_000 + self.id, self.draft.total, self.draft.uuid)


class World:
    """What happened outside. `lag` is how long the accounts' lists take to show what is new."""

    def __init__(self, fates: Fates | None = None, *, lag: float = 2.0) -> None:
        self.fates = fates or Fates()
        self.lag = lag
        self.booked: int | None = None
        """Over how many minor units the accounts book an invoice, if not over what they were asked for."""
        self.payments: dict[str, PaymentDetails] = {}
        self.customers: dict[str, Customer] = {}
        self.contacts: list[Contact] = []
        self.invoices: list[Invoice] = []
        self.tickets: list[FiledTicket] = []
        self.tracker: Any = NoTracker()
        self.alerting: Any = NoAlerts()
        self.calls: Counter[str] = Counter()
        self.faults: list[str] = []
        """What no caller may do: two requests to the accounts at once, a request after its deadline."""
        self.landing = 0
        self._in_flight = 0
        self.sent = 0
        self.landed: Callable[[], None] = lambda: None

    async def called(
        self,
        operation: str,
        key: str,
        effect: Callable[[], T] | None,
        answer: Callable[[], T],
        *,
        lane: str = "",
    ) -> T:
        """One call. `effect` is what an act does and answers; a read has none and gives `answer`."""
        loop, call = asyncio.get_running_loop(), current_call.get()
        if call is not None and not call.may_send():
            raise Unavailable("the deadline was over before anything was sent")
        self.calls[operation] += 1
        self.sent += 1
        # Its sender gives up then, and hangs up.
        patience = call.send_by - call.monotonic() if call is not None else TIMEOUT.total_seconds()
        fate = self.fates.draw(operation, key, reads=effect is None)
        dice = self.fates.dice("times", operation, key, str(self.calls[operation]))
        travel = TRAVEL + (dice.uniform(1, 20) if fate.slow else 0)
        made: list[T] = []
        if effect is not None and fate.lands != "never":
            # A lost request lands at the latest when what its provider declares has passed since its deadline.
            longest = patience + SETTLES.total_seconds() - self.lag - 1
            after = travel if fate.lands == "now" else dice.uniform(1, longest)
            self.landing += 1
            loop.call_later(after, self._land, effect, made)
        if lane == "accounts":
            self._in_flight += 1
            if self._in_flight > 1:
                self.faults.append(f"{operation} of {key} while another call was under way")
            # The provider is done with a request that hangs when its sender hangs up, or when its answer left.
            busy = patience - 0.01 if fate.reply == "hang" else travel
            loop.call_later(min(busy, patience - 0.01), self._leave)
        await asyncio.sleep(travel + TRAVEL)
        await self._reply(fate, operation)
        if fate.reply == "several":
            return Unsure("several things fit", final=True)  # type: ignore[return-value]
        return made[0] if made else answer()

    def _land(self, effect: Callable[[], T], made: list[T]) -> None:
        self.landing -= 1
        made.append(effect())
        self.landed()

    def _leave(self) -> None:
        self._in_flight -= 1

    async def _reply(self, fate: Fate, operation: str) -> None:
        if fate.reply == "hang":
            await asyncio.sleep(10 * TIMEOUT.total_seconds())
        raised: dict[str, ProviderError | Exception] = {
            "reset": Doubtful("the connection was reset"),
            "503": Doubtful("503", answered=True),
            "429": Unavailable("429", retry_after=2),
            "refuse": Refused(f"{operation} was refused: a field is wrong"),
            "unauthorised": Unauthorised("the token is revoked"),
            "bug": ZeroDivisionError("a fault in the client"),
        }
        if fate.reply in raised:
            raise raised[fate.reply]

    def visible(self, things: list[T]) -> list[T]:
        """Those that the lists show by now."""
        now = asyncio.get_running_loop().time()
        return [thing for thing in things if thing.visible_at <= now]  # type: ignore[attr-defined]

    def invoice(self, invoice_id: int) -> Invoice:
        return self.invoices[invoice_id - 1]

    def invoices_of(self, payment_id: str) -> list[Invoice]:
        """The invoices that were made for a payment."""
        return [invoice for invoice in self.invoices if invoice.draft.our_reference == payment_id]

    @property
    def mails(self) -> int:
        return sum(len(invoice.mails) for invoice in self.invoices)


class Money:
    """A PaymentSource."""

    def __init__(self, world: World) -> None:
        self._world = world

    @act(repeatable=True, lane="money")
    async def fetch_payment(self, paid: PaymentSucceeded) -> PaymentDetails:
        def told() -> PaymentDetails:
            return self._world.payments[paid.payment_id]

        return await self._world.called("fetch_payment", paid.payment_id, None, told)

    @act(repeatable=True, lane="money")
    async def fetch_customer(self, customer_id: str) -> Customer | None:
        def told() -> Customer | None:
            return self._world.customers.get(customer_id)

        return await self._world.called("fetch_customer", customer_id, None, told)


class Accounts:
    """An Invoicing, with the declarations of a provider that has neither keys nor uniqueness."""

    def __init__(self, world: World) -> None:
        self._world = world

    @act(lane="accounts", timeout=TIMEOUT, settles=SETTLES, look_first=True)
    async def create_contact(self, contact: ContactDetails) -> ContactRef:
        world = self._world

        def effect() -> ContactRef:
            world.contacts.append(Contact(len(world.contacts) + 1, contact, _soon(world)))
            return ContactRef(len(world.contacts))

        return await world.called("create_contact", contact.reference, effect, _unanswered, lane="accounts")

    @act(repeatable=True, lane="accounts", timeout=TIMEOUT)
    async def find_contact(self, contact: ContactDetails) -> Finding[ContactRef]:
        world = self._world

        def look() -> Finding[ContactRef]:
            found = [
                one for one in world.visible(world.contacts) if one.details.reference == contact.reference
            ]
            return Found(ContactRef(found[0].id)) if found else Absent()

        return await world.called("find_contact", contact.reference, None, look, lane="accounts")

    @act(
        lane="accounts",
        timeout=TIMEOUT,
        settles=SETTLES,
        look_first=True,
        claim=lambda invoice: f"accounts:invoice:{invoice.invoice_id}",
    )
    async def create_invoice(self, draft: InvoiceDraft) -> InvoiceRef:
        world = self._world

        def effect() -> InvoiceRef:
            if sum(line.gross for line in draft.lines) != draft.total.minor:
                world.faults.append(f"the invoice {draft.uuid} does not add up")
            if not 1 <= draft.contact_id <= len(world.contacts):
                world.faults.append(f"the invoice {draft.uuid} has a contact that does not exist")
            world.invoices.append(Invoice(len(world.invoices) + 1, draft, _soon(world)))
            return InvoiceRef(len(world.invoices), uuid=draft.uuid)

        return await world.called("create_invoice", draft.uuid, effect, _unanswered, lane="accounts")

    @act(repeatable=True, lane="accounts", timeout=TIMEOUT)
    async def find_invoice(self, draft: InvoiceDraft) -> Finding[InvoiceRef]:
        world = self._world

        def look() -> Finding[InvoiceRef]:
            found = [one for one in world.visible(world.invoices) if one.draft.uuid == draft.uuid]
            if len(found) > 1:
                return Unsure("several invoices fit this draft", final=True)
            return Found(found[0].ref) if found else Absent()

        return await world.called("find_invoice", draft.uuid, None, look, lane="accounts")

    @act(repeatable=True, lane="accounts", timeout=TIMEOUT)
    async def fetch_invoice(self, invoice_id: int) -> InvoiceRef:
        def told() -> InvoiceRef:
            ref, booked = self._world.invoice(invoice_id).ref, self._world.booked
            if booked is None or ref.total is None:
                return ref
            return msgspec.structs.replace(ref, total=msgspec.structs.replace(ref.total, minor=booked))

        return await self._world.called("fetch_invoice", str(invoice_id), None, told, lane="accounts")

    @act(repeatable=True, lane="accounts", timeout=TIMEOUT)
    async def count_dispatches(self, invoice_id: int) -> int:
        def told() -> int:
            return len(self._world.invoice(invoice_id).mails)

        return await self._world.called("count_dispatches", str(invoice_id), None, told, lane="accounts")

    @act(lane="accounts", timeout=TIMEOUT, settles=None)
    async def send_receipt(self, receipt: Receipt) -> Dispatch:
        world = self._world

        def effect() -> Dispatch:
            world.invoice(receipt.invoice_id).mails.append(receipt)
            return Dispatch(receipt.invoice_id, receipt.dispatches_before + 1)

        return await world.called(
            "send_receipt", str(receipt.invoice_id), effect, _unanswered, lane="accounts"
        )

    @act(repeatable=True, lane="accounts", timeout=TIMEOUT)
    async def find_dispatch(self, receipt: Receipt) -> Finding[Dispatch]:
        def look() -> Finding[Dispatch]:
            count = len(self._world.invoice(receipt.invoice_id).mails)
            if count > receipt.dispatches_before:
                return Found(Dispatch(receipt.invoice_id, count))
            return Unsure("there are no more mails than before")

        return await self._world.called("find_dispatch", str(receipt.invoice_id), None, look, lane="accounts")


class Desk:
    """A Ticketing."""

    def __init__(self, world: World) -> None:
        self._world = world

    @act(look_first=True, timeout=TIMEOUT, settles=SETTLES)
    async def file_ticket(self, ticket: FiledTicket) -> TicketRef:
        world = self._world

        def effect() -> TicketRef:
            world.tickets.append(ticket)
            return TicketRef(f"desk#{ticket.id}")

        return await world.called("file_ticket", ticket.id, effect, _unanswered)

    @act(repeatable=True)
    async def find_ticket(self, ticket: FiledTicket) -> Finding[TicketRef]:
        def look() -> Finding[TicketRef]:
            there = any(filed.id == ticket.id for filed in self._world.tickets)
            return Found(TicketRef(f"desk#{ticket.id}")) if there else Absent()

        return await self._world.called("find_ticket", ticket.id, None, look)


def _soon(world: World) -> float:
    return asyncio.get_running_loop().time() + world.lag


def _unanswered() -> T:  # type: ignore[type-var]
    raise AssertionError("an act that is answered has landed")
