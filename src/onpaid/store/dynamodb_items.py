"""How a document lies in its item, and what the store must know of it to write it again.

Bodies are compressed where that saves something: every write is paid by the kilobyte. A body that no item can hold
lies in pieces that are written beforehand under a name of their own and never changed.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from onpaid.store.dynamodb_keys import document_key, document_name, too_long
from onpaid.store.port import Entry, Insert, Put, Update, Write

PACK_FROM = 700
INLINE = 250_000
"""Bytes of body that an item holds itself; DynamoDB allows 400 KB for the item with its names."""
PIECE = 380_000
MOST_BODY = 64 * 1024 * 1024
PLAIN, DEFLATED = "p", "z"

Item = dict[str, dict[str, Any]]
Placed = tuple[str, str, int, str]
"""An entry with the token under which it was written."""
Cast = tuple[str, dict[str, str | int]]
"""A shadow that the document has: its table and key."""

_encode = msgspec.msgpack.Encoder().encode
_entries = msgspec.msgpack.Decoder(list[Placed]).decode
_shadows = msgspec.msgpack.Decoder(list[Cast]).decode


@dataclass(frozen=True, slots=True)
class Known:
    """What lies of a document, but for its body."""

    version: int
    placed: tuple[Placed, ...] = ()
    shadows: tuple[Cast, ...] = ()
    pieces: tuple[str, int] | None = None
    """The name of its pieces, and how many they are."""
    written: str = ""
    """The mark of the commit that wrote it."""


ABSENT = Known(0)


def mark() -> str:
    """A name that nobody else takes."""
    return secrets.token_urlsafe(9)


def pack(body: bytes) -> tuple[str, bytes]:
    """The body as it is kept."""
    if len(body) >= PACK_FROM:
        packed = zlib.compress(body, 1)
        if len(packed) * 10 < len(body) * 9:
            return DEFLATED, packed
    return PLAIN, body


def unpack(form: str, body: bytes) -> bytes:
    """The body as it was handed in."""
    return zlib.decompress(body) if form == DEFLATED else body


def document_item(kind: str, key: str, known: Known, form: str, body: bytes) -> Item:
    """The item of a document. `body` is left out if it lies in pieces."""
    item: Item = {**document_key(kind, key), "v": {"N": str(known.version)}, "w": {"S": known.written}}
    if known.placed:
        item["e"] = {"B": _encode(known.placed)}
    if known.shadows:
        item["s"] = {"B": _encode(known.shadows)}
    if form != PLAIN:
        item["f"] = {"S": form}
    if known.pieces is None:
        item["b"] = {"B": body}
    else:
        item["p"] = {"S": known.pieces[0]}
        item["n"] = {"N": str(known.pieces[1])}
    if too_long(kind, key):
        item["d"], item["k"] = {"S": kind}, {"S": key}
    return item


def read_known(item: Mapping[str, Any]) -> Known:
    """What an item says of its document."""
    pieces = (item["p"]["S"], int(item["n"]["N"])) if "p" in item else None
    return Known(
        int(item["v"]["N"]),
        tuple(_entries(item["e"]["B"])) if "e" in item else (),
        tuple(_shadows(item["s"]["B"])) if "s" in item else (),
        pieces,
        item["w"]["S"],
    )


def read_body(item: Mapping[str, Any], pieces: bytes = b"") -> bytes:
    """The body of an item, or of its pieces."""
    form = item["f"]["S"] if "f" in item else PLAIN
    return unpack(form, item["b"]["B"] if "b" in item else pieces)


def read_name(item: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and key of the document in an item."""
    return document_name(item["PK"]["S"], item)  # type: ignore[arg-type]


def entries_of(placed: Sequence[Placed]) -> tuple[Entry, ...]:
    """The entries without their tokens."""
    return tuple(Entry(name, value, sort) for name, value, sort, _ in placed)


def wired(value: Any) -> dict[str, Any]:
    """A value as DynamoDB's protocol spells it. Raises TypeError for what has no exact form there."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | Decimal):
        return {"N": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, Mapping):
        return {"M": {name: wired(each) for name, each in value.items() if each is not None}}
    if isinstance(value, list | tuple):
        return {"L": [wired(each) for each in value]}
    raise TypeError(f"a field of a documented table cannot hold {type(value).__name__}")


def check_write(write: Write) -> None:
    """Refuse what the table cannot hold. Raises ValueError, TypeError."""
    texts = [write.kind, write.key]
    if isinstance(write, Insert | Put | Update):
        if type(write.body) is not bytes:
            raise TypeError(f"the body of {write.kind} {write.key} must be bytes")
        if len(write.body) > MOST_BODY:
            raise ValueError(f"the body of {write.kind} {write.key} is larger than {MOST_BODY} bytes")
        for entry in write.entries:
            texts += [entry.name, entry.value]
            if type(entry.sort) is not int or not -(1 << 63) <= entry.sort < 1 << 63:
                raise ValueError(
                    f"an entry of {write.kind} {write.key} is sorted by {entry.sort!r}, not by 64 bits"
                )
    if not is_text(*texts):
        raise ValueError(f"{write.kind!r} {write.key!r} holds half of a character")


def is_text(*texts: str) -> bool:
    """Whether the table can hold these texts at all: half of a surrogate pair it cannot."""
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        return False
    return True
