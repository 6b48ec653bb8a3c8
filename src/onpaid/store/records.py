"""Typed records over the store: the key and the indexes of a type are declared once, beside the type.

`Kind` turns a msgspec struct into writes and back. A record that must not be written blindly carries the version
it was read at (`Versioned`); the write then demands it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from onpaid.store.port import Check, Entry, Insert, Page, Put, Store, Stored, Update

R = TypeVar("R", bound=msgspec.Struct)

SQUEEZED = b"\xc1"
"""The first byte of a compressed body: one that neither JSON nor MessagePack can begin with."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[R]):
    """A record and the version at which it was read."""

    record: R
    version: int


@dataclass(frozen=True, slots=True)
class Records(Generic[R]):
    """One page of records."""

    items: list[R]
    cursor: str | None


def _no_entries(_record: msgspec.Struct) -> Iterable[Entry]:
    return ()


class Kind(Generic[R]):
    """How records of one type are kept: under which name, key and indexes."""

    def __init__(
        self,
        name: str,
        type_: type[R],
        *,
        key: Callable[[R], str],
        entries: Callable[[R], Iterable[Entry]] = _no_entries,
        packed: bool = False,
        squeeze: Callable[[R], bool] | None = None,
    ) -> None:
        """`packed` keeps the record as MessagePack: for records that hold raw bytes. `squeeze` tells of a record
        that it has come to rest and is kept compressed: not worth it while it still changes."""
        self.name = name
        self.key = key
        self._entries = entries
        self._squeeze = squeeze
        self._plain: Callable[[bytes], R]
        self._bytes: Callable[[R], bytes]
        if packed:
            self._plain = msgspec.msgpack.Decoder(type_).decode
            self._bytes = msgspec.msgpack.Encoder().encode
        else:
            self._plain = msgspec.json.Decoder(type_).decode
            self._bytes = msgspec.json.Encoder().encode

    def _decode(self, body: bytes) -> R:
        return self._plain(zlib.decompress(body[1:]) if body[:1] == SQUEEZED else body)

    def _encode(self, record: R) -> bytes:
        body = self._bytes(record)
        if self._squeeze is not None and self._squeeze(record):
            return SQUEEZED + zlib.compress(body, 1)
        return body

    def read(self, stored: Stored) -> Versioned[R]:
        """The record in a document."""
        return Versioned(self._decode(stored.body), stored.version)

    def insert(self, record: R) -> Insert:
        """Write a record that must be new."""
        return Insert(self.name, self.key(record), self._encode(record), tuple(self._entries(record)))

    def put(self, record: R) -> Put:
        """Write a record, whatever was there."""
        return Put(self.name, self.key(record), self._encode(record), tuple(self._entries(record)))

    def update(self, record: R, if_version: int) -> Update:
        """Write a record over the version that was read."""
        return Update(
            self.name, self.key(record), self._encode(record), if_version, tuple(self._entries(record))
        )

    def check(self, key: str, if_version: int | None) -> Check:
        """Demand that a record still is at this version, or absent."""
        return Check(self.name, key, if_version)

    async def get(self, store: Store, key: str) -> Versioned[R] | None:
        """The record under `key`, or None."""
        stored = await store.get(self.name, key)
        return None if stored is None else self.read(stored)

    async def get_many(self, store: Store, keys: Sequence[str]) -> list[R | None]:
        """Several records, in the order of `keys`."""
        found = await store.get_many(self.name, keys)
        return [None if stored is None else self._decode(stored.body) for stored in found]

    async def query(
        self,
        store: Store,
        index: str,
        value: str,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
        sort_from: int | None = None,
        sort_to: int | None = None,
    ) -> Records[R]:
        """Records under a value of an index; see `Store.query`."""
        page: Page = await store.query(
            self.name,
            index,
            value,
            after=after,
            limit=limit,
            newest_first=newest_first,
            sort_from=sort_from,
            sort_to=sort_to,
        )
        return Records([self._decode(stored.body) for stored in page.items], page.cursor)
