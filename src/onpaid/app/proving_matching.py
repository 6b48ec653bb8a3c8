"""A proof's rows become lines, one part of the orders after the other.

Orders are divided by a checksum of their number, so that a part fits into memory however many orders there are, and all
rows of one order are in one part. What our records name and no list showed is asked for by name first.
"""

from __future__ import annotations

import asyncio
from typing import Final
from zlib import crc32

import msgspec

from onpaid.app.proving_reading import Reading
from onpaid.app.proving_sources import Outside
from onpaid.clock import Clock
from onpaid.domain.proof_rows import Group, HeldRow, InvoiceRow, Line, Looked, ToldRow
from onpaid.domain.proving import prove_order, to_ask
from onpaid.errors import ProviderError
from onpaid.repositories.proofs import Proof, ProofPage, Proofs, Side, Totals
from onpaid.store.records import Versioned

PART_ROWS: Final = 16_000
LINES: Final = 200
"""Lines on a page. A part has at most as many lines as rows, and its pages fit into one commit."""
Row = HeldRow | InvoiceRow | ToldRow
Ask = tuple[str, Row]
ASKED_AT_ONCE: Final = 20
ASKING_SECONDS: Final = 5.0
SOURCES: Final = {
    "invoice": "invoices",
    "number": "invoices",
    "credit": "invoices",
    "parcel": "parcels",
    "told": "stripe",
}


class AskFailed(Exception):
    """A thing could not be asked for: `source` could not be read, because of `error`."""

    def __init__(self, source: str, error: ProviderError) -> None:
        self.source, self.error = source, error
        super().__init__(str(error))


class Matching:
    """The matching of one proof."""

    def __init__(
        self, proofs: Proofs, outside: Outside, reading: Reading, looked: Looked, clock: Clock
    ) -> None:
        self._proofs, self._outside, self._reading = proofs, outside, reading
        self._looked, self._clock = looked, clock

    async def step(self, held: Versioned[Proof]) -> None:
        """Ask for some of what a part misses, or write its lines. Raises AskFailed, Conflict."""
        proof = held.record
        part, parts = int(proof.cursor or 0), sum(proof.read.values()) // PART_ROWS + 1
        groups = await self._groups(proof, part, parts)
        asks = [(ask, row) for group in groups.values() for ask, row in to_ask(group, self._looked)]
        most = self._outside.most_asked
        if asks and proof.totals.asked >= most:
            why = f"more than {most:,} things had to be asked for one by one: prove a shorter period"
            proof.unread = {**proof.unread, **{_source(*each): why for each in asks}}
            await self._proofs.save(held)
            return
        if asks:
            page = await self._ask(proof, asks[:ASKED_AT_ONCE])
            proof.tries, proof.trouble, proof.not_before = 0, "", 0
            await self._proofs.save(held, [("rows", page)])
            return
        now = proof.begun_at  # what is young is so at the proof's beginning, however long it takes
        found = [prove_order(group, self._looked, now) for group in groups.values()]
        lines = sorted((each for each in found if each is not None), key=lambda each: each.order)
        for line in lines:
            count(proof.totals, line)
        off = [each for each in lines if each.state == "off"]
        rest = [each for each in lines if each.state != "off"]
        proof.cursor = str(part + 1)
        if part + 1 >= parts:
            proof.stage, proof.cursor = proof.stage + 1, ""
        await self._proofs.save(held, [*_pages("off", off), *_pages("lines", rest)])

    async def _groups(self, proof: Proof, part: int, parts: int) -> dict[str, Group]:
        groups: dict[str, Group] = {}

        def of(number: str) -> Group | None:
            if crc32(number.encode()) % parts != part:
                return None
            return groups.setdefault(number, Group(number))

        async for page in self._proofs.pages(proof, "rows"):
            for taken in page.taken:
                if (group := of(taken.group)) is not None:
                    group.taken.append(taken)
            for held in page.held:
                if (group := of(held.group)) is not None:
                    group.held.append(held)
            for invoice in page.invoices:
                if (group := of(invoice.group)) is not None:
                    group.invoices.append(invoice)
            for parcel in page.parcels:
                if (group := of(parcel.group)) is not None:
                    group.parcels.append(parcel)
            for credit in page.credits:
                if (group := of(credit.group)) is not None:
                    group.credits.append(credit)
            for told in page.told:
                if (group := of(told.group)) is not None:
                    group.told.append(told)
            for number, name in page.asked:
                if (group := of(number)) is not None:
                    group.asked.add(name)
            await asyncio.sleep(0)  # decoding is done on the loop: let others have a turn
        for group in groups.values():  # a page that was read twice tells everything twice
            group.taken = list({(each.payment, each.charge): each for each in group.taken}.values())
            group.held = list({each.payment: each for each in group.held}.values())
        return groups

    async def _ask(self, proof: Proof, asks: list[Ask]) -> ProofPage:
        """The rows of what is there after all, and the names of what is not."""
        page, until = ProofPage(""), self._clock.monotonic() + ASKING_SECONDS
        for nth, (name, row) in enumerate(asks):
            try:
                there = await self._there(name, row, page)
            except ProviderError as error:
                if nth:
                    break  # what was answered is kept; this one is asked again
                raise AskFailed(_source(name, row), error) from None
            if not there:
                page.asked.append((row.group, name))
            proof.totals.asked += 1
            if self._clock.monotonic() > until:
                break
        return page

    async def _there(self, name: str, row: Row, page: ProofPage) -> bool:
        reading, kind = self._reading, name.partition(":")[0]
        if isinstance(row, ToldRow):
            taking = await self._outside.takings["stripe"].named(row.payment_id, "")
            if taking is None or not taking.captured or taking.key != row.payment:
                return False
            page.told.append(msgspec.structs.replace(row, real=True))
            return True
        if isinstance(row, InvoiceRow):
            credit = await reading.credit_named(row, int(name.rpartition("/")[2]))
            page.credits += [] if credit is None else [credit]
            return credit is not None
        if kind == "payment":
            taking = await self._outside.takings[row.source].named(row.payment_id, row.charge)
            if taking is None or not taking.captured or taking.key != row.payment:
                return False
            found = await reading.taken_row_of(row, taking)
            page.taken.append(msgspec.structs.replace(found, group=row.group))  # where it was missed
        elif kind == "number":
            page.invoices += await reading.invoices_numbered(row)
            return False  # whatever was found: asked once is enough
        elif kind == "invoice":
            invoice = await reading.invoice_named(row)
            if invoice is None:
                return False
            page.invoices.append(invoice)
        else:
            parcel = await reading.parcel_named(row)
            if parcel is None:
                return False
            page.parcels.append(parcel)
        return True


def _source(name: str, row: Row) -> str:
    """Who is asked for the thing of this name."""
    kind = name.partition(":")[0]
    return row.source if isinstance(row, HeldRow) and kind not in SOURCES else SOURCES[kind]


def _pages(side: Side, lines: list[Line]) -> list[tuple[Side, ProofPage]]:
    return [(side, ProofPage("", lines=lines[at : at + LINES])) for at in range(0, len(lines), LINES)]


def count(totals: Totals, line: Line) -> None:
    """Add a line to the totals."""
    totals.orders += 1
    totals.payments += len(line.payments)
    totals.invoices += len(line.invoices)
    totals.parcels += len(line.parcels)
    totals.messages += line.messages
    totals.events += line.events
    totals.states[line.state] = totals.states.get(line.state, 0) + 1
    totals.under_way += bool(line.under_way)
    totals.waiting += line.waiting
    for sums, amounts in ((totals.paid, line.paid), (totals.refunded, line.refunded)):
        for amount in amounts:
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    for finding in line.findings:
        totals.found[finding.kind] = totals.found.get(finding.kind, 0) + 1
