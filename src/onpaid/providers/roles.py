"""What a service can be. A flow knows these roles and never a provider by name.

Each method that acts is declared with `@act` in the provider that fulfils the role: the engine reads from there
whether it may be repeated, looked up, or neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from onpaid.acts import Finding
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.invoices import ContactDetails, ContactRef, Dispatch, InvoiceDraft, InvoiceRef, Receipt
from onpaid.domain.orders import Customer
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded


class FiledTicket(msgspec.Struct, frozen=True):
    """A ticket as it goes to a ticketing service: no personal data, no secrets."""

    id: str
    category: str
    severity: str
    title: str
    facts: dict[str, str]
    opened_at: str
    run: str | None = None
    order: str | None = None
    environment: str = ""
    fingerprint: str = ""
    """What is the same for every ticket of one problem: environment, category, step and the error without its ids."""
    times: int = 1
    """How many tickets of this problem there were when this one was filed."""


class TicketRef(msgspec.Struct, frozen=True):
    """Where the ticket is."""

    reference: str


class WebhookSource(Protocol):
    """Sends us events. Pure: no I/O, and the time is handed in."""

    name: str
    media: tuple[str, ...]
    """The content types that it sends."""
    event_id_header: str
    """The header (lower case) that names an event, for a sender whose bodies do not; else empty."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless `body` was surely sent by this source, recently. Header names are lower case;
        `token` is the last path segment, for senders that can only set a URL."""
        ...

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope. Raises InvalidInput, in a sentence that the sender's developer understands.

        A source whose `token` is a reference and no secret keeps it in the envelope."""
        ...

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """What the event means. Raises Problem for what a person must look at: it is recorded all the same."""
        ...


class PaymentSource(Protocol):
    """Takes money, and can be asked about it."""

    async def fetch_payment(self, paid: PaymentSucceeded) -> PaymentDetails:
        """The payment as it is now. A read."""
        ...

    async def fetch_customer(self, customer_id: str) -> Customer | None:
        """The customer, or None if it was deleted. A read."""
        ...


class Invoicing(Protocol):
    """Keeps the accounts."""

    async def create_contact(self, contact: ContactDetails) -> ContactRef:
        """File a contact under our reference."""
        ...

    async def find_contact(self, contact: ContactDetails) -> Finding[ContactRef]:
        """The active contact under our reference; of several the oldest."""
        ...

    async def create_invoice(self, draft: InvoiceDraft) -> InvoiceRef:
        """Issue a numbered invoice."""
        ...

    async def find_invoice(self, draft: InvoiceDraft) -> Finding[InvoiceRef]:
        """The invoice made from this draft."""
        ...

    async def fetch_invoice(self, invoice_id: int) -> InvoiceRef:
        """The invoice as the accounts hold it, with number and total. A read."""
        ...

    async def count_dispatches(self, invoice_id: int) -> int:
        """How often the invoice was sent. A read: the baseline of a later look."""
        ...

    async def send_receipt(self, receipt: Receipt) -> Dispatch:
        """Mail the invoice with its PDF. Nothing at the provider recognises a repeat."""
        ...

    async def find_dispatch(self, receipt: Receipt) -> Finding[Dispatch]:
        """Whether the mail went out, compared with the baseline. Silence proves nothing."""
        ...


class Ticketing(Protocol):
    """Shows people what they must look at."""

    async def file_ticket(self, ticket: FiledTicket) -> TicketRef:
        """Put the ticket where people see it."""
        ...

    async def find_ticket(self, ticket: FiledTicket) -> Finding[TicketRef]:
        """The ticket, if it is there already."""
        ...
