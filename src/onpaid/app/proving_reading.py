"""What the outside says of a period, read page by page and turned into a proof's rows.

Each reader takes one page at the provider through its lane, holds it against our records to see which order a thing
belongs to, and leaves out what belongs to another period: an invoice of this week may be of last week's payment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from onpaid.acts import Absent, Unsure
from onpaid.app.proving_bills import with_bills
from onpaid.app.proving_ours import Ours
from onpaid.app.proving_sources import Outside
from onpaid.app.proving_told import Told
from onpaid.clock import Instant, as_datetime
from onpaid.domain.billing import BillingNews
from onpaid.domain.orders import Order, order_key
from onpaid.domain.payments import Payment
from onpaid.domain.proof_rows import CreditRow, HeldRow, InvoiceRow, ParcelRow, TakenRow
from onpaid.domain.proving_effects import is_of
from onpaid.domain.shipments import CourierOrder
from onpaid.domain.takings import Taking
from onpaid.engine.visits import Visits
from onpaid.providers.roles_proving import IssuedInvoice
from onpaid.repositories.proofs import ProofPage
from onpaid.repositories.references import References

INDIA: Final = ZoneInfo("Asia/Kolkata")
EARLIER: Final = timedelta(days=1)
LATER: Final = timedelta(days=3)
"""So many days after its payment an invoice or a parcel is still listed; what came later is asked for by name."""
Another = Literal["another period's"]
ANOTHER: Final[Another] = "another period's"
_PAYMENT: Final = re.compile(r"(pi|ch|py|order|pay)_\w+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """What is proven: payments of this time, both ends inclusive. Days are the company's, by `zone`."""

    since: Instant
    until: Instant
    zone: ZoneInfo

    def holds(self, at: Instant) -> bool:
        """Whether a payment of that time belongs to it."""
        return self.since <= at <= self.until

    def days(self, zone: ZoneInfo | None = None) -> tuple[date, date]:
        """The days on which what its payments yield was made."""
        first, last = (as_datetime(at, zone or self.zone).date() for at in (self.since, self.until))
        return first - EARLIER, last + LATER


@dataclass(slots=True)
class Read:
    """One page that was read: rows, where the next one begins (empty: that was all), and what was not ours."""

    rows: ProofPage
    cursor: str = ""
    count: int = 0
    elsewhere: int = 0


class Reading:
    """Reads one proof's period."""

    def __init__(
        self, ours: Ours, references: References, outside: Outside, visits: Visits, period: Period
    ) -> None:
        self._ours, self._references, self._outside = ours, references, outside
        self._visits, self._period = visits, period

    async def takings(self, source: str, cursor: str) -> Read:
        """A page of what a provider took, with a row for each payment of it that we keep."""
        period = self._period
        found, after = await self._outside.takings[source].page(period.since, period.until, cursor)
        taken = [each for each in found if each.captured]
        kept = await self._ours.payments([each.key for each in taken])
        held = [row async for row in self._ours.rows(list(kept.values()))]
        rows = [await self._taken_row(source, each, kept.get(each.key)) for each in taken]
        listed, billing = self._outside.takings[source], self._outside.billing
        rows = await with_bills(rows, listed, self._ours, self._known, billing)
        elsewhere = sum(not (each.expected or each.tells) for each in rows)
        return Read(ProofPage("", taken=rows, held=held), after, len(found), elsewhere)

    async def taken_row_of(self, held: HeldRow, taking: Taking) -> TakenRow:
        """What was taken for a payment that we keep, where no list showed it."""
        kept = await self._ours.payments([held.payment])
        return await self._taken_row(held.source, taking, kept.get(held.payment))

    async def _taken_row(self, source: str, taking: Taking, payment: Payment | None) -> TakenRow:
        """What was taken, under the order that it is for."""
        group, expected, kept = taking.order, taking.ours, payment is not None
        if payment is not None:
            order = await self._ours.order(payment.fact.order)
            group = order.number if order is not None else payment.fact.order.partition("/")[2]
            expected = not await self._ours.elsewhere(payment)
        else:
            session = await self._ours.session(taking.key)
            if session is not None and session.order_number:
                group, kept = session.order_number, True
        row = TakenRow(
            group=group or taking.payment_id,
            source=source,
            payment=taking.key,
            charge=taking.charge_id,
            amount=taking.amount,
            refunded=taking.refunded.minor,
            at=taking.taken_at,
            expected=expected,
            kept=kept,
            trouble=taking.trouble,
        )
        return await self._with_event(row, taking) if source == "stripe" else row

    async def _with_event(self, row: TakenRow, taking: Taking) -> TakenRow:
        billing = self._outside.billing
        if billing is None or not taking.payment_id.startswith("pi_"):
            return row
        news = BillingNews(
            taking.account, "payment.successful", taking.payment_id, taking.taken_at, taking.live
        )
        event = await billing.get(news.id)
        run = await self._ours.told(f"publish_billing_event:{news.id}")
        state = "" if event is None else "published" if event.published_at or event.stale else "noted"
        return msgspec.structs.replace(row, tells=True, billing=state, run=run)

    async def records(self, cursor: str) -> Read:
        """A page of the payments that we keep."""
        found, after = await self._ours.recorded_since(self._period.since, cursor or None)
        of_period = [each for each in found if self._period.holds(each.fact.paid_at)]
        held = [row async for row in self._ours.rows(of_period)]
        return Read(ProofPage("", held=held), after or "", len(held))

    async def told(self, cursor: str) -> Read:
        """A page of what we told others."""
        told = Told(self._ours, self._outside, self._period.since, self._period.until)
        rows, after = await told.page(cursor)
        return Read(ProofPage("", told=rows), after, len(rows))

    async def invoices(self, cursor: str) -> Read:
        """A page of the accounts' invoices."""
        accounts = self._outside.accounts
        assert accounts is not None  # noqa: S101 - this stage is only there with accounts
        since, until = self._period.days()
        page = int(cursor or 0)
        found, more = await self._visits.call(accounts.invoices_issued, since, until, page)
        rows = [await self._invoice_row(each) for each in found]
        kept = [each for each in rows if isinstance(each, InvoiceRow)]
        return Read(ProofPage("", invoices=kept), str(page + 1) if more else "", len(found), rows.count(None))

    async def _invoice_row(self, invoice: IssuedInvoice) -> InvoiceRow | Another | None:
        """The invoice under its order; None if it was never any business of ours."""
        payments = await self._ours.named(invoice.our_reference) if invoice.our_reference else []
        order = await self._known(invoice.order_reference)
        if not payments and order is not None:
            payments = await self._ours.of_order(order)
        if payments and not any(self._period.holds(each.fact.paid_at) for each in payments):
            return ANOTHER
        if not payments and not (invoice.order_reference or _PAYMENT.fullmatch(invoice.our_reference)):
            return None
        first = None if not payments else await self._ours.order(payments[0].fact.order)
        group = first.number if first is not None else invoice.order_reference or invoice.our_reference
        return _row_of(invoice, group)

    async def invoice_named(self, held: HeldRow) -> InvoiceRow | None:
        """The invoice that our records name, if the accounts have it."""
        accounts = self._outside.accounts
        assert accounts is not None  # noqa: S101 - only asked where there are accounts
        found = await self._visits.call(accounts.invoice_named, held.invoice)
        return None if found is None else _row_of(found, held.group)

    async def invoices_numbered(self, held: HeldRow) -> list[InvoiceRow]:
        """The invoices under the number of a payment's order that may be the payment's."""
        accounts = self._outside.accounts
        assert accounts is not None  # noqa: S101 - only asked where there are accounts
        found = await self._visits.call(accounts.invoices_numbered, held.group)
        rows = [_row_of(each, held.group) for each in found]
        return [each for each in rows if is_of(each, held) or not each.ours]

    async def credit_named(self, invoice: InvoiceRow, credit: int) -> CreditRow | None:
        """What a credit note takes back of an invoice; None where there is no such note."""
        accounts = self._outside.accounts
        assert accounts is not None  # noqa: S101 - only asked where there are accounts
        found = await self._visits.call(accounts.credit_named, credit)
        if found is None or found.currency != invoice.total.currency:
            return None
        return CreditRow(invoice.group, invoice.invoice, credit, found.minor)

    async def parcels(self, cursor: str) -> Read:
        """A page of the courier service's records."""
        courier = self._outside.courier
        assert courier is not None  # noqa: S101 - this stage is only there with a courier service
        since, until = self._period.days(INDIA)
        page = int(cursor or 1)
        found, more = await self._visits.call(courier.orders_created, since, until, page)
        live = [each for each in found if not each.cancelled and each.awb]
        rows = [await self._parcel_row(each) for each in live]
        kept = [each for each in rows if each is not None]
        return Read(ProofPage("", parcels=kept), str(page + 1) if more else "", len(found))

    async def _parcel_row(self, made: CourierOrder) -> ParcelRow | None:
        """The parcel under its order; None if it is another period's."""
        keys = await self._references.orders_of("courier-order", made.order_id)
        number = made.reference.partition("-")[0]
        order = await self._ours.order(keys[0]) if keys else await self._known(number)
        payments = [] if order is None else await self._ours.of_order(order)
        if payments and not any(self._period.holds(each.fact.paid_at) for each in payments):
            return None
        back = order is not None and await self._ours.came_back(made.order_id)
        return ParcelRow(number if order is None else order.number, made.shipment_id, made.awb, back)

    async def parcel_named(self, held: HeldRow) -> ParcelRow | None:
        """The parcel that our records name, if it is live."""
        courier = self._outside.courier
        assert courier is not None  # noqa: S101 - only asked where there is a courier service
        record = CourierOrder(held.group, held.courier_order or held.parcel, held.parcel, held.awb)
        found = await self._visits.call(courier.find_cancelled, record)
        # One whose cancellation is under way lives yet.
        alive = isinstance(found, Absent) or (isinstance(found, Unsure) and not found.final)
        return ParcelRow(held.group, held.parcel, held.awb) if alive else None

    async def _known(self, number: str) -> Order | None:
        for shop in self._outside.shops if number else ():
            order = await self._ours.order(order_key(shop, number))
            if order is not None:
                return order
        return None


def _row_of(invoice: IssuedInvoice, group: str) -> InvoiceRow:
    return InvoiceRow(
        group,
        invoice.invoice_id,
        invoice.total,
        invoice.number or 0,
        invoice.our_reference,
        invoice.uuid,
        invoice.credits,
    )
