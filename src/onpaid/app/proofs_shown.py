"""A proof as the API, the console and the command line tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from onpaid.clock import as_datetime
from onpaid.domain.money import Money
from onpaid.domain.proof_rows import KINDS, Line
from onpaid.repositories.proofs import Proof, Proofs, Side

READS: Final = {
    "stripe": "Stripe’s charges",
    "razorpay": "Razorpay’s payments",
    "records": "our own records",
    "told": "what we told others",
    "invoices": "the accounts’ invoices",
    "parcels": "the courier service’s parcels",
    "match": "matching",
    "tidy": "putting away what was read",
}
MOODS: Final = {"proven": "good", "off": "bad", "unread": "doubt", "under way": "wait"}
LINE_MOODS: Final = {
    "proven": "good",
    "off": "bad",
    "refunded": "calm",
    "under way": "wait",
    "unread": "doubt",
}


class StageShown(msgspec.Struct, frozen=True):
    """One stage: what it reads, how much it has read, and `done`, `now`, `next` or `unread`."""

    name: str
    says: str
    state: str
    read: int = 0


class TotalsShown(msgspec.Struct, frozen=True):
    """What was counted. `found` has the number of findings of each kind, `states` the number of orders in each state;
    `elsewhere` was seen and is somebody else's, `asked` was asked for by name."""

    orders: int
    payments: int
    paid: list[Money]
    refunded: list[Money]
    invoices: int
    parcels: int
    messages: int
    events: int
    states: dict[str, int]
    found: dict[str, int]
    under_way: int
    waiting: int
    elsewhere: int
    asked: int


class ProofShown(msgspec.Struct, frozen=True):
    """One proof. `verdict` is `under way`, `proven`, `off`, or `unread` where a provider could not be read."""

    id: str
    verdict: str
    mood: str
    sentence: str
    since: datetime
    until: datetime
    begun: datetime
    ended: datetime | None
    by: str
    stages: list[StageShown]
    totals: TotalsShown
    unread: dict[str, str]
    left_out: list[str]
    trouble: str


class FindingShown(msgspec.Struct, frozen=True):
    """What is not as it should be: kind (`missing`, `unexplained`, `differs`, `double`), of what, why, and what mends
    it."""

    kind: str
    effect: str
    what: str
    cause: str
    command: str
    ticket: str


class LineShown(msgspec.Struct, frozen=True):
    """One order of a proof. `key` is the order's key here; empty where we do not have it."""

    order: str
    key: str
    state: str
    mood: str
    paid: list[Money]
    refunded: list[Money]
    payments: list[str]
    invoices: list[str]
    parcels: list[str]
    messages: int
    events: int
    under_way: list[str]
    findings: list[FindingShown]


class ProofList(msgspec.Struct, frozen=True):
    """Proofs, newest first."""

    items: list[ProofShown]
    cursor: str | None


class LineList(msgspec.Struct, frozen=True):
    """Orders of a proof: those that are off first."""

    items: list[LineShown]
    cursor: str | None


def proof_shown(proof: Proof) -> ProofShown:
    """A proof for whoever looks."""
    totals = proof.totals
    return ProofShown(
        id=proof.id,
        verdict=proof.verdict,
        mood=MOODS[proof.verdict],
        sentence=_sentence(proof),
        since=as_datetime(proof.since),
        until=as_datetime(proof.until),
        begun=as_datetime(proof.begun_at),
        ended=as_datetime(proof.ended_at) if proof.ended_at else None,
        by=proof.by,
        stages=[_stage(proof, nth, name) for nth, name in enumerate(proof.stages)],
        totals=TotalsShown(
            orders=totals.orders,
            payments=totals.payments,
            paid=[Money(minor, currency) for currency, minor in sorted(totals.paid.items())],
            refunded=[Money(minor, currency) for currency, minor in sorted(totals.refunded.items())],
            invoices=totals.invoices,
            parcels=totals.parcels,
            messages=totals.messages,
            events=totals.events,
            states={name: totals.states.get(name, 0) for name in LINE_MOODS},
            found={name: totals.found.get(name, 0) for name in KINDS},
            under_way=totals.under_way,
            waiting=totals.waiting,
            elsewhere=totals.elsewhere,
            asked=totals.asked,
        ),
        unread={READS.get(name, name): why for name, why in proof.unread.items()},
        left_out=proof.left_out,
        trouble=proof.trouble,
    )


def _stage(proof: Proof, nth: int, name: str) -> StageShown:
    state = "done" if nth < proof.stage else "now" if nth == proof.stage else "next"
    return StageShown(
        name, READS.get(name, name), "unread" if name in proof.unread else state, proof.read.get(name, 0)
    )


def _sentence(proof: Proof) -> str:
    totals, verdict = proof.totals, proof.verdict
    if verdict == "under way":
        return f"Under way: {READS.get(proof.stages[proof.stage], proof.stages[proof.stage])}."
    if verdict == "unread":
        *names, last = (READS.get(name, name) for name in sorted(proof.unread))
        sources = f"{', '.join(names)} and {last}" if names else last
        return f"Nothing is proven: {sources} could not be read."
    if verdict == "off":
        number = sum(totals.found.values())
        orders = totals.states.get("off", 0)
        return (
            f"{number} {'finding' if number == 1 else 'findings'} in {orders} {'order' if orders == 1 else 'orders'} "
            f"of {totals.orders}."
        )
    moving = f", {totals.under_way} under way" if totals.under_way else ""
    return f"Proven: {totals.orders} {'order' if totals.orders == 1 else 'orders'}{moving}; nothing is off."


def line_shown(line: Line) -> LineShown:
    """A line for whoever looks."""
    return LineShown(
        order=line.order,
        key=line.key,
        state=line.state,
        mood=LINE_MOODS[line.state],
        paid=list(line.paid),
        refunded=list(line.refunded),
        payments=list(line.payments),
        invoices=list(line.invoices),
        parcels=list(line.parcels),
        messages=line.messages,
        events=line.events,
        under_way=list(line.under_way),
        findings=[
            FindingShown(each.kind, each.effect, each.what, each.cause, each.command, each.ticket)
            for each in line.findings
        ],
    )


async def lines_shown(proofs: Proofs, proof: Proof, cursor: str, *, off_only: bool) -> LineList:
    """A page of a proof's orders. `cursor` is `off:3` or `lines:0`: a side, and its page."""
    side, nth = _read_cursor(cursor)
    items: list[LineShown] = []
    while not items:
        if nth >= proof.pages.get(side, 0):
            if side == "lines" or off_only:
                return LineList(items, None)
            side, nth = "lines", 0
            continue
        async for page in proofs.pages(proof, side, nth):
            items = [line_shown(each) for each in page.lines]
            break
        nth += 1
    last = nth >= proof.pages.get(side, 0)
    if last and (side == "lines" or off_only or not proof.pages.get("lines", 0)):
        return LineList(items, None)
    return LineList(items, "lines:0" if last else f"{side}:{nth}")


def _read_cursor(cursor: str) -> tuple[Side, int]:
    side, _, nth = (cursor or "off:0").partition(":")
    number = int(nth) if nth.isascii() and nth.isdigit() and len(nth) < 7 else 0
    return ("lines" if side == "lines" else "off"), number
