"""The contract `konverzky/1`: the order in a webhook, checked field by field and turned into ours.

Numbers are read from the text as it stands in the body (`199`, `199.00`, `"199.00"`), so no digit is ever lost in a
float. Every refusal names the field. Fields that the contract does not know are passed over.
"""

from __future__ import annotations

import hashlib
import unicodedata
from decimal import Decimal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.countries import is_country
from onpaid.domain.decimals import exact_decimal, plain
from onpaid.domain.events import OrderReceived
from onpaid.domain.money import known_currency
from onpaid.domain.orders import Address, Customer, OrderLine
from onpaid.errors import InvalidInput
from onpaid.providers import bodies

MOST_ITEMS = 200
LONGEST_NAME = 200
LONGEST_TEXT = 500

Text = str | int | None


class _Item(msgspec.Struct):
    name: str
    id: str | int
    quantity: msgspec.Raw
    unit_price: msgspec.Raw
    vat: msgspec.Raw


class _Address(msgspec.Struct):
    line1: Text = None
    line2: Text = None
    postal_code: Text = None
    city: Text = None
    state: Text = None
    country: Text = None


class _Customer(msgspec.Struct):
    name: Text = None
    email: Text = None
    phone: Text = None
    company: Text = None
    organization_number: Text = None
    address: _Address | None = None


class _Order(msgspec.Struct):
    items: list[_Item]
    id: str | int | None = None
    order_number: str | int | None = None
    currency: str | None = None
    prices_include_vat: bool | None = None
    total: msgspec.Raw = msgspec.Raw(b"null")
    customer: _Customer | None = None


class Webhook(msgspec.Struct):
    """What is around an order. The order itself is read only where its type is one that we process."""

    webhook_type: str
    webhook_id: str | int | None = None
    created_at: str | None = None
    order: msgspec.Raw = msgspec.Raw(b"null")


_ORDER = msgspec.json.Decoder(_Order)


def order_of(webhook: Webhook, shop: str, live: bool, event: str, received_at: Instant) -> OrderReceived:
    """The order, or InvalidInput in a sentence for the sender's developer."""
    if bytes(webhook.order) == b"null":
        raise InvalidInput(f"a webhook of type {webhook.webhook_type} must have an `order`")
    order = bodies.read(bytes(webhook.order), _ORDER)
    names = [
        bodies.order_number(name, f"order.{field}")
        for field, name in (("order_number", order.order_number), ("id", order.id))
        if name is not None and str(name).strip()
    ]
    if not names:
        raise InvalidInput("order.order_number or order.id must be given")
    if not 1 <= len(order.items) <= MOST_ITEMS:
        raise InvalidInput(f"order.items must hold 1 to {MOST_ITEMS} items, not {len(order.items)}")
    lines = _lines(order.items)
    currency = (order.currency or "").strip().upper() or None
    if currency is not None and not known_currency(currency):
        raise InvalidInput(f"order.currency {currency[:10]!r} is no currency code that we know, such as NOK")
    total = None if bytes(order.total) == b"null" else _number(order.total, "order.total")
    customer = _customer(order.customer)
    return OrderReceived(
        shop=shop,
        number=names[0],
        aliases=tuple(name for name in names[1:] if name != names[0]),
        live=live,
        lines=lines,
        digest=_digest(lines, currency, order.prices_include_vat, total, customer),
        event=event,
        received_at=received_at,
        currency=currency,
        prices_include_vat=order.prices_include_vat,
        total=total,
        customer=customer,
    )


def _lines(items: list[_Item]) -> tuple[OrderLine, ...]:
    lines: list[OrderLine] = []
    seen: dict[str, int] = {}
    for nth, item in enumerate(items):
        where = f"order.items[{nth}]"
        ident = bodies.order_number(item.id, f"{where}.id")
        seen[ident] = seen.get(ident, 0) + 1
        name = _clean(item.name)
        if not 1 <= len(name) <= LONGEST_NAME:
            raise InvalidInput(f"{where}.name must have 1 to {LONGEST_NAME} characters")
        quantity = _number(item.quantity, f"{where}.quantity")
        if quantity <= 0:
            raise InvalidInput(f"{where}.quantity must be greater than 0, not {quantity}")
        vat = _number(item.vat, f"{where}.vat", percent=True)
        if not 0 <= vat <= 100:
            raise InvalidInput(f"{where}.vat is a percentage from 0 to 100, not {vat}")
        key = ident if seen[ident] == 1 else f"{ident}#{seen[ident]}"
        lines.append(
            OrderLine(key, ident, name, quantity, _number(item.unit_price, f"{where}.unit_price"), vat)
        )
    keys = [line.key for line in lines]
    if len(set(keys)) != len(keys):
        raise InvalidInput("order.items: an item's id looks like the second appearance of another ('77#2')")
    return tuple(lines)


def _number(raw: msgspec.Raw, where: str, *, percent: bool = False) -> Decimal:
    """A JSON number or string, digit by digit."""
    text = bytes(raw).decode()
    if text.startswith('"'):
        text = msgspec.json.decode(raw, type=str).strip()
        if percent:
            text = text.removesuffix("%").rstrip()
    elif not text.startswith(tuple("-0123456789")):
        raise InvalidInput(f"{where} must be a number, or a number in quotes")
    return exact_decimal(text, where)


def _customer(told: _Customer | None) -> Customer | None:
    if told is None:
        return None
    customer = Customer(
        name=_text(told.name, "name"),
        email=_text(told.email, "email"),
        phone=_text(told.phone, "phone"),
        company=_text(told.company, "company"),
        organization_number=_text(told.organization_number, "organization_number"),
        address=_address(told.address),
    )
    return None if customer == Customer() else customer


def _address(told: _Address | None) -> Address | None:
    if told is None:
        return None
    country = (_text(told.country, "address.country") or "").upper()
    if country and not is_country(country):
        raise InvalidInput(
            "order.customer.address.country must be the two-letter code of a country, such as NO"
        )
    address = Address(
        line1=_text(told.line1, "address.line1"),
        line2=_text(told.line2, "address.line2"),
        postal_code=_text(told.postal_code, "address.postal_code"),
        city=_text(told.city, "address.city"),
        state=_text(told.state, "address.state"),
        country=country or None,
    )
    return None if address == Address() else address


def _text(given: Text, where: str) -> str | None:
    text = _clean("" if given is None else str(given))
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"order.customer.{where} has more than {LONGEST_TEXT} characters")
    return text or None


def _clean(text: str) -> str:
    """On one line, without control characters."""
    kept = (
        text if text.isprintable() else "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    )
    return " ".join(kept.split())


def _digest(
    lines: tuple[OrderLine, ...],
    currency: str | None,
    prices_include_vat: bool | None,
    total: Decimal | None,
    customer: Customer | None,
) -> str:
    """Alike for bodies that mean the same: in any order of lines, `199`, `199.00` and `"199.00"` alike."""
    meaning = (
        [
            (line.key, line.id, line.name, *map(plain, (line.quantity, line.unit_price, line.vat_percent)))
            for line in sorted(lines, key=lambda line: line.key)
        ],
        currency,
        prices_include_vat,
        None if total is None else plain(total),
        customer,
    )
    return hashlib.sha256(msgspec.json.encode(meaning, order="deterministic")).hexdigest()
