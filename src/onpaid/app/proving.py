"""The prover: takes a proof through its stages, a page at a time, wherever it was left.

A proof is a record with rows beside it, so that whoever has some seconds works on: a command that waits for it, a
chore, a request of at most a few seconds on Lambda. Only one at a time does; one that dies is followed by the next.
A source that cannot be read leaves the proof without a verdict on what it would have told: never a green one.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from onpaid.app.proving_matching import AskFailed, Matching
from onpaid.app.proving_ours import Ours, PaidSessions
from onpaid.app.proving_reading import Period, Read, Reading
from onpaid.app.proving_sources import Outside
from onpaid.clock import Clock, Instant
from onpaid.domain.proof_rows import Looked
from onpaid.engine.visits import Visits
from onpaid.errors import Conflict, InvalidInput, ProviderError, Refused, Unavailable
from onpaid.repositories.orders import Orders
from onpaid.repositories.proofs import PROOFS, Proof, Proofs
from onpaid.repositories.references import References
from onpaid.store.port import Store
from onpaid.store.records import Versioned

MOST_TRIES: Final = 6
FIRST_WAIT_MS: Final = 1000
MOST_WAIT_MS: Final = 30_000
TURN_MS: Final = 90_000
"""Whoever works on a proof has it for so long after each page: longer than any one call may take."""
A_WHILE: Final = timedelta(seconds=12)
"""How long one request works on a proof: well within the 29 s after which API Gateway hangs up."""
LONGEST: Final = timedelta(days=100)
MATCH: Final = "match"
TIDY: Final = "tidy"
RECORDS: Final = "records"
TOLD: Final = "told"
INVOICES: Final = "invoices"
PARCELS: Final = "parcels"
EFFECTS: Final = {INVOICES: "invoice", PARCELS: "shipment"}
"""What these stages tell of."""


class Prover:
    """The proofs of a store, against the outside."""

    def __init__(
        self,
        store: Store,
        orders: Orders,
        references: References,
        clock: Clock,
        visits: Visits,
        outside: Outside,
        *,
        owner: str,
        zone: ZoneInfo,
        sessions: PaidSessions | None = None,
        records: Store | None = None,
        sole: bool = False,
    ) -> None:
        """`owner` names this process; `sole` says that no other one has the store: what a former one had begun is then
        taken up at once. `records` is where our records are, if not in the same store as proofs."""
        self.proofs = Proofs(store)
        self.zone = zone
        self._ours = Ours(records or store, orders, sessions)
        self._references, self._clock, self._visits, self._outside = references, clock, visits, outside
        self._owner, self._count, self._sole = owner, itertools.count(1), sole

    async def begin(self, since: Instant, until: Instant, by: str = "") -> Proof:
        """A proof of the payments of this time. Raises InvalidInput for a period that is none."""
        now = self._clock.now()
        until = min(until, now)
        if since >= until:
            raise InvalidInput("the period is empty: `since` must be before `until`, and in the past")
        if until - since > LONGEST.total_seconds() * 1000:
            raise InvalidInput(f"the period has more than {LONGEST.days} days: prove it in parts")
        while True:
            proof = Proof(
                id=f"proof_{now:x}",
                since=since,
                until=until,
                begun_at=now,
                stages=self._stages(),
                by=by,
                left_out=list(self._outside.left_out),
            )
            try:
                await self.proofs.begin(proof)
            except Conflict:
                now += 1  # another one of the same millisecond
                continue
            return proof

    def _stages(self) -> list[str]:
        outside = self._outside
        stages = [*outside.takings, RECORDS]
        stages += [TOLD] if outside.billing is not None or outside.messages else []
        stages += [INVOICES] if outside.accounts is not None else []
        stages += [PARCELS] if outside.courier is not None else []
        return [*stages, MATCH, TIDY]

    async def work(self, at_most: timedelta = A_WHILE) -> int:
        """Work for so long on the proofs that are under way, oldest first. How many of them are left."""
        until, left = self._clock.monotonic() + at_most.total_seconds(), 0
        for proof in reversed(await self.proofs.in_state("open")):
            rest = timedelta(seconds=until - self._clock.monotonic())
            moved = await self.advance(proof.id, rest) if rest > timedelta(0) else proof
            left += moved is not None and not moved.ended
        return left

    async def advance(self, ident: str, at_most: timedelta = A_WHILE) -> Proof | None:
        """Work on a proof for so long, unless somebody else does. The proof as it is then; None if there is none."""
        me, until = f"{self._owner}/{next(self._count)}", self._clock.monotonic() + at_most.total_seconds()
        while True:
            held = await self.proofs.get(ident)
            if held is None or held.record.ended:
                return None if held is None else held.record
            proof, now = held.record, self._clock.now()
            if proof.worker != me and self._at_work(proof, now):
                return proof
            wait = min(proof.not_before - now, MOST_WAIT_MS) / 1000
            over = self._clock.monotonic() + max(wait, 0) >= until
            if over and proof.worker == me:
                proof.worker, proof.worked_until = "", 0
                return await self._saved(held, self.proofs.save(held))
            if over:
                return proof
            if wait > 0:
                await self._clock.sleep(wait)
            proof.worker, proof.worked_until = me, self._clock.now() + TURN_MS
            await self._saved(held, self._step(held))

    def _at_work(self, proof: Proof, now: Instant) -> bool:
        """A turn that ends further ahead than any lasts was taken by a clock that was wrong."""
        if self._sole and not proof.worker.startswith(f"{self._owner}/"):
            return False
        return bool(proof.worker) and now < proof.worked_until <= now + 2 * TURN_MS

    async def _saved(self, held: Versioned[Proof], saving: Awaitable[object]) -> Proof:
        try:
            await saving
        except Conflict:  # somebody else moved it on meanwhile: what we read is read again, or was theirs
            again = await self.proofs.get(held.record.id)
            return held.record if again is None else again.record
        return held.record

    async def _step(self, held: Versioned[Proof]) -> None:
        """One page, or one part of the matching."""
        proof = held.record
        stage = proof.stages[proof.stage]
        try:
            if stage == TIDY:
                await self._tidy(held)
            elif stage == MATCH:
                reading, looked = self._reading(proof), self._looked(proof)
                await Matching(self.proofs, self._outside, reading, looked, self._clock).step(held)
            else:
                await self._read(held, stage)
        except AskFailed as failed:
            await self._failed(await self._again(held), failed.source, failed.error)
        except ProviderError as error:
            await self._failed(held, stage, error)

    async def _read(self, held: Versioned[Proof], stage: str) -> None:
        proof = held.record
        reading = self._reading(proof)
        if stage in self._outside.takings:
            read = await reading.takings(stage, proof.cursor)
        else:
            readers: dict[str, Callable[[str], Awaitable[Read]]] = {
                RECORDS: reading.records,
                TOLD: reading.told,
            }
            if self._outside.accounts is not None:
                readers[INVOICES] = reading.invoices
            if self._outside.courier is not None:
                readers[PARCELS] = reading.parcels
            reader = readers.get(stage)
            if reader is None:
                raise Refused(f"nothing is set up any more for {stage}")
            read = await reader(proof.cursor)
        proof.read = {**proof.read, stage: proof.read.get(stage, 0) + read.count}
        proof.totals.elsewhere += read.elsewhere
        proof.cursor, proof.tries, proof.trouble, proof.not_before = read.cursor, 0, "", 0
        if not read.cursor:
            proof.stage += 1
        await self.proofs.save(held, [("rows", read.rows)])

    async def _tidy(self, held: Versioned[Proof]) -> None:
        proof = held.record
        if proof.pages.get("rows", 0):
            await self.proofs.put_away(held)
            return
        proof.stage += 1
        proof.ended_at, proof.worker, proof.worked_until = self._clock.now(), "", 0
        await self.proofs.save(held)

    async def _failed(self, held: Versioned[Proof], source: str, error: ProviderError) -> None:
        """Try again after a while, unless that would not help; what the source would have told is then not known."""
        proof = held.record
        if not isinstance(error, Refused) and proof.tries + 1 < MOST_TRIES:
            wait = min(FIRST_WAIT_MS << proof.tries, MOST_WAIT_MS)
            if isinstance(error, Unavailable):
                wait = max(wait, min(round((error.retry_after or 0) * 1000), MOST_WAIT_MS))
            proof.tries += 1
            proof.trouble, proof.not_before = str(error), self._clock.now() + wait
        else:
            proof.unread = {**proof.unread, source: str(error)}
            proof.tries, proof.trouble, proof.not_before = 0, "", 0
            if source == proof.stages[proof.stage]:
                proof.stage, proof.cursor = proof.stage + 1, ""
        await self.proofs.save(held)

    async def _again(self, held: Versioned[Proof]) -> Versioned[Proof]:
        """The proof as it is kept, under our turn: without what a step that failed has counted."""
        kept = await self.proofs.get(held.record.id)
        if kept is None or kept.version != held.version:
            raise Conflict([(PROOFS.name, held.record.id)])
        kept.record.worker, kept.record.worked_until = held.record.worker, held.record.worked_until
        return kept

    def _reading(self, proof: Proof) -> Reading:
        period = Period(proof.since, proof.until, self.zone)
        return Reading(self._ours, self._references, self._outside, self._visits, period)

    def _looked(self, proof: Proof) -> Looked:
        """What was read whole."""
        outside = self._outside
        asked = {each for each in (INVOICES, PARCELS) if each in proof.stages}
        effects = {"payment"} | {EFFECTS[each] for each in asked if each not in proof.unread}
        effects |= {"messages"} if outside.messages else set()
        effects |= {"billing event"} if outside.billing is not None else set()
        return Looked(
            frozenset(each for each in outside.takings if each in proof.stages and each not in proof.unread),
            frozenset(effects),
            frozenset(EFFECTS.get(each, each) for each in proof.unread),
        )
