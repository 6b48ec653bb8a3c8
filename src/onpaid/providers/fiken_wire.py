"""Fiken's JSON: what we send it, and the fields of its answers that we need.

Fiken reads amounts as hundredths of the invoice's currency, whatever that is. What it makes of a currency with none
or three decimals is not documented, so amounts in one are refused rather than invoiced at a hundredth or tenfold.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from onpaid.domain.countries import country_name
from onpaid.domain.invoices import ContactDetails, InvoiceDraft, InvoiceLine, Receipt
from onpaid.domain.money import Money, exponent
from onpaid.domain.orders import Address
from onpaid.errors import Doubtful, InvalidInput, Refused
from onpaid.providers.answers import Answer
from onpaid.providers.masking import masked

LONGEST_NAME = 200
LONGEST_TEXT = 500
LONGEST_PHONE = 20
LARGEST_ID = 2**63
CountryFormat = Literal["english", "code"]


class Contact(msgspec.Struct, rename="camel"):
    """A contact; the reference that it was filed under is never shown."""

    contact_id: int
    inactive: bool = False


class _Dispatch(msgspec.Struct, rename="camel"):
    dispatch_type: str = "unknown"


class Invoice(msgspec.Struct, rename="camel"):
    """An issued invoice."""

    invoice_id: int
    gross: int
    invoice_number: int | None = None
    currency: str = "NOK"
    order_reference: str | None = None
    our_reference: str | None = None
    invoice_draft_uuid: str | None = None
    customer: Contact | None = None
    dispatches: list[_Dispatch] = []
    associated_credit_notes: list[int] | None = None

    @property
    def mails(self) -> int:
        """How often it was mailed."""
        return sum(dispatch.dispatch_type == "email" for dispatch in self.dispatches)

    @property
    def total(self) -> Money:
        """The amount, VAT included."""
        _hundredths(self.currency)
        return Money(self.gross, self.currency)

    def fits(self, draft: InvoiceDraft) -> bool:
        """Whether it is over the draft's amount, in its currency, to its customer."""
        customer = self.customer.contact_id if self.customer else None
        return (self.gross, self.currency, customer) == (
            draft.total.minor,
            draft.total.currency,
            draft.contact_id,
        )


class CreditNote(msgspec.Struct, rename="camel"):
    """What was taken back of an invoice."""

    gross: int
    currency: str = "NOK"


class Company(msgspec.Struct, rename="camel"):
    """A company that the token may work for."""

    slug: str
    has_api_access: bool = True
    test_company: bool = False


class BankAccount(msgspec.Struct, rename="camel"):
    """A bank account in the chart of accounts."""

    account_code: str = ""
    inactive: bool = False


def as_counted(told: Invoice | CreditNote) -> Money:
    """The amount as Fiken tells it, in whichever currency somebody wrote it: a list is read whole, and what is in a
    currency that we make no invoices in is held against nothing of ours. Refused if it cannot be any amount."""
    try:
        return Money.from_wire(told.gross, told.currency)
    except InvalidInput as bad:
        raise Refused(f"Fiken: an amount cannot be read: {bad}") from None


def contact_body(contact: ContactDetails, countries: CountryFormat) -> dict[str, Any]:
    """The contact as Fiken wants it; what does not fit its fields and is not needed is left out."""
    name = contact.name.strip()[:LONGEST_NAME]
    if not contact.reference or not name:
        raise Refused("Fiken: a contact needs a name, and a reference to find it by")
    customer = contact.customer
    body: dict[str, Any] = {
        "name": name,
        "email": contact.email,
        "customer": True,
        "memberNumberString": contact.reference,
        "language": _language(contact.language),
    }
    number = "".join(c for c in customer.organization_number or "" if c.isascii() and c.isdigit())
    if contact.country == "NO" and len(number) == 9:
        body["organizationNumber"] = number
    if customer.phone and len(customer.phone) <= LONGEST_PHONE:
        body["phoneNumber"] = customer.phone
    if contact.country:
        body["address"] = _address(customer.address or Address(), contact.country, countries)
    return body


def private_words(contact: ContactDetails) -> list[str]:
    """What of a contact must not be repeated in an error."""
    address = contact.customer.address or Address()
    customer = contact.customer
    told = [contact.name, contact.email, customer.name, customer.email, customer.phone, customer.company]
    told += [address.line1, address.line2, address.postal_code, address.city]
    return [word for word in told if word]


def invoice_body(draft: InvoiceDraft, bank_account: str, payment_account: str) -> dict[str, Any]:
    """The invoice as Fiken wants it: net unit prices, and every amount spelt out so that it has to agree."""
    _hundredths(draft.total.currency)
    body: dict[str, Any] = {
        "uuid": draft.uuid,
        "issueDate": draft.issue_date.isoformat(),
        "dueDate": draft.due_date.isoformat(),
        "lines": [_line(line) for line in draft.lines],
        "orderReference": draft.order_reference,
        "customerId": draft.contact_id,
        "bankAccountCode": bank_account,
        "currency": draft.total.currency,
        "cash": draft.cash,
    }
    if draft.cash:
        body["paymentAccount"] = payment_account
    if draft.our_reference:
        body["ourReference"] = draft.our_reference
    if draft.text:
        body["invoiceText"] = draft.text[:LONGEST_TEXT]
    return body


def receipt_body(receipt: Receipt) -> dict[str, Any]:
    """The order to mail an invoice, with its PDF."""
    body: dict[str, Any] = {
        "invoiceId": receipt.invoice_id,
        "method": ["email"],
        "includeDocumentAttachments": True,
        "emailSendOption": "attachment",
        "recipientEmail": receipt.to_email,
    }
    if receipt.to_name:
        body["recipientName"] = receipt.to_name
    if receipt.message:
        body["message"] = receipt.message
    return body


def created_id(answer: Answer, resource: str) -> int:
    """The id at the end of a 201's Location. Doubtful if that is not where `resource` is kept."""
    parts = urlsplit(answer.headers.get("location", "")).path.rstrip("/").split("/")
    last = parts[-1]
    if answer.status == 201 and parts[-2:-1] == [resource] and last.isascii() and last.isdigit():
        number = int(last) if len(last) < 20 else LARGEST_ID
        if 0 < number < LARGEST_ID:
            return number
    told = masked(answer.headers.get("location", "nothing"), answer.private)
    raise Doubtful(
        f"{answer.asked}, and says that the new one is at {told!r}: that is not in {resource}", answered=True
    )


def _line(line: InvoiceLine) -> dict[str, Any]:
    body: dict[str, Any] = {
        "productName": line.name[:LONGEST_NAME],
        "quantity": _number(line.quantity),
        "unitPrice": line.unit_net,
        "net": line.net,
        "vat": line.vat,
        "gross": line.gross,
        "vatType": line.vat_type,
        "incomeAccount": line.income_account,
    }
    if line.vat_percent:
        # Both given, Fiken checks that they agree. Not so for the kinds of none: whether they have a rate is not told.
        body["vatInPercent"] = _number(line.vat_percent)
    return body


def _number(number: Decimal) -> int | Decimal:
    return int(number) if number == number.to_integral_value() else number


def _address(address: Address, country: str, countries: CountryFormat) -> dict[str, str]:
    try:
        name = country if countries == "code" else country_name(country)
    except InvalidInput as bad:
        raise Refused(f"Fiken: {bad}") from None
    city = ", ".join(part for part in (address.city, address.state) if part)
    told = {
        "streetAddress": address.line1,
        "streetAddressLine2": address.line2,
        "postCode": address.postal_code,
        "city": city,
        "country": name,
    }
    return {field: text for field, text in told.items() if text}


def _language(language: str) -> str:
    return "NORWEGIAN" if language.lower() in ("norwegian", "no", "nb", "nn", "nb-no", "nn-no") else "ENGLISH"


def _hundredths(currency: str) -> None:
    if exponent(currency) != 2:
        raise Refused(
            f"Fiken: it counts in hundredths, and {currency} has {exponent(currency)} decimals. "
            "Make this invoice by hand, then settle the step"
        )
