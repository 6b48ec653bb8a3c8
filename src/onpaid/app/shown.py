"""What the pages and the API show. Plain structs: the API's JSON is exactly these, and the pages are made of them.

Times are aware datetimes in UTC; amounts are minor units with their currency. Nothing in here is secret, and what is
personal was masked for who looks before it came here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from onpaid.domain.money import Money
from onpaid.domain.orders import Customer

Mood = Literal["good", "bad", "doubt", "wait", "calm", "todo"]
"""How a thing stands, for its colour: nothing is told by the colour alone."""
May = Literal["retry", "settle", "cancel"]


class Dot(msgspec.Struct, frozen=True):
    """One step in a row of them."""

    name: str
    state: str
    mood: Mood


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list; `known` is false for money that came for an order which is not there."""

    key: str
    number: str
    shop: str
    known: bool
    state: str
    mood: Mood
    why: str
    customer: str
    email: str
    steps: list[Dot]
    total: str | None
    paid: list[Money]
    at: datetime


class Hit(msgspec.Struct, frozen=True):
    """Something other than an order that a search found."""

    kind: Literal["run", "event", "ticket"]
    id: str


class StateCount(msgspec.Struct, frozen=True):
    """How many orders are in a state: counted no further than `capped` says."""

    state: str
    title: str
    count: int
    capped: bool
    mood: Mood


class OrderList(msgspec.Struct, frozen=True):
    """One page of orders. `without_order` is money that came for orders which are not there, on the first page."""

    items: list[OrderRow]
    cursor: str | None
    without_order: list[OrderRow] = []
    found_by: str = ""
    hits: list[Hit] = []


class LineShown(msgspec.Struct, frozen=True):
    """A line as the shop told it; `payment` is the one that took it."""

    key: str
    name: str
    quantity: str
    unit_price: str
    vat_percent: str
    payment: str | None = None


class RevisionShown(msgspec.Struct, frozen=True):
    """One state of an order."""

    number: int
    at: datetime
    event: str
    lines: list[LineShown]
    currency: str | None
    total: str | None


class ChangeShown(msgspec.Struct, frozen=True):
    """Something that happened to a payment later."""

    what: str
    amount: Money
    at: datetime


class PaymentShown(msgspec.Struct, frozen=True):
    """Money that was taken."""

    key: str
    payment_id: str
    charge_id: str | None
    order: str
    amount: Money
    at: datetime
    live: bool
    changes: list[ChangeShown] = []


class InvoiceShown(msgspec.Struct, frozen=True):
    """An invoice that a run made. `number` is the accounting number, `mailed` when its mail was known to be out."""

    run: str
    invoice_id: int
    number: int | None
    total: Money | None
    mailed: bool
    mailed_at: datetime | None


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


class Moment(msgspec.Struct, frozen=True):
    """One thing that happened to an order, in a sentence. `after_ms` is since the moment before."""

    at: datetime
    kind: Literal["event", "order", "payment", "act", "look", "person", "rule", "ticket", "end"]
    mood: Mood
    sentence: str
    note: str = ""
    run: str = ""
    step: str = ""
    event: str = ""
    ticket: str = ""
    took_ms: int | None = None
    after_ms: int = 0
    asked: Any = None
    answered: Any = None


class Milestone(msgspec.Struct, frozen=True):
    """Ordered, paid, invoiced, mailed: how far an order has come."""

    name: str
    mood: Mood
    figure: str
    note: str
    at: datetime | None = None


class OrderShown(msgspec.Struct, frozen=True):
    """One order with everything that happened to it."""

    key: str
    number: str
    shop: str
    known: bool
    state: str
    mood: Mood
    headline: str
    at: datetime
    live: bool
    aliases: list[str]
    customer: Customer | None
    milestones: list[Milestone]
    revisions: list[RevisionShown]
    payments: list[PaymentShown]
    invoices: list[InvoiceShown]
    runs: list[RunShown]
    tickets: list[TicketShown]
    timeline: list[Moment]


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
