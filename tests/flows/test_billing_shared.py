"""Two processes tell billing events on one shared store: numbers without gap or double, in order, as of one process."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from onpaid.domain.billing import BillingNews
from onpaid.engine.journal import RUNS
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.repositories.subscriber_records import SUBSCRIBERS
from onpaid.store.memory import MemoryStore
from tests.flows.billing_scenes import FLOWS, KEPT, LANES, Outside, details, guests, news, sequences, told

CUSTOMERS, EVENTS = 3, 30


class Slowly(MemoryStore):
    """A store whose every answer takes a moment, so that others come in between."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._turn = seed

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("get", "get_many", "commit", "query"):
            return found

        async def slowly(*args: Any, **more: Any) -> Any:
            self._turn = (self._turn * 1_103_515_245 + 12_345) % 2**31
            await asyncio.sleep(self._turn % 7 / 1000)
            answer: Awaitable[Any] = found(*args, **more)
            return await answer

        return slowly


def happened(nth: int) -> BillingNews:
    """A payment, or what became of an earlier one: a refund names no customer."""
    if nth % 5 == 4:
        return news(
            "payment.refunded", f"pi_{nth - 1}", mark="re_1", customer_id=f"cus_{(nth - 1) % CUSTOMERS}"
        )
    return news(subject=f"pi_{nth}", customer_id=f"cus_{nth % CUSTOMERS}")


@pytest.mark.parametrize("seed", range(12))
def test_two_processes_leave_no_gap_and_no_double(seed: int) -> None:
    async def main() -> tuple[Outside, list[str]]:
        store, clock, outside = Slowly(seed), VirtualClock(), Outside()
        await store.commit([SUBSCRIBERS.insert(KEPT)])
        processes = [
            Process(
                store,
                FLOWS,
                guests(outside, store, clock),
                clock,
                name=name,
                lanes=LANES,
                seed=seed,
                sole=False,
            )
            for name in ("one", "other")
        ]
        for each in processes:
            await each.engine.open()
        facts = [happened(nth) for nth in range(EVENTS)]
        # Both hear of everything: the webhook here, its repeat or the nightly run there.
        await asyncio.gather(
            *(
                process.engine.recorder.record(facts=[fact])
                for nth, fact in enumerate(facts)
                for process in (processes if nth % 3 else reversed(processes))
            )
        )
        await asyncio.gather(*(each.live(at_most=timedelta(hours=3)) for each in processes))
        runs = await RUNS.query(store, "state", "done", limit=1000)
        return outside, [run.id for run in runs.items]

    outside, done = run_virtually(main)
    by_customer = Counter(event.customer for event in outside.published if event.id)
    assert set(by_customer) == {f"cus_{nth}" for nth in range(CUSTOMERS)}
    numbers = sequences(outside)
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1)), "in order, without gap or double"
    assert sum(map(len, numbers.values())) == EVENTS
    assert len(outside.delivered()) == EVENTS
    assert len([run for run in done if run.startswith("publish_billing_event:")]) == EVENTS


@pytest.mark.parametrize("seed", range(12))
def test_two_processes_that_follow_one_subscription_tell_its_changes_once(seed: int) -> None:
    async def main() -> Outside:
        store, clock = Slowly(seed), VirtualClock()
        outside = Outside(
            subscriptions=[
                details("incomplete"),
                details("active"),
                details("canceled", ended_at=1, canceled_at=1),
            ]
        )
        processes = [
            Process(
                store,
                FLOWS,
                guests(outside, store, clock),
                clock,
                name=name,
                lanes=LANES,
                seed=seed,
                sole=False,
            )
            for name in ("one", "other")
        ]
        for each in processes:
            await each.engine.open()
        await asyncio.gather(
            *(
                processes[nth % 2].engine.recorder.record(facts=[told("updated", event=f"evt_{nth}")])
                for nth in range(8)
            )
        )
        await asyncio.gather(*(each.live(at_most=timedelta(hours=3)) for each in processes))
        # Whoever read before the end noted what was then: the end has an event of its own, which comes after it.
        await processes[seed % 2].engine.recorder.record(facts=[told("deleted", event="evt_end")])
        await asyncio.gather(*(each.live(at_most=timedelta(hours=3)) for each in processes))
        return outside

    outside = run_virtually(main)
    (numbers,) = sequences(outside).values()
    assert numbers == list(range(1, len(numbers) + 1))
    types = [event.news.type for event in {event.id: event for event in outside.published}.values()]
    assert types.count("subscription.created") <= 1
    assert types[-1] == "subscription.canceled", "and nothing after its end"
    assert types.count("subscription.canceled") == 1
