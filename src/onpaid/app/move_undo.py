"""Taking a move back, as long as nobody has worked at its target.

First the target is shut for good, which fails if somebody opened it; then the source is opened; then what was copied
is removed from the target. So a kill in between leaves at most one of them open, and undoing again finishes it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from onpaid.clock import iso
from onpaid.errors import Conflict, NotPossible
from onpaid.store.moved import (
    ARRIVALS,
    DEPARTED,
    KIND,
    Arrival,
    Departure,
    arrival_of,
    departure_of,
)
from onpaid.store.port import Delete, Store
from onpaid.store.records import Versioned

AT_ONCE = 25
"""Documents removed in one batch."""

Told = Callable[[str, int, int | None], None]


async def undo(source: Store, target: Store | None, told: Told = lambda _what, _done, _of: None) -> None:
    """Take back the move that left `source`. `target` is None if it is gone for good, which somebody vouches for.

    Raises NotPossible if the target was opened for work, if it knows nothing of this move, or if there is none.
    """
    departure = await departure_of(source)
    held = None if target is None else await arrival_of(target)
    if departure is None:
        if target is None or held is None or held.record.state != "undone":
            raise NotPossible("nothing is to be taken back: this database was not moved")
        await empty(target, held, told)
        return
    shut = None if target is None else await _shut(target, departure)
    await source.commit([Delete(KIND, DEPARTED)])
    if target is not None and shut is not None:
        await empty(target, shut, told)


async def empty(
    target: Store, held: Versioned[Arrival], told: Told = lambda _what, _done, _of: None
) -> Versioned[Arrival]:
    """Remove what an undone move copied. The arrival stays: it remembers which moves ended here."""
    cursor: str | None = None
    removed = 0
    while True:
        page, cursor = await target.documents(cursor, limit=AT_ONCE)
        gone = [Delete(each.kind, each.key) for each in page if each.kind != KIND]
        if gone:
            await target.commit(gone)
        removed += len(gone)
        told("emptying the target", removed, held.record.copied or None)
        if cursor is None:
            break
    emptied = msgspec.structs.replace(held.record, state="emptied", cursor=None, copied=0, in_all=0)
    await target.commit([ARRIVALS.update(emptied, held.version)])
    return Versioned(emptied, held.version + 1)


async def _shut(target: Store, departure: Departure) -> Versioned[Arrival] | None:
    """See to it that the target is never opened with what this move copied; None if that is so already."""
    while True:
        held = await arrival_of(target)
        if held is None or departure.move not in (held.record.move, *held.record.released):
            raise NotPossible(
                f"what is at {departure.to} knows nothing of this move, so it cannot tell whether anybody worked "
                "there: is it the same database? If the target is gone for good and nobody worked on it: --target-gone"
            )
        arrival = held.record
        if arrival.move != departure.move or arrival.state == "emptied":
            return None
        if arrival.opened is not None:
            raise NotPossible(
                f"{departure.to} was opened for work at {iso(arrival.opened)}, and what was done since is known only "
                "there, so this cannot be taken back: to return, move from there into a new database"
            )
        if arrival.state == "undone":
            return held
        undone = msgspec.structs.replace(
            arrival, state="undone", released=tuple(dict.fromkeys((*arrival.released, arrival.move)))
        )
        try:
            await target.commit([ARRIVALS.update(undone, held.version)])
        except Conflict:
            continue
        return Versioned(undone, held.version + 1)
