"""One company's books at Fiken: contacts, invoices, drafts and what was mailed.

Two invoices with one uuid are two invoices here, the worst that the documents leave open; so a service that posts
twice is seen to have done so. Mails are counted per invoice. Nothing here knows of HTTP or of faults.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from onpaid.simulators import fiken_checks as checks
from onpaid.simulators.fiken_lines import Amounts, line_amounts
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.settings import Settings

WRITE_ONLY: Final = frozenset({"memberNumber", "memberNumberString", "phoneNumber", "currency"})
DEFAULT_COUNTER: Final = 10_000
NO_SERIES: Final = "Missing number series for drafts of type: invoice."


class Refused(Exception):
    """Fiken would answer 400, or another status, with these objections."""

    def __init__(self, found: list[str], status: int = 400) -> None:
        self.found, self.status = found, status
        super().__init__("; ".join(found))


@dataclass(frozen=True, slots=True)
class CreditNote:
    """What somebody took back of an invoice, in hundredths of its currency."""

    ident: int
    number: int
    invoice: "Invoice"
    gross: int
    issued: str


@dataclass(slots=True)
class Invoice:
    """One issued invoice, as it was asked for and what came of it."""

    ident: int
    number: int
    uuid: str
    asked: Json
    amounts: list[Amounts]
    created: str
    modified: str
    dispatches: list[Json] = field(default_factory=list)
    credits: list[int] = field(default_factory=list)

    @property
    def gross(self) -> int:
        return sum(line.gross for line in self.amounts)

    @property
    def currency(self) -> str:
        return str(self.asked.get("currency", "NOK"))


class FikenBooks:
    """The books of the one company."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock, self.settings = clock, settings
        self.forget()

    def forget(self) -> None:
        self.contacts: dict[int, Json] = {}
        self.invoices: dict[int, Invoice] = {}
        self.drafts: dict[int, Json] = {}
        self.credits: dict[int, CreditNote] = {}
        self.members: dict[str, set[int]] = {}
        self.references: dict[tuple[str, str], list[Invoice]] = {}
        self.mails: list[Json] = []
        self.counter = self.settings.invoice_counter
        self.calls: Counter[str] = Counter()
        self.concurrent_calls = 0
        self.busiest_second = 0
        self._next = 2_000_000

    def today(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()

    def ident(self) -> int:
        self._next += 10  # the numbers between are for the sale, its payment and its transaction
        return self._next

    # Contacts

    def add_contact(self, body: Any) -> int:
        ident = self.ident()
        customer = {
            "customerNumber": 10_000 + len(self.contacts),
            "customerAccountCode": f"1500:{ident % 100_000:05}",
        }
        own = {"contactId": ident, "createdDate": self.today(), "lastModifiedDate": self.today()}
        self.contacts[ident] = {
            **self._contact(ident, body),
            **own,
            **(customer if body.get("customer") else {}),
        }
        return ident

    def change_contact(self, ident: int, body: Any) -> None:
        """Replace the whole contact."""
        kept = ("contactId", "createdDate", "customerNumber", "customerAccountCode")
        old = {name: value for name, value in self.contacts[ident].items() if name in kept}
        self.contacts[ident] = {**self._contact(ident, body), **old, "lastModifiedDate": self.today()}

    def _contact(self, ident: int, body: Any) -> Json:
        found = checks.objections(body, checks.CONTACT)
        if found:
            raise Refused(found)
        self.members.setdefault(str(body.get("memberNumberString")), set()).add(ident)
        return {"customer": False, "supplier": False, "inactive": False, "language": "NORWEGIAN", **body}

    def remove_contact(self, ident: int) -> bool:
        """True if it is gone, False if it was deactivated because it has invoices."""
        if any(invoice.asked["customerId"] == ident for invoice in self.invoices.values()):
            self.contacts[ident]["inactive"] = True
            return False
        del self.contacts[ident]
        return True

    def shown_contact(self, ident: int) -> Json:
        return {name: value for name, value in self.contacts[ident].items() if name not in WRITE_ONLY}

    # Invoices

    def start_counter(self, body: Any) -> None:
        found = checks.objections(body or {}, checks.COUNTER)
        if found or self.counter is not None:
            raise Refused(found or ["There is a counter for invoices already"])
        self.counter = (body or {}).get("value", DEFAULT_COUNTER)

    def add_invoice(self, body: Any) -> Invoice:
        """Issue a numbered invoice, at once and for good."""
        found = checks.objections(body, checks.INVOICE)
        if not found:
            found = self._unfitting(body)
        if found:
            raise Refused(found)
        amounts, found = [], []
        for at, line in enumerate(body["lines"]):
            amount, wrong = line_amounts(line, f"lines[{at}]")
            amounts.append(amount)
            found += wrong
        if found:
            raise Refused(found)
        if self.counter is None:
            raise Refused([NO_SERIES])
        self.counter += 1
        ident, today = self.ident(), self.today()
        uuid = body.get("uuid") or str(uuid5(NAMESPACE_URL, f"simulated invoice {ident}"))
        invoice = Invoice(ident, self.counter, uuid, body, amounts, created=today, modified=today)
        self.invoices[ident] = invoice
        for name, value in (("invoiceDraftUuid", uuid), ("orderReference", body.get("orderReference"))):
            self.references.setdefault((name, str(value)), []).append(invoice)
        return invoice

    def credit(self, invoice: Invoice, gross: int) -> CreditNote:
        """Take back so much of an invoice, which stays where it is and names its credit notes."""
        made = CreditNote(self.ident(), DEFAULT_COUNTER + len(self.credits) + 1, invoice, gross, self.today())
        self.credits[made.ident] = made
        invoice.credits.append(made.ident)
        return made

    def _unfitting(self, body: Json) -> list[str]:
        """References to things that are not there, and fields that contradict each other."""
        found = self.unfit_customer(body["customerId"])
        if body["bankAccountCode"] not in self.settings.bank_accounts:
            found.append(f"bankAccountCode: no bank account {body['bankAccountCode']}")
        if body["cash"] and "paymentAccount" not in body:
            found.append("paymentAccount: is required for a cash invoice")
        if not body["cash"] and "paymentAccount" in body:
            found.append("paymentAccount: is for cash invoices only")
        if body["dueDate"] < body["issueDate"]:
            found.append("dueDate: is before issueDate")
        for name in ("contactPersonId", "projectId"):
            if name in body:
                found.append(f"{name}: there is no such one")
        return found

    def unfit_customer(self, ident: int) -> list[str]:
        contact = self.contacts.get(ident)
        if contact is None:
            return [f"customerId: no contact {ident}"]
        if not contact["customer"]:
            return [f"customerId: contact {ident} is not a customer"]
        if contact["inactive"]:
            return [f"customerId: contact {ident} is inactive"]
        return []

    def send(self, body: Any) -> None:
        """Mail an invoice; sending it again mails it again."""
        found = checks.objections(body, checks.SEND)
        if found:
            raise Refused(found)
        invoice = self.invoices.get(body["invoiceId"])
        if invoice is None:
            raise Refused([f"invoiceId: no invoice {body['invoiceId']}"])
        method = "email" if body["method"][0] == "auto" else body["method"][0]
        recipient = body.get("recipientEmail") or self.contacts[invoice.asked["customerId"]].get("email")
        if method == "email" and not recipient:
            raise Refused(["recipientEmail: neither given nor known"])
        invoice.dispatches.append({"date": self.today(), "dispatchType": method})
        option = body.get("emailSendOption", "auto")
        self.mails.append({"invoice_id": invoice.ident, "method": method, "to": recipient, "option": option})
