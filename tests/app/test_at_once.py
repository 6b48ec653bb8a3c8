"""A hundred deliveries of one event make one run, one invoice, one mail."""

from __future__ import annotations

import asyncio
from pathlib import Path

from onpaid.store.sqlite import SqliteStore
from tests.app.at_once import ONE_OF_EACH, at_once, effects, over_days
from tests.app.counter import AUDIO, BOOK, Counter, at_the_counter


def test_a_hundred_at_once_in_memory() -> None:
    async def story(counter: Counter) -> None:
        told = await at_once(counter, 100)
        assert told.pop("receipts") == {"routed": 1, "duplicate": 99}
        assert told == ONE_OF_EACH

    at_the_counter(story)


async def test_a_hundred_at_once_in_sqlite(tmp_path: Path) -> None:
    """What the store keeps, before anything is worked on."""
    store = await SqliteStore.open(tmp_path / "once.db")
    counter = Counter(store=store, alive=False)
    counter.exists("pi_1", 19_900, "1001")
    told = await asyncio.gather(*(counter.told_paid("1001", 19_900) for _ in range(100)))
    orders = await asyncio.gather(*(counter.told_order("1001", webhook=f"w{nth % 3}") for nth in range(99)))
    assert sorted(receipt.verdict for receipt in told) == ["duplicate"] * 99 + ["routed"]
    assert sorted(receipt.verdict for receipt in orders) == ["duplicate"] * 96 + ["routed"] * 3
    assert len(await counter.runs("invoice_payment")) == 1
    assert len(await counter.runs("expire_order")) == 1
    (order,) = (await counter.guests["orders"].newest()).items
    assert len(order.revisions) == 1
    await store.close()


async def test_the_same_file_written_by_two_services_keeps_one(tmp_path: Path) -> None:
    """Two stores on one file, as two processes have them."""
    stores = [await SqliteStore.open(tmp_path / "twice.db") for _ in range(2)]
    counters = [Counter(store=store, alive=False) for store in stores]
    told = await asyncio.gather(*(counters[nth % 2].told_paid("1001", 19_900) for nth in range(60)))
    assert sorted(receipt.verdict for receipt in told) == ["duplicate"] * 59 + ["routed"]
    assert len(await counters[0].runs("invoice_payment")) == 1
    for store in stores:
        await store.close()


def test_again_and_again_for_more_than_a_year() -> None:
    async def story(counter: Counter) -> None:
        assert await over_days(counter, 100, 400) == ONE_OF_EACH

    at_the_counter(story)


def test_revisions_and_payments_at_once_lose_nothing() -> None:
    async def story(counter: Counter) -> None:
        counter.exists("pi_1", 29_900, "1001")
        await asyncio.gather(
            *(counter.told_order("1001", BOOK, AUDIO, webhook=f"a{nth}") for nth in range(10)),
            *(
                counter.told_order("1001", BOOK, AUDIO, (str(nth), "1", "0.00"), webhook=f"b{nth}")
                for nth in range(10)
            ),
            *(counter.told_paid("1001", 29_900, event=f"evt_{nth}") for nth in range(10)),
        )
        told = await effects(counter)
        assert (told["runs"], told["invoices"], told["mails"], told["orders"]) == (1, 1, 1, 1)
        assert len(await counter.events()) == 30
        (order,) = (await counter.guests["orders"].newest()).items
        assert len(order.revisions) == 11

    at_the_counter(story)
