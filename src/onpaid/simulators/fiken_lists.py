"""Fiken's lists: filters, and pages that count from 0 and want both `page` and `pageSize`.

A parameter that a list does not know is refused, as an unknown field is. Dates are compared by day.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Final

from onpaid.simulators.fiken_books import FikenBooks, Invoice
from onpaid.simulators.fiken_drafts import shown_draft
from onpaid.simulators.fiken_shapes import shown_invoice
from onpaid.simulators.kit import Answer, Json

LARGEST_PAGE: Final = 100
DEFAULT_PAGE_SIZE: Final = 25
PAGING: Final = ("page", "pageSize", "sortBy")
COMPARE: Final[dict[str, Callable[[str, str], bool]]] = {
    "": lambda day, bound: day == bound,
    "Le": lambda day, bound: day <= bound,
    "Lt": lambda day, bound: day < bound,
    "Ge": lambda day, bound: day >= bound,
    "Gt": lambda day, bound: day > bound,
}
CONTACT_DAYS: Final = {"lastModified": "lastModifiedDate", "createdDate": "createdDate"}
CONTACT_TEXTS: Final = ("memberNumberString", "organizationNumber", "phoneNumber", "name", "email")
CONTACT_NUMBERS: Final = ("supplierNumber", "customerNumber", "memberNumber")
CONTACT_FLAGS: Final = ("customer", "supplier", "inactive")
INVOICE_DAYS: Final = ("issueDate", "lastModified", "dueDate")


def page_of(items: Sequence[Json], query: Mapping[str, str], allowed: Sequence[str] = ()) -> Answer:
    """One page of a list, with the headers that tell which."""
    unknown = [name for name in query if name not in (*PAGING, *allowed)]
    if unknown:
        return Answer(400, [{"message": f"{name}: unknown parameter"} for name in unknown])
    page, size = 0, DEFAULT_PAGE_SIZE
    if "page" in query and "pageSize" in query:
        if not (query["page"].isdecimal() and query["pageSize"].isdecimal()):
            return Answer(400, [{"message": "page and pageSize must be whole numbers"}])
        page, size = int(query["page"]), int(query["pageSize"])
    if not 1 <= size <= LARGEST_PAGE:
        return Answer(400, [{"message": f"pageSize: must be from 1 to {LARGEST_PAGE}"}])
    counted = {
        "Page": page,
        "Page-Size": size,
        "Page-Count": -(-len(items) // size),
        "Result-Count": len(items),
    }
    headers = {f"Fiken-Api-{name}": str(value) for name, value in counted.items()}
    return Answer(200, list(items[page * size : (page + 1) * size]), headers)


def _days(names: Sequence[str]) -> list[str]:
    return [name + ending for name in names for ending in COMPARE]


def _in_days(days: Mapping[str, str], query: Mapping[str, str]) -> bool:
    for name, day in days.items():
        for ending, compare in COMPARE.items():
            bound = query.get(name + ending)
            if bound is not None and not compare(day, bound):
                return False
    return True


def _malformed_days(names: Sequence[str], query: Mapping[str, str]) -> list[str]:
    return [
        name for name in _days(names) if name in query and not re.fullmatch(r"\d{4}-\d\d-\d\d", query[name])
    ]


def contacts_in(books: FikenBooks, query: Mapping[str, str]) -> Answer:
    """Contacts that every filter fits; they may be found by fields that are never shown."""
    bad = _malformed_days(list(CONTACT_DAYS), query)
    bad += [name for name in CONTACT_FLAGS if query.get(name, "true") not in ("true", "false")]
    bad += [name for name in CONTACT_NUMBERS if not query.get(name, "0").isdecimal()]
    if bad:
        return Answer(400, [{"message": f"{name}: has the wrong format"} for name in bad])

    def fits(contact: Json) -> bool:
        texts = all(query.get(name, contact.get(name)) == contact.get(name) for name in CONTACT_TEXTS)
        numbers = all(name not in query or contact.get(name) == int(query[name]) for name in CONTACT_NUMBERS)
        flags = all(name not in query or contact[name] is (query[name] == "true") for name in CONTACT_FLAGS)
        group = "group" not in query or query["group"] in contact.get("groups", ())
        days = {name: str(contact[there]) for name, there in CONTACT_DAYS.items()}
        return texts and numbers and flags and group and _in_days(days, query)

    looked_at: Set[int] = books.contacts.keys()
    if "memberNumberString" in query:  # the filter that is asked for most has an index
        looked_at &= books.members.get(query["memberNumberString"], set())
    found = [books.shown_contact(ident) for ident in sorted(looked_at) if fits(books.contacts[ident])]
    if query.get("sortBy", "").endswith(" desc"):
        found.reverse()
    allowed = (*_days(list(CONTACT_DAYS)), *CONTACT_TEXTS, *CONTACT_NUMBERS, *CONTACT_FLAGS, "group")
    return page_of(found, query, allowed)


def invoices_in(books: FikenBooks, query: Mapping[str, str]) -> Answer:
    """Invoices that every filter fits, in the order of their making."""
    bad = _malformed_days(INVOICE_DAYS, query)
    bad += [name for name in ("customerId", "invoiceNumber") if not query.get(name, "0").isdecimal()]
    bad += [] if query.get("settled", "true") in ("true", "false") else ["settled"]
    if bad:
        return Answer(400, [{"message": f"{name}: has the wrong format"} for name in bad])

    def fits(invoice: Invoice) -> bool:
        asked = invoice.asked
        has: dict[str, Any] = {
            "customerId": str(asked["customerId"]),
            "orderReference": asked.get("orderReference"),
            "invoiceDraftUuid": invoice.uuid,
            "invoiceNumber": str(invoice.number),
            "settled": "true" if asked["cash"] else "false",
        }
        days = {
            "issueDate": asked["issueDate"],
            "lastModified": invoice.modified,
            "dueDate": asked["dueDate"],
        }
        return all(query.get(name, value) == value for name, value in has.items()) and _in_days(days, query)

    looked_at: Iterable[Invoice] = books.invoices.values()
    for name in ("invoiceDraftUuid", "orderReference"):  # the filters that are asked for most have an index
        if name in query:
            looked_at = books.references.get((name, query[name]), [])
    found = [shown_invoice(books, invoice) for invoice in looked_at if fits(invoice)]
    filters = ("customerId", "orderReference", "invoiceDraftUuid", "invoiceNumber", "settled")
    return page_of(found, query, (*_days(INVOICE_DAYS), *filters))


def drafts_in(books: FikenBooks, query: Mapping[str, str]) -> Answer:
    """Drafts, by uuid or order reference."""
    names = ("uuid", "orderReference")
    fits = [
        ident
        for ident, draft in books.drafts.items()
        if all(query.get(name, draft.get(name)) == draft.get(name) for name in names)
    ]
    return page_of([shown_draft(books, ident) for ident in fits], query, names)
