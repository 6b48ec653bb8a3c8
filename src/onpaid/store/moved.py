"""What a move leaves in the two stores that it is between, so that at any instant at most one of them is worked on.

The source holds a departure: from then on it opens for nobody. The target holds an arrival, which says how far the
copy is: it opens when it is verified, and notes that it was opened. Neither is ever copied. An arrival is never
deleted and each of its writes demands the version that was read, so of two who decide at once (one opens, one takes
the move back) only one succeeds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.errors import Conflict, StoreUnusable
from onpaid.store.port import Store
from onpaid.store.records import Kind, Versioned

KIND = "move"
DEPARTED, ARRIVED = "departure", "arrival"

ArrivalState = Literal["announced", "copying", "copied", "verified", "undone", "emptied"]


class Departure(msgspec.Struct, frozen=True, omit_defaults=True):
    """In the source: where to, and since when (milliseconds)."""

    move: str
    to: str
    since: int


class Arrival(msgspec.Struct, frozen=True, omit_defaults=True):
    """In the target: of which move, from where, and how far it is.

    `cursor` is of the source: everything before it is copied. `released` names moves that ended here without the
    target having been opened: their sources may work again.
    """

    move: str
    source: str
    state: ArrivalState
    cursor: str | None = None
    copied: int = 0
    in_all: int = 0
    opened: int | None = None
    released: tuple[str, ...] = ()


DEPARTURES = Kind(KIND, Departure, key=lambda _: DEPARTED)
ARRIVALS = Kind(KIND, Arrival, key=lambda _: ARRIVED)


async def departure_of(store: Store) -> Departure | None:
    """The mark of a store that was moved, or is being moved."""
    held = await DEPARTURES.get(store, DEPARTED)
    return None if held is None else held.record


async def arrival_of(store: Store) -> Versioned[Arrival] | None:
    """The mark of a store that was moved to, or is being moved to."""
    return await ARRIVALS.get(store, ARRIVED)


async def open_for_work(store: Store, now: int) -> None:
    """Whoever is about to work on a store asks here first, and before each piece of work where stores are shared.

    Raises StoreUnusable if the store was moved away, or is a copy that is not verified. The first opening of a
    verified copy is written down at `now` (milliseconds): from then on the move cannot be taken back.
    """
    while True:
        left, arrived = await store.get_many(KIND, [DEPARTED, ARRIVED])
        if left is not None:
            raise StoreUnusable(_moved_away(DEPARTURES.read(left).record))
        if arrived is None:
            return
        held = ARRIVALS.read(arrived)
        if held.record.state not in ("verified", "emptied"):
            raise StoreUnusable(_not_whole(held.record))
        if held.record.state == "emptied" or held.record.opened is not None:
            return
        opened = msgspec.structs.replace(held.record, opened=now)
        try:
            await store.commit([ARRIVALS.update(opened, held.version)])
        except Conflict:
            continue
        return


async def for_work(store: Store, now: int) -> Store:
    """The store, if it may be worked on (`open_for_work`); else it is closed, and StoreUnusable raised."""
    try:
        await open_for_work(store, now)
    except BaseException:
        await store.close()
        raise
    return store


def _moved_away(departure: Departure) -> str:
    return (
        f"what this database held is at {departure.to} now: set ONPAID_DATABASE to that. If the move did not come to "
        "its end, start the same `onpaid move` again; `onpaid move --undo` takes it back as long as nobody has "
        "worked there"
    )


def _not_whole(arrival: Arrival) -> str:
    if arrival.state == "undone":
        return (
            f"this database holds the rest of a move from {arrival.source} that was taken back: go on working there; "
            f"`onpaid move --undo --from {arrival.source} --to` this one empties it"
        )
    return (
        f"this database is a copy of {arrival.source} that is not verified yet: let `onpaid move` come to its end "
        "(started again, it goes on where it was), or take it back with `onpaid move --undo`"
    )
