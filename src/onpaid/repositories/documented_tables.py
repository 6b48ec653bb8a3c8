"""The tables that other services read: under which settings they are named, their keys, and who writes them.

What stands here was agreed with others and is no choice of ours: a name is changed only where the agreement leaves it
open, and then by a setting. Infrastructure, rights and documentation are compared with this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from onpaid.store.dynamodb_shadows import Shadow

WEB = ("web",)
WEB_AND_WORK = ("web", "work")
WORKING = ("web", "work", "tick")
TAKING_IN = ("web", "tick", "reconcile")
ALL = ("web", "work", "tick", "reconcile")


@dataclass(frozen=True, slots=True)
class Table:
    """One documented table. `variable` names the setting that holds its name.

    All keys are text; none are told where the agreement does not tell them and we write nothing. `key_setting` is the
    setting under which the first key may be called otherwise. `index` is an index and its key, `ttl` the field with
    the second at which an item may go, `days_setting` the setting that says after how many days (0: never). `writers`
    are the functions of ours that write it; `why_not` says why nobody does.
    """

    variable: str
    keys: tuple[str, ...]
    writers: tuple[str, ...]
    key_setting: str = ""
    index: tuple[str, str] | None = None
    ttl: str = ""
    days_setting: str = ""
    why_not: str = ""


_OTHERS = "others own it, and its keys were not agreed; our own catalogue is imported"

TABLES: tuple[Table, ...] = (
    Table("DDB_TABLE", ("orderId",), ALL, key_setting="DDB_TABLE_KEY"),
    Table("ORDERS_TABLE_NAME", ("orderId", "createdAt"), ALL),
    Table("PAYMENTS_TABLE_NAME", ("paymentId", "orderId"), ALL),
    Table("PRODUCTS_TABLE_NAME", ("productId",), WEB_AND_WORK, key_setting="PRODUCTS_TABLE_NAME_KEY"),
    Table("SELLERS_TABLE_NAME", ("sellerId",), ("work",), key_setting="SELLERS_TABLE_NAME_KEY"),
    Table("CUSTOMERS_TABLE_NAME", ("customerId",), (), why_not="it may only be read, and is not needed"),
    Table("ADDRESSES_TABLE_NAME", ("addressId", "ownerId"), WEB),
    Table("SHIPMENTS_TABLE_NAME", ("shipmentId", "orderId"), WORKING, index=("OrderIdIndex", "orderId")),
    Table("COMMERCE_TABLE", ("PK", "SK"), ALL, ttl="ttl", days_setting="ORDER_TTL_DAYS"),
    Table(
        "STRIPE_CUSTOMERS_TABLE",
        ("userId",),
        WEB_AND_WORK,
        index=("stripeCustomerId-index", "stripeCustomerId"),
    ),
    Table("WEBHOOK_IDEMPOTENCY_TABLE", ("eventId",), TAKING_IN, ttl="ttl", days_setting="IDEMPOTENCY_DAYS"),
    Table("PRODUCTS_TABLE", (), (), why_not=_OTHERS),
    Table("PRICES_TABLE", (), (), why_not=_OTHERS),
)
"""Every table that is named in an agreement, in the order of the documents."""


@dataclass(frozen=True, slots=True)
class Place:
    """A documented table as it is set here: its name, its keys' names, and for how many days items stay (0: ever)."""

    table: str
    keys: tuple[str, ...]
    days: int = 0

    def item(self, key: tuple[str, ...], fields: Mapping[str, Any]) -> Shadow:
        """The item under these keys. A field that is empty or None is none at all."""
        kept = {name: None if value == "" else value for name, value in fields.items()}
        return Shadow(self.table, dict(zip(self.keys, key, strict=True)), kept)


def second(instant: int, days: int = 0) -> int:
    """The whole second of an instant, or so many days after it: what a TTL field holds."""
    return instant // 1000 + days * 86_400


def number_of(order: str) -> str:
    """The number in an order's key: what others know the order by."""
    return order.partition("/")[2]


def exact(number: Decimal) -> int | Decimal:
    """The same number, as whole where it is."""
    return int(number) if number == number.to_integral_value() else number
