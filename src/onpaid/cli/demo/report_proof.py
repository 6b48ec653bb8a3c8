"""What the demo's operator did when the day was at rest, as the report tells it: reconciliations, and the proof.

Both are the service's own words, asked over its API; the simulators' ledger is held against them elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

MOST_TOLD: Final = 20
PROVEN: Final = "proven"


class Reconciled(msgspec.Struct, frozen=True):
    """One reconciliation, and what the shop was asked for after it.

    `orders` were created from sessions, `payments` from payments; `events` were not here; `asked_again` are the orders
    that the shop was asked to tell of again. `failures` could not be compared.
    """

    status: str
    looked_at: int
    orders: int
    payments: int
    events: int
    runs_started: int
    findings: list[str]
    failures: list[str]
    left: bool
    asked_again: int = 0

    @property
    def last(self) -> bool:
        """Whether nothing was missing, and nothing is left to look at or to compare again."""
        brought = self.orders or self.payments or self.events or self.runs_started
        return self.status == "success" and not (brought or self.left or self.failures)


class Proven(msgspec.Struct, frozen=True):
    """A proof over the API. `missing` and `double` count its findings of these kinds, `found` all of them by kind;
    `findings` are sentences about the first orders that are off."""

    verdict: str
    sentence: str
    orders: int
    payments: int
    invoices: int
    parcels: int
    messages: int
    events: int
    missing: int
    double: int
    found: dict[str, int]
    under_way: int
    waiting: int
    unread: dict[str, str]
    findings: list[str]

    @property
    def green(self) -> bool:
        """Whether it holds, with nothing under way and nobody waited for."""
        return self.verdict == PROVEN and not (self.under_way or self.waiting or self.unread)


def reconciled_of(told: Mapping[str, Any]) -> Reconciled:
    """From what the API answers."""
    return Reconciled(
        status=told["status"],
        looked_at=told["processed"] + told["payments"] + told["events"],
        orders=told["created"],
        payments=told["paymentsCreated"],
        events=told["eventsBrought"],
        runs_started=told["runsStarted"],
        findings=[each["sentence"] for each in told["findings"]][:MOST_TOLD],
        failures=[f"{each['subject']}: {each['why']}" for each in told["failures"]][:MOST_TOLD],
        left=bool(told["left"] or told["waitingLeft"]),
    )


def proven_of(told: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> Proven:
    """From what the API answers, and its orders that are off."""
    totals = told["totals"]
    findings = [
        f"order {line['order']}: {finding['kind']}: {finding['what']}"
        for line in lines
        for finding in line["findings"]
    ]
    return Proven(
        verdict=told["verdict"],
        sentence=told["sentence"],
        **{
            name: totals[name]
            for name in ("orders", "payments", "invoices", "parcels", "messages", "events", "found")
        },
        missing=totals["found"].get("missing", 0),
        double=totals["found"].get("double", 0),
        under_way=totals["under_way"],
        waiting=totals["waiting"],
        unread=dict(told["unread"]),
        findings=findings[:MOST_TOLD],
    )


def judge_proof(proof: Proven | None, reconciled: list[Reconciled]) -> list[str]:
    """Every reason to fail."""
    told: list[str] = []
    if reconciled and reconciled[-1].status != "success":
        told.append(f"the last reconciliation ended as {reconciled[-1].status}")
    if reconciled and reconciled[-1].failures:
        told.append(f"the last reconciliation could not compare {reconciled[-1].failures[0]}")
    if proof is None:
        return [*told, "there is no proof"]
    if not proof.green:
        some = "; ".join(proof.findings[:3]) or "; ".join(proof.unread.values())
        told.append(
            f"the proof ends as {proof.verdict}, with {proof.under_way} under way and {proof.waiting} waiting for a "
            f"person: {some or proof.sentence}"
        )
    return told
