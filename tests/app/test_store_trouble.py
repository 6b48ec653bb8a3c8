"""A store that is full, or gives no answer: nothing is acknowledged that is not kept, and all goes on afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onpaid.errors import StoreUnavailable, StoreUnknown
from onpaid.store.memory import MemoryStore
from tests.app.counter import Counter, at_the_counter
from tests.app.stores import MoodyStore


def test_a_full_store_acknowledges_nothing_and_keeps_nothing() -> None:
    store = MoodyStore(MemoryStore())

    async def story(counter: Counter) -> None:
        store.mood = "full"
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await counter.told_paid("1001", 19_900)
            with pytest.raises(StoreUnavailable):
                await counter.told_order("1001")
        store.mood = "well"
        assert not await counter.events()
        assert (await counter.told_paid("1001", 19_900)).verdict == "routed"
        assert (await counter.told_order("1001")).verdict == "routed"
        await counter.rest()
        assert len(counter.world.invoices) == counter.world.mails == 1

    at_the_counter(story, store=store)


@pytest.mark.parametrize("mood", ["unknown, written", "unknown, not written"])
def test_rule_20_an_event_whose_commit_is_unknown_is_sent_again_and_kept_once(mood: str) -> None:
    store = MoodyStore(MemoryStore())

    async def story(counter: Counter) -> None:
        await counter.told_order("1001")
        store.moods = [mood]  # type: ignore[list-item]
        with pytest.raises(StoreUnknown):
            await counter.told_paid("1001", 19_900)
        again = await counter.told_paid("1001", 19_900)
        assert again.verdict == ("duplicate" if mood == "unknown, written" else "routed")
        await counter.rest()
        assert len(await counter.runs("invoice_payment")) == 1
        assert len(counter.world.invoices) == counter.world.mails == 1

    at_the_counter(story, store=store)


@pytest.mark.parametrize("mood", ["full", "unknown, written", "unknown, not written"])
@pytest.mark.parametrize("nth", range(1, 30))
def test_rule_20_trouble_at_the_nth_commit_doubles_and_loses_nothing(nth: int, mood: str) -> None:
    store = MoodyStore(MemoryStore())

    async def story(counter: Counter) -> None:
        store.moods = ["well"] * nth + [mood]  # type: ignore[list-item]
        for _ in range(3):
            try:
                await counter.told_order("1001")
                await counter.told_paid("1001", 19_900)
            except (StoreUnavailable, StoreUnknown):
                continue
            break
        await counter.rest()
        assert (len(counter.world.contacts), len(counter.world.invoices)) == (1, 1)
        assert counter.world.mails <= 1
        (run,) = await counter.runs("invoice_payment")
        assert run.state == ("done" if counter.world.mails else "doubtful")

    at_the_counter(story, store=store)


def test_a_store_that_is_full_for_an_hour_while_runs_are_under_way_loses_nothing() -> None:
    store = MoodyStore(MemoryStore())

    async def story(counter: Counter) -> None:
        for nth in range(10):
            await counter.told_order(f"10{nth}")
            await counter.told_paid(f"10{nth}", 19_900, f"pi_{nth}", f"evt_{nth}")
        await counter.wait(timedelta(seconds=1.3))
        store.mood = "full"
        await counter.wait(timedelta(hours=1))
        assert store.refused > 0
        store.mood = "well"
        await counter.rest()
        world = counter.world
        assert (len(world.contacts), len(world.invoices)) == (1, 10)
        doubts = [ticket for ticket in await counter.tickets() if ticket.category == "doubt"]
        assert world.mails + len(doubts) == 10
        assert all(len(invoice.mails) <= 1 for invoice in world.invoices)

    at_the_counter(story, store=store)
