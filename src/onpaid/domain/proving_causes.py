"""What proving an order finds, and why something is missing: the cause as our own records tell it, and the command.

A cause is a sentence without a capital; a command is what an operator types, or does at a provider.
"""

from __future__ import annotations

import msgspec

from onpaid.clock import Instant
from onpaid.domain.proof_rows import Effect, Finding, FindingKind, HeldRow, RunTold, TakenRow

MOVING = frozenset({"ready", "running", "waiting", "sleeping"})
RECONCILE = "onpaid reconcile"
HOUR_MS = 3_600_000


def moves(run: RunTold | None) -> bool:
    """Whether a run is still being worked at. One that waits for a paused lane is not: a person must open it."""
    return run is not None and run.state in MOVING and not run.lane


def all_back(taken: TakenRow | None, held: HeldRow) -> bool:
    """Whether all of the money went back, by our records or its provider's."""
    return held.gone or (taken is not None and 0 < taken.amount.minor <= taken.refunded)


def reconcile(at: Instant, now: Instant) -> str:
    """The command that brings in what happened then: it looks back that far, and an hour more."""
    return f"{RECONCILE} --lookback-hours {max(0, now - at) // HOUR_MS + 2}"


def show(held: HeldRow) -> str:
    """The command that shows everything about the payment's order."""
    return f"onpaid orders show {held.group}"


def cause_of(run: RunTold | None, held: HeldRow, effect: Effect) -> tuple[str, str, str]:
    """Cause, command and ticket of an effect that is missing."""
    if run is None:
        return "the payment is here, and its run was never started", RECONCILE, ""
    if run.lane:
        return f"the lane {run.lane} is paused", f"onpaid lanes resume {run.lane}", run.ticket
    if run.state == "failed":
        return f"the run failed: {run.reason}", f"onpaid runs retry {run.id}", run.ticket
    if run.state == "doubtful":
        return f"the run is in doubt: {run.reason}", f"onpaid runs show {run.id}", run.ticket
    if run.state == "cancelled":
        return "a person cancelled the run", show(held), run.ticket
    if effect == "shipment":
        why = "the run ended without a parcel"
        if held.dry_run:
            why = "it was only logged, in a dry run"
        elif held.parcel:
            why = f"it was booked as {held.awb or held.parcel}, and is cancelled or gone there"
        return why, f"onpaid orders ship {held.group}", ""
    if effect == "invoice" and held.invoice:
        return f"it was made as {held.invoice}, and is gone from the accounts", show(held), ""
    return "the run ended without it", show(held), ""


class Seen(msgspec.Struct):
    """What was found about one order so far, and what is still being worked at."""

    findings: list[Finding] = []
    under_way: list[Effect] = []

    def find(self, kind: FindingKind, effect: Effect, what: str, cause: str = "", command: str = "") -> None:
        """Note a finding."""
        self.findings.append(Finding(kind, effect, what, cause, command))

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
