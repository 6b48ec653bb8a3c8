"""What the pages and the API show of runs, events, tickets and lanes. Plain structs: the API's JSON is exactly these.

Times are aware datetimes in UTC; amounts are minor units with their currency. Nothing in here is secret, and what is
personal was masked for who looks before it came here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Mood = Literal["good", "bad", "doubt", "wait", "calm", "todo"]
"""How a thing stands, for its colour: nothing is told by the colour alone."""
May = Literal["retry", "settle", "cancel"]


class AttemptShown(msgspec.Struct, frozen=True):
    """One try of a step, or one look for what an earlier try did."""

    number: int
    what: str
    at: datetime
    took_ms: int | None
    outcome: str
    note: str
    sentence: str
    mood: Mood


class StepShown(msgspec.Struct, frozen=True):
    """One named act of a run, what was asked and what was answered, masked."""

    name: str
    act: str
    kind: str
    state: str
    mood: Mood
    tries: int
    attempts: list[AttemptShown]
    asked: Any = None
    answered: Any = None


class Settling(msgspec.Struct, frozen=True):
    """The doubt that a person may settle: about which step, and after which attempt."""

    step: str
    attempt: int
    who: str
    hint: str


class RunShown(msgspec.Struct, frozen=True):
    """One telling of a flow. `may` lists what can be done to it this moment."""

    id: str
    flow: str
    title: str
    state: str
    mood: Mood
    reason: str
    sentence: str
    started: datetime
    due_at: datetime | None
    ended: datetime | None
    about: list[str]
    steps: list[StepShown]
    tickets: list[str]
    may: list[May]
    may_not: str = ""
    settling: Settling | None = None
    result: Any = None


class RunRow(msgspec.Struct, frozen=True):
    """A run in a list."""

    id: str
    flow: str
    title: str
    state: str
    mood: Mood
    reason: str
    started: datetime
    due_at: datetime | None
    order: str | None
    may: list[May]


class TicketShown(msgspec.Struct, frozen=True):
    """What a person must look at. `advice` says what to do about it."""

    id: str
    title: str
    category: str
    severity: str
    state: str
    times: int
    opened: datetime
    closed: datetime | None
    closed_by: str
    run: str | None
    order: str | None
    event: str | None
    lane: str | None
    facts: dict[str, str]
    advice: str
    run_state: str | None = None


class EventRow(msgspec.Struct, frozen=True):
    """An event in a list."""

    key: str
    source: str
    type: str
    live: bool
    at: datetime
    verdict: str
    mood: Mood
    reason: str
    order: str | None


class EventShown(msgspec.Struct, frozen=True):
    """One event with its body, masked; `body` is None if it is too large to show."""

    row: EventRow
    event_id: str
    account: str
    api_version: str | None
    created: datetime | None
    runs: list[str]
    size: int
    body: Any = None


class LaneShown(msgspec.Struct, frozen=True):
    """A lane: whether it is paused, and how many runs wait for a place on it."""

    name: str
    paused: bool
    reason: str
    since: datetime | None
    waiting: int
    strict: bool


class RunList(msgspec.Struct, frozen=True):
    """One page of runs."""

    items: list[RunRow]
    cursor: str | None


class EventList(msgspec.Struct, frozen=True):
    """One page of events."""

    items: list[EventRow]
    cursor: str | None


class TicketList(msgspec.Struct, frozen=True):
    """One page of tickets."""

    items: list[TicketShown]
    cursor: str | None
