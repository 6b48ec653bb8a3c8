"""Proofs: what each found, and the rows that one under way has read so far.

Rows are kept by pages while a proof works, so that it can go on after a crash or in another process, and holds few of
them at once; when it has ended they are put away, and its lines stay. A page is written together with the proof's own
record, which says how far it is: one that another writer moved on meanwhile is not moved twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.proof_rows import CreditRow, HeldRow, InvoiceRow, Line, ParcelRow, TakenRow, ToldRow
from onpaid.store.port import Delete, Entry, Store, Write
from onpaid.store.records import Kind, Records, Versioned

Side = Literal["rows", "off", "lines"]
AT_ONCE: Final = 20
"""How many pages are read at once."""
MOST_DELETED: Final = 90


class Totals(msgspec.Struct, omit_defaults=True):
    """What a proof counted. Amounts are minor units by currency; `found` counts findings by kind, `states` orders by
    how they stand, `elsewhere` what was seen and is somebody else's."""

    orders: int = 0
    payments: int = 0
    paid: dict[str, int] = {}
    refunded: dict[str, int] = {}
    invoices: int = 0
    parcels: int = 0
    messages: int = 0
    events: int = 0
    states: dict[str, int] = {}
    found: dict[str, int] = {}
    under_way: int = 0
    waiting: int = 0
    elsewhere: int = 0
    asked: int = 0


class Proof(msgspec.Struct, omit_defaults=True):
    """One proof of a period. `unread` are the sources that could not be read, with why; `left_out` what was not looked
    at since nothing is set up for it. `stage`, `cursor` and `pages` say how far it is; `read` how much it read."""

    id: str
    since: Instant
    until: Instant
    begun_at: Instant
    stages: list[str]
    by: str = ""
    stage: int = 0
    cursor: str = ""
    pages: dict[str, int] = {}
    read: dict[str, int] = {}
    unread: dict[str, str] = {}
    left_out: list[str] = []
    totals: Totals = msgspec.field(default_factory=Totals)
    tries: int = 0
    trouble: str = ""
    not_before: Instant = 0
    worker: str = ""
    worked_until: Instant = 0
    ended_at: Instant = 0

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, whatever that is."""
        return self.stage >= len(self.stages)

    @property
    def verdict(self) -> str:
        """`under way`, `unread` (a provider could not be read: nothing is proven), `off`, or `proven`."""
        if not self.ended:
            return "under way"
        return "unread" if self.unread else "off" if sum(self.totals.found.values()) else "proven"


class ProofPage(msgspec.Struct, omit_defaults=True):
    """Some rows of a proof, or some of its lines."""

    key: str
    taken: list[TakenRow] = []
    held: list[HeldRow] = []
    invoices: list[InvoiceRow] = []
    parcels: list[ParcelRow] = []
    asked: list[tuple[str, str]] = []
    """Group and name of what was asked for and is not there."""
    credits: list[CreditRow] = []
    told: list[ToldRow] = []
    lines: list[Line] = []


def _entries(proof: Proof) -> list[Entry]:
    state = "ended" if proof.ended else "open"
    return [Entry("all", "", proof.begun_at), Entry("state", state, proof.begun_at)]


PROOFS = Kind("proof", Proof, key=lambda proof: proof.id, entries=_entries)
PAGES = Kind("proof-page", ProofPage, key=lambda page: page.key, squeeze=lambda page: True)


def page_key(proof: str, side: Side, number: int) -> str:
    """Where a page is kept."""
    return f"{proof}/{side}/{number:06}"


class Proofs:
    """The proofs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, ident: str) -> Versioned[Proof] | None:
        """One proof with its version, or None."""
        return await PROOFS.get(self._store, ident)

    async def newest(self, *, after: str | None = None, limit: int = 20) -> Records[Proof]:
        """Proofs, newest first."""
        return await PROOFS.query(self._store, "all", "", after=after, limit=limit)

    async def in_state(self, state: Literal["open", "ended"], limit: int = 20) -> list[Proof]:
        """The newest proofs that are under way, or that have ended."""
        return (await PROOFS.query(self._store, "state", state, limit=limit)).items

    async def begin(self, proof: Proof) -> None:
        """Keep a new proof. Raises Conflict for one that is there."""
        await self._store.commit([PROOFS.insert(proof)])

    async def save(self, held: Versioned[Proof], pages: Sequence[tuple[Side, ProofPage]] = ()) -> None:
        """Write the proof, and further pages of it in the same commit. Raises Conflict if it was moved meanwhile."""
        proof, writes = held.record, list[Write]()
        for side, page in pages:
            number = proof.pages.get(side, 0)
            page.key = page_key(proof.id, side, number)
            proof.pages = {**proof.pages, side: number + 1}
            writes.append(PAGES.put(page))
        await self._store.commit([PROOFS.update(proof, held.version), *writes])

    async def pages(self, proof: Proof, side: Side, first: int = 0) -> AsyncIterator[ProofPage]:
        """The pages of one side, in the order of their making."""
        last = proof.pages.get(side, 0)
        for start in range(first, last, AT_ONCE):
            keys = [page_key(proof.id, side, nth) for nth in range(start, min(start + AT_ONCE, last))]
            for page in await PAGES.get_many(self._store, keys):
                if page is not None:
                    yield page

    async def put_away(self, held: Versioned[Proof]) -> bool:
        """Forget some of the rows that were read. Whether there are more."""
        proof = held.record
        left = proof.pages.get("rows", 0)
        gone = min(left, MOST_DELETED)
        proof.pages = {**proof.pages, "rows": left - gone}
        writes = [Delete(PAGES.name, page_key(proof.id, "rows", left - 1 - nth)) for nth in range(gone)]
        await self._store.commit([PROOFS.update(proof, held.version), *writes])
        return left > gone
