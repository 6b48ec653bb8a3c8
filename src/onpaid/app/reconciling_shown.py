"""Runs of the reconciliation for a page: times as datetimes, durations, and what the chart is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_schedule import Nightly
from onpaid.clock import as_datetime
from onpaid.domain.reconciliation import Reconciliation

MOODS = {"success": "good", "partial": "bad", "error": "bad", "broken off": "bad", "running": "wait"}


@dataclass(frozen=True, slots=True)
class NightShown:
    """One run. `found` is everything that was looked at, `put_right` what was missing and is started."""

    run: Reconciliation
    at: datetime
    since: datetime
    until: datetime
    took: int | None
    mood: str
    found: int
    put_right: int
    errors: int


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The reconciliation as its faces see it: `run` starts it, `nightly` says when it runs by itself."""

    reconciler: Reconciler
    nightly: Nightly

    async def following(self) -> datetime | None:
        """When the next planned run begins."""
        lease = await self.reconciler.records.lease()
        return as_datetime(self.nightly.following(lease.planned_at)) if lease.planned_at else None

    async def nights(self, after: str | None, limit: int) -> tuple[list[NightShown], str | None]:
        """Runs, newest first, and the next `after`."""
        page = await self.reconciler.records.newest(after=after, limit=limit)
        return [night_shown(run) for run in page.items], page.cursor


def night_shown(run: Reconciliation) -> NightShown:
    """A run as a page shows it."""
    counts = run.counts
    return NightShown(
        run=run,
        at=as_datetime(run.started_at),
        since=as_datetime(run.since),
        until=as_datetime(run.until),
        took=run.completed_at - run.started_at if run.completed_at else None,
        mood=MOODS[run.state],
        found=counts.processed + counts.payments,
        put_right=counts.created + counts.payments_created,
        errors=counts.errors,
    )
