"""Which fields of other people's JSON are private, by their names: as shops, payment providers, couriers and message
services call them.

A name is looked at in lower case and without its joints: `shipping_phone`, `shippingPhone` and `Shipping-Phone` are one.
Some names, such as `to`, are only private where a number stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from onpaid.app.masks import HIDDEN, mask_email, mask_phone, mask_words

DEEPEST = 40

_SQUEEZE = re.compile(r"[^a-z0-9]+")
_SECRET = re.compile(
    r"secret|token|passw|apikey|authorization|signature|privatekey|credential|cookie|fingerprint|cvc|cvv|^pin$"
)
_EMAIL_FIELD = re.compile(r"e?mail$|^email|emailaddress|mailto|^vpa$")
_PHONE_FIELD = re.compile(r"phone|mobile|msisdn|^tel$")
_NUMBER_FIELD = re.compile(
    r"^(to|from|contact|input|destination|receiver|waid|recipientid|(customer|sender|integrated|whatsapp)number)$"
)
_NUMBER = re.compile(r"(?!\d{4}-\d\d-\d\d)[^\d\s]{0,12}(?:\d[ -]?){7,15}")
_NAME_FIELD = re.compile(
    r"^(first|last|full|given|family|middle|maiden|customer|company|billing|shipping|contact|to|from|recipient|user"
    r"|buyer|payer|display|sender|(card|account)?holder|(billing|shipping)(customer|last))name$|^company$|^attention$"
)
_PLACE_FIELD = re.compile(
    r"^(address)?line[1-4]?$|^street|^address[0-9]?$|^city$|^town$|postal|postcode|pincode|^zip|^state$"
    r"|^(billing|shipping|customer)(address[0-9]?|city)$"
)
_OTHER_FIELD = re.compile(
    r"organi[sz]ationnumber|orgn(umbe)?r|^ssn$|nationalid|taxid|vatnumber|birth|^dob$|iban|bban|accountno$"
    r"|^cardnumber$|^pan$|ipaddress|^ip$|useragent"
)
_PERSON = frozenset(("email", "phone", "line1", "organizationnumber", "membernumberstring", "waid"))
_PERSON_ROOM = frozenset(
    (
        "customer",
        "billing",
        "billingdetails",
        "shipping",
        "contact",
        "owner",
        "recipient",
        "person",
        "profile",
        "user",
        "buyer",
        "payer",
        "card",
        "cardholder",
    )
)


def squeezed(name: Any) -> str:
    """A field's name without its joints."""
    return _SQUEEZE.sub("", str(name).lower())


def hider(field: str, value: Any, *, person: bool) -> Callable[[Any], str] | None:
    """How the value of a field is hidden, if its name says that it must be. `field` is squeezed."""
    if _SECRET.search(field):
        return lambda _value: HIDDEN
    if _EMAIL_FIELD.search(field):
        return lambda value: mask_email(str(value))
    if _PHONE_FIELD.search(field) or (_NUMBER_FIELD.match(field) and _NUMBER.fullmatch(str(value)[:40])):
        return lambda value: mask_phone(str(value))
    if _NAME_FIELD.match(field) or (field == "name" and person):
        return lambda value: mask_words(str(value))
    if _OTHER_FIELD.search(field) or (_PLACE_FIELD.search(field) and (person or field != "state")):
        return lambda _value: HIDDEN
    return None


def is_person(value: dict[Any, Any], room: str) -> bool:
    """Whether an object tells of a person, so that its `name` is one's name. `room` is the field that holds it."""
    fields = {squeezed(name) for name in value}
    return room in _PERSON_ROOM or not fields.isdisjoint(_PERSON)


def private_in(value: Any, room: str, depth: int = 0) -> Iterator[str]:
    """The texts that their fields' names declare private."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from private_in(each, room, depth + 1)
    elif isinstance(value, dict):
        person = is_person(value, room)
        for name, held in value.items():
            field = squeezed(name)
            hides = isinstance(held, str) and hider(field, held, person=person) is not None
            if hides and field not in ("state", "city"):
                yield held
            else:
                yield from private_in(held, field, depth + 1)
