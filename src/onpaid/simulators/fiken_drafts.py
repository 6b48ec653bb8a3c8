"""Drafts of invoices at Fiken: made, listed, deleted, and turned into an invoice once.

A draft is gone when its invoice has been made, so a repeat is refused; the invoice keeps the draft's uuid. A draft
line has a net price and a VAT type only, its amounts follow from these.
"""

from datetime import date, timedelta
from typing import Any

from onpaid.simulators import fiken_checks as checks
from onpaid.simulators.fiken_books import FikenBooks, Invoice, Refused
from onpaid.simulators.fiken_lines import line_amounts
from onpaid.simulators.kit import Json

DROPPED_LATER = ("type", "daysUntilDueDate", "bankAccountNumber", "iban", "bic")
NO_ACCOUNT = "Kontonummer mangler på faktura"


def add_draft(books: FikenBooks, body: Any) -> int:
    """Keep a draft; its lines are looked at when it is to become an invoice."""
    found = checks.objections(body, checks.DRAFT)
    if not found:
        found = books.unfit_customer(body["customerId"])
    if found:
        raise Refused(found)
    ident = books.ident()
    books.drafts[ident] = {"draftId": ident, "lastModifiedDate": books.today(), **body}
    return ident


def shown_draft(books: FikenBooks, ident: int) -> Json:
    """A draft as `GET` gives it."""
    draft = books.drafts[ident]
    shown = {name: value for name, value in draft.items() if name not in ("customerId", "contactPersonId")}
    amounts = [line_amounts(line, "line")[0] for line in draft.get("lines", [])]
    return {
        **shown,
        "net": sum(line.net for line in amounts),
        "gross": sum(line.gross for line in amounts),
        "customers": [books.shown_contact(draft["customerId"])],
    }


def issue_draft(books: FikenBooks, ident: int) -> Invoice:
    """Make the invoice that a draft describes."""
    draft = books.drafts[ident]
    if draft["type"] not in ("invoice", "cash_invoice"):
        raise Refused([f"type: a draft of type {draft['type']} is no invoice"])
    if "bankAccountNumber" not in draft:
        raise Refused([NO_ACCOUNT], 500)
    issued = draft.get("issueDate", books.today())
    due = date.fromisoformat(issued) + timedelta(days=draft["daysUntilDueDate"])
    cash = draft["type"] == "cash_invoice"
    kept = {
        name: value
        for name, value in draft.items()
        if name not in (*DROPPED_LATER, "draftId", "lastModifiedDate")
    }
    if not cash:
        kept.pop("paymentAccount", None)
    invoice = books.add_invoice(
        {
            **kept,
            "issueDate": issued,
            "dueDate": due.isoformat(),
            "cash": cash,
            "lines": draft.get("lines", []),
            "bankAccountCode": books.settings.bank_accounts[0],
        }
    )
    del books.drafts[ident]
    return invoice
