"""What a demo comes to at Stripe's checkout: sessions, orders, subscriptions, and who was told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from onpaid.simulators.ledger_sales import FINDINGS

MOST_TOLD: Final = 20
MISSING: Final = ("untold", "gaps")
DOUBLE: Final = ("told_twice", "double_customers", "double_prices", "double_sessions")


class SalesReport(msgspec.Struct, frozen=True):
    """All figures are the simulators', but for `orders`, which are those that our records made of paid sessions.

    Of `asked` sales each has a session; `paid` of these are paid, `once` of them for good. `bills` are what subscriptions
    paid, from the first one on; with those they are what is invoiced. `subscriptions` has the subscriptions by their
    state now, also those whose first payment never came. `events` are the billing events that each of the `listeners`
    heard once, `repeats` how often one came again under the same id, which is allowed. `missing` counts what a listener never heard of, `double` what it heard
    under two ids, and customers, prices and sessions that exist twice; `unexplained` whatever else should not be there.
    """

    asked: int
    sessions: int
    paid: int
    once: int
    bills: int
    orders: int
    subscriptions: dict[str, int]
    refunds: int
    disputes: int
    listeners: int
    events: int
    repeats: int
    missing: int
    double: int
    unexplained: int
    agrees: bool


def judge_sales(
    ledger: Mapping[str, Any], *, asked: int, orders: int, differences: Sequence[str]
) -> tuple[SalesReport, list[str]]:
    """The report, from the ledger's part about sales, and every reason to fail."""
    verdict, counts = ledger["verdict"], ledger["counts"]
    told = []
    for name, what in FINDINGS.items():
        if verdict[name]:
            some = ", ".join(verdict[name][:MOST_TOLD])
            told.append(f"{what} ({len(verdict[name])}): {some}")
    if counts["sessions"] != asked:
        told.append(f"{asked} users wanted to buy at Stripe, and there are {counts['sessions']} sessions")
    if orders != counts["paid"]:
        told.append(f"{counts['paid']} sessions are paid, and {orders} orders were made of them")
    heard = counts["heard"]
    if counts["paid"] and not heard:
        told.append("nobody listens to billing events")
    amounts = {name: len(verdict[name]) for name in FINDINGS}
    report = SalesReport(
        asked=asked,
        sessions=counts["sessions"],
        paid=counts["paid"],
        once=sum(row["paid"] and row["mode"] == "payment" for row in ledger["sessions"]),
        bills=counts["bills"],
        orders=orders,
        subscriptions=counts["subscriptions"],
        refunds=counts["refunds"],
        disputes=counts["disputes"],
        listeners=len(heard),
        events=min(heard.values(), default=0),
        repeats=sum(counts["repeats"].values()),
        missing=sum(amounts[name] for name in MISSING),
        double=sum(amounts[name] for name in DOUBLE),
        unexplained=sum(amounts[name] for name in FINDINGS if name not in (*MISSING, *DOUBLE)),
        agrees=not differences,
    )
    return report, told
