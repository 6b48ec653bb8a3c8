"""How the service stops: what is under way stays in doubt, the rest is handed back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from onpaid.acts import Finding, act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import RUNS, Run
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.errors import StoreUnavailable, StoreUnknown
from onpaid.store.port import Write
from tests.engine.meddling import Meddling, open_tickets, process, the_run, written
from tests.engine.service import Client, Paid, Service, Thing, by_find, by_once


@pytest.mark.parametrize("fate", ["lost request", "lost reply"])
def test_an_act_that_is_cancelled_under_way_stays_in_doubt_for_its_quiet_period(fate: str) -> None:
    service = Service(["well", fate])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, service, by_find, clock=clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        now = clock.now()
        await one.kill()
        run = await the_run(store, "by_find:p1")
        step = run.step("make")
        assert step is not None
        assert (run.state, step.state, run.reason) == (
            "sleeping",
            "doubtful",
            "handed back: the service is stopping",
        )
        assert run.due_at == step.quiet_until
        assert now + 25_000 <= step.quiet_until <= now + 35_000, "what is left of the call, settling, margin"
        attempt = step.attempts[-1]
        assert (attempt.outcome, attempt.note) == ("doubtful", "cancelled while under way")
        two = process(store, service, by_find, clock=clock, name="two")
        await two.live()
        assert len(service.things) == 1
        assert (await the_run(store, "by_find:p1")).state == "done"

    run_virtually(main)


def test_a_read_that_is_cancelled_under_way_is_handed_back_at_once() -> None:
    class Slow(Client):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> int:
            await asyncio.sleep(10)
            return paid.amount

    async def main() -> None:
        store, service, clock = MemoryStore(), Service(), VirtualClock()
        one = process(store, service, by_find, clock=clock, guests={"client": Slow(service)})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        await one.kill()
        run = await the_run(store, "by_find:p1")
        assert (run.state, run.due_at) == ("ready", clock.now())
        assert [step.state for step in run.steps] == ["failed"]
        await process(store, service, by_find, clock=clock, name="two").live()
        assert (await the_run(store, "by_find:p1")).state == "done"

    run_virtually(main)


def test_a_look_that_is_cancelled_is_handed_back_at_once() -> None:
    """The quiet period is over: whoever comes next may look."""

    class Slow(Client):
        @act(repeatable=True)
        async def find(self, paid: Paid) -> Finding[Thing]:
            await asyncio.sleep(10)
            return await Client.find(self, paid)

    async def main() -> None:
        store, service, clock = MemoryStore(), Service(["well", "lost reply"]), VirtualClock()
        one = process(store, service, by_find, clock=clock, guests={"client": Slow(service)})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(40)
        await one.kill()
        run = await the_run(store, "by_find:p1")
        assert (run.state, run.due_at, run.steps[1].state) == ("ready", clock.now(), "doubtful")

    run_virtually(main)


def test_a_store_that_is_gone_does_not_keep_the_service_from_stopping() -> None:
    service = Service(["lost request"])

    async def main() -> None:
        store = Meddling()
        one = process(store, service, by_once)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)

        async def gone(_run: Run | None, _writes: Sequence[Write]) -> None:
            raise StoreUnknown("the disk is gone")

        store.meddle = gone
        await one.kill()
        assert (await the_run(store, "by_once:p1")).state == "running", "the lease's end brings it back"

    run_virtually(main)


def test_a_service_that_is_stopping_begins_no_act() -> None:
    async def main() -> None:
        store, service, clock = MemoryStore(), Service(), VirtualClock()
        one = process(store, service, by_once, clock=clock)
        one.engine.workshop.stopping = True
        await store.commit([RUNS.insert(one.engine.recorder.new_run(by_once, Paid("p1")))])
        await one.engine.advance("by_once:p1")
        run = await the_run(store, "by_once:p1")
        assert (run.state, run.due_at, run.reason) == (
            "ready",
            clock.now(),
            "handed back: the service is stopping",
        )
        assert service.calls == []
        await one.kill()

    run_virtually(main)


def test_a_store_that_fails_under_a_flow_is_no_fault_of_the_run() -> None:
    """A guest that reads the store cannot: the run is let go, and goes on when the store does."""

    class Shelf:
        broken = True

        async def look(self) -> object:
            from onpaid.store.local import Done

            if self.broken:
                raise StoreUnavailable("locked")
            return Done("read")

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reader(ctx: Context, paid: Paid, *, shelf: Any) -> str:
        return await ctx.wait_for("book", shelf.look)

    async def main() -> None:
        store, shelf = MemoryStore(), Shelf()
        one = process(store, Service(), reader, guests={"shelf": shelf})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        run = await the_run(store, "reader:p1")
        assert run.state == "ready"
        assert await open_tickets(store) == []
        shelf.broken = False
        await one.live()
        assert (await the_run(store, "reader:p1")).state == "done"

    run_virtually(main)


def test_a_written_run_is_seen_by_meddling() -> None:
    """The control of this file: what the tests above wait for comes by."""
    seen: list[str] = []

    async def main() -> None:
        store = Meddling()

        async def look(run: Run | None, writes: Sequence[Write]) -> None:
            assert written(writes) == run
            seen.append("-" if run is None else run.state)

        store.meddle = look
        one = process(store, Service(), by_once)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()

    run_virtually(main)
    assert seen[0] == "ready"
    assert seen[-1] == "done"
