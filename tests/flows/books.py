"""What the world held when a boundary of a golden journal was written, and how it is put back."""

from __future__ import annotations

import msgspec

from onpaid.domain.checkouts import CheckoutWanted, RefundRef
from onpaid.domain.invoices import ContactDetails, InvoiceDraft, Receipt
from onpaid.domain.messages import OutMessage, Sent
from onpaid.domain.shipments import ParcelOrder
from onpaid.providers.roles import FiledTicket
from tests.flows.bazaar import Asked, Bazaar, Parcel
from tests.flows.world import Contact, Invoice, World


class Booked(msgspec.Struct, omit_defaults=True):
    """The courier's record of a parcel."""

    order: ParcelOrder
    awb: str = ""
    pickups: int = 0
    cancelled: bool = False


class Books(msgspec.Struct, omit_defaults=True):
    """What the world held. The later fields are the bazaar's."""

    contacts: list[ContactDetails] = []
    invoices: list[tuple[InvoiceDraft, list[Receipt]]] = []
    tickets: list[FiledTicket] = []
    asked: list[CheckoutWanted] = []
    parcels: list[Booked] = []
    refunds: dict[str, RefundRef] = {}
    messages: list[OutMessage] = []


def books_of(world: World) -> Books:
    """The world's books, as values."""
    books = Books(
        [contact.details for contact in world.contacts],
        [(invoice.draft, list(invoice.mails)) for invoice in world.invoices],
        list(world.tickets),
    )
    if isinstance(world, Bazaar):
        books.asked = [each.wanted for each in world.asked]
        books.parcels = [Booked(each.order, each.awb, each.pickups, each.cancelled) for each in world.parcels]
        books.refunds = dict(world.refunds)
        books.messages = list(world.messages)
    return books


def put_back(world: World, books: Books) -> None:
    """Fill a new world with what was there; all of it can be seen by now, and every message was told of."""
    for details in books.contacts:
        world.contacts.append(Contact(len(world.contacts) + 1, details, 0.0))
    for draft, mails in books.invoices:
        world.invoices.append(Invoice(len(world.invoices) + 1, draft, 0.0, list(mails)))
    world.tickets.extend(books.tickets)
    if isinstance(world, Bazaar):
        world.asked = [Asked(f"order_{nth}", wanted, 0.0) for nth, wanted in enumerate(books.asked, 1)]
        world.parcels = [
            Parcel(nth, each.order, 0.0, each.awb, each.pickups, each.cancelled)
            for nth, each in enumerate(books.parcels, 1)
        ]
        world.refunds = dict(books.refunds)
        world.messages = list(books.messages)
        for nth, message in enumerate(books.messages, 1):
            world.heard[message.ref] = Sent("messenger", f"wamid.{nth}", "delivered")


def differing(then: Books, now: Books) -> str:
    """What the world holds more or less of than it did in the end. A ticket may be filed again, and whether a mail
    or a message went out is judged by its run."""
    for what in ("contacts", "invoices", "asked", "refunds"):
        told = (len(getattr(then, what)), len(getattr(now, what)))
        if told[0] != told[1]:
            return f"{told[1]} {what} instead of {told[0]}"
    if [(each.order.reference, each.pickups, each.cancelled) for each in then.parcels] != [
        (each.order.reference, each.pickups, each.cancelled) for each in now.parcels
    ]:
        return f"other parcels: {now.parcels}"
    refs = [message.ref for message in now.messages]
    return f"told twice: {refs}" if len(refs) != len(set(refs)) else ""
