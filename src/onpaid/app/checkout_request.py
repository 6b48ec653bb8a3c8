"""What a shop's page asks for when a customer wants to pay: read strictly, in our form or the requirement's.

Ours: `items` of product id and quantity, `customer`, `address`. The requirement's: `amount`, and in `notes` the customer's
id and `items` as JSON in a string. Prices and amounts that are told are kept only to be compared with ours.
"""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec

from onpaid.domain.fulfilment import Recipient
from onpaid.domain.india import phone_number, pincode, state_name
from onpaid.errors import InvalidInput
from onpaid.providers import bodies

MOST_LINES = 30
MOST_UNITS = 999
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}\.[^\s@]{2,60}")


class _Item(msgspec.Struct):
    quantity: int
    product_id: str = ""
    productId: str = ""
    id: str = ""
    price: Decimal | None = None
    name: str = ""

    @property
    def product(self) -> str:
        return self.product_id or self.productId or self.id


class _Person(msgspec.Struct):
    name: str = ""
    phone: str = ""
    email: str = ""
    id: str = ""


class _Place(msgspec.Struct):
    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    pincode: str = ""
    country: str = "IN"


class _Notes(msgspec.Struct):
    items: str = ""
    customerId: str = ""


class _Body(msgspec.Struct):
    items: list[_Item] = []
    customer: _Person | None = None
    address: _Place | None = None
    amount: Decimal | None = None
    currency: str = ""
    notes: _Notes | None = None


_BODY = msgspec.json.Decoder(_Body)
_ITEMS = msgspec.json.Decoder(list[_Item])


class AskedLine(msgspec.Struct, frozen=True):
    """So many units of a product; `price` is what the page showed, if it told."""

    product: str
    units: int
    price: Decimal | None = None


class Asked(msgspec.Struct, frozen=True):
    """A request to pay, checked as far as it can be without our products."""

    lines: tuple[AskedLine, ...]
    customer_id: str
    name: str
    phone: str
    email: str
    place: _Place | None
    amount: Decimal | None
    currency: str


def read_request(body: bytes) -> Asked:
    """The request. Raises InvalidInput, in a sentence for the page's developer."""
    bodies.strict(body)
    told = bodies.read(body, _BODY)
    notes = told.notes or _Notes()
    items = told.items
    if notes.items and not items:
        raw = notes.items.encode()
        try:
            bodies.strict(raw)
            items = bodies.read(raw, _ITEMS)
        except InvalidInput as bad:
            raise InvalidInput(f"notes.items cannot be read: {bad}") from None
    person = told.customer or _Person()
    name = _text(person.name, "the customer's name", 100)
    if not name:
        raise InvalidInput("the customer's name is missing: send customer.name")
    if not person.phone:
        raise InvalidInput("the customer's phone number is missing: send customer.phone")
    if person.email and not (person.email.isprintable() and _EMAIL.fullmatch(person.email)):
        raise InvalidInput("the customer's e-mail address cannot be right")
    return Asked(
        lines=_lines(items),
        customer_id=_text(person.id or notes.customerId, "the customer's id", 64),
        name=name,
        phone=phone_number(person.phone),
        email=person.email,
        place=told.address,
        amount=told.amount,
        currency=told.currency,
    )


def recipient_of(asked: Asked, *, ships: bool) -> Recipient:
    """To whom it goes; an order that ships needs a whole address. Raises InvalidInput."""
    place = asked.place
    if place is None or not any((place.line1, place.city, place.pincode)):
        if ships:
            raise InvalidInput("the address is missing: send address with line1, city, state and pincode")
        return Recipient(asked.name, asked.phone, asked.email)
    if place.country.upper() != "IN":
        raise InvalidInput("orders ship within India only")
    line1, city = _text(place.line1, "the address", 180), _text(place.city, "the city", 30)
    if ships and not (asked.phone.startswith("+91") and len(asked.phone) == 13):
        raise InvalidInput("a parcel needs an Indian phone number of ten digits: its courier takes no other")
    if len(line1) < 3 or not city:
        raise InvalidInput("the address needs a line1 of three characters at least, and a city")
    return Recipient(
        asked.name,
        asked.phone,
        asked.email,
        line1,
        _text(place.line2, "the address", 180),
        city,
        state_name(place.state),
        pincode(place.pincode),
    )


def _lines(items: list[_Item]) -> tuple[AskedLine, ...]:
    if not items:
        raise InvalidInput("the cart is empty: send items with product_id and quantity")
    if len(items) > MOST_LINES:
        raise InvalidInput(f"a cart holds at most {MOST_LINES} lines")
    lines: dict[str, AskedLine] = {}
    for item in items:
        product = _text(item.product, "a product id", 64)
        if not product:
            raise InvalidInput("a line of the cart names no product: send product_id")
        before = lines.get(product)
        units = item.quantity + (before.units if before else 0)
        if item.quantity < 1 or units > MOST_UNITS:
            raise InvalidInput(f"the quantity of {product} must be from 1 to {MOST_UNITS}")
        lines[product] = AskedLine(product, units, item.price)
    return tuple(lines.values())


def _text(given: str, what: str, longest: int) -> str:
    text = " ".join(given.split())
    if len(text) > longest:
        raise InvalidInput(f"{what} is longer than {longest} characters")
    if not text.isprintable():
        raise InvalidInput(f"{what} holds an invisible character")
    return text
