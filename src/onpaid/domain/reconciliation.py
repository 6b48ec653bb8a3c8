"""The nightly reconciliation as values: what is to be looked through, what was found, how a run of it went.

A `Span` is a stretch of some provider's list that still has to be looked through; what a run leaves over is kept as
spans, so that nothing is hidden by a limit, a time limit or an outage.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import msgspec

from onpaid.clock import Instant

Trigger = Literal["scheduled", "manual"]
Progress = Literal["running", "success", "partial", "error", "broken off"]
"""`partial`: something was left over because a provider or the store failed, `error`: nothing could be looked at."""
What = Literal["undelivered events", "events", "sessions", "payments"]
ENDPOINT: Final = "endpoint"
"""How the kinds of findings about our webhook endpoint begin."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a person should know: an amount that differs, an endpoint that is switched off.

    `kind` groups findings into one ticket, `subject` is what it is about, `sentence` says what to do.
    """

    kind: str
    subject: str
    sentence: str
    facts: dict[str, str] = {}

    @property
    def fingerprint(self) -> str:
        """The same for whoever finds the same again."""
        told = "\n".join((self.kind, self.subject, self.sentence))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def passes(self) -> bool:
        """Whether it is a state of things that passes and may come again: an endpoint that is switched off."""
        return self.kind.startswith(ENDPOINT)


class Failure(msgspec.Struct, frozen=True):
    """One thing that could not be compared, and why. The others were."""

    subject: str
    why: str


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was made from `since` until `until`, both inclusive, as one provider lists it.

    `after` and `skip` say how far it was looked through: the page's cursor, and how many of its things. `part` counts
    the lists that one span comes to (a provider takes only so many types of events at once). `stuck` says that a page
    of it cannot be read: it stays by itself.
    """

    what: What
    since: Instant
    until: Instant
    after: str = ""
    skip: int = 0
    part: int = 0
    stuck: bool = False

    @property
    def begun(self) -> bool:
        """Whether some of it was looked through."""
        return bool(self.after or self.skip or self.part or self.stuck)


class Counts(msgspec.Struct, omit_defaults=True):
    """How much was seen and done. `processed` are sessions, the sum of `created`, `skipped` and those with `errors`.

    `remembered` are sessions that have not ended, `asked` those that were asked about one by one. `events` were listed
    and `brought` of them were not here; `payments` were listed and `payments_created` of them were not here. `started`
    are runs of every flow.
    """

    processed: int = 0
    created: int = 0
    skipped: int = 0
    errors: int = 0
    remembered: int = 0
    asked: int = 0
    events: int = 0
    brought: int = 0
    payments: int = 0
    payments_created: int = 0
    started: int = 0

    @property
    def seen(self) -> int:
        """Everything that was looked at, and could be."""
        return self.created + self.skipped + self.events + self.payments


class Reconciliation(msgspec.Struct, omit_defaults=True):
    """One run of the reconciliation, as it is kept."""

    id: str
    trigger: Trigger
    started_at: Instant
    since: Instant
    until: Instant
    lookback_hours: int
    most: int
    dry_run: bool = False
    by: str = ""
    state: Progress = "running"
    phase: str = ""
    completed_at: Instant = 0
    seen_at: Instant = 0
    counts: Counts = msgspec.field(default_factory=Counts)
    created_orders: list[str] = []
    findings: list[Finding] = []
    findings_new: int = 0
    failures: list[Failure] = []
    left: list[Span] = []
    waiting_left: bool = False
    why: str = ""


class SyncState(msgspec.Struct, omit_defaults=True):
    """Where the reconciliation stands: what the last run came to, and what the next one begins with.

    `marks` say for each list until when it was looked through, or is in `spans`; `again` are sessions that could not be
    compared; `waiting_after` is how far the sessions that have not ended were asked about; `turn` counts the runs, so
    that a small limit serves another list each time.
    """

    started_at: Instant
    completed_at: Instant
    since: Instant
    until: Instant
    processed: int
    created: int
    skipped: int
    errors: int
    marks: dict[str, Instant] = {}
    spans: list[Span] = []
    again: list[str] = []
    waiting_after: str = ""
    waiting_last: str = ""
    turn: int = 0


def merged(spans: list[Span]) -> list[Span]:
    """The same stretches, those that nobody has begun and that touch as one; oldest first."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.what, each.begun, each.since)):
        last = found[-1] if found else None
        if (
            last is not None
            and last.what == span.what
            and not last.begun
            and not span.begun
            and span.since <= last.until
        ):
            found[-1] = msgspec.structs.replace(last, until=max(last.until, span.until))
        else:
            found.append(span)
    return found
