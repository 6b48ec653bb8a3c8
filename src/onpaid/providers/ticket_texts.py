"""What a ticket may say outside this house: no personal data, no secrets, but the ids that a person needs to act.

Facts are hidden by their names (a mail address, a telephone number, a customer's name) and by their looks. Order
numbers, shipments, AWBs and the like are long numbers too and stay: they are what somebody will search for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from onpaid.providers.masking import masked
from onpaid.providers.roles import FiledTicket

HIDDEN = "***"

_SQUEEZE = re.compile(r"[^a-z0-9]+")
_PERSONAL = re.compile(
    r"mail|phone|mobile|msisdn|whatsappid|^tel$|^to$|^vpa$|^upi|iban|bban|card|birth|passw|secret|token|apikey|authori"
    r"|signature|cookie|^ip$|ipaddress|address|street|^line[1-4]$|city|pincode|postal|postcode|^zip"
    r"|^(customer|first|last|full|given|family|company|billing|shipping|contact|recipient|to|from|user|buyer|payer"
    r"|holder|cardholder)name$"
)
_PERSON = re.compile(r"^(customer|recipient|consignee|company|contact|attention)$")
"""Where an id may stand, or a name."""
_NAMES_A_THING = re.compile(
    r"id$|ids$|^id|order|payment|invoice|shipment|awb|refund|receipt|reference|event|^run$|number$|sku|^customer$"
)
_PLAIN_ID = re.compile(r"(?=.*\d)[A-Za-z0-9_./:#,-]{1,120}")
_AMOUNT = re.compile(r"[A-Z]{3} ?-?\d[\d ,.]{0,30}")


def told_text(text: str, kept: Iterable[str] = ()) -> str:
    """A text on one line as it may be told; `kept` are ids in it that only look private."""
    safe = sorted({word for word in kept if len(word) >= 3}, key=len, reverse=True)[:50]
    for number, word in enumerate(safe):
        text = re.sub(rf"(?<![\w+]){re.escape(word)}(?!\w)", f"⟦{number}⟧", text)
    text = masked(text)
    for number, word in enumerate(safe):
        text = text.replace(f"⟦{number}⟧", word)
    return text


def told_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """Facts as they may be told."""
    kept = ids_in(facts)
    return {name: _told(name, value, kept) for name, value in facts.items()}


def ids_in(facts: Mapping[str, str]) -> set[str]:
    """What in the facts is an id of a thing or an amount, whatever it looks like; an order's key is its number too."""
    found = {value for name, value in facts.items() if _is_id(name, value)}
    return found | {part for value in found for part in re.split(r"[/,]", value) if len(part) >= 3}


def title_of(ticket: FiledTicket) -> str:
    """The ticket's title as it may be told."""
    return told_text(ticket.title, {*ids_in(ticket.facts), *order_names(ticket)})


def order_names(ticket: FiledTicket) -> tuple[str, ...]:
    """The names of the ticket's order: its key, and the number that people know."""
    if not ticket.order:
        return ()
    return (ticket.order, order_number(ticket) or ticket.order)


def order_number(ticket: FiledTicket) -> str | None:
    """The order's number as people know it: its key without the shop."""
    return ticket.order.partition("/")[2] or ticket.order if ticket.order else None


def _told(name: str, value: str, kept: set[str]) -> str:
    if _is_personal(name) or (_PERSON.search(_squeezed(name)) and value not in kept):
        return HIDDEN if value else ""
    return value if value in kept else told_text(value, kept)


def _is_personal(name: str) -> bool:
    return _PERSONAL.search(_squeezed(name)) is not None


def _squeezed(name: str) -> str:
    return _SQUEEZE.sub("", name.lower())


def _is_id(name: str, value: str) -> bool:
    if _is_personal(name):
        return False
    if _AMOUNT.fullmatch(value):
        return True
    named = _NAMES_A_THING.search(_squeezed(name)) is not None
    return named and _PLAIN_ID.fullmatch(value) is not None
