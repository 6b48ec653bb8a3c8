"""What a demo comes to: the figures of the simulators' ledger, and whether our database tells the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from onpaid.cli.demo.report_delivery import DeliveryReport, judge_delivery
from onpaid.cli.demo.report_proof import Proven, Reconciled, judge_proof
from onpaid.cli.demo.report_sales import SalesReport, judge_sales

MOST_TOLD = 20


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one object that `--json` prints.

    All figures are the simulators', but for `waiting_for_person` (open tickets and runs that nobody but a person can
    bring further), `settled` (what the demo's operator settled, by step), `acknowledged` (the tickets about forged
    webhooks that it put away) and `booked` (refunds and disputes of invoiced payments that it took note of). Those of
    this level are of whatever is invoiced, the shop's orders and what was paid at Stripe, once or by subscription:
    `missing` counts payments without invoice and invoices without mail, `double` invoices, mails and contacts that
    exist once too often. `delivery` has the figures of our own checkout, `sales` those of Stripe's. `agrees` says whether our database and
    the ledger tell the same, both ways and of all; `differences` are what they do not. `reconciliations` are what was
    made good where webhooks were lost, `proof` what the service's own proof says in the end. `aws`, on the emulated AWS
    only, is what was called there, consumed and broken.
    """

    passed: bool
    paid: int
    invoiced: int
    mailed: int
    missing: int
    double: int
    waiting_for_person: int
    settled: dict[str, int]
    acknowledged: int
    booked: int
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
    delivery: DeliveryReport
    sales: SalesReport
    reconciliations: list[Reconciled]
    proof: Proven | None
    differences: list[str]
    findings: list[str]
    aws: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the ledger. `carts` of the `orders` were to be shipped, and `refused` of those were not sold;
    `sales` of them were to be sold at Stripe, which made `sold_orders` of ours. `differences`, `sold_otherwise` and
    `stock` say where our database tells something else; `findings` are reasons to fail found on the way."""

    orders: int
    seconds: float
    carts: int = 0
    refused: int = 0
    messenger: str = "none"
    waiting_for_person: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    decided: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    booked: int = 0
    sales: int = 0
    sold_orders: int = 0
    sold_otherwise: list[str] = field(default_factory=list)
    reconciled: list[Reconciled] = field(default_factory=list)
    proof: Proven | None = None
    differences: list[str] = field(default_factory=list)
    stock: list[str] = field(default_factory=list)
    unreachable: int = 0
    unheard: int = 0
    findings: list[str] = field(default_factory=list)


def judge(ledger: dict[str, Any], beside: Beside) -> Report:
    """The report, from a ledger and what is known beside it."""
    verdict, counts, forged = ledger["verdict"], ledger["counts"], ledger["forged"]
    paid, invoiced, mailed = verdict["paid"], verdict["invoiced"], verdict["mailed"]
    told = list(beside.findings)
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
    delivery, found = judge_delivery(
        ledger["delivery"],
        carts=beside.carts,
        refused=beside.refused,
        messenger=beside.messenger,
        decided=beside.decided,
        stock=beside.stock,
        unreachable=beside.unreachable,
        unheard=beside.unheard,
    )
    told += found
    sales, sold = judge_sales(
        ledger["sales"], asked=beside.sales, orders=beside.sold_orders, differences=beside.sold_otherwise
    )
    told += sold
    at_shop, wanted = paid - sales.once - sales.bills, beside.orders - beside.carts - beside.sales
    if at_shop < wanted:
        told.append(f"only {at_shop} of {wanted} orders were paid")
    told += judge_proof(beside.proof, beside.reconciled)
    if beside.waiting_for_person:
        told.append(f"{beside.waiting_for_person} wait for a person")
    if forged["accepted"]:
        told.append(f"{forged['accepted']} forged webhooks were accepted")
    if counts["concurrent_calls"]:
        told.append(f"Fiken was called {counts['concurrent_calls']} times while another call was under way")
    differences = [*beside.differences, *beside.sold_otherwise, *beside.stock]
    if differences:
        told.append(f"our database and the ledger differ {len(differences)} times: {differences[0]}")
    return Report(
        passed=not told and paid == invoiced == mailed,
        paid=paid,
        invoiced=invoiced,
        mailed=mailed,
        missing=len(verdict["missing"]) + invoiced - mailed,
        double=len(verdict["double"]) + len(verdict["mailed_twice"]) + len(verdict["doubled_contacts"]),
        waiting_for_person=beside.waiting_for_person,
        settled=beside.settled,
        acknowledged=beside.acknowledged,
        booked=beside.booked,
        seconds=round(beside.seconds, 1),
        orders=beside.orders,
        seed=ledger["seed"],
        faults=ledger["faults"],
        faults_injected=ledger["faults_injected"],
        agrees=not differences,
        unexplained=len(verdict["unexplained"]),
        forgeries_accepted=forged["accepted"],
        calls_at_once=counts["concurrent_calls"],
        webhooks=ledger["webhooks"]["attempts"] + forged["sent"],
        delivery=delivery,
        sales=sales,
        reconciliations=beside.reconciled,
        proof=beside.proof,
        differences=differences[:MOST_TOLD],
        findings=told,
    )
