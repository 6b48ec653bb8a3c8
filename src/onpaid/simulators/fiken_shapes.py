"""The shapes in which Fiken shows an invoice, its company and its bank accounts.

Only shapes: what is in the books is decided in `fiken_books.py`.
"""

from decimal import Decimal
from typing import Final

from onpaid.simulators.fiken_books import CreditNote, FikenBooks, Invoice
from onpaid.simulators.fiken_lines import Amounts, whole
from onpaid.simulators.kit import Json
from onpaid.simulators.settings import Settings

IN_NOK: Final = {"NOK": Decimal(1), "EUR": Decimal("11.62"), "SEK": Decimal("1.04"), "USD": Decimal("10.05")}


def shown_invoice(books: FikenBooks, invoice: Invoice) -> Json:
    """An invoice as `GET` gives it."""
    asked, rate = invoice.asked, IN_NOK.get(invoice.currency, Decimal(10))
    net, vat = sum(line.net for line in invoice.amounts), sum(line.vat for line in invoice.amounts)
    in_nok = whole(net * rate), whole(vat * rate)
    cash = asked["cash"]
    account, due = asked.get("paymentAccount", ""), 0 if cash else sum(in_nok)
    paid = {
        "paymentId": invoice.ident + 2,
        "date": asked["issueDate"],
        "account": account,
        "amount": net + vat,
    }
    passed_on = (
        "issueDate",
        "dueDate",
        "cash",
        "invoiceText",
        "yourReference",
        "ourReference",
        "orderReference",
    )
    return {
        "invoiceId": invoice.ident,
        "createdDate": invoice.created,
        "lastModifiedDate": invoice.modified,
        "invoiceNumber": invoice.number,
        "kid": f"{invoice.number}{invoice.number % 10}",
        "originalDueDate": asked["dueDate"],
        **{name: asked[name] for name in passed_on if name in asked},
        "net": net,
        "vat": vat,
        "gross": net + vat,
        "netInNok": in_nok[0],
        "vatInNok": in_nok[1],
        "grossInNok": sum(in_nok),
        "currency": invoice.currency,
        "invoiceDraftUuid": invoice.uuid,
        "lines": [
            _shown_line(line, each) for line, each in zip(asked["lines"], invoice.amounts, strict=True)
        ],
        "sentManually": False,
        "invoicePdf": {"type": "invoice", "downloadUrl": f"https://fiken.no/filer/{invoice.uuid}.pdf"},
        "associatedCreditNotes": list(invoice.credits),
        "attachments": [],
        "customer": books.shown_contact(asked["customerId"]),
        "sale": {
            "saleId": invoice.ident + 1,
            "transactionId": invoice.ident + 3,
            "date": asked["issueDate"],
            "kind": "cash_sale" if cash else "invoice",
            "netAmount": in_nok[0],
            "vatAmount": in_nok[1],
            "settled": cash,
            "totalPaid": sum(in_nok) - due,
            "outstandingBalance": due,
            "currency": invoice.currency,
            "salePayments": [paid] if cash else [],
        },
        "dispatches": list(invoice.dispatches),
    }


def shown_credit(books: FikenBooks, credit: CreditNote) -> Json:
    """A credit note as `GET` gives it. It has no VAT here."""
    invoice, rate = credit.invoice, IN_NOK.get(credit.invoice.currency, Decimal(10))
    in_nok = whole(Decimal(credit.gross) * rate)
    customer = books.shown_contact(invoice.asked["customerId"])
    return {
        "creditNoteId": credit.ident,
        "creditNoteNumber": credit.number,
        "customer": customer,
        "net": credit.gross,
        "vat": 0,
        "gross": credit.gross,
        "netInNok": in_nok,
        "vatInNok": 0,
        "grossInNok": in_nok,
        "address": customer.get("address", {}),
        "currency": invoice.currency,
        "issueDate": credit.issued,
        "associatedInvoiceId": invoice.ident,
        "lines": [],
    }


def _shown_line(line: Json, amounts: Amounts) -> Json:
    kept = {
        name: value for name, value in line.items() if name not in ("net", "vat", "gross", "vatInPercent")
    }
    shown = {"net": amounts.net, "vat": amounts.vat, "gross": amounts.gross}
    return {**kept, **shown, "vatInPercent": float(amounts.rate / 100)}


def company(settings: Settings) -> Json:
    """The one company."""
    return {
        "name": "Simulated Shop AS",
        "slug": settings.company_slug,
        "organizationNumber": "913312465",
        "vatType": "bi-monthly",
        "email": "shop@example.org",
        "creationDate": "2020-01-01",
        "hasApiAccess": settings.api_access,
        "testCompany": True,
        "address": {
            "streetAddress": "Karl Johans gate 1",
            "city": "Oslo",
            "postCode": "0154",
            "country": "Norway",
        },
    }


def bank_accounts(settings: Settings) -> list[Json]:
    """The company's bank accounts."""
    return [
        {
            "bankAccountId": 900_001 + nth,
            "name": f"Bank account {nth + 1}",
            "accountCode": code,
            "bankAccountNumber": f"1503564683{nth}",
            "type": "normal",
            "inactive": False,
        }
        for nth, code in enumerate(settings.bank_accounts)
    ]
