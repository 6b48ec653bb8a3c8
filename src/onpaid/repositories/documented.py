"""Which of our records are kept in documented tables too, and in which shape.

`documented_shadows` hands the store, for each kind of record, what is to be written beside it in the same
transaction; a table whose setting is not set takes no part. A later story only adds its line to `SHAPES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from onpaid.errors import SettingsError
from onpaid.repositories.catalogue import SELLERS, STOCK
from onpaid.repositories.checkouts import ADDRESSES, CHECKOUTS
from onpaid.repositories.documented_delivery import (
    address_items,
    order_items,
    payment_items,
    seller_items,
    shipment_items,
    stock_items,
)
from onpaid.repositories.documented_sales import session_items, user_customer_items
from onpaid.repositories.documented_shops import customer_order_items, event_items, shop_order_items
from onpaid.repositories.documented_sync import sync_state_items
from onpaid.repositories.documented_tables import TABLES, Place
from onpaid.repositories.events import EVENTS
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.reconciliations import STATE
from onpaid.repositories.sessions import SESSIONS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.repositories.user_customers import USER_CUSTOMERS
from onpaid.store.dynamodb_shadows import Shadow, ShadowOf
from onpaid.store.port import Stored
from onpaid.store.records import Kind

R = TypeVar("R", bound=msgspec.Struct)
DYNAMODB = "dynamodb://"


class Told(Protocol):
    """Settings, as far as they matter here."""

    def __getitem__(self, name: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Documented(Generic[R]):
    """That records of a kind are kept in the table of a setting, and how they look there."""

    variable: str
    kind: Kind[R]
    items: Callable[[R, Place], Sequence[Shadow]]


SHAPES: tuple[Documented[Any], ...] = (
    Documented("DDB_TABLE", ORDERS, shop_order_items),
    Documented("ORDERS_TABLE_NAME", ORDERS, order_items),
    Documented("PAYMENTS_TABLE_NAME", CHECKOUTS, payment_items),
    Documented("PRODUCTS_TABLE_NAME", STOCK, stock_items),
    Documented("SELLERS_TABLE_NAME", SELLERS, seller_items),
    Documented("ADDRESSES_TABLE_NAME", ADDRESSES, address_items),
    Documented("SHIPMENTS_TABLE_NAME", SHIPMENTS, shipment_items),
    Documented("COMMERCE_TABLE", ORDERS, customer_order_items),
    Documented("COMMERCE_TABLE", SESSIONS, session_items),
    Documented("COMMERCE_TABLE", STATE, sync_state_items),
    Documented("STRIPE_CUSTOMERS_TABLE", USER_CUSTOMERS, user_customer_items),
    Documented("WEBHOOK_IDEMPOTENCY_TABLE", EVENTS, event_items),
)
"""Every kind that is kept in a documented table. No two of their records may ever be the same item."""


def documented_shadows(settings: Told, shapes: Sequence[Documented[Any]] = SHAPES) -> Mapping[str, ShadowOf]:
    """For each kind of record, its items in those documented tables that are set.

    Raises SettingsError if two settings name one table.
    """
    places = _places(settings, {shape.variable for shape in shapes})
    found: dict[str, list[Documented[Any]]] = {}
    for shape in shapes:
        if shape.variable in places:
            found.setdefault(shape.kind.name, []).append(shape)
    return {kind: _shadow_of(several, places) for kind, several in found.items()}


def not_written(settings: Told, shapes: Sequence[Documented[Any]] = SHAPES) -> dict[str, str]:
    """Tables that are set and that we do not write, each with the reason: what `doctor` can tell."""
    written = {shape.variable for shape in shapes}
    return {
        table.variable: table.why_not
        for table in TABLES
        if table.variable not in written and _text(settings, table.variable)
    }


def _places(settings: Told, written: AbstractSet[str]) -> dict[str, Place]:
    """Where the documented tables are that are set and written."""
    database = _text(settings, "ONPAID_DATABASE")
    named = {database.removeprefix(DYNAMODB): "ONPAID_DATABASE"} if database.startswith(DYNAMODB) else {}
    places: dict[str, Place] = {}
    for table in TABLES:
        name = _text(settings, table.variable) if table.variable in written else ""
        if not name:
            continue
        if name in named:
            raise SettingsError(
                f"{named[name]} and {table.variable} both name the table {name}: give each its own, "
                "for their keys differ"
            )
        named[name] = table.variable
        first = _text(settings, table.key_setting) if table.key_setting else ""
        days = int(settings[table.days_setting] or 0) if table.days_setting else 0
        places[table.variable] = Place(name, (first or table.keys[0], *table.keys[1:]), days)
    return places


def _text(settings: Told, name: str) -> str:
    return str(settings[name] or "").strip()


def _shadow_of(shapes: Sequence[Documented[Any]], places: Mapping[str, Place]) -> ShadowOf:
    kind = shapes[0].kind
    told = [(shape.items, places[shape.variable]) for shape in shapes]

    def shadows(key: str, body: bytes) -> Sequence[Shadow]:
        record = kind.read(Stored(kind.name, key, 1, body)).record
        return [shadow for items, place in told for shadow in items(record, place)]

    return shadows
