"""What a demo comes to: the figures of the simulators' ledger, and whether our database tells the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

MOST_TOLD = 20


class Report(msgspec.Struct, frozen=True):
    """The one object that `--json` prints.

    All figures are the simulators', but for two: `waiting_for_person` (open tickets and runs that nobody but a person
    can bring further) and `settled` (what the demo's operator decided, by step). `missing` counts payments without
    invoice and invoices without mail, `double` invoices, mails and contacts that exist once too often. `agrees` says
    whether our database and the ledger tell the same, both ways; `differences` are what they do not.
    """

    passed: bool
    paid: int
    invoiced: int
    mailed: int
    missing: int
    double: int
    waiting_for_person: int
    settled: dict[str, int]
    seconds: float
    orders: int
    seed: int
    faults: list[str]
    faults_injected: dict[str, int]
    agrees: bool
    unexplained: int
    forgeries_accepted: int
    calls_at_once: int
    webhooks: int
    differences: list[str]
    findings: list[str]


def judge(
    ledger: dict[str, Any],
    *,
    orders: int,
    seconds: float,
    waiting_for_person: int,
    settled: dict[str, int],
    differences: Sequence[str],
    findings: Sequence[str],
) -> Report:
    """The report, from a ledger and what we know beside it. `findings` are reasons to fail found on the way."""
    verdict, counts, forged = ledger["verdict"], ledger["counts"], ledger["forged"]
    paid, invoiced, mailed = verdict["paid"], verdict["invoiced"], verdict["mailed"]
    told = list(findings)
    names = {
        "missing": "payments have no invoice",
        "unmailed": "invoices were not mailed",
        "double": "invoices are one too many",
        "mailed_twice": "invoices were mailed more than once",
        "doubled_contacts": "customers have more than one contact",
        "unexplained": "invoices are for no payment",
    }
    for name, what in names.items():
        if verdict[name]:
            some = ", ".join(str(each) for each in verdict[name][:MOST_TOLD])
            told.append(f"{len(verdict[name])} {what}: {some}")
    if paid < orders:
        told.append(f"only {paid} of {orders} orders were paid")
    if waiting_for_person:
        told.append(f"{waiting_for_person} wait for a person")
    if forged["accepted"]:
        told.append(f"{forged['accepted']} forged webhooks were accepted")
    if counts["concurrent_calls"]:
        told.append(f"Fiken was called {counts['concurrent_calls']} times while another call was under way")
    if differences:
        told.append(f"our database and the ledger differ {len(differences)} times: {differences[0]}")
    return Report(
        passed=not told and paid == invoiced == mailed,
        paid=paid,
        invoiced=invoiced,
        mailed=mailed,
        missing=len(verdict["missing"]) + invoiced - mailed,
        double=len(verdict["double"]) + len(verdict["mailed_twice"]) + len(verdict["doubled_contacts"]),
        waiting_for_person=waiting_for_person,
        settled=settled,
        seconds=round(seconds, 1),
        orders=orders,
        seed=ledger["seed"],
        faults=ledger["faults"],
        faults_injected=ledger["faults_injected"],
        agrees=not differences,
        unexplained=len(verdict["unexplained"]),
        forgeries_accepted=forged["accepted"],
        calls_at_once=counts["concurrent_calls"],
        webhooks=ledger["webhooks"]["attempts"] + forged["sent"],
        differences=list(differences[:MOST_TOLD]),
        findings=told,
    )
