"""What the engine remembers: runs with their steps, tickets, and the few records that guard them.

A run is one document, so that a step's outcome, the lease and the next step's beginning are one conditional write.
Every write of a run demands the version that was read: a worker that lost its lease can change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from onpaid.clock import Instant
from onpaid.store.port import Entry
from onpaid.store.records import Kind

RunState = Literal["ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled"]
StepState = Literal["begun", "done", "failed", "doubtful"]
StepClass = Literal["read", "key", "find", "once", "local", "wait", "sleep", "call"]

ENDED: frozenset[RunState] = frozenset({"done", "cancelled"})
NOBODY_ACTS: frozenset[RunState] = frozenset({"done", "cancelled", "failed"})
OUTSIDE: frozenset[StepClass] = frozenset({"key", "find", "once"})
MOST_ATTEMPTS_KEPT = 30

NOTHING = msgspec.Raw()
"""A piece of JSON that is not there; false, where one that is there is true."""


class Attempt(msgspec.Struct, omit_defaults=True):
    """One try of a step, or one look for what an earlier try did."""

    number: int
    at: Instant
    what: Literal["act", "look", "person"] = "act"
    ended: Instant | None = None
    outcome: str = ""
    note: str = ""


class Step(msgspec.Struct, omit_defaults=True):
    """One named act of a run. `input` is exactly what was sent and is sent again; `result` is small."""

    name: str
    act: str
    kind: StepClass
    state: StepState = "begun"
    attempts: list[Attempt] = []
    tries: int = 0
    input: msgspec.Raw = NOTHING
    result: msgspec.Raw = NOTHING
    key_number: int = 1
    first_sent: Instant | None = None
    in_flight_until: Instant = 0
    quiet_until: Instant = 0
    holder: int = 0
    """The lease number under which the last attempt began: another one means that its outcome is unknown."""
    until: Instant | None = None
    looks: int = 0
    absent: bool = False
    """A look made before this attempt proved that nothing was there."""
    answered: bool = False
    """The last doubt came with an answer, which the service may repeat under the same key."""
    settled: msgspec.Raw = NOTHING
    """What a person says the result is; taken over, and checked, by the next telling."""
    wrote: bool = False
    """This wait ended with writes of its own (lines taken), which a change of the first fact would contradict."""
    refused: str = ""
    """A repeat was refused with these words, which are believed once a look has found nothing."""


class Joined(msgspec.Struct, omit_defaults=True):
    """A further fact about the same business key, and what was made of it."""

    at: Instant
    verdict: Literal["same", "different", "adopted", "ticket"]
    event: str = ""
    fact: msgspec.Raw = NOTHING


class Run(msgspec.Struct, omit_defaults=True):
    """One telling of a flow for one business key."""

    id: str
    flow: str
    fact: msgspec.Raw
    started: Instant
    state: RunState = "ready"
    due_at: Instant | None = None
    reason: str = ""
    about: list[str] = []
    wake: list[str] = []
    steps: list[Step] = []
    joined: list[Joined] = []
    lease_owner: str = ""
    lease_number: int = 0
    lease_until: Instant = 0
    generation: int = 0
    failures: int = 0
    tickets: list[str] = []
    result: msgspec.Raw = NOTHING
    ended: Instant | None = None

    def step(self, name: str) -> Step | None:
        """The step of that name, if the run came so far."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def doubt(self) -> Step | None:
        """The step whose outcome is not known, if there is one."""
        return next(
            (step for step in self.steps if step.kind in OUTSIDE and step.state in ("begun", "doubtful")),
            None,
        )

    def acted(self) -> bool:
        """Whether anything was done that a change of the first fact could contradict."""
        return any(step.kind in OUTSIDE or step.kind == "local" or step.wrote for step in self.steps)


class Ticket(msgspec.Struct, omit_defaults=True):
    """What a person must look at. One per run and cause: a repeat raises `times`."""

    id: str
    category: str
    severity: str
    title: str
    opened_at: Instant
    facts: dict[str, str] = {}
    run: str | None = None
    about: list[str] = []
    state: Literal["open", "closed"] = "open"
    times: int = 1
    closed_at: Instant | None = None
    closed_by: str = ""


class Claim(msgspec.Struct):
    """Who owns an outside thing: set once, never taken back."""

    key: str
    owner: str
    at: Instant


class Signal(msgspec.Struct):
    """The runs that wait for a thing that is not there yet. Never deleted, so that its version only grows."""

    thing: str
    waiters: list[str]


class LaneState(msgspec.Struct, omit_defaults=True):
    """Whether a lane is paused, and why: outlives the process."""

    name: str
    paused: bool = False
    reason: str = ""
    since: Instant | None = None


class LaneHold(msgspec.Struct, omit_defaults=True):
    """Until when a call on a strict lane may be in flight: outlives the process that made it. Where processes share
    the store, it also lets one call in at a time, and knows who waits. Never deleted: its version only grows."""

    lane: str
    in_flight_until: Instant
    run: str = ""
    waiters: list[str] = []


def _run_entries(run: Run) -> Iterator[Entry]:
    yield Entry("state", run.state, run.started)
    yield Entry("flow-state", f"{run.flow}:{run.state}", run.started)
    for thing in run.about:
        yield Entry("about", thing, run.started)
    for thing in run.wake:
        yield Entry("wake", thing, run.started)
    if run.due_at is not None:
        yield Entry("due", "", run.due_at)


def _ticket_entries(ticket: Ticket) -> Iterator[Entry]:
    yield Entry("state", ticket.state, ticket.opened_at)
    for thing in ticket.about:
        yield Entry("about", thing, ticket.opened_at)


RUNS = Kind("run", Run, key=lambda run: run.id, entries=_run_entries, squeeze=lambda run: run.state in ENDED)
TICKETS = Kind("ticket", Ticket, key=lambda ticket: ticket.id, entries=_ticket_entries)
CLAIMS = Kind("claim", Claim, key=lambda claim: claim.key)
SIGNALS = Kind("signal", Signal, key=lambda signal: signal.thing)
LANES = Kind("lane", LaneState, key=lambda lane: lane.name, entries=lambda lane: [Entry("all", "", 0)])
HOLDS = Kind("lane-hold", LaneHold, key=lambda hold: hold.lane)
