"""A move: everything that one store holds copied into another, which then takes its place.

At any instant at most one of the two can be worked on: the source from before its departure is written, the target
once both have been read again and found equal, neither in between (`store.moved`). Killed at any point, the same
move started again goes on where it was. Runs keep their steps, versions and waits, so the target takes them over as
a process takes over from one that died: what was begun is in doubt, waits out its quiet period, and is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from onpaid.app.move_runs import hand_back, wait_for_stillness
from onpaid.app.move_tally import Tallies, copied_pages, differences, in_all, tally
from onpaid.app.move_undo import empty
from onpaid.clock import Clock
from onpaid.errors import Conflict, NotPossible, StoreUnavailable, StoreUnknown
from onpaid.store.generation import KIND as META
from onpaid.store.moved import ARRIVALS, DEPARTURES, KIND, Arrival, Departure, arrival_of, departure_of
from onpaid.store.port import Delete, Document, Store
from onpaid.store.records import Versioned

WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between tries to load a page that the target refuses."""

Told = Callable[[str, int, int | None], None]
"""Called as a move goes on: with what is being done, how much of it is done, and of how much, if that is known."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move came to."""

    move: str
    tallies: Tallies
    handed_back: int
    """Runs that a process was holding when it ended."""
    earlier: bool = False
    """It had come to its end before."""


class Move:
    """One move between two open stores, of which nobody else makes use where locks can see to it."""

    def __init__(
        self,
        source: Store,
        target: Store,
        *,
        source_name: str,
        target_name: str,
        clock: Clock,
        new_id: str,
        alone: bool,
        told: Told = lambda _what, _done, _of: None,
    ) -> None:
        """The names are what ONPAID_DATABASE would be. `alone` says that a lock keeps others out of the source."""
        self._source, self._target = source, target
        self._source_name, self._target_name = source_name, target_name
        self._clock = clock
        self._new_id = new_id
        self._alone = alone
        self._told = told

    async def go(self) -> Moved:
        """Begin the move, or go on with it, to its end. Raises NotPossible, StoreError."""
        departure = await departure_of(self._source)
        held = await arrival_of(self._target)
        if departure is None:
            held = await self._announce(held)
            departure = await self._depart(held.record.move)
        held = self._same_move(departure, held)
        if held.record.state == "verified":
            return Moved(departure.move, await self._count("counting", self._target), 0, earlier=True)
        if held.record.state == "announced":
            await _remove_beginnings(self._target)
            held = await self._note(held, state="copying")
        if not self._alone:
            await wait_for_stillness(self._source, self._clock, departure.since, self._told)
        handed_back = await hand_back(self._source, self._clock)
        if held.record.state == "copying":
            held = await self._copy(held)
        return Moved(departure.move, await self._verify(held), handed_back)

    # -- the marks ---------------------------------------------------------------------------------------------------

    async def _announce(self, held: Versioned[Arrival] | None) -> Versioned[Arrival]:
        """Reserve an empty target for this move. It opens for nobody from now on."""
        await self._refuse_source()
        if held is not None and held.record.state == "undone":
            held = await empty(self._target, held, self._told)
        await self._refuse_target(None if held is None else held.record)
        arrival = Arrival(self._new_id, self._source_name, "announced")
        if held is not None:
            # Whoever had announced itself before has copied nothing.
            released = (*held.record.released, held.record.move)
            arrival = msgspec.structs.replace(arrival, released=tuple(dict.fromkeys(released)))
        write = ARRIVALS.insert(arrival) if held is None else ARRIVALS.update(arrival, held.version)
        return await self._commit_arrival(arrival, write, 1 if held is None else held.version + 1)

    async def _refuse_source(self) -> None:
        arrived = await arrival_of(self._source)
        if arrived is not None and arrived.record.state not in ("verified", "emptied"):
            raise NotPossible(
                f"{self._source_name} is itself the target of a move from {arrived.record.source} that has not come "
                "to its end: finish that one first"
            )
        if await _some_key(self._source) is None:
            raise NotPossible(f"{self._source_name} holds nothing: is it the database that you mean?")

    async def _refuse_target(self, arrival: Arrival | None) -> None:
        if arrival is not None and arrival.state in ("copying", "copied"):
            raise NotPossible(
                f"{self._target_name} holds a part of what is being moved from {arrival.source}: finish that move or "
                "undo it, or name an empty target"
            )
        found = await _some_key(self._target, but={KIND, META})
        if found is not None or await departure_of(self._target) is not None:
            what = "the mark of a move away from it" if found is None else found
            raise NotPossible(f"{self._target_name} holds other data already ({what}): name an empty target")

    async def _depart(self, move: str) -> Departure:
        """Mark the source: it opens for nobody from now on."""
        departure = Departure(move, self._target_name, self._clock.now())
        try:
            await self._source.commit([DEPARTURES.insert(departure)])
        except Conflict as conflict:
            raise NotPossible(
                f"another move of {self._source_name} began just now: let only one run"
            ) from conflict
        return departure

    def _same_move(self, departure: Departure, held: Versioned[Arrival] | None) -> Versioned[Arrival]:
        if departure.to != self._target_name:
            raise NotPossible(
                f"{self._source_name} is being moved, or was moved, to {departure.to}: go on with that target, or "
                "`onpaid move --undo` first"
            )
        if held is None or held.record.move != departure.move:
            raise NotPossible(
                f"{self._source_name} was moved to {departure.to}, and what is there now knows nothing of it: is it "
                "the same database? If not, bring that one back; if it is gone, `onpaid move --undo --target-gone`"
            )
        if held.record.state in ("undone", "emptied"):
            raise NotPossible("this move is being taken back: finish that with `onpaid move --undo`")
        return held

    async def _note(self, held: Versioned[Arrival], **changes: Any) -> Versioned[Arrival]:
        arrival = msgspec.structs.replace(held.record, **changes)
        return await self._commit_arrival(arrival, ARRIVALS.update(arrival, held.version), held.version + 1)

    async def _commit_arrival(self, arrival: Arrival, write: Any, version: int) -> Versioned[Arrival]:
        try:
            await self._target.commit([write])
        except Conflict as conflict:
            raise NotPossible(
                f"another move into {self._target_name} is under way, or this one was taken back: let only one run"
            ) from conflict
        return Versioned(arrival, version)

    # -- the work ----------------------------------------------------------------------------------------------------

    async def _copy(self, held: Versioned[Arrival]) -> Versioned[Arrival]:
        if not held.record.in_all:
            counted = await self._count("counting", self._source)
            held = await self._note(held, in_all=in_all(counted))
        total = held.record.in_all
        self._told("copying", held.record.copied, total)
        async for page, cursor in copied_pages(self._source, held.record.cursor):
            await self._load(page)
            copied = held.record.copied + len(page)
            state = "copied" if cursor is None else "copying"
            held = await self._note(held, state=state, cursor=cursor, copied=copied)
            self._told("copying", copied, total)
        return held

    async def _load(self, page: list[Document]) -> None:
        for wait in WAITS:
            try:
                await self._target.load(page)
            except (StoreUnavailable, StoreUnknown):
                await self._clock.sleep(wait)
            else:
                return
        await self._target.load(page)

    async def _verify(self, held: Versioned[Arrival]) -> Tallies:
        """Read both sides again, the source last: what it was written meanwhile would show."""
        there = await self._count("verifying the target", self._target, held.record.in_all)
        here = await self._count("verifying the source", self._source, held.record.in_all)
        wrong = differences(here, there)
        if wrong:
            await self._note(held, state="copying", cursor=None, copied=0, in_all=0)
            raise NotPossible(
                f"the copy is not the same as its source ({'; '.join(wrong)}), so {self._target_name} stays shut. "
                "Make sure that nothing writes to either, then start the same move again: it copies everything anew. "
                "If that does not help: `onpaid move --undo`"
            )
        await self._note(held, state="verified", cursor=None)
        return here

    async def _count(self, what: str, store: Store, of: int | None = None) -> Tallies:
        return await tally(store, lambda done: self._told(what, done, of))


async def _remove_beginnings(target: Store) -> None:
    """Remove what a service writes that is started on an empty store: the source has the same of its own."""
    page, _ = await target.documents()
    gone = [Delete(each.kind, each.key) for each in page if each.kind == META]
    if gone:
        await target.commit(gone)


async def _some_key(store: Store, *, but: Collection[str] = (KIND,)) -> str | None:
    """Some document of a store besides those of some kinds, None if there is none."""
    cursor: str | None = None
    while True:
        page, cursor = await store.documents(cursor, limit=10)
        for document in page:
            if document.kind not in but:
                return f"{document.kind} {document.key}"
        if cursor is None:
            return None
