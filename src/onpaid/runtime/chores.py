"""What is done again and again, whichever runtime keeps the time.

One process does a chore, sleeps and does it again. Many processes that share nothing but the store take turns: who
writes down first that it is their turn has it, and nobody else until the next one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from onpaid.clock import Clock, Instant
from onpaid.errors import Conflict
from onpaid.store.port import Store
from onpaid.store.records import Kind


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that is done again and again, `every` so often (uncompressed), one time after the other."""

    name: str
    every: timedelta
    do: Callable[[], Awaitable[object]]


class Turn(msgspec.Struct):
    """When a chore was last begun."""

    chore: str
    at: Instant


TURNS: Final = Kind("chore-turn", Turn, key=lambda turn: turn.chore)


class Turns:
    """Whose turn it is, among all who share a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(self, chore: str, every_ms: int) -> bool:
        """Whether it is time for this chore, and we are the one to do it. Raises StoreError.

        A turn counts from its beginning: if its taker dies, the next turn does the work. A last turn that lies
        in the future was written by a clock that was wrong, and is over.
        """
        held, now = await TURNS.get(self._store, chore), self._clock.now()
        turn = Turn(chore, now)
        if held is not None and 0 <= now - held.record.at < every_ms:
            return False
        try:
            write = TURNS.insert(turn) if held is None else TURNS.update(turn, held.version)
            await self._store.commit([write])
        except Conflict:
            return False
        return True
