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
SKEW: Final = 5 * 60_000
"""The same for a stretch that is left over: what was made in its last minutes may be later by its provider's clock."""
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
        for span in _beside(
            old,
            Span(what, since_of(what, asked, state, until), until),
            0 if asked.exact else _seen(what, state, until),
        )
    ]
    return merged([*old, *new])


def _beside(old: Sequence[Span], window: Span, seen: Instant) -> list[Span]:
    """A window without what is still to be looked through: else a run that is cut short would never come to its end.

    For the same reason it begins at `seen`, if anything is left over: what lies before that was looked through already.
    """
    mine = sorted((span for span in old if span.what == window.what), key=lambda span: span.since)
    if not mine:
        return [window]
    parts, begin = [], max(window.since, seen)
    for span in mine:
        if begin < min(span.since, window.until):
            parts.append(msgspec.structs.replace(window, since=begin, until=min(span.since, window.until)))
        begin = max(begin, span.until - SKEW)
    if begin <= window.until:
        parts.append(msgspec.structs.replace(window, since=begin))
    return parts


def _seen(what: What, state: SyncState | None, until: Instant) -> Instant:
    """Until when a list was looked through, or is in what was left over; earlier where things of it may change since."""
    mark = 0 if state is None else state.marks.get(what, 0)
    return mark - OVERLAP - REACH[what][0] if mark <= until else 0


def shares(room: int, turn: int) -> tuple[int, int]:
    """How much of a limit goes to sessions that are asked about one by one, before their list has the rest: those that
    could not be compared, and those that have not ended. What does not divide by three goes to another one each time,
    so that a limit of one starves nobody."""
    return (room + turn % 3) // 3, (room + (turn + 1) % 3) // 3


def in_turn(spans: Sequence[Span], what: What) -> list[Span]:
    """The stretches of one list: what was begun first, then the oldest."""
    mine = [span for span in spans if span.what == what]
    return sorted(mine, key=lambda span: (not span.begun, span.since))


async def gone_through(spans: Sequence[Span], worker: Worker | None, night: Night) -> list[Span]:
    """Each stretch of a list, until the limit, the time or the provider's patience ends; what is left.

    One that has a page which is answered and cannot be read holds up only itself, for as many nights as it takes.
    """
    left: list[Span] = []
    for nth, span in enumerate(spans):
        night.unreadable = False
        rest = span if worker is None else await worker.span(span, night)
        if rest is None:
            continue
        if not night.unreadable:
            return [*left, rest, *spans[nth + 1 :]]
        left.append(msgspec.structs.replace(rest, stuck=True))
    return left


def state_after(
    run: Reconciliation, state: SyncState | None, again: Sequence[str], waiting: tuple[str, str]
) -> SyncState:
    """What the next run begins with. A window that leaves a gap behind the last one moves no mark."""
    marks = {} if state is None else dict(state.marks)
    for what in REACH:
        mark = marks.get(what, 0)
        if not mark or run.since <= mark:
            marks[what] = run.until  # also where a clock that was wrong had told a later one
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
        turn=0 if state is None else (state.turn + 1) % 3,
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
