"""Fiken, Norwegian accounting. https://api.fiken.no/api/v2/docs/

What it is: it keeps contacts, issues numbered invoices, and mails them with their PDF. There are no webhooks.
How a thing is found again: a contact by `memberNumberString`, which holds our reference and is never shown; an
invoice by the `uuid` that we gave it (`invoiceDraftUuid`), or by `orderReference` together with amount, currency and
customer; a mail by the number of the invoice's dispatches, which proves a mail and never its absence.
Its limits: one request at a time, on pain of being banned; more than four a second are slowed. Nothing is unique and
nothing is idempotent there: the same POST twice is two contacts, two invoices, two mails.
How it signs: it sends nothing to us; we show a personal API token, which never expires.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act
from onpaid.domain.invoices import ContactDetails, ContactRef, Dispatch, InvoiceDraft, InvoiceRef, Receipt
from onpaid.errors import ProviderError, SettingsError
from onpaid.providers import fiken_wire as wire
from onpaid.providers import http
from onpaid.providers.fiken_lists import FikenLists
from onpaid.providers.fiken_refusals import explain

T = TypeVar("T")

TIMEOUT = timedelta(seconds=30)
SETTLES = timedelta(seconds=30)
"""How long after a lost answer an invoice or a contact may still appear in the lists. Fiken names no figure."""
PAGE = 100
MOST_PAGES = 20
MOST_CONTACTS = 10

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_BANK_ACCOUNT = re.compile(r"1920:\d{5}", re.ASCII)
_ACCOUNT = re.compile(r"\d{4}(:\d{5})?", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """`bank_account_code` is printed on invoices, `payment_account` is where card payments arrive (cash invoices)."""

    api_token: str = field(default="", repr=False)
    company_slug: str = ""
    bank_account_code: str = ""
    payment_account: str = ""
    api_base: str = "https://api.fiken.no/api/v2"
    countries: wire.CountryFormat = "english"

    def __post_init__(self) -> None:
        if not self.api_token:
            raise SettingsError(
                "fiken: the API token is missing (FIKEN_API_TOKEN); make one in Fiken, under API"
            )
        if not _SLUG.fullmatch(self.company_slug):
            raise SettingsError("fiken: the company slug (FIKEN_COMPANY_SLUG) looks like my-company-as")
        if not _BANK_ACCOUNT.fullmatch(self.bank_account_code):
            raise SettingsError(
                "fiken: the bank account code (FIKEN_BANK_ACCOUNT_CODE) looks like 1920:10001"
            )
        if not _ACCOUNT.fullmatch(self.payment_account):
            raise SettingsError(
                "fiken: the payment account (FIKEN_PAYMENT_ACCOUNT) looks like 1920:10001 or 1960"
            )
        if self.countries not in ("english", "code"):
            raise SettingsError("fiken: countries are sent as `english` names or as a `code`")


class Fiken(FikenLists):
    """An Invoicing."""

    lanes = (LaneLimit("fiken", at_once=1, per_second=4, strict=True),)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        headers = {"Authorization": f"Bearer {settings.api_token}"}
        self._http = http.Http(
            "Fiken", settings.api_base, headers=headers, explain=explain, timeout=TIMEOUT.total_seconds()
        )
        self._company = ("companies", settings.company_slug)

    @act(lane="fiken", timeout=TIMEOUT, settles=SETTLES, look_first=True)
    async def create_contact(self, contact: ContactDetails) -> ContactRef:
        """File a contact under our reference. No claim: a contact may serve several runs."""
        body = wire.contact_body(contact, self.settings.countries)
        answer = await self._http.post(
            *self._company, "contacts", json=body, private=wire.private_words(contact)
        )
        return ContactRef(wire.created_id(answer, "contacts"))

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def find_contact(self, contact: ContactDetails) -> Finding[ContactRef]:
        """The active contact under our reference, of several the oldest. The reference alone decides: a customer may
        have changed name and address since."""
        if not contact.reference:
            return Unsure("the contact has no reference to be found by", final=True)
        filters: dict[str, str | bool] = {"memberNumberString": contact.reference, "inactive": False}
        found, complete = await self._all(wire.Contact, *self._company, "contacts", params=filters)
        ids = sorted(one.contact_id for one in found if not one.inactive)
        if not complete:
            return Unsure("Fiken's list of contacts changed while it was read")
        if len(ids) > MOST_CONTACTS:
            return Unsure(
                f"Fiken shows {len(ids)} contacts under one reference, so it did not filter", final=True
            )
        return Found(ContactRef(ids[0])) if ids else Absent()

    @act(
        lane="fiken",
        timeout=TIMEOUT,
        settles=SETTLES,
        look_first=True,
        claim=lambda invoice: f"fiken:invoice:{invoice.invoice_id}",
    )
    async def create_invoice(self, draft: InvoiceDraft) -> InvoiceRef:
        """Issue a numbered invoice. It cannot be changed or deleted, only credited."""
        body = wire.invoice_body(draft, self.settings.bank_account_code, self.settings.payment_account)
        answer = await self._http.post(*self._company, "invoices", json=body)
        return InvoiceRef(wire.created_id(answer, "invoices"), uuid=draft.uuid)

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def find_invoice(self, draft: InvoiceDraft) -> Finding[InvoiceRef]:
        """The invoice made from this draft: by its uuid, else by everything else that it must have."""
        found, complete = await self._invoices(invoiceDraftUuid=draft.uuid)
        ours = [one for one in found if (one.invoice_draft_uuid or "").lower() == draft.uuid.lower()]
        if not complete or len(ours) != len(found):
            return Unsure("Fiken's answer to a search by uuid is incomplete, or holds other invoices")
        if not ours:
            found, complete = await self._invoices(orderReference=draft.order_reference)
            if not complete:
                return Unsure("Fiken's list of invoices changed while it was read")
            ours = [one for one in found if _may_be(one, draft)]
        if len(ours) > 1:
            ids = ", ".join(str(one.invoice_id) for one in ours)
            return Unsure(f"several invoices at Fiken fit this draft: {ids}", final=True)
        if ours and not ours[0].fits(draft):
            return Unsure(
                f"invoice {ours[0].invoice_id} at Fiken has our uuid, and another amount or customer",
                final=True,
            )
        return Found(_ref(ours[0])) if ours else Absent()

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def fetch_invoice(self, invoice_id: int) -> InvoiceRef:
        """The invoice as the accounts hold it, with number and total."""
        return _ref(await self._invoice(invoice_id))

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def count_dispatches(self, invoice_id: int) -> int:
        """How often the invoice was mailed."""
        return (await self._invoice(invoice_id)).mails

    @act(lane="fiken", timeout=TIMEOUT, settles=None)
    async def send_receipt(self, receipt: Receipt) -> Dispatch:
        """Mail the invoice with its PDF. Sending again would mail it again."""
        private = [word for word in (receipt.to_email, receipt.to_name, receipt.message) if word]
        await self._http.post(
            *self._company, "invoices", "send", json=wire.receipt_body(receipt), private=private
        )
        return Dispatch(receipt.invoice_id, receipt.dispatches_before + 1)

    @act(repeatable=True, lane="fiken", timeout=TIMEOUT)
    async def find_dispatch(self, receipt: Receipt) -> Finding[Dispatch]:
        """Whether there are more mails than before. Dispatches have a day and no id, so no other proof exists."""
        count = (await self._invoice(receipt.invoice_id)).mails
        if count > receipt.dispatches_before:
            return Found(Dispatch(receipt.invoice_id, count))
        return Unsure(f"invoice {receipt.invoice_id} has no more mails than before; one may be on its way")

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        settings = self.settings
        try:
            companies, _ = await self._all(wire.Company, "companies")
            mine = [company for company in companies if company.slug == settings.company_slug]
            if not mine:
                known = ", ".join(sorted(company.slug for company in companies)) or "none"
                return [
                    f"Fiken: there is no company {settings.company_slug}. The token may work for: {known}."
                ]
            if not mine[0].has_api_access:
                return [f"Fiken: {settings.company_slug} has no API access. Order the API module in Fiken."]
            found = (
                [f"Fiken: {settings.company_slug} is a test company (a warning)."]
                if mine[0].test_company
                else []
            )
            accounts, _ = await self._all(wire.BankAccount, *self._company, "bankAccounts")
            codes = sorted(account.account_code for account in accounts if not account.inactive)
            for code in dict.fromkeys((settings.bank_account_code, settings.payment_account)):
                if code.startswith("1920") and code not in codes:
                    found.append(
                        f"Fiken: there is no bank account {code}. There are: {', '.join(codes) or 'none'}."
                    )
            counter = await self._http.get(*self._company, "invoices", "counter", accept=(404,))
            if counter.status == 404:
                found.append(
                    "Fiken: there is no number series for invoices. Make the first one by hand in Fiken."
                )
        except ProviderError as bad:
            return [str(bad)]
        return found

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def _invoice(self, invoice_id: int) -> wire.Invoice:
        return (await self._http.get(*self._company, "invoices", invoice_id)).read(wire.Invoice)

    async def _all(
        self, kind: type[T], *where: str, params: Mapping[str, str | bool] | None = None
    ) -> tuple[list[T], bool]:
        """All pages of a list, and whether they are surely all. Pages count from 0, and want both parameters."""
        items: list[T] = []
        for page in range(MOST_PAGES):
            answer = await self._http.get(*where, params={**(params or {}), "page": page, "pageSize": PAGE})
            batch = answer.read(list[kind])  # type: ignore[valid-type]
            items += batch
            if len(batch) < PAGE:
                return items, answer.headers.get("fiken-api-result-count", str(len(items))) == str(len(items))
        return items, False

    async def _invoices(self, **filters: str) -> tuple[list[wire.Invoice], bool]:
        return await self._all(wire.Invoice, *self._company, "invoices", params=filters)


def _may_be(invoice: wire.Invoice, draft: InvoiceDraft) -> bool:
    """Whether an invoice for the draft's order can be the draft's own. Another payment for the same order may have
    made one just like it: that has another uuid or, where uuids are not kept, another reference of ours."""
    if invoice.order_reference != draft.order_reference or not invoice.fits(draft):
        return False
    if draft.our_reference and invoice.our_reference:
        return invoice.our_reference == draft.our_reference
    return invoice.invoice_draft_uuid is None


def _ref(invoice: wire.Invoice) -> InvoiceRef:
    return InvoiceRef(invoice.invoice_id, invoice.invoice_number, invoice.total, invoice.invoice_draft_uuid)
