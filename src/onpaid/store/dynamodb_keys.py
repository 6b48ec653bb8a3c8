"""Where documents and index entries lie in the table: what the keys of its items are.

A document is one item. Each of its index entries is an item too, sorted as the port sorts: by whole number, then by
key. A value that many documents share lies on several partitions, so that no single one bears all the writes; which
values these are follows from the entry alone, so that it can never be configured differently by two processes.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import NamedTuple

from onpaid.store.port import Entry

SHARDS = 8
"""Partitions of a broad value; for ever, since entries that lie already would not be found under another number."""
BROAD = frozenset({"state", "flow-state", "status", "verdict"})
"""Indexes whose values many documents share, as the empty value of any index is shared by all."""
DOCUMENT = "D"
LONGEST_PARTITION, LONGEST_SORT = 1900, 850
_MIDDLE = 1 << 63
_DIGITS = 20

Key = dict[str, dict[str, str]]


class Spot(NamedTuple):
    """One place of an entry in the table, read back."""

    sort: int
    key: str
    token: str


def document_key(kind: str, key: str) -> Key:
    """Where a document lies."""
    return _key(_partition("D", kind, key), DOCUMENT)


def part_key(token: str, number: int) -> Key:
    """Where a piece of a large body lies."""
    return _key(f"P#{token}", f"{number:06}")


def entry_key(kind: str, key: str, entry: Entry, token: str = "") -> Key:
    """Where an entry of a document lies. A token keeps what was written ahead of its commit apart."""
    shard = zlib.crc32(key.encode()) % shards(entry.name, entry.value)
    return _key(index_partition(kind, entry.name, entry.value, shard), _sort_key(entry.sort, key, token))


def index_partition(kind: str, name: str, value: str, shard: int) -> str:
    """The partition of one shard of a value."""
    return _partition(f"I{shard}", kind, name, value)


def shards(name: str, value: str) -> int:
    """Over how many partitions a value is spread."""
    return SHARDS if value == "" or name in BROAD else 1


def least(sort: int) -> str:
    """The first sort key that an entry under this number can have."""
    return f"{sort + _MIDDLE:0{_DIGITS}}"


def beyond(sort: int) -> str:
    """A sort key behind every entry under this number."""
    return f"{sort + _MIDDLE:0{_DIGITS}}\U0010ffff"


def at(sort: int, key: str) -> str:
    """The sort key at which entries of this place begin."""
    return least(sort) + _escaped(key)


def behind(sort: int, key: str) -> str:
    """A sort key just behind all entries of this place, however they were written."""
    return least(sort) + _escaped(key) + "\x00\x00\U0010ffff"


def read_spot(item: dict[str, dict[str, str]]) -> Spot:
    """The place that an entry's item names."""
    text = item["SK"]["S"]
    body, _, token = text[_DIGITS:].rpartition("\x00\x00")
    key = item["k"]["S"] if "k" in item else body.replace("\x00\x01", "\x00")
    return Spot(int(text[:_DIGITS]) - _MIDDLE, key, token)


def entry_item(kind: str, key: str, entry: Entry, token: str = "") -> Key:
    """The item of an entry: its key, and the document's key where that is too long to be read off it."""
    item = entry_key(kind, key, entry, token)
    if len(_escaped_bytes(key)) > LONGEST_SORT:
        item["k"] = {"S": key}
    return item


def document_name(partition: str, item: dict[str, dict[str, str]]) -> tuple[str, str]:
    """Kind and key of a document's item."""
    if "k" in item:
        kind, key = item["d"]["S"], item["k"]["S"]
        return kind, key
    _, kind, key = partition.split("#", 2)
    return _unquoted(kind), key


def too_long(kind: str, key: str) -> bool:
    """Whether a document's item must hold its own kind and key, since its partition is only their digest."""
    return len(f"D#{_quoted(kind)}#{key}".encode()) > LONGEST_PARTITION


def _partition(first: str, *names: str) -> str:
    *quoted, last = names
    text = "#".join((first, *(_quoted(name) for name in quoted), last))
    if len(text.encode()) > LONGEST_PARTITION:
        return f"{first}#" + hashlib.sha256(text.encode()).hexdigest()
    return text


def _key(partition: str, sort: str) -> Key:
    return {"PK": {"S": partition}, "SK": {"S": sort}}


def _sort_key(sort: int, key: str, token: str) -> str:
    return f"{least(sort)}{_escaped(key)}\x00\x00{token}"


def _escaped(key: str) -> str:
    raw = _escaped_bytes(key)
    if len(raw) <= LONGEST_SORT:
        return raw.decode()
    # Behind so many bytes the order among keys is that of their digests.
    head = raw[: LONGEST_SORT - 64].decode(errors="ignore").rstrip("\x00")
    return head + hashlib.sha256(raw).hexdigest()


def _escaped_bytes(key: str) -> bytes:
    return key.replace("\x00", "\x00\x01").encode()


def _quoted(name: str) -> str:
    return name.replace("%", "%25").replace("#", "%23")


def _unquoted(name: str) -> str:
    return name.replace("%23", "#").replace("%25", "%")
