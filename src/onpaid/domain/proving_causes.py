"""What proving an order finds, and why something is missing: the cause as our own records tell it, and the command.

A cause is a sentence without a capital. A command is what an operator types, or a sentence of what to do, with what
is typed in backticks; it really mends what was found, or says who must do it by hand.
"""

from __future__ import annotations

import shlex

import msgspec

from onpaid.clock import Instant
from onpaid.domain.proof_rows import Effect, Finding, FindingKind, HeldRow, RunTold, TakenRow

MOVING = frozenset({"ready", "running", "waiting", "sleeping"})
RECONCILE = "onpaid reconcile"
HOUR_MS = 3_600_000
LISTED_MS = 30 * 24 * HOUR_MS
"""For so long Stripe lists events, which are what brings in a payment that was made in no session."""


def moves(run: RunTold | None) -> bool:
    """Whether a run is still being worked at. One that waits for a paused lane is not: a person must open it."""
    return run is not None and run.state in MOVING and not run.lane


def all_back(taken: TakenRow | None, held: HeldRow) -> bool:
    """Whether all of the money went back, by our records or its provider's."""
    return held.gone or (taken is not None and 0 < taken.amount.minor <= taken.refunded)


def reconcile(at: Instant, now: Instant) -> str:
    """The command that brings in what happened then: it looks back that far, and an hour more."""
    return f"{RECONCILE} --lookback-hours {max(0, now - at) // HOUR_MS + 2}"


def unheard(taken: TakenRow, now: Instant) -> tuple[str, str]:
    """Cause and command of money that nobody told us of."""
    command = reconcile(taken.at, now)
    if taken.source != "stripe" or now - taken.at < LISTED_MS:
        return "no webhook came", command
    why = "no webhook came, and Stripe lists its events for thirty days only"
    return why, f"`{command}` brings it in if it was paid in a session; else make its invoice by hand"


def show(held: HeldRow) -> str:
    """The command that shows everything about the payment's order."""
    return f"onpaid orders show {number_of(held)}"


def number_of(held: HeldRow) -> str:
    """The order's number as it is typed: shops choose their own, and some have a space or a number sign in them."""
    return shlex.quote(held.group)


def by_hand(held: HeldRow) -> str:
    """How an invoice is made that no run makes any more, so that the next proof knows whose it is."""
    return f"make one in the accounts by hand, with the order reference {held.group} and our reference {held.payment_id}"


def cause_of(run: RunTold | None, held: HeldRow, effect: Effect) -> tuple[str, str, str]:
    """Cause, command and ticket of an effect that is missing."""
    if run is None:
        # The event is here, so that a reconciliation passes it over; judged again, it starts what it should have.
        event = f"{held.payment.rpartition('/')[0]}/{held.event}" if held.event else ""
        command = f"onpaid events replay {event}" if event else RECONCILE
        return "the payment is here, and its run was never started", command, ""
    if run.lane:
        why = f"the lane {run.lane} is paused" + (f": {run.reason}" if run.reason else "")
        resume = f"onpaid lanes resume {run.lane}"
        return why, _after(run.ticket, resume), run.ticket
    if run.state == "failed":
        return f"the run failed: {run.reason}", _mends(run, held), run.ticket
    if run.state == "doubtful":
        return f"the run is in doubt: {run.reason}", f"onpaid runs show {run.id}", run.ticket
    if run.state == "cancelled":
        command = by_hand(held) if effect == "invoice" else show(held)
        return "a person cancelled the run", command, run.ticket
    if effect == "shipment":
        return _no_parcel(held)
    if effect == "invoice" and held.invoice:
        return (
            f"it was made as {held.number or held.invoice}, and is gone from the accounts",
            by_hand(held),
            "",
        )
    return "the run ended without it", by_hand(held) if effect == "invoice" else show(held), ""


def _mends(run: RunTold, held: HeldRow) -> str:
    """What makes a run that stopped go on: what it stopped for, what its ticket asks, else another try."""
    if run.wants == "decision":
        decide = f"onpaid orders decide {number_of(held)}"
        return f"decide: `{decide} --ship-anyway`, or `{decide} --refund`"
    if run.wants == "invoice":
        return f"{by_hand(held)}, then `onpaid runs cancel {run.id}`"
    if run.wants == "product":
        return "tell what is missing of the product: `onpaid products import FILE`"
    return _after(run.ticket, f"onpaid runs retry {run.id}")


def _after(ticket: str, command: str) -> str:
    """The command, after what the ticket asks. Without a ticket nothing else is asked."""
    return f"do what `onpaid tickets show {ticket}` asks, then `{command}`" if ticket else command


def _no_parcel(held: HeldRow) -> tuple[str, str, str]:
    """Why a run that is done left no live parcel. One of which we do not know that it is dead is put away first: until
    then nobody may book another."""
    ship = f"onpaid orders ship {number_of(held)}"
    if held.dry_run:
        return "it was only logged, in a dry run", ship, ""
    if not held.parcel:
        return "the run ended without a parcel", show(held), ""
    why = f"it was booked as {held.awb or held.parcel}, and is cancelled or gone there"
    if held.parcel_state in ("cancelled", "returned"):
        return why, ship, ""
    if held.parcel_state == "pending_pickup":
        cancel = f"onpaid orders cancel-shipment {number_of(held)}"
        return why, f"`{cancel}`, and when that is done `{ship}`", ""
    return why, show(held), ""


class Seen(msgspec.Struct):
    """What was found about one order so far, and what is still being worked at."""

    findings: list[Finding] = []
    under_way: list[Effect] = []

    def find(
        self,
        kind: FindingKind,
        effect: Effect,
        what: str,
        cause: str = "",
        command: str = "",
        ticket: str = "",
    ) -> None:
        """Note a finding."""
        self.findings.append(Finding(kind, effect, what, cause, command, ticket))

    def missing(
        self,
        held: HeldRow,
        taken: TakenRow | None,
        effect: Effect,
        what: str,
        *,
        run: RunTold | None,
        made: bool = False,
    ) -> None:
        """Something expected is not there: under way, given back before it was made, or a finding. `made` says that
        our records have it: then it is missing even if the money went back since."""
        if moves(run):
            self.under_way.append(effect)
        elif made or not all_back(taken, held):
            cause, command, ticket = cause_of(run, held, effect)
            self.findings.append(Finding("missing", effect, what, cause, command, ticket))
