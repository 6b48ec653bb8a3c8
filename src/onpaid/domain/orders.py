"""What was bought: an order, its lines, and who bought it.

An order keeps every revision that its shop sent, oldest first: an upsell adds lines, a correction alters them, and
what an invoice was made from must stay readable. Amounts in lines are decimal major units exactly as the shop wrote
them; they become Money only where an invoice is drawn up.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.fulfilment import Fulfilment


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """A postal address; `country` is ISO 3166-1 alpha-2, upper case."""

    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None


class Customer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who bought, as far as one source knows. `id` is the payment provider's, if it has one."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    organization_number: str | None = None
    address: Address | None = None


class OrderLine(msgspec.Struct, frozen=True):
    """One line as the shop sent it. `vat_percent` is 25 for 25 %; `unit_price` is in major units.

    `key` tells the line from every other of its order, over all revisions: the item's id, with `#2` for its second
    appearance in one revision and so on.
    """

    key: str
    id: str
    name: str
    quantity: Decimal
    unit_price: Decimal
    vat_percent: Decimal


class Revision(msgspec.Struct, frozen=True):
    """One state of an order, as one webhook told it. `digest` is of its meaning, not of its bytes; `told_at` is the
    shop's own time, by which a word that was overtaken on its way is known."""

    number: int
    digest: str
    lines: tuple[OrderLine, ...]
    received_at: Instant
    event: str
    currency: str | None = None
    prices_include_vat: bool | None = None
    total: Decimal | None = None
    customer: Customer | None = None
    told_at: Instant | None = None


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order of one shop. `number` is what its payments name; `aliases` are further names of the same order."""

    shop: str
    number: str
    live: bool
    received_at: Instant
    revisions: tuple[Revision, ...]
    aliases: tuple[str, ...] = ()
    expired_at: Instant | None = None
    fulfilment: Fulfilment | None = None
    """Only an order of our own checkout has it."""
    session: str = ""
    """The id of the session that it came from, if it came from one: then it is paid, and no shop told of it."""
    bill: str = ""
    """The id of the bill that it came from, as `session`."""

    @property
    def key(self) -> str:
        """The order's key in the store: `konverzky/10042`."""
        return order_key(self.shop, self.number)

    @property
    def sold(self) -> str:
        """The session or the bill that it came from; empty for an order that a shop told of."""
        return self.session or self.bill

    @property
    def latest(self) -> Revision:
        """The revision that counts now."""
        return self.revisions[-1]


def order_key(shop: str, number: str) -> str:
    """The key of an order: the same number in two shops is two orders."""
    return f"{shop}/{number}"
