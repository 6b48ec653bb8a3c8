"""Billing events page by page: whatever is sifted out, every page goes on where the last one ended, in a few reads."""

from __future__ import annotations

from typing import Any

import pytest

from onpaid.domain.billing import BillingEvent, BillingType
from onpaid.engine.testing import START, run_virtually
from onpaid.repositories.billing_pages import Wanted, billing_page
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Page
from tests.flows.billing_scenes import news

MANY = 330


class Counting(MemoryStore):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def query(self, *args: Any, **more: Any) -> Page:
        self.asked += 1
        return await super().query(*args, **more)


async def filled() -> Counting:
    """Every tenth event is a refund, every eleventh one is not out yet; three customers."""
    store = Counting()
    for n in range(MANY):
        kind: BillingType = "payment.successful" if n % 10 else "payment.refunded"
        told = news(kind, f"pi_{n}", customer_id=f"cus_{n % 3}")
        out = START + n if n % 11 else 0
        await store.commit([BILLING_EVENTS.insert(BillingEvent(told.id, told, START + n, n + 1, out))])
    store.asked = 0
    return store


@pytest.mark.parametrize("limit", [1, 7, 50])
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(type="payment.refunded", state="published"),
        Wanted(
            type="payment.refunded", state="published", since=START + 40, until=START + 290, oldest_first=True
        ),
        Wanted(customer="cus_1", since=START + 100),
        Wanted(customer="cus_1", type="payment.refunded"),
        Wanted(state="unpublished"),
    ],
    ids=str,
)
def test_pages_follow_each_other_without_gap_or_double(wanted: Wanted, limit: int) -> None:
    async def main() -> tuple[list[BillingEvent], list[BillingEvent], int]:
        store, found, cursor = await filled(), [], None
        while True:
            page = await billing_page(store, wanted, after=cursor, limit=limit)
            assert len(page.items) <= limit
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        asked = store.asked
        every = (await BILLING_EVENTS.query(store, "all", "", limit=MANY, newest_first=False)).items
        return found, every, asked

    found, every, asked = run_virtually(main)
    expected = [event for event in every if wanted.fits(event)]
    assert found == (expected if wanted.oldest_first else expected[::-1])
    assert asked <= 3 * (len(found) // limit + 1) + 3
