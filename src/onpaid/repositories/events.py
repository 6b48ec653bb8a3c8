"""Events as they arrived: kept once under (account, event id), raw bytes included, with what was made of them.

The bytes stay so that an event can be judged again after an upgrade. The same id with another body is a second
event, under an id of its own, and is judged too.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Final, Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.events import Envelope
from onpaid.store.port import Entry, Store
from onpaid.store.records import Kind, Records, Versioned

Verdict = Literal["routed", "ignored", "unrouted"]
READ: Final = "read"
"""The origin of an event that no webhook brought."""


class EventRecord(msgspec.Struct, omit_defaults=True):
    """One event. `runs` are those that its facts belong to, `reason` says why there are none.

    `origin` is `read` for an event that we read from its sender ourselves, as no webhook had brought it.
    """

    key: str
    envelope: Envelope
    received_at: Instant
    digest: bytes
    body: bytes
    verdict: Verdict
    reason: str = ""
    runs: list[str] = []
    about: list[str] = []
    origin: str = ""

    def raw(self) -> bytes:
        """The body as it was received."""
        return zlib.decompress(self.body)


def _entries(event: EventRecord) -> list[Entry]:
    entries = [Entry("all", "", event.received_at)]
    if event.verdict != "routed":
        entries.append(Entry("verdict", event.verdict, event.received_at))
    entries.extend(Entry("about", thing, event.received_at) for thing in event.about)
    return entries


EVENTS = Kind("event", EventRecord, key=lambda event: event.key, entries=_entries, packed=True)


def event_key(envelope: Envelope) -> str:
    """The key under which an event is kept once."""
    return f"{envelope.account}/{envelope.event_id}"


def digest_of(body: bytes) -> bytes:
    """What tells one body from another."""
    return hashlib.blake2b(body, digest_size=16).digest()


def pack(body: bytes) -> bytes:
    """The body as it is kept."""
    return zlib.compress(body, 1)


class Events:
    """The events of a store, for reading."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, key: str) -> Versioned[EventRecord] | None:
        """One event, or None."""
        return await EVENTS.get(self._store, key)

    async def newest(
        self, *, verdict: Verdict | None = None, after: str | None = None, limit: int = 50
    ) -> Records[EventRecord]:
        """Events, newest first; of one verdict if given (`routed` ones are only in the whole list)."""
        index, value = ("verdict", verdict) if verdict in ("ignored", "unrouted") else ("all", "")
        return await EVENTS.query(self._store, index, value or "", after=after, limit=limit)

    async def about(self, thing: str, limit: int = 100) -> list[EventRecord]:
        """Events about an order, oldest first."""
        found = await EVENTS.query(self._store, "about", thing, newest_first=False, limit=limit)
        return found.items

    async def count(self, verdict: Verdict, at_most: int = 1000) -> int:
        """How many events have this verdict, counting no further than `at_most`."""
        return await self._store.count(EVENTS.name, "verdict", verdict, at_most=at_most)
