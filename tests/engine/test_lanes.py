"""Lanes by themselves, and what a call does to the journal and to the lane it goes over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from random import Random

import pytest

from onpaid.acts import LaneLimit, act
from onpaid.engine.bell import Silence
from onpaid.engine.context import Context
from onpaid.engine.flow import Flow, flow
from onpaid.engine.journal import HOLDS, TICKETS, Run
from onpaid.engine.lanes import CALLED_FOR, DEFAULT, Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.testing import START, MemoryStore, Process, VirtualClock, run_virtually
from onpaid.engine.tickets import DOES_NOT_ANSWER, ticket_id
from onpaid.errors import Problem, StoreUnavailable
from onpaid.store.port import Write
from tests.engine.meddling import Meddling, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, Thing


class Bell:
    """Notes whom it rings for."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def ring(self, runs: Iterable[str]) -> None:
        self.rung.extend(runs)

    def ring_in(self, run: str, seconds: float) -> None:
        self.rung.append(f"{run} in {seconds:g}")


def lanes(*limits: LaneLimit, pace: Pace | None = None, lifted: bool = False) -> tuple[Lanes, Bell]:
    bell = Bell()
    return Lanes(limits, VirtualClock(), pace or Pace(), bell, lifted=lifted), bell


def test_a_place_is_kept_a_moment_for_who_was_called() -> None:
    async def main() -> None:
        narrow, bell = lanes(LaneLimit("narrow", at_once=1))
        assert narrow.enter("narrow", "a") == 0
        assert narrow.enter("narrow", "b") is None
        assert narrow.enter("narrow", "b") is None, "who stands in the queue stands there once"
        assert narrow.enter("narrow", "c") is None
        assert narrow.waiting("narrow") == 2
        narrow.leave("narrow")
        assert bell.rung == ["b"]
        assert narrow.enter("narrow", "d") is None, "the place is b's"
        await asyncio.sleep(CALLED_FOR + 0.1)
        assert narrow.enter("narrow", "d") == 0, "b did not come"
        assert narrow.waiting("narrow") == 1
        narrow.leave("narrow")
        assert bell.rung == ["b", "c"]
        assert narrow.enter("narrow", "c") == 0

    run_virtually(main)


def test_a_shut_lane_lets_nobody_in_until_it_opens() -> None:
    async def main() -> None:
        narrow, bell = lanes(LaneLimit("narrow", at_once=1))
        narrow.shut("narrow", 30)
        narrow.shut("narrow", 10)
        assert narrow.enter("narrow", "a") is None
        assert bell.rung == ["a in 30"]
        narrow.resume("narrow")
        assert bell.rung == ["a in 30"], "nobody is called into a lane that is shut"
        await asyncio.sleep(30)
        assert narrow.enter("narrow", "a") == 0

    run_virtually(main)


def test_a_rate_is_kept_and_can_be_lifted() -> None:
    async def main() -> None:
        limit = LaneLimit("slow", at_once=9, per_second=0.5)
        slow, _ = lanes(limit)
        assert [slow.enter("slow", run) for run in "abc"] == [0, 2, 4]
        quick, _ = lanes(limit, pace=Pace(factor=4))
        assert [quick.enter("slow", run) for run in "abc"] == [0, 0.5, 1]
        free, _ = lanes(limit, lifted=True)
        assert [free.enter("slow", run) for run in "abc"] == [0, 0, 0]

    run_virtually(main)


def test_a_paused_lane_calls_nobody() -> None:
    async def main() -> None:
        narrow, bell = lanes(LaneLimit("narrow", at_once=1))
        narrow.enter("narrow", "a")
        narrow.enter("narrow", "b")
        narrow.pause("narrow", "the token is revoked")
        narrow.leave("narrow")
        assert (bell.rung, narrow.paused("narrow")) == ([], "the token is revoked")
        narrow.resume("narrow")
        assert (bell.rung, narrow.paused("narrow")) == (["b"], None)
        assert narrow.paused(None) is None
        assert narrow.names() == [DEFAULT, "narrow"]

    run_virtually(main)


def test_silence_rings_for_nobody() -> None:
    bell = Silence()
    bell.ring(["a"])
    bell.ring_in("a", 1)


def test_waiting_grows_with_failures_to_an_end() -> None:
    pace, dice = Pace(), Random(1)
    for failures, most in ((0, 1000), (1, 1000), (2, 2000), (5, 16_000), (50, 600_000)):
        waits = [pace.backoff(failures, dice) for _ in range(50)]
        assert min(waits) >= most / 2
        assert max(waits) <= most
    assert pace.backoff(1, dice, at_least=90) == 90_000
    assert Pace(factor=10).backoff(1, dice, at_least=90) == 90_000, (
        "what a service asks for is never shortened"
    )
    assert Pace(factor=10).seconds(timedelta(seconds=5)) == 0.5
    assert Pace(factor=1e9).ms(timedelta(seconds=5)) == 1


# -- calls -------------------------------------------------------------------------------------------------------


class Laned(Client):
    """Its acts go over a lane; one takes longer than a lease."""

    @act(lane="narrow", settles=timedelta(seconds=1))
    async def make(self, paid: Paid) -> Thing:
        return await self._act("make", paid.id)

    @act(settles=timedelta(seconds=1), timeout=timedelta(minutes=10))
    async def make_slowly(self, paid: Paid) -> Thing:
        await asyncio.sleep(500)
        return await self._act("make", paid.id)

    @act(lane="narrow", repeatable=True)
    async def read(self, paid: Paid) -> int:
        self._service.calls.append("read")
        return paid.amount


@flow(on=Paid, key=lambda paid: paid.id)
async def laned(ctx: Context, paid: Paid, *, client: Laned) -> Thing:
    await ctx.step("read", client.read, paid)
    return await ctx.step("make", client.make, paid, find=client.find)


@flow(on=Paid, key=lambda paid: paid.id)
async def slowly(ctx: Context, paid: Paid, *, client: Laned) -> Thing:
    return await ctx.step("make", client.make_slowly, paid, find=client.find)


def life(store: MemoryStore, service: Service, story: Flow, *limits: LaneLimit) -> Process:
    return process(store, service, story, guests={"client": Laned(service)}, lanes=limits)


def test_a_call_that_may_outlast_the_lease_prolongs_it_first() -> None:
    async def main() -> None:
        store, service = MemoryStore(), Service()
        one = life(store, service, slowly)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(300)
        run = await the_run(store, "slowly:p1")
        assert run.state == "running"
        assert run.lease_until == run.due_at == START + (600 + 5 + 120) * 1000
        assert run.steps[0].in_flight_until == START + 600_000
        await one.kill()

    run_virtually(main)


@pytest.mark.parametrize("strict", [True, False])
def test_on_a_strict_lane_every_call_is_stored_before_it_leaves(strict: bool) -> None:
    holds: list[int] = []

    async def main() -> None:
        store, service = Meddling(), Service()
        one = life(store, service, laned, LaneLimit("narrow", at_once=1, strict=strict))

        async def look(_run: Run | None, writes: Sequence[Write]) -> None:
            holds.extend(len(service.calls) for write in writes if write.kind == HOLDS.name)

        store.meddle = look
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        assert service.calls == ["read", "make"]
        held = await HOLDS.get(store, "narrow")
        assert (held is not None) == strict
        if held is not None:
            assert held.record.in_flight_until - START in (20_000, 20_050)

    run_virtually(main)
    assert holds == ([0, 1] if strict else [])


def test_a_client_that_says_stop_is_heard() -> None:
    """A rule of the trade that a provider's client tells is a ticket in its own words, no doubt."""

    class Minding(Laned):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> int:
            raise Problem("this shop is closed", category="order", severity="low", facts={"shop": "3"})

    async def main() -> None:
        store, service = MemoryStore(), Service()
        one = process(store, service, laned, guests={"client": Minding(service)})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        (ticket,) = await open_tickets(store)
        assert (ticket.title, ticket.category, ticket.severity) == ("this shop is closed", "order", "low")
        assert ticket.facts == {"shop": "3"}

    run_virtually(main)


@pytest.mark.parametrize("then", ["a person closed it", "the store refuses"])
def test_a_trouble_that_is_over_never_stops_the_call_that_ended_it(then: str) -> None:
    async def main() -> None:
        store = Meddling()
        service = Service(["unavailable"] * 12)
        one = life(store, service, laned, LaneLimit("narrow"))
        await one.engine.recorder.record(facts=[Paid("p1")])
        living = asyncio.create_task(one.live())
        await asyncio.sleep(200)
        (ticket,) = await open_tickets(store)
        assert ticket.id == ticket_id("lane:narrow", DOES_NOT_ANSWER)
        if then == "a person closed it":
            held = await TICKETS.get(store, ticket.id)
            assert held is not None
            held.record.state, held.record.closed_by = "closed", "ann"
            await store.commit([TICKETS.update(held.record, held.version)])
        else:

            async def refuse(run: Run | None, writes: Sequence[Write]) -> None:
                if run is None and [write.kind for write in writes] == [TICKETS.name]:
                    raise StoreUnavailable("the disk is full")

            store.meddle = refuse
        await living
        assert len(service.things) == 1
        assert (await the_run(store, "laned:p1")).state == "done"
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert (held.record.state, held.record.closed_by) == (
            ("closed", "ann") if then == "a person closed it" else ("open", "")
        )

    run_virtually(main)
