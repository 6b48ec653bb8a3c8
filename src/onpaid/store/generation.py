"""How often what the store tells has been set back: its generation, 0 until the first restore.

A restored backup does not know what was done after it was made. Its generation is one higher, so that whoever
acts on the store looks before acting again.
"""

from __future__ import annotations

import msgspec

from onpaid.errors import Conflict
from onpaid.store.port import Insert, Store, Stored, Update, Write

KIND, KEY = "meta", "generation"


class Generation(msgspec.Struct, frozen=True):
    """The body of the document: the instant is that of the backup, in milliseconds, if one was restored."""

    generation: int = 0
    restored_from_instant: int | None = None


async def generation(store: Store) -> int:
    """The generation of the store."""
    return (await read_generation(store)).generation


async def read_generation(store: Store) -> Generation:
    """The generation of the store, and what it was restored from."""
    return decode(await store.get(KIND, KEY))


async def raise_generation(
    store: Store, *, restored_from_instant: int | None = None, above: int = 0
) -> Generation:
    """Make the generation one higher than it is, and higher than `above`."""
    while True:
        stored = await store.get(KIND, KEY)
        raised, write = raised_from(stored, restored_from_instant, above)
        try:
            await store.commit([write])
        except Conflict:
            continue
        return raised


def decode(stored: Stored | None) -> Generation:
    """The generation in a document, or in its absence."""
    return Generation() if stored is None else msgspec.json.decode(stored.body, type=Generation)


def raised_from(stored: Stored | None, instant: int | None, above: int) -> tuple[Generation, Write]:
    """The next generation, and the write that makes it so."""
    raised = Generation(max(decode(stored).generation, above) + 1, instant)
    body = msgspec.json.encode(raised)
    if stored is None:
        return raised, Insert(KIND, KEY, body)
    return raised, Update(KIND, KEY, body, stored.version)
