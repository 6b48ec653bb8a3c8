"""A proof's rows become lines, one part of the orders after the other.

Orders are divided by a checksum of their number, so that a part fits into memory however many orders there are, and all
rows of one order are in one part. What our records name and no list showed is asked for by name first.
"""

from __future__ import annotations

import asyncio
from typing import Final
from zlib import crc32

from onpaid.app.proving_reading import Reading
from onpaid.app.proving_sources import Outside
from onpaid.clock import Clock
from onpaid.domain.proof_rows import Group, HeldRow, Line, Looked
from onpaid.domain.proving import prove_order, to_ask
from onpaid.errors import ProviderError
from onpaid.repositories.proofs import Proof, ProofPage, Proofs, Side, Totals
from onpaid.store.records import Versioned

PART_ROWS: Final = 16_000
LINES: Final = 200
"""Lines on a page. A part has at most as many lines as rows, and its pages fit into one commit."""
MOST_ASKED: Final = 1000
"""Things asked for by name in one proof. What is beyond is judged by the lists alone."""
ASKED_AT_ONCE: Final = 20
ASKING_SECONDS: Final = 5.0
SOURCES: Final = {"invoice": "invoices", "parcel": "parcels"}


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
        if asks and proof.totals.asked < MOST_ASKED:
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
            for number, name in page.asked:
                if (group := of(number)) is not None:
                    group.asked.add(name)
            await asyncio.sleep(0)  # decoding is done on the loop: let others have a turn
        for group in groups.values():  # a page that was read twice tells everything twice
            group.taken = list({(each.payment, each.charge): each for each in group.taken}.values())
            group.held = list({each.payment: each for each in group.held}.values())
        return groups

    async def _ask(self, proof: Proof, asks: list[tuple[str, HeldRow]]) -> ProofPage:
        """The rows of what is there after all, and the names of what is not."""
        page, until = ProofPage(""), self._clock.monotonic() + ASKING_SECONDS
        for name, held in asks:
            kind = name.partition(":")[0]
            source = SOURCES.get(kind, held.source)
            try:
                there = await self._there(kind, held, page)
            except ProviderError as error:
                if page.asked or page.taken or page.invoices or page.parcels:
                    break  # what was answered is kept; this one is asked again
                raise AskFailed(source, error) from None
            if not there:
                page.asked.append((held.group, name))
            proof.totals.asked += 1
            if self._clock.monotonic() > until:
                break
        return page

    async def _there(self, kind: str, held: HeldRow, page: ProofPage) -> bool:
        reading = self._reading
        if kind == "payment":
            taking = await self._outside.takings[held.source].named(held.payment_id, held.charge)
            if taking is None or not taking.captured or taking.key != held.payment:
                return False
            page.taken.append(await reading.taken_row_of(held, taking))
        elif kind == "invoice":
            invoice = await reading.invoice_named(held)
            if invoice is None:
                return False
            page.invoices.append(invoice)
        else:
            parcel = await reading.parcel_named(held)
            if parcel is None:
                return False
            page.parcels.append(parcel)
        return True


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
