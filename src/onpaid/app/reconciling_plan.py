"""What a run of the reconciliation looks through: a window of each list, and whatever earlier runs left over.

A window reaches as far back as is set, and always to the end of the last one: a night that was missed, or an outage of
three days, leaves no gap.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from onpaid.app.reconciling_night import Night
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_sessions import Sessions
from onpaid.clock import Instant
from onpaid.domain.reconciliation import Finding, Reconciliation, Span, SyncState, What, merged

HOUR: Final = 3_600_000
OVERLAP: Final = HOUR
"""How far a window reaches back over the end of the last one: clocks differ, and lists lag."""
REACH: Final[Mapping[What, tuple[int, int | None]]] = {
    "undelivered events": (0, 30 * 24 * HOUR - HOUR),
    "events": (0, 30 * 24 * HOUR - HOUR),
    "sessions": (0, None),
    "payments": (5 * 24 * HOUR, None),
}
"""How much further back a list is looked through (a payment may be captured days after it was made), and how far it
reaches at most. In the order in which lists are gone through."""

Probe = Callable[[], Awaitable[Sequence[Finding]]]


class Worker(Protocol):
    """Goes through a list."""

    async def span(self, span: Span, night: Night) -> Span | None:
        """Look through a stretch of it; what is left."""
        ...


@dataclass(frozen=True, slots=True)
class Lists:
    """What there is to look through: the parts of the stories that are told here."""

    events: Worker | None = None
    sessions: Sessions | None = None
    payments: Worker | None = None
    probe: Probe | None = None

    def worker(self, what: What) -> Worker | None:
        """Who goes through this list, if anybody."""
        return {
            "undelivered events": self.events,
            "events": self.events,
            "sessions": self.sessions,
            "payments": self.payments,
        }[what]


def shown_since(lists: Lists, asked: SyncSettings, state: SyncState | None, until: Instant) -> Instant:
    """Where the window begins that a run tells of: that of its first list, without what that one reaches further."""
    shown: What = "sessions" if lists.sessions else "events" if lists.events else "payments"
    return since_of(shown, asked, state, until) + REACH[shown][0]


def planned(lists: Lists, asked: SyncSettings, state: SyncState | None, until: Instant) -> list[Span]:
    """Everything that a run is to look through. One that only looks leaves to the next what earlier ones left over."""
    old = [] if state is None or asked.dry_run else state.spans
    new = [
        span
        for what in REACH
        if lists.worker(what) is not None
        for span in _beside(old, Span(what, since_of(what, asked, state, until), until), whole=asked.exact)
    ]
    return merged([*old, *new])


def _beside(old: Sequence[Span], window: Span, *, whole: bool) -> list[Span]:
    """A window without what is still to be looked through: else a run that is cut short would never come to its end.

    What lies before that was looked through already, and is again only where it was asked for by hand (`whole`).
    """
    mine = [span for span in old if span.what == window.what]
    if not mine:
        return [window]
    first, last = min(span.since for span in mine), max(span.until for span in mine)
    before = [msgspec.structs.replace(window, until=first)] if whole and window.since < first else []
    return [*before, msgspec.structs.replace(window, since=max(window.since, last))]


def in_turn(spans: Sequence[Span], what: What) -> list[Span]:
    """The stretches of one list: what was begun first, then the oldest."""
    mine = [span for span in spans if span.what == what]
    return sorted(mine, key=lambda span: (not span.begun, span.since))


def state_after(
    run: Reconciliation, state: SyncState | None, again: Sequence[str], waiting: tuple[str, str]
) -> SyncState:
    """What the next run begins with. A window that leaves a gap behind the last one moves no mark."""
    marks = {} if state is None else dict(state.marks)
    for what in REACH:
        mark = marks.get(what, 0)
        if not mark or run.since <= mark:
            marks[what] = max(mark, run.until)
    return SyncState(
        started_at=run.started_at,
        completed_at=run.completed_at,
        since=run.since,
        until=run.until,
        processed=run.counts.processed,
        created=run.counts.created,
        skipped=run.counts.skipped,
        errors=run.counts.errors,
        marks=marks,
        spans=run.left,
        again=list(dict.fromkeys(again)),
        waiting_after=waiting[0],
        waiting_last=waiting[1],
    )


def since_of(what: What, asked: SyncSettings, state: SyncState | None, until: Instant) -> Instant:
    """Where the window of a list begins: as long ago as is set, and never after the end of the last one."""
    earlier, longest = REACH[what]
    since = until - asked.lookback_hours * HOUR
    mark = 0 if state is None else state.marks.get(what, 0)
    if mark and not asked.exact:
        since = min(since, mark - OVERLAP)
    since -= earlier
    return since if longest is None else max(since, until - longest)
