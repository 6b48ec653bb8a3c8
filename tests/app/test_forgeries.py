"""Forged webhooks: thousands of them are one ticket a day, a dozen writes, and no delay for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from onpaid.app.forgeries import Forgeries
from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flows
from onpaid.engine.journal import TICKETS, Ticket
from onpaid.engine.recorder import Recorder
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.errors import StoreUnavailable
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Write

DAY = timedelta(days=1)


class Slow:
    """A store that takes a second for each commit, and counts them; it can be out of order."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.commits = 0
        self.broken: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    async def commit(self, writes: Sequence[Write]) -> None:
        await asyncio.sleep(1)
        if self.broken is not None:
            raise self.broken
        self.commits += 1
        await self.memory.commit(writes)


class House:
    """A store, a clock, and what counts the forgeries."""

    def __init__(self) -> None:
        self.store = Slow()
        self.clock = VirtualClock()
        self.forgeries = self.process()

    def process(self) -> Forgeries:
        return Forgeries(Recorder(self.store, Flows((), {}), self.clock, Silence()), self.clock)

    async def note(self, times: int, source: str = "stripe") -> None:
        began = self.clock.monotonic()
        for _ in range(times):
            await self.forgeries.note(source)
        assert self.clock.monotonic() == began, "a refusal waited"

    async def tickets(self) -> list[Ticket]:
        return (await TICKETS.query(self.store.memory, "state", "open", newest_first=False)).items


def test_thousands_of_forged_webhooks_are_one_ticket_and_a_dozen_writes() -> None:
    async def main() -> None:
        house = House()
        for _ in range(5000):
            await house.note(1)
            await asyncio.sleep(0.3)
        await house.forgeries.close()
        (ticket,) = await house.tickets()
        assert (ticket.category, ticket.severity) == ("payment", "medium")
        assert ticket.title.startswith("Webhook signature invalid")
        assert ticket.facts == {"source": "stripe", "day": "2026-01-01", "requests": "4096"}
        assert house.store.commits <= 13

    run_virtually(main)


def test_a_burst_is_told_of_once_it_is_over() -> None:
    async def main() -> None:
        house = House()
        await house.note(1)
        await asyncio.sleep(0.5)  # the first is being written
        await house.note(999)
        await house.forgeries.close()
        (ticket,) = await house.tickets()
        assert ticket.facts["requests"] == "1000"
        assert house.store.commits == 2

    run_virtually(main)


def test_each_source_and_each_day_has_its_ticket() -> None:
    async def main() -> None:
        house = House()
        await house.note(3)
        await house.note(1, "razorpay")
        await house.forgeries.close()
        house.clock.step(DAY)
        await house.note(2)
        await house.forgeries.close()
        told = sorted(
            (each.facts["source"], each.facts["day"][-2:], each.facts["requests"])
            for each in await house.tickets()
        )
        assert told == [("razorpay", "01", "1"), ("stripe", "01", "3"), ("stripe", "02", "2")]

    run_virtually(main)


def test_a_new_process_counts_on() -> None:
    async def main() -> None:
        house = House()
        await house.note(8)
        await house.forgeries.close()
        house.forgeries = house.process()
        await house.note(2)
        await house.forgeries.close()
        (ticket,) = await house.tickets()
        assert ticket.facts["requests"] == "10"

    run_virtually(main)


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is full"), ZeroDivisionError("a fault")])
def test_a_store_that_is_out_of_order_is_nobodys_trouble(error: Exception) -> None:
    async def main() -> None:
        house = House()
        house.store.broken = error
        await house.note(3)
        await house.forgeries.close()
        assert not await house.tickets()
        house.store.broken = None
        await house.note(1)
        await house.forgeries.close()
        (ticket,) = await house.tickets()
        assert ticket.facts["requests"] == "4"

    run_virtually(main)


def test_a_day_that_ends_while_it_is_written_is_no_trouble() -> None:
    async def main() -> None:
        house = House()
        await house.note(1)
        await asyncio.sleep(0.5)
        house.clock.step(DAY)
        await house.note(5, "razorpay")
        await house.note(1)
        await house.forgeries.close()
        assert {(each.facts["source"], each.facts["day"][-2:]) for each in await house.tickets()} == {
            ("stripe", "01"),
            ("razorpay", "02"),
            ("stripe", "02"),
        }

    run_virtually(main)


def test_names_without_end_fill_no_memory() -> None:
    async def main() -> None:
        house = House()
        for number in range(1000):
            await house.note(1, f"source-{number}")
        await house.forgeries.close()
        assert len(await house.tickets()) <= 200

    run_virtually(main)
