"""How a worker lets go of a run: when the store does not answer, when another has the run, when the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from onpaid.acts import LaneLimit, act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import Run
from onpaid.engine.pace import Pace
from onpaid.engine.testing import MemoryStore, run_virtually
from onpaid.errors import StoreUnavailable, StoreUnknown
from onpaid.store.port import Delete, Write
from tests.engine.meddling import Meddling, change, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, Thing, by_find


def answered(run: Run) -> bool:
    """Whether the run to be written holds the answer of its act."""
    return any(step.name == "make" and step.state == "done" for step in run.steps)


# -- the store does not answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("happened", [True, False])
def test_a_commit_of_which_nothing_is_known_ends_the_hold_and_is_read_again(happened: bool) -> None:
    service = Service()

    async def main() -> None:
        store = Meddling()
        one = process(store, service, by_find)
        told: list[int] = []

        async def meddle(run: Run | None, writes: Sequence[Write]) -> None:
            if run is not None and answered(run) and not told:
                told.append(run.lease_number)
                if happened:
                    await MemoryStore.commit(store, writes)
                raise StoreUnknown("the disk says nothing")

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        held = await the_run(store, "by_find:p1")
        assert (held.state, held.lease_number) == ("running", 1), "nothing more is written under that lease"
        await one.live()
        run = await the_run(store, "by_find:p1")
        assert run.state == "done"
        assert run.lease_number > 1
        assert service.calls.count("make") == 1
        assert len(service.things) == 1

    run_virtually(main)


def test_an_answer_is_kept_while_the_store_takes_nothing() -> None:
    service = Service()
    tries: list[float] = []

    async def main() -> None:
        store = Meddling()
        one = process(store, service, by_find)

        async def meddle(run: Run | None, _writes: Sequence[Write]) -> None:
            if run is not None and answered(run) and len(tries) < 30:
                tries.append(asyncio.get_running_loop().time())
                raise StoreUnavailable("the disk is full")

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        run = await the_run(store, "by_find:p1")
        assert (run.state, run.lease_number) == ("done", 1)
        assert service.calls == ["read", "make"]

    run_virtually(main)
    waits = [round(after - before, 3) for before, after in pairwise(tries)]
    assert waits[:4] == [0.05, 0.1, 0.15, 0.2], "a little longer each time"
    assert waits[-5:] == [1.0] * 5, "and never more than a second"


@pytest.mark.parametrize(("lease", "given_up_after"), [(120, 121.5), (7200, 191)])
def test_an_answer_is_given_up_with_the_lease_or_after_two_hundred_tries(
    lease: int, given_up_after: float
) -> None:
    service = Service()
    tries: list[float] = []

    async def main() -> None:
        store = Meddling()
        one = process(store, service, by_find, pace=Pace(lease=timedelta(seconds=lease)))

        async def meddle(run: Run | None, _writes: Sequence[Write]) -> None:
            if run is not None and run.lease_number == 1 and answered(run):
                tries.append(asyncio.get_running_loop().time())
                raise StoreUnavailable("the disk is full")

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        run = await the_run(store, "by_find:p1")
        assert (run.state, run.lease_number > 1) == ("done", True)
        assert service.calls.count("make") == 1, "it was found again"

    run_virtually(main)
    assert tries[-1] == pytest.approx(given_up_after, abs=1.2)
    assert len(tries) <= 201


def test_what_another_made_of_the_run_is_left_alone() -> None:
    """Deleted, cancelled, done: whatever stands there is not overwritten by who held the run before."""

    async def main(how: Any) -> None:
        store, service = Meddling(), Service()
        one = process(store, service, by_find, ringing=False)
        found: list[object] = []

        async def act() -> None:
            await how(store)
            found.append(await store.get("run", "by_find:p1"))

        store.once(answered, act)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.engine.advance("by_find:p1")
        assert await store.get("run", "by_find:p1") == found[0]
        assert await open_tickets(store) == []

    async def delete(store: Meddling) -> None:
        await store.commit([Delete("run", "by_find:p1")])

    def ended(state: Any) -> Any:
        return lambda store: change(store, "by_find:p1", lambda run: setattr(run, "state", state))

    async def taken(store: Meddling) -> None:
        await change(store, "by_find:p1", lambda run: setattr(run, "lease_number", 7))

    for how in (delete, ended("cancelled"), ended("done"), taken):
        run_virtually(lambda how=how: main(how))


# -- before a wait -----------------------------------------------------------------------------------------------


def test_what_is_known_is_written_before_a_wait_for_the_rate() -> None:
    class Slow(Client):
        @act(lane="slow", settles=timedelta(seconds=1))
        async def make(self, paid: Paid) -> Thing:
            return await self._act("make", paid.id)

    async def main() -> None:
        store, service = MemoryStore(), Service()
        lanes = [LaneLimit("slow", at_once=9, per_second=0.1)]
        one = process(store, service, by_find, guests={"client": Slow(service)}, lanes=lanes)
        await one.engine.recorder.record(facts=[Paid("p1"), Paid("p2")])
        await asyncio.sleep(5)
        steps = [[s.state for s in (await the_run(store, f"by_find:{p}")).steps] for p in ("p1", "p2")]
        assert sorted(steps) == [["done", "done"], ["done", "failed"]], (
            "the second waits, its first step written"
        )
        await one.live()
        assert len(service.things) == 2

    run_virtually(main)


def test_what_is_written_is_not_written_again() -> None:
    """Two acts with a wait between them: the first one's result and claim are one commit, the wait makes none."""

    class Slow(Client):
        @act(lane="slow", settles=timedelta(seconds=1), claim=lambda thing: f"service:{thing.id}")
        async def make(self, paid: Paid) -> Thing:
            return await self._act("make", paid.id)

    @flow(on=Paid, key=lambda paid: paid.id)
    async def twice(ctx: Context, paid: Paid, *, client: Client) -> None:
        await ctx.step("one", client.make, paid, find=client.find)
        await ctx.step("two", client.make, paid, find=client.find)

    async def main() -> None:
        store, service = Meddling(), Service()
        seen: list[list[str]] = []

        async def look(run: Run | None, _writes: Sequence[Write]) -> None:
            seen.append([] if run is None else [run.state, *(step.state for step in run.steps)])

        store.meddle = look
        lanes = [LaneLimit("slow", at_once=9, per_second=0.1)]
        one = process(store, service, twice, guests={"client": Slow(service)}, lanes=lanes)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert seen == [
            ["ready"],
            ["running"],
            ["running", "begun"],
            ["running", "done"],
            ["running", "done", "begun"],
            ["running", "done", "done"],
            ["done", "done", "done"],
        ]

    run_virtually(main)
