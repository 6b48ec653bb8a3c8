"""Fiken's invoices of a period, a hundred a page: ten thousand take a hundred requests, and so half a minute.

Pages count from 0 and want both parameters. An invoice that is issued meanwhile comes behind the others, so that no
other is passed over; one that is deleted meanwhile may be, which is why nothing is called missing by a list alone.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from onpaid.acts import act
from onpaid.domain.money import Money
from onpaid.errors import Doubtful, Refused
from onpaid.providers.fiken_wire import CreditNote, Invoice, as_counted
from onpaid.providers.http import Http
from onpaid.providers.roles_proving import IssuedInvoice

PAGE: Final = 100
TIMEOUT: Final = timedelta(seconds=30)
COUNTED: Final = "fiken-api-result-count"


class FikenLists:
    """The part of Fiken that lists for a proof."""

    _http: Http
    _company: tuple[str, str]

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def invoices_issued(self, since: date, until: date, page: int) -> tuple[list[IssuedInvoice], bool]:
        """A page of the invoices issued on these days, both inclusive; and whether more follow."""
        return await self._listed(page, issueDateGe=since.isoformat(), issueDateLe=until.isoformat())

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def invoices_numbered(self, number: str) -> list[IssuedInvoice]:
        """The invoices with this order reference, whenever they were issued."""
        found, more = await self._listed(0, orderReference=number)
        if more:
            raise Refused(f"Fiken: more than {PAGE} invoices have the order reference {number[:40]!r}")
        return found

    async def _listed(self, page: int, **only: str) -> tuple[list[IssuedInvoice], bool]:
        """One page of the invoices that fit; and whether more follow."""
        params: dict[str, str | int | bool] = {**only, "page": page, "pageSize": PAGE}
        answer = await self._http.get(*self._company, "invoices", params=params)
        found = answer.read(list[Invoice])
        counted = answer.headers.get(COUNTED, "")
        if counted.isdecimal() and len(found) != max(0, min(PAGE, int(counted) - page * PAGE)):
            raise Doubtful(f"{answer.asked}, with {len(found)} invoices of {counted}", answered=True)
        return [_issued(each) for each in found], len(found) == PAGE

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def invoice_named(self, invoice_id: int) -> IssuedInvoice | None:
        """One invoice, or None where the accounts say that there is none."""
        answer = await self._http.get(*self._company, "invoices", invoice_id, accept=(404,))
        return None if answer.status == 404 else _issued(answer.read(Invoice))

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def credit_named(self, credit: int) -> Money | None:
        """How much a credit note takes back, VAT included; None where the accounts say that there is none."""
        answer = await self._http.get(*self._company, "creditNotes", credit, accept=(404,))
        return None if answer.status == 404 else as_counted(answer.read(CreditNote))


def _issued(invoice: Invoice) -> IssuedInvoice:
    return IssuedInvoice(
        invoice_id=invoice.invoice_id,
        number=invoice.invoice_number,
        total=as_counted(invoice),
        order_reference=invoice.order_reference or "",
        our_reference=invoice.our_reference or "",
        uuid=(invoice.invoice_draft_uuid or "").lower(),
        credits=tuple(invoice.associated_credit_notes or ()),
    )
