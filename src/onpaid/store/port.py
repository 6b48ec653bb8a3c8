"""The port that every back end fulfils: keyed documents, conditional batches, one kind of index.

A document is (kind, key) with a version and a body of bytes. The store knows nothing of what is in it.
A batch is all or nothing, at most 100 writes, each document at most once. Versions start at 1 and grow by one
with every write of the document, and go on growing over a deletion's gap only if nobody deletes: what must be
checked by version is never deleted.
An entry puts a document into an index under a value, sorted by a whole number (mostly an instant). Writing a
document replaces all of its entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from onpaid.errors import InvalidInput

MOST_WRITES = 100


class Entry(NamedTuple):
    """One place of a document in an index."""

    name: str
    value: str
    sort: int


@dataclass(frozen=True, slots=True)
class Insert:
    """Write a document that must not exist."""

    kind: str
    key: str
    body: bytes
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Put:
    """Write a document, whether it exists or not."""

    kind: str
    key: str
    body: bytes
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Write a document that must exist with this version."""

    kind: str
    key: str
    body: bytes
    if_version: int
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a document and its entries, if it is there."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Check:
    """Write nothing; the document must have this version, or be absent (`None`)."""

    kind: str
    key: str
    if_version: int | None


Write = Insert | Put | Update | Delete | Check


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it was read."""

    kind: str
    key: str
    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A document with everything that a store keeps of it: what is copied from one store into another."""

    kind: str
    key: str
    version: int
    body: bytes
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of an index in order, and the cursor for those that follow (None: no more)."""

    items: list[Stored]
    cursor: str | None


class Store(Protocol):
    """What a back end can do. Every method may raise StoreUnavailable."""

    async def get(self, kind: str, key: str) -> Stored | None:
        """The document as last committed, or None."""
        ...

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        """Several documents of one kind, in the order of `keys`."""
        ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """Write all or nothing, durably before it returns.

        Raises Conflict (nothing written, names every failed condition), StoreUnavailable (nothing written),
        StoreUnknown (perhaps written), ValueError (too many writes, or one document twice).
        """
        ...

    async def query(
        self,
        kind: str,
        index: str,
        value: str,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
        sort_from: int | None = None,
        sort_to: int | None = None,
    ) -> Page:
        """Documents under `value` of `index`, by sort then key; bounds are inclusive.

        Raises InvalidInput for a cursor that this store did not make.
        """
        ...

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        """How many documents are under `value`, counting no further than `at_most`."""
        ...

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        """Every document, page by page, in an order of the back end's own that does not change; and the cursor.

        Raises InvalidInput for a cursor that this store did not make.
        """
        ...

    async def load(self, documents: Sequence[Document]) -> None:
        """Write copies of another store's documents, with their versions and entries, over whatever is there.

        Not all or nothing: to be done again until it succeeds. Raises StoreUnavailable, StoreUnknown.
        """
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable unless a commit could be made now."""
        ...

    async def close(self) -> None:
        """Finish what was handed in and let go of everything."""
        ...


def check_batch(writes: Sequence[Write]) -> None:
    """Refuse what no back end may accept: too many writes, or one document twice."""
    if not writes:
        raise ValueError("a batch needs at least one write")
    if len(writes) > MOST_WRITES:
        raise ValueError(f"a batch holds at most {MOST_WRITES} writes, not {len(writes)}")
    seen = {(write.kind, write.key) for write in writes}
    if len(seen) != len(writes):
        raise ValueError("a batch names each document at most once")


def make_cursor(sort: int, key: str) -> str:
    """The cursor behind a place of an index."""
    return f"{sort}~{key}"


def read_cursor(cursor: str) -> tuple[int, str]:
    """The place that a cursor names. Raises InvalidInput."""
    sort, tilde, key = cursor.partition("~")
    digits = sort.removeprefix("-")
    if (
        tilde
        and digits.isascii()
        and digits.isdigit()
        and len(digits) < 20
        and -(1 << 63) <= int(sort) < 1 << 63
    ):
        return int(sort), key
    raise InvalidInput("this cursor is not one of ours: start the list again without it")
