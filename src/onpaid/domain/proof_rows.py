"""What a proof is made of: rows of what was paid, of what we hold, and of what exists outside; and what comes of them.

Rows are small and hold no personal data: thousands of them are kept while a proof is under way. Every row names its
`group`, the order's number, which is what money, invoice, parcel, messages and billing event have in common.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money

Effect = Literal["payment", "invoice", "shipment", "messages", "billing event"]
FindingKind = Literal["missing", "unexplained", "differs", "double"]
LineState = Literal["off", "under way", "unread", "refunded", "proven"]
"""`unread`: nothing was found, and somebody who would know could not be asked."""
KINDS: tuple[FindingKind, ...] = ("missing", "unexplained", "differs", "double")


class RunTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a run is. `ticket` is its open ticket, or that of `lane`, the paused lane that it waits for; `wants` is
    what it stopped for: a `decision`, a `product`, or an `invoice` that a person must make."""

    id: str
    state: str
    reason: str = ""
    ticket: str = ""
    lane: str = ""
    wants: str = ""


class TakenRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money that a provider says it took. `expected` is false for money that is somebody else's business.

    `kept` says that an order of ours stands for it though no payment is kept (a session without an invoice). `tells`
    says that a billing event is expected, `billing` what became of it: `published`, `noted`, or nothing; `run` is the
    run that publishes it. `keeper` is the run that is to make an order of a subscription's bill, and `event` the one that
    told of that bill.
    """

    group: str
    source: str
    payment: str
    charge: str
    amount: Money
    refunded: int
    at: Instant
    expected: bool = True
    kept: bool = False
    tells: bool = False
    billing: str = ""
    run: RunTold | None = None
    trouble: str = ""
    keeper: RunTold | None = None
    event: str = ""


class HeldRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payment that we keep, with what our records say became of it.

    `expects` are the effects that it must yield, as far as this proof looks at them. `told` has the state of each
    message that is due by now; empty for one that is not there. `invoice` (with its `number`), `parcel` (with its
    `courier_order` and how far it is) and `awb` are what our runs noted; `event` told of the payment.
    """

    group: str
    source: str
    payment: str
    payment_id: str
    charge: str
    order: str
    amount: Money
    at: Instant
    expects: tuple[Effect, ...] = ()
    runs: dict[str, RunTold] = {}
    event: str = ""
    invoice: int = 0
    number: int = 0
    parcel: str = ""
    parcel_state: str = ""
    courier_order: str = ""
    awb: str = ""
    dry_run: bool = False
    told: dict[str, str] = {}
    gone: bool = False
    """The money went back, by our own records."""


class InvoiceRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """An invoice in the accounts."""

    group: str
    invoice: int
    total: Money
    number: int = 0
    ours: str = ""
    """Our reference on it: the payment's id."""
    uuid: str = ""
    credits: tuple[int, ...] = ()
    """The credit notes on it."""


class CreditRow(msgspec.Struct, frozen=True):
    """What one credit note takes back of an invoice, in its minor units."""

    group: str
    invoice: int
    credit: int
    amount: int


class ParcelRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A live parcel at the courier service: one that has its AWB, and so costs money. `back` says that it came back, by
    our own records: another one may follow it then."""

    group: str
    parcel: str
    awb: str
    back: bool = False


class ToldRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What we told others of a payment: a billing event, or a message to the customer. `payment` is the payment's key,
    empty for a message, which is only a row if no payment explains it. `real` says that its provider was asked for the
    payment by name, and has it."""

    group: str
    effect: Effect
    name: str
    payment: str = ""
    payment_id: str = ""
    real: bool = False


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is not as it should be. `cause` where it can be told, and the command that mends it."""

    kind: FindingKind
    effect: Effect
    what: str
    cause: str = ""
    command: str = ""
    ticket: str = ""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order of the period: what was paid for it, what exists, and what is wrong with it."""

    order: str
    state: LineState
    paid: tuple[Money, ...] = ()
    refunded: tuple[Money, ...] = ()
    payments: tuple[str, ...] = ()
    invoices: tuple[str, ...] = ()
    parcels: tuple[str, ...] = ()
    messages: int = 0
    events: int = 0
    under_way: tuple[Effect, ...] = ()
    findings: tuple[Finding, ...] = ()
    key: str = ""
    """The order's key here, for a link; empty where we do not have it."""

    @property
    def waiting(self) -> bool:
        """Whether a person must decide something first."""
        return any(each.ticket for each in self.findings)


class Looked(msgspec.Struct, frozen=True):
    """Which sources of payments and which effects were read whole. What was not is neither missing nor unexplained;
    `unread` are those that should have been read and could not be."""

    sources: frozenset[str]
    effects: frozenset[str]
    unread: frozenset[str] = frozenset()


class Group(msgspec.Struct):
    """All rows of one order. `asked` are the things that were asked for by name and are not there, `credits` what each
    credit note took back."""

    order: str
    taken: list[TakenRow] = []
    held: list[HeldRow] = []
    invoices: list[InvoiceRow] = []
    parcels: list[ParcelRow] = []
    asked: set[str] = set()
    credits: list[CreditRow] = []
    told: list[ToldRow] = []

    def credited(self, invoice: InvoiceRow) -> int:
        """How much of an invoice was taken back, in its minor units."""
        return sum(
            {each.credit: each.amount for each in self.credits if each.invoice == invoice.invoice}.values()
        )
