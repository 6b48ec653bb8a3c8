"""How strictly Fiken reads what it is sent: unknown fields, missing fields, wrong kinds and wrong formats.

The field tables are written down from the published interface. Every objection is a sentence; an empty list means
that the form is right. What adds up, and what fits together, is looked at in `fiken_lines.py` and `fiken_books.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from onpaid.simulators.fiken_lines import VAT_RATES

ACCOUNT_CODE: Final = r"\d{4}(:\d{5})?"


@dataclass(frozen=True, slots=True)
class Field:
    """What one field has to look like."""

    kind: str
    required: bool = False
    longest: int | None = None
    pattern: str | None = None
    one_of: tuple[str, ...] = ()
    inside: Mapping[str, "Field"] | None = None


TEXT, INTEGER, NUMBER, DATE = Field("text"), Field("integer"), Field("number"), Field("date")
ADDRESS: Final = {
    "streetAddress": TEXT,
    "streetAddressLine2": TEXT,
    "city": TEXT,
    "postCode": TEXT,
    "country": Field("text", required=True, pattern=r".*\w\w.*"),
}
CONTACT: Final = {
    "name": Field("text", required=True, longest=200, pattern=r"(?s).+"),
    "email": Field("text", longest=200, pattern=r"[^@\s]+@[^@\s]+"),
    "organizationNumber": Field("text", longest=200),
    "phoneNumber": Field("text", longest=20),
    "memberNumber": NUMBER,
    "memberNumberString": TEXT,
    "customer": Field("boolean"),
    "supplier": Field("boolean"),
    "bankAccountNumber": Field("text", longest=11),
    "contactPerson": Field("list", inside={"name": Field("text", True), "email": Field("text", True)}),
    "currency": Field("text", pattern=r"[A-Z]{3}"),
    "language": Field("text", pattern=r"(?i)norwegian|english"),
    "inactive": Field("boolean"),
    "daysUntilInvoicingDueDate": INTEGER,
    "discount": NUMBER,
    "address": Field("object", inside=ADDRESS),
    "groups": Field("list"),
}
LINE: Final = {
    "net": INTEGER,
    "vat": INTEGER,
    "vatType": Field("text", one_of=tuple(VAT_RATES)),
    "gross": INTEGER,
    "vatInPercent": NUMBER,
    "unitPrice": INTEGER,
    "quantity": Field("number", required=True),
    "discount": NUMBER,
    "productName": TEXT,
    "productId": INTEGER,
    "description": Field("text", longest=200),
    "comment": Field("text", longest=200),
    "incomeAccount": TEXT,
}
ROUNDING: Final = ("none", "round_half", "round_whole", "round_down_half", "round_down_whole")
REFERENCES: Final = {
    "ourReference": TEXT,
    "yourReference": TEXT,
    "orderReference": TEXT,
    "contactPersonId": INTEGER,
    "projectId": INTEGER,
    "currency": Field("text", pattern=r"[A-Z]{3}"),
    "uuid": Field("uuid"),
    "roundingType": Field("text", one_of=ROUNDING),
    "paymentAccount": Field("text", pattern=ACCOUNT_CODE),
    "customerId": Field("integer", required=True),
}
INVOICE: Final = {
    **REFERENCES,
    "issueDate": Field("date", required=True),
    "dueDate": Field("date", required=True),
    "lines": Field("list", required=True, inside=LINE),
    "bankAccountCode": Field("text", required=True, pattern=r"1920:\d{5}"),
    "invoiceText": Field("text", longest=500),
    "cash": Field("boolean", required=True),
}
DRAFT_LINE: Final = {name: LINE[name] for name in LINE if name not in ("net", "vat", "gross", "vatInPercent")}
DRAFT_TYPES: Final = ("invoice", "cash_invoice", "offer", "order_confirmation", "credit_note")
DRAFT: Final = {
    **REFERENCES,
    "type": Field("text", required=True, one_of=DRAFT_TYPES),
    "daysUntilDueDate": Field("integer", required=True),
    "issueDate": DATE,
    "lines": Field("list", inside={k: v for k, v in DRAFT_LINE.items() if k != "productName"}),
    "invoiceText": TEXT,
    "bankAccountNumber": Field("text", pattern=r"\d{11}"),
    "iban": TEXT,
    "bic": TEXT,
}
METHODS: Final = ("email", "ehf", "efaktura", "sms", "letter", "auto")
SEND: Final = {
    "invoiceId": Field("integer", required=True),
    "method": Field("list", required=True, one_of=METHODS),
    "includeDocumentAttachments": Field("boolean", required=True),
    "recipientName": TEXT,
    "recipientEmail": Field("text", pattern=r"[^@\s]+@[^@\s]+"),
    "message": TEXT,
    "emailSendOption": Field("text", one_of=("document_link", "attachment", "auto")),
    "mergeInvoiceAndAttachments": Field("boolean"),
    "organizationNumber": TEXT,
    "mobileNumber": TEXT,
}
COUNTER: Final = {"value": INTEGER}


def objections(body: Any, fields: Mapping[str, Field], path: str = "") -> list[str]:
    """What is wrong with the form of a body."""
    if not isinstance(body, dict):
        return [f"{path or 'body'}: must be an object"]
    found = [f"{path}{name}: unknown field" for name in body if name not in fields]
    for name, field in fields.items():
        if body.get(name) is None:
            if field.required:
                found.append(f"{path}{name}: is required")
            elif name in body:
                found.append(f"{path}{name}: must not be null")
        else:
            found += _objections_to(body[name], field, path + name)
    return found


def _objections_to(value: Any, field: Field, path: str) -> list[str]:
    if field.kind == "object":
        return objections(value, field.inside or {}, f"{path}.")
    if field.kind == "list":
        if not isinstance(value, list) or (field.required and not value):
            return [f"{path}: must be a list with at least one entry"]
        found = []
        for at, each in enumerate(value):
            if field.inside is not None:
                found += objections(each, field.inside, f"{path}[{at}].")
            elif not isinstance(each, str) or (field.one_of and each not in field.one_of):
                found.append(f"{path}[{at}]: unknown value")
        return found
    if not _is(field.kind, value):
        return [f"{path}: must be of kind {field.kind}"]
    if field.longest is not None and len(value) > field.longest:
        return [f"{path}: at most {field.longest} characters"]
    if field.pattern is not None and re.fullmatch(field.pattern, value) is None:
        return [f"{path}: has the wrong format"]
    if field.one_of and value not in field.one_of:
        return [f"{path}: must be one of {', '.join(field.one_of)}"]
    return []


def _is(kind: str, value: Any) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, str):
        return False
    try:
        if kind == "date":
            return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None and bool(date.fromisoformat(value))
        if kind == "uuid":
            return str(UUID(value)) == value.lower()
    except ValueError:
        return False
    return True
