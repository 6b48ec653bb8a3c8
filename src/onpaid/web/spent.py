"""What works no more: login links that were used, sessions that were logged out of.

A process that serves alone could remember them; many that share a store cannot, and after a restart nobody could. So
each is a record, made once: of two who use a link at the same moment, one made the record and the other did not.
"""

from __future__ import annotations

from typing import Final

import msgspec

from onpaid.clock import Instant
from onpaid.errors import Conflict
from onpaid.store.port import Store
from onpaid.store.records import Kind
from onpaid.web.access import Ticket


class Spent(msgspec.Struct):
    """A ticket's number, and until when it would have been good."""

    number: str
    until: Instant


SPENT: Final = Kind("spent", Spent, key=lambda spent: spent.number)


async def spend(store: Store, ticket: Ticket) -> bool:
    """Let this ticket work no more. False if somebody did so before. Raises StoreError."""
    try:
        await store.commit([SPENT.insert(Spent(ticket.number, ticket.until))])
    except Conflict:
        return False
    return True


async def is_spent(store: Store, ticket: Ticket) -> bool:
    """Whether this ticket works no more. Raises StoreError."""
    return await SPENT.get(store, ticket.number) is not None
