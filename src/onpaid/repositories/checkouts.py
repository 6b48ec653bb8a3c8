"""Checkouts: payments that were asked for, under their order's key, and the clicks that asked for them.

An idempotency key belongs to one order for ever: the second click with it gets the first one's order, and another
request under the same key is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.checkouts import Checkout, CheckoutRef, CheckoutTry, PaymentFailed
from onpaid.domain.fulfilment import Recipient
from onpaid.domain.orders import order_key
from onpaid.repositories.orders import ALIASES, ORDERS, Alias, Orders, order_thing
from onpaid.repositories.references import REFERENCES, Reference
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind

MOST_TRIES = 50


class Address(msgspec.Struct, frozen=True):
    """Where an order goes, as a record of its own: `owner` is the customer's id, or the order's key for a guest."""

    id: str
    owner: str
    recipient: Recipient


class Click(msgspec.Struct, frozen=True):
    """The request that an idempotency key stands for: its order, and what was asked."""

    key: str
    order: str
    digest: str


def _entries(checkout: Checkout) -> Iterator[Entry]:
    yield Entry("all", "", checkout.created_at)
    yield Entry("status", checkout.status, checkout.created_at)


CHECKOUTS = Kind("checkout", Checkout, key=lambda each: each.order, entries=_entries)
ADDRESSES = Kind(
    "address", Address, key=lambda each: each.id, entries=lambda each: [Entry("owner", each.owner, 0)]
)
CLICKS = Kind("click", Click, key=lambda each: each.key)


class CheckoutRecords:
    """The checkouts of a store."""

    def __init__(self, store: Store, orders: Orders) -> None:
        self._store = store
        self._orders = orders

    async def get(self, order: str) -> Checkout | None:
        """The checkout of an order, or None."""
        held = await CHECKOUTS.get(self._store, order)
        return None if held is None else held.record

    async def click(self, key: str) -> Click | None:
        """What an idempotency key stands for, or None."""
        held = await CLICKS.get(self._store, key)
        return None if held is None else held.record

    @act(local=True)
    async def note_opened(self, order: str, opened: CheckoutRef, at: Instant) -> Local[bool]:
        """Keep the provider's order: from now on its id is another name of ours, and payments find it by that."""
        held = await self._orders.find(order)
        checkout = await CHECKOUTS.get(self._store, order)
        if held is None or held.record.fulfilment is None or checkout is None:
            raise AssertionError("a checkout is opened for an order that is there")
        record, fulfilment, ident = held.record, held.record.fulfilment, opened.checkout_id
        named = msgspec.structs.replace(
            record,
            aliases=tuple(dict.fromkeys((*record.aliases, ident))),
            fulfilment=msgspec.structs.replace(fulfilment, checkout=ident),
        )
        alias = order_key(record.shop, ident)
        writes: tuple[Write, ...] = (
            ORDERS.update(named, held.version),
            ALIASES.put(Alias(alias, record.key)),
            CHECKOUTS.update(msgspec.structs.replace(checkout.record, checkout_id=ident), checkout.version),
            REFERENCES.put(Reference("checkout", ident, record.key, at)),
        )
        return Done(True, writes, (order_thing(alias),))

    async def receive_failure(self, fact: PaymentFailed) -> tuple[list[Write], str]:
        """The writes that note a failed try, and the key of its order. What is paid stays paid."""
        held = await self._orders.find(fact.order)
        if held is None or held.record.fulfilment is None:
            return [], fact.order
        order, fulfilment = held.record, held.record.fulfilment
        kept = await CHECKOUTS.get(self._store, order.key)
        if kept is None or any(each.payment_id == fact.payment_id for each in kept.record.tries):
            return [], order.key
        failed = CheckoutTry(fact.payment_id, fact.failed_at, fact.reason)
        changed = msgspec.structs.replace(kept.record, tries=(*kept.record.tries, failed)[-MOST_TRIES:])
        writes: list[Write] = []
        if changed.status == "pending":
            changed = msgspec.structs.replace(changed, status="failed")
        if fulfilment.payment_status == "pending":
            told = msgspec.structs.replace(fulfilment, payment_status="failed")
            writes.append(ORDERS.update(msgspec.structs.replace(order, fulfilment=told), held.version))
        return [CHECKOUTS.update(changed, kept.version), *writes], order.key
