"""What a run of the reconciliation answers: the body that was agreed, with the counts of what came since beside it.

Fields that were agreed keep their names and forms; others are only added. The same body answers on AWS, at the API and
on the command line.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from onpaid.domain.reconciliation import Failure, Finding, Progress, Reconciliation, Trigger
from onpaid.repositories.documented_sync import whole_seconds


class Window(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """A stretch of time, in whole seconds."""

    since: str
    until: str


class Left(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """What the next run begins with."""

    what: str
    since: str
    until: str


class SyncBody(msgspec.Struct, frozen=True, rename="camel"):
    """How a run went, or goes. Times are UTC in whole seconds; `createdOrders`, `findings` and `failures` name the
    first hundred."""

    status: Progress
    trigger: Trigger
    sync_started_at: str
    sync_completed_at: str | None
    lookback_hours: int
    lookback_window: Window
    processed: int
    created: int
    skipped: int
    errors: int
    created_orders: list[str]
    dry_run: bool
    id: str
    max_sessions: int
    phase: str
    remembered: int
    asked: int
    events: int
    events_brought: int
    payments: int
    payments_created: int
    runs_started: int
    left: list[Left]
    waiting_left: bool
    findings: list[Finding]
    findings_new: int
    failures: list[Failure]
    why: str


class SyncList(msgspec.Struct, frozen=True):
    """Runs of the reconciliation, newest first. `following` is when the next one is planned."""

    items: list[SyncBody]
    cursor: str | None
    following: str | None = None


StatusCode = Literal[200, 409, 500]


def answer_of(run: Reconciliation) -> dict[str, Any]:
    """The whole answer. `statusCode` is 500 if a provider or the store failed so that something had to be left."""
    code: StatusCode = 500 if run.state in ("error", "partial") else 200
    return {"statusCode": code, "body": msgspec.to_builtins(body_of(run))}


def body_of(run: Reconciliation) -> SyncBody:
    """The answer's body."""
    counts = run.counts
    return SyncBody(
        status=run.state,
        trigger=run.trigger,
        sync_started_at=whole_seconds(run.started_at),
        sync_completed_at=whole_seconds(run.completed_at) if run.completed_at else None,
        lookback_hours=run.lookback_hours,
        lookback_window=Window(whole_seconds(run.since), whole_seconds(run.until)),
        processed=counts.processed,
        created=counts.created,
        skipped=counts.skipped,
        errors=counts.errors,
        created_orders=run.created_orders,
        dry_run=run.dry_run,
        id=run.id,
        max_sessions=run.most,
        phase=run.phase,
        remembered=counts.remembered,
        asked=counts.asked,
        events=counts.events,
        events_brought=counts.brought,
        payments=counts.payments,
        payments_created=counts.payments_created,
        runs_started=counts.started,
        left=[Left(each.what, whole_seconds(each.since), whole_seconds(each.until)) for each in run.left],
        waiting_left=run.waiting_left,
        findings=run.findings,
        findings_new=run.findings_new,
        failures=run.failures,
        why=run.why,
    )
