"""How far a demo is, as figures: what a look at the simulators and at our runs tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onpaid.cli.demo.options import Options

Ledger = Mapping[str, Any]


@dataclass(slots=True)
class Now:
    """How far it is. `runs` counts the stories' runs by state, `faults` what was injected so far.

    Of the `carts`, `refused` were not sold and `bought` are paid; a parcel is `due` for those with goods. Of the `sales`
    at Stripe, `opened` have a page to pay at and `sold` are paid; `subscribed` of these are subscriptions. `heard` counts
    the billing events that the slowest listener got. `doing` is what the operator does at the end.
    """

    orders: int = 0
    placed: int = 0
    paid: int = 0
    expected: int = 0
    invoiced: int = 0
    invoices_due: int = 0
    mailed: int = 0
    carts: int = 0
    refused: int = 0
    bought: int = 0
    due: int = 0
    shipped: int = 0
    confirmed: int = 0
    told_shipped: int = 0
    sales: int = 0
    opened: int = 0
    sold: int = 0
    subscribed: int = 0
    heard: int = 0
    runs: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    settled: int = 0
    seconds: float = 0.0
    doing: str = ""

    @classmethod
    def of(cls, options: Options) -> Now:
        """How far a demo is that has not begun."""
        return cls(
            orders=options.shop_orders,
            invoices_due=options.shop_orders,
            carts=options.carts,
            sales=options.sold,
        )

    @property
    def figures(self) -> tuple[int, ...]:
        """What changes as long as anything comes of the day."""
        return (
            *(self.invoiced, self.mailed, self.confirmed, self.shipped, self.told_shipped),
            *(self.opened, self.sold, self.subscribed, self.heard),
        )


def now_of(options: Options, ledger: Ledger, told: Ledger, runs: dict[str, int]) -> Now:
    """How far it is, by the simulators' ledger and their tale of the day."""
    counts, shipping, sales = ledger["counts"], ledger["delivery"]["verdict"], ledger["sales"]
    paid = [row for row in sales["sessions"] if row["paid"]]
    once = sum(row["mode"] == "payment" for row in paid)
    return Now(
        orders=options.shop_orders,
        placed=told.get("placed", 0),
        paid=told.get("paid", 0),
        expected=told.get("expected", 0),
        invoiced=counts["invoices"],
        invoices_due=max(told.get("expected", 0), options.shop_orders) + once + sales["counts"]["bills"],
        mailed=counts["mails"],
        carts=options.carts,
        refused=told.get("refused", 0),
        bought=told.get("checkouts_paid", 0),
        due=shipping["due"],
        shipped=shipping["shipped"],
        confirmed=shipping["confirmed"],
        told_shipped=shipping["told_shipped"],
        sales=options.sold,
        opened=told.get("sessions_opened", 0),
        sold=told.get("sessions_paid", 0),
        subscribed=len(paid) - once,
        heard=min(sales["counts"]["heard"].values(), default=0),
        runs=runs,
        faults=ledger["faults_injected"],
    )
