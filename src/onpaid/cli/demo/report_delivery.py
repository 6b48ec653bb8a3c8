"""What a demo comes to at our own checkout: carts, parcels, messages, stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from onpaid.app.proof_delivery import OUT, Row
from onpaid.simulators.ledger_delivery import FINDINGS

MOST_TOLD: Final = 20
MISSING: Final = ("missing", "unsent")
UNDELIVERABLE: Final = "undeliverable"
DOUBLE: Final = ("double", "told_twice", "double_checkouts", "double_issues")


class DeliveryReport(msgspec.Struct, frozen=True):
    """All figures are the simulators', but for `unreachable`, `oversold` and `stock_agrees`.

    Of `carts`, `refused` were not sold for want of stock, the others are `checkouts`. `paid` leaves out what was given
    back; `due` is what of it needs a parcel. `missing` counts parcels and messages that are owed, `double` parcels,
    messages, checkouts and issues that exist once too often, `unexplained` whatever else should not be there.
    `unreachable` counts messages to numbers that are not on WhatsApp, which is final; `unheard` those of them of which
    nobody told us, since the one webhook that says so was lost. `oversold` is what the demo's
    operator decided about orders that were paid when the goods were gone; `stock_agrees` says that what is left is what
    there was, less what was sold. `issues` are open at the tracker.
    """

    messenger: str
    carts: int
    checkouts: int
    refused: int
    paid: int
    due: int
    shipped: int
    confirmed: int
    told_shipped: int
    unreachable: int
    unheard: int
    missing: int
    double: int
    unexplained: int
    oversold: dict[str, int]
    stock_agrees: bool
    sold: int
    issues: int


def with_lost_reports(ours: Sequence[Row], ledger: Mapping[str, Any]) -> tuple[list[Row], int]:
    """Our rows as they were if each message that failed had been told of, and how many were not.

    Only a status tells that a number is not on WhatsApp, and where webhooks are lost so is that.
    """
    failed = {
        (str(each["params"].get("orderNumber", "")), each["template"])
        for each in ledger["messages"]
        if each["status"] == "failed"
    }
    rows, unheard = [], 0
    for row in ours:
        lost = {
            name: UNDELIVERABLE
            for name, state in row.told.items()
            if state in OUT and (row.number, name) in failed
        }
        unheard += len(lost)
        rows.append(msgspec.structs.replace(row, told=row.told | lost) if lost else row)
    return rows, unheard


def judge_delivery(
    ledger: Mapping[str, Any],
    *,
    carts: int,
    refused: int,
    messenger: str,
    decided: dict[str, int],
    stock: Sequence[str],
    unreachable: int = 0,
    unheard: int = 0,
) -> tuple[DeliveryReport, list[str]]:
    """The report, from the ledger's part about deliveries, and every reason to fail."""
    verdict, counts = ledger["verdict"], ledger["counts"]
    told = []
    for name, what in FINDINGS.items():
        if verdict[name]:
            some = ", ".join(verdict[name][:MOST_TOLD])
            told.append(f"{what} ({len(verdict[name])}): {some}")
    if counts["checkouts"] + refused != carts:
        told.append(f"of {carts} carts {counts['checkouts']} became checkouts and {refused} were refused")
    if counts["paid"] != counts["checkouts"]:
        told.append(f"only {counts['paid']} of {counts['checkouts']} checkouts were paid")
    if verdict["shipped"] != verdict["due"]:
        told.append(f"{verdict['shipped']} orders are shipped, and {verdict['due']} are due")
    amounts = {name: len(verdict[name]) for name in FINDINGS}
    report = DeliveryReport(
        messenger=messenger,
        carts=carts,
        checkouts=counts["checkouts"],
        refused=refused,
        paid=verdict["paid"],
        due=verdict["due"],
        shipped=verdict["shipped"],
        confirmed=verdict["confirmed"],
        told_shipped=verdict["told_shipped"],
        unreachable=unreachable,
        unheard=unheard,
        missing=sum(amounts[name] for name in MISSING),
        double=sum(amounts[name] for name in DOUBLE),
        unexplained=sum(amounts[name] for name in FINDINGS if name not in (*MISSING, *DOUBLE)),
        oversold=decided,
        stock_agrees=not stock,
        sold=sum(verdict["sold"].values()),
        issues=sum(verdict["open_issues"].values()),
    )
    return report, told
