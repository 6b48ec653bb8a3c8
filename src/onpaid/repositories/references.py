"""By which outside ids an order can be found: `invoice-number:10042` to its order.

A reference is one record for each pair, so that writing it twice changes nothing and a clash hides nothing.
"""

from __future__ import annotations

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store
from onpaid.store.records import Kind


class Reference(msgspec.Struct, frozen=True):
    """One outside id of an order."""

    kind: str
    value: str
    order: str
    at: Instant


REFERENCES = Kind(
    "reference",
    Reference,
    key=lambda ref: f"{ref.kind}:{ref.value}>{ref.order}",
    entries=lambda ref: [
        Entry("value", f"{ref.kind}:{ref.value}", ref.at),
        Entry("order", ref.order, ref.at),
    ],
)


class References:
    """The references of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @act(local=True)
    async def note(self, order: str, at: Instant, ids: dict[str, str]) -> Local[bool]:
        """Note outside ids (kind to value) of an order."""
        return Done(
            True, tuple(REFERENCES.put(Reference(kind, value, order, at)) for kind, value in ids.items())
        )

    async def orders_of(self, kind: str, value: str) -> list[str]:
        """The keys of the orders that bear this id."""
        found = await REFERENCES.query(self._store, "value", f"{kind}:{value}", limit=20)
        return [reference.order for reference in found.items]

    async def of_order(self, order: str) -> list[Reference]:
        """The outside ids of an order, oldest first."""
        return (await REFERENCES.query(self._store, "order", order, newest_first=False, limit=100)).items
