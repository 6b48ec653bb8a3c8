"""What a store holds, as figures: for each kind how many documents, and one digest over all that is kept of them.

The digest does not depend on the order in which documents come, since every back end has an order of its own: it is
the sum of the documents' hashes. It finds what a copy loses, doubles or alters by mistake; it is no seal against
somebody who alters a store on purpose.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass

from onpaid.store.moved import KIND
from onpaid.store.port import Document, Store

PAGE = 200
_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Tally:
    """How many documents of one kind there are, and their digest."""

    documents: int = 0
    digest: int = 0

    def plus(self, document: Document) -> Tally:
        """With one document more."""
        return Tally(self.documents + 1, (self.digest + _hash(document)) % _MODULUS)

    @property
    def shown(self) -> str:
        """The digest as text."""
        return f"{self.digest:064x}"


Tallies = Mapping[str, Tally]


async def copied_pages(
    store: Store, after: str | None = None
) -> AsyncIterator[tuple[list[Document], str | None]]:
    """Everything in a store that a move copies, page by page, each with the cursor behind it."""
    cursor = after
    while True:
        page, cursor = await store.documents(cursor, limit=PAGE)
        yield [document for document in page if document.kind != KIND], cursor
        if cursor is None:
            return


async def tally(store: Store, told: Callable[[int], None] = lambda _: None) -> Tallies:
    """The figures of a store; `told` is called with the number of documents counted so far."""
    tallies: dict[str, Tally] = {}
    done = 0
    async for page, _ in copied_pages(store):
        for document in page:
            tallies[document.kind] = tallies.get(document.kind, Tally()).plus(document)
        done += len(page)
        told(done)
    return tallies


def in_all(tallies: Tallies) -> int:
    """The number of documents of all kinds."""
    return sum(each.documents for each in tallies.values())


def differences(here: Tallies, there: Tallies) -> list[str]:
    """What is not the same, looked at from both sides, in words; nothing if all is the same."""
    found = []
    for kind in sorted({*here, *there}):
        one, other = here.get(kind, Tally()), there.get(kind, Tally())
        if one.documents != other.documents:
            found.append(f"{kind}: {one.documents} at the source, {other.documents} at the target")
        elif one.digest != other.digest:
            found.append(f"{kind}: {one.documents} on both sides, but not the same in content")
    return found


def _hash(document: Document) -> int:
    digest = hashlib.sha256()
    for part in _parts(document):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return int.from_bytes(digest.digest(), "big")


def _parts(document: Document) -> Iterable[bytes]:
    yield document.kind.encode()
    yield document.key.encode()
    yield str(document.version).encode()
    yield document.body
    for name, value, sort in sorted(set(document.entries)):
        yield name.encode()
        yield value.encode()
        yield str(sort).encode()
