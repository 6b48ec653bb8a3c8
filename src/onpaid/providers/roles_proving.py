"""What a service can be in the proof: asked for everything of a period, page by page, and for one thing by its name.

All of these are reads. A page that cannot be read raises a ProviderError; a list is never cut short silently.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

import msgspec

from onpaid.acts import Finding
from onpaid.clock import Instant
from onpaid.domain.billing import BillingEvent, BillingType
from onpaid.domain.money import Money
from onpaid.domain.shipments import CourierOrder
from onpaid.domain.takings import Taking


class IssuedInvoice(msgspec.Struct, frozen=True):
    """An invoice in the accounts' list. `order_reference` and `our_reference` are empty where it has none; `credits`
    are the ids of the credit notes on it."""

    invoice_id: int
    number: int | None
    total: Money
    order_reference: str = ""
    our_reference: str = ""
    uuid: str = ""
    credits: tuple[int, ...] = ()


class Accounts(Protocol):
    """Keeps invoices. At Fiken, `providers/fiken_lists.py`."""

    async def invoices_issued(self, since: date, until: date, page: int) -> tuple[list[IssuedInvoice], bool]:
        """A page (from 0) of the invoices issued on these days, both inclusive; and whether more follow."""
        ...

    async def invoice_named(self, invoice_id: int) -> IssuedInvoice | None:
        """One invoice, or None where there is none."""
        ...

    async def invoices_numbered(self, number: str) -> list[IssuedInvoice]:
        """The invoices with this order reference, whenever they were issued."""
        ...

    async def credit_named(self, credit: int) -> Money | None:
        """How much a credit note takes back, VAT included; None where there is none."""
        ...


class Courier(Protocol):
    """Keeps parcels. At Shiprocket, `providers/shiprocket_lists.py`."""

    async def orders_created(self, since: date, until: date, page: int) -> tuple[list[CourierOrder], bool]:
        """A page (from 1) of the records made on these days, India time, both inclusive; and whether more follow.
        Dead ones are among them; each bears our reference."""
        ...

    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        """Whether one record is dead; Absent if it lives, Unsure and final if there is none."""
        ...


class PagedTakings(Protocol):
    """Lists takings by position. At Razorpay, `providers/razorpay.py`."""

    async def payments_between(self, since: Instant, until: Instant, skip: int) -> list[Taking]:
        """A page of at most a hundred payments made in this time, newest first; a shorter one is the last."""
        ...

    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        """One payment, or None where there is none."""
        ...


class FollowedTakings(Protocol):
    """Lists takings one page after the other. At Stripe, `providers/stripe_lists.py`."""

    async def charges_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[Taking], str | None]:
        """A page of charges made in this time (both inclusive, whole seconds), newest first, and the next `after`."""
        ...

    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        """One payment, or None where there is none."""
        ...

    async def bill_of(self, payment_id: str) -> str | None:
        """The id of the subscription's bill that a payment paid, or None where it paid none."""
        ...


class BillingNoted(Protocol):
    """Which billing events are noted, and published. In our own records."""

    async def get(self, event: str) -> BillingEvent | None:
        """The event of this id, or None."""
        ...

    async def noted_since(
        self, kind: BillingType, since: Instant, after: str | None = None
    ) -> tuple[list[BillingEvent], str | None]:
        """A page of the events of a type that were noted since then, oldest first; and the next `after`."""
        ...
