"""Losses planted by hand: what somebody deletes, doubles or changes at a provider behind everybody's back.

`POST /_lose` with `{"what": ...}` does one of them, to the thing that `nth` counts among its kind, and answers which it
was. A proof has to find each of them, and nothing else.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from onpaid.simulators.fiken_books import Invoice
from onpaid.simulators.kit import Json
from onpaid.simulators.shiprocket_shipment import ASSIGNED, CANCELED, COURIERS, Shipment
from onpaid.simulators.world import Simulators

ADDED: Final = 100
"""Minor units that a changed invoice is over what it was over."""
LONG_AGO: Final = 60.0


def _invoice(simulators: Simulators, nth: int) -> Invoice:
    found = list(simulators.fiken.invoices.values())
    if nth >= len(found):
        raise ValueError(f"there are {len(found)} invoices only")
    return found[nth]


def _told(invoice: Invoice) -> Json:
    asked = invoice.asked
    return {
        "invoice": invoice.ident,
        "number": invoice.number,
        "order": asked.get("orderReference"),
        "payment": asked.get("ourReference"),
    }


def _delete_invoice(simulators: Simulators, nth: int) -> Json:
    """An invoice that is gone, as no interface of Fiken's allows: a restored backup, say."""
    invoice, books = _invoice(simulators, nth), simulators.fiken
    del books.invoices[invoice.ident]
    for kept in books.references.values():
        kept[:] = [each for each in kept if each is not invoice]
    return _told(invoice)


def _double_invoice(simulators: Simulators, nth: int) -> Json:
    """The same invoice a second time, under a number of its own."""
    return _told(simulators.fiken.add_invoice(dict(_invoice(simulators, nth).asked)))


def _change_invoice(simulators: Simulators, nth: int) -> Json:
    """An invoice over another amount than it was issued over."""
    invoice = _invoice(simulators, nth)
    first = invoice.amounts[0]
    invoice.amounts[0] = replace(first, net=first.net + ADDED)
    return _told(invoice)


def _credit_invoice(simulators: Simulators, nth: int) -> Json:
    """An invoice that somebody credits whole. It stays in the list."""
    invoice = _invoice(simulators, nth)
    simulators.fiken.credit(invoice, invoice.gross)
    return _told(invoice)


def _strange_invoice(simulators: Simulators, nth: int) -> Json:
    """An invoice for a payment that nobody made."""
    asked = {**_invoice(simulators, nth).asked, "orderReference": "NEVER-1", "ourReference": "pi_never_paid"}
    asked.pop("uuid", None)
    return _told(simulators.fiken.add_invoice(asked))


def _parcel(simulators: Simulators, nth: int) -> Shipment:
    found = [each for each in simulators.shiprocket.records.shipments.values() if each.live and each.awb]
    if nth >= len(found):
        raise ValueError(f"there are {len(found)} live parcels only")
    return found[nth]


def _strange_parcel(simulators: Simulators, nth: int) -> Json:
    """A live parcel under a number that nobody gave."""
    records = simulators.shiprocket.records
    made = records.make("990001", _parcel(simulators, nth).asked)
    made.courier, made.status = COURIERS[0], ASSIGNED
    records.give_awb(made)
    made.made, made.assigned = made.made - LONG_AGO, made.assigned - LONG_AGO  # the search knows it by now
    return {"order": made.number, "awb": made.awb}


def _cancel_parcel(simulators: Simulators, nth: int) -> Json:
    """A parcel that somebody cancelled there, and no webhook told of it."""
    parcel = _parcel(simulators, nth)
    parcel.status = CANCELED
    return {"order": parcel.number, "awb": parcel.awb}


LOSSES: Final[dict[str, Callable[[Simulators, int], Json]]] = {
    "invoice-deleted": _delete_invoice,
    "invoice-doubled": _double_invoice,
    "invoice-changed": _change_invoice,
    "invoice-credited": _credit_invoice,
    "invoice-strange": _strange_invoice,
    "parcel-strange": _strange_parcel,
    "parcel-cancelled": _cancel_parcel,
}


async def lose(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """Plant one loss."""
    what: Any = body.get("what")
    if what not in LOSSES:
        raise ValueError(f"what must be one of {', '.join(LOSSES)}")
    return 201, {"what": what, **LOSSES[what](simulators, int(body.get("nth", 0)))}


TABLE = [("POST", "/_lose", lose)]
