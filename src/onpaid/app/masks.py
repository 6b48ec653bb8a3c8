"""The masks that private words wear: enough of a name or a number to recognise it, and not enough to use it."""

from __future__ import annotations

from collections.abc import Iterator

from onpaid.domain.fulfilment import Recipient
from onpaid.domain.orders import Customer

HIDDEN = "***"


def mask_email(address: str) -> str:
    """`kari@example.org` as `k***@example.org`."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}{HIDDEN}@{domain}" if at else HIDDEN


def mask_phone(number: str) -> str:
    """`+47 912 34 567` as `***67`."""
    return HIDDEN + number[-2:]


def mask_words(words: str) -> str:
    """`Kari Nordmann` as `K*** N***`."""
    return " ".join(f"{word[:1]}{HIDDEN}" for word in words.split()) or HIDDEN


def mask_customer(customer: Customer) -> Customer:
    """A customer as a viewer sees one: no name, no address but its country."""
    country = customer.address.country if customer.address else None
    return Customer(
        id=customer.id,
        name=mask_words(customer.name) if customer.name else None,
        email=mask_email(customer.email) if customer.email else None,
        phone=mask_phone(customer.phone) if customer.phone else None,
        company=mask_words(customer.company) if customer.company else None,
        address=type(customer.address)(country=country) if customer.address else None,
    )


def mask_recipient(recipient: Recipient) -> Recipient:
    """Whoever gets a parcel as a viewer sees them: no name, and of the address the state alone."""
    return Recipient(
        name=mask_words(recipient.name),
        phone=mask_phone(recipient.phone),
        email=mask_email(recipient.email) if recipient.email else "",
        state=recipient.state,
        country=recipient.country,
    )


def private_words(customer: Customer | None) -> Iterator[str]:
    """What of a customer must not be read in other texts."""
    if customer is None:
        return
    place = customer.address
    yield from (
        word
        for word in (
            customer.name,
            customer.email,
            customer.phone,
            customer.company,
            customer.organization_number,
            place.line1 if place else None,
            place.line2 if place else None,
        )
        if word
    )


def recipient_words(recipient: Recipient) -> Iterator[str]:
    """What of whoever gets a parcel must not be read in other texts: the number in each way of writing it."""
    digits = recipient.phone.removeprefix("+")
    yield from (
        word
        for word in (
            recipient.name,
            recipient.email,
            recipient.phone,
            digits,
            digits.removeprefix("91") if len(digits) == 12 else "",
            recipient.line1,
            recipient.line2,
        )
        if word
    )
