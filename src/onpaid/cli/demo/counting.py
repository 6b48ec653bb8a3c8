"""Which runs the demo's day is about, and how many of them there are.

A flow is named here if its runs have to come to their end before the day is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from onpaid.engine.journal import RUNS
from onpaid.store.port import Store

STATES: Final = ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done")
"""The states that are shown, in the order of a run's life."""
SHOP_TELLS: Final = ("invoice_payment", "file_contact")
CHECKOUT_TELLS: Final = ("open_checkout", "ship_paid_order", "book_shipment", "send_message", "note_refund")
SALES_TELLS: Final = (
    "open_session",
    "file_customer",
    "file_price",
    "archive_price",
    "keep_session",
    "keep_renewal",
    "follow_subscription",
    "publish_billing_event",
    "deliver_billing_event",
    "replay_billing_events",
)
TELLS: Final = (
    *SHOP_TELLS,
    *CHECKOUT_TELLS,
    *SALES_TELLS,
    "file_ticket",
    "report_problem",
    "open_issue",
    "report_payment_change",
)
"""The flows that have to come to their end."""
SHOWN: Final = ("invoice_payment", "ship_paid_order", "keep_session")
WATCHES: Final = "expire_order"
"""Waits whether somebody pays its order. All are paid, so it ends at once, or a wake-up was lost."""
MOVING: Final = ("ready", "running", "sleeping")
FOR_A_PERSON: Final = ("doubtful", "failed")
MOST = 1_000_000

Counted = Counter[tuple[str, str]]
"""How many runs there are, by flow and state."""
Count = Callable[[Store], Awaitable[Counted]]


async def by_index(store: Store) -> Counted:
    """Count what the day looks at, one index value after the other: quick where an index is near."""
    counted: Counted = Counter()
    for flow in (*TELLS, WATCHES):
        for state in STATES:
            counted[flow, state] = await store.count(RUNS.name, "flow-state", f"{flow}:{state}", at_most=MOST)
    return counted


def by_state(counted: Counted) -> dict[str, int]:
    """How many runs of the flows that have to end are in each state."""
    return {state: sum(counted[flow, state] for flow in TELLS) for state in STATES}
