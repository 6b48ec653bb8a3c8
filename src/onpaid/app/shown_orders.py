"""What the pages and the API show of orders: as rows, and one with everything that happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from onpaid.app.orders_told import EventOfOrder
from onpaid.app.shown import Mood, RunShown, TicketShown
from onpaid.app.shown_delivery import DeliveryShown
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer


class Dot(msgspec.Struct, frozen=True):
    """One step in a row of them."""

    name: str
    state: str
    mood: Mood


class OrderRow(msgspec.Struct, frozen=True):
    """An order in a list; `known` is false for money that came for an order which is not there.

    `stage` says how a delivery stands, in a word or two; it is empty for an order that a shop ships by itself.
    """

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
    paid_sum: str
    at: datetime
    stage: str = ""
    stage_mood: Mood = "todo"


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


class Moment(msgspec.Struct, frozen=True):
    """One thing that happened to an order, in a sentence. `after_ms` is since the moment before."""

    at: datetime
    kind: Literal[
        "event",
        "order",
        "payment",
        "act",
        "look",
        "person",
        "rule",
        "wait",
        "ticket",
        "end",
        "parcel",
        "mail",
    ]
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
    """Ordered, paid, invoiced, mailed; or ordered, paid, stock, shipped, told: how far an order has come."""

    name: str
    mood: Mood
    figure: str
    note: str
    at: datetime | None = None


class OrderShown(msgspec.Struct, frozen=True):
    """One order with everything that happened to it. `session` or `bill` is the id of what it came from at Stripe; both
    are empty for an order of a shop or of our own checkout. `told` are the billing events about it."""

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
    delivery: DeliveryShown | None = None
    session: str = ""
    bill: str = ""
    told: list[EventOfOrder] = []
