"""Runs of the reconciliation, where it stands, and the lease that lets only one of them work at a time.

A run shows its progress at every page and takes note of what it leaves over only in the end, in one commit with its
lease: one that dies half way has moved no mark, and the next does all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from onpaid.clock import Instant
from onpaid.domain.reconciliation import Finding, Reconciliation, SyncState
from onpaid.errors import Conflict, NotPossible
from onpaid.store.port import Delete, Entry, Store, Write
from onpaid.store.records import Kind, Records

STATE_KEY: Final = "STRIPE_ORDER_SYNC"
LEASE_KEY: Final = "sync"
LEASE_MS: Final = 5 * 60_000
"""Longer than the longest page takes with all its retries."""


class SyncLease(msgspec.Struct, omit_defaults=True):
    """Who works. `planned_at` is when a planned run last began, `again_at` when one that failed is to be repeated."""

    run: str = ""
    owner: str = ""
    until: Instant = 0
    planned_at: Instant = 0
    again_at: Instant = 0


class KnownFinding(msgspec.Struct):
    """That a finding was told of, so that it is told of once."""

    finding: Finding
    found_at: Instant


RECONCILIATIONS: Final = Kind(
    "reconciliation",
    Reconciliation,
    key=lambda run: run.id,
    entries=lambda run: (Entry("all", "", run.started_at),),
)
STATE: Final = Kind("sync-state", SyncState, key=lambda _state: STATE_KEY)
LEASE: Final = Kind("sync-lease", SyncLease, key=lambda _lease: LEASE_KEY)
FINDINGS: Final = Kind(
    "sync-finding",
    KnownFinding,
    key=lambda known: known.finding.fingerprint,
    entries=lambda known: (Entry("passes", "", known.found_at),) if known.finding.passes else (),
)


class Reconciliations:
    """The runs of a store. `sole` says that no other process has it: a lease of a former process is then over.

    `lease_ms` is how long a run that says nothing further keeps others from beginning, or as long as it lives (`lives`,
    in milliseconds) if that is less: what is killed at a known time holds up nobody after it.
    """

    def __init__(self, store: Store, *, owner: str, sole: bool = False, lease_ms: int = LEASE_MS) -> None:
        self._store = store
        self.owner = owner
        self._sole = sole
        self._lease_ms = lease_ms

    async def get(self, ident: str) -> Reconciliation | None:
        """One run, or None."""
        held = await RECONCILIATIONS.get(self._store, ident)
        return None if held is None else held.record

    async def newest(self, *, after: str | None = None, limit: int = 50) -> Records[Reconciliation]:
        """Runs, newest first."""
        return await RECONCILIATIONS.query(self._store, "all", "", after=after, limit=limit)

    async def state(self) -> SyncState | None:
        """What the last run left, or None before the first."""
        held = await STATE.get(self._store, STATE_KEY)
        return None if held is None else held.record

    async def lease(self) -> SyncLease:
        """Who works now, if anybody."""
        held = await LEASE.get(self._store, LEASE_KEY)
        return SyncLease() if held is None else held.record

    async def watch(self, now: Instant) -> None:
        """Count planned times from now, unless they are counted already. Raises StoreError."""
        held = await LEASE.get(self._store, LEASE_KEY)
        if held is None:
            await self._store.commit([LEASE.insert(SyncLease(planned_at=now))])
        elif not held.record.planned_at:
            changed = msgspec.structs.replace(held.record, planned_at=now)
            await self._store.commit([LEASE.update(changed, held.version)])

    async def begin(
        self, run: Reconciliation, now: Instant, lives: int | None = None, again_at: Instant = 0
    ) -> int:
        """Take the lease for this run; the lease's version. Raises NotPossible if another run works, StoreError.

        `again_at` is when to repeat it should it die; 0 leaves alone what is planned of this kind.
        """
        held = await LEASE.get(self._store, LEASE_KEY)
        lease = SyncLease() if held is None else held.record
        if lease.run and self._works(lease, now):
            raise NotPossible(f"the reconciliation {lease.run} is at work: look at it, or wait for its end")
        writes: list[Write] = [RECONCILIATIONS.insert(run)]
        if lease.run:
            writes += await self._broken_off(lease.run, now)
        planned = now if run.trigger == "scheduled" else lease.planned_at
        taken = SyncLease(run.id, self.owner, self._until(now, lives), planned, again_at or lease.again_at)
        writes.append(LEASE.insert(taken) if held is None else LEASE.update(taken, held.version))
        try:
            await self._store.commit(writes)
        except Conflict:
            raise NotPossible("another reconciliation began at the same moment: look at it") from None
        return 1 if held is None else held.version + 1

    async def note(self, run: Reconciliation, version: int, now: Instant, lives: int | None = None) -> int:
        """Note how far a run has come, and hold the lease on. Raises NotPossible if another one took it."""
        lease = await self._own(run, version)
        lease.until = self._until(now, lives)
        await self._commit(run, [RECONCILIATIONS.put(run), LEASE.update(lease, version)])
        return version + 1

    async def end(
        self,
        run: Reconciliation,
        version: int,
        state: SyncState | None,
        again_at: Instant | None,
    ) -> None:
        """The run is over: its record, what it leaves (`state`; None keeps the last one's), its lease and when one is
        to be repeated (`again_at`; None keeps what is planned), at once."""
        lease = await self._own(run, version)
        again = lease.again_at if again_at is None else again_at
        over = SyncLease(planned_at=lease.planned_at, again_at=again)
        writes: list[Write] = [RECONCILIATIONS.put(run), LEASE.update(over, version)]
        if state is not None:
            writes.append(STATE.put(state))
        await self._commit(run, writes)

    async def unknown(self, findings: Sequence[Finding]) -> list[Finding]:
        """Those findings that nobody was told of yet, each once."""
        once = {finding.fingerprint: finding for finding in findings}
        known = await FINDINGS.get_many(self._store, list(once))
        return [finding for finding, held in zip(once.values(), known, strict=True) if held is None]

    async def mended(self, found: Sequence[Finding]) -> None:
        """Forget what passes and is found no more, so that it is told of once more if it comes again."""
        still = {finding.fingerprint for finding in found}
        known = (await FINDINGS.query(self._store, "passes", "", limit=100)).items
        gone = [each.finding.fingerprint for each in known if each.finding.fingerprint not in still]
        if gone:
            await self._store.commit([Delete(FINDINGS.name, fingerprint) for fingerprint in gone])

    def tell(self, findings: Sequence[Finding], now: Instant) -> list[Write]:
        """The writes by which these count as told."""
        return [FINDINGS.put(KnownFinding(finding, now)) for finding in findings]

    def _until(self, now: Instant, lives: int | None) -> Instant:
        return now + (self._lease_ms if lives is None else min(self._lease_ms, lives))

    def _works(self, lease: SyncLease, now: Instant) -> bool:
        """A lease that ends further ahead than any lasts was written by a clock that was wrong."""
        if self._sole and lease.owner != self.owner:
            return False
        return now < lease.until <= now + 2 * self._lease_ms

    async def _broken_off(self, ident: str, now: Instant) -> list[Write]:
        held = await RECONCILIATIONS.get(self._store, ident)
        if held is None or held.record.state != "running":
            return []
        held.record.state, held.record.completed_at = "broken off", now
        held.record.why = "its process ended before it: the next run did all of it"
        return [RECONCILIATIONS.update(held.record, held.version)]

    async def _own(self, run: Reconciliation, version: int) -> SyncLease:
        held = await LEASE.get(self._store, LEASE_KEY)
        if held is None or held.version != version or held.record.run != run.id:
            raise NotPossible(f"the reconciliation {run.id} took too long and another one took over")
        return held.record

    async def _commit(self, run: Reconciliation, writes: list[Write]) -> None:
        try:
            await self._store.commit(writes)
        except Conflict:
            raise NotPossible(
                f"the reconciliation {run.id} took too long and another one took over"
            ) from None
