"""Facts, tickets and signals that reach a run in the very moment in which its worker writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from onpaid.acts import act
from onpaid.engine.context import Context
from onpaid.engine.flow import Flow, flow
from onpaid.engine.journal import Run
from onpaid.engine.operations import Operations
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.errors import Problem
from onpaid.store.local import Done, Local
from onpaid.store.port import Write
from tests.engine.meddling import Meddling, change, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, by_find


def ended(flow: str, how: str) -> float:
    """How many runs of a flow have ended in this way, as the metrics tell."""
    return REGISTRY.get_sample_value("onpaid_runs_total", {"flow": flow, "state": how}) or 0.0


class Purchase(msgspec.Struct, frozen=True):
    """What a run tells another."""

    id: str


@flow(on=Paid, key=lambda paid: paid.id, about=lambda paid: [f"order:{paid.id}"])
async def reading(ctx: Context, paid: Paid, *, client: Client) -> int:
    return await ctx.step("read", client.read, paid)


@flow(on=Paid, key=lambda paid: paid.id)
async def napping(ctx: Context, paid: Paid, *, client: Client) -> int:
    await ctx.sleep("a while", timedelta(hours=1))
    return await ctx.step("read", client.read, paid)


async def told(
    flow: Flow, when: Any, *, tells: Paid, service: Service | None = None
) -> tuple[Meddling, Any, Any]:
    """A run whose worker meets another fact as it writes: the store, the process, the clock."""
    store, clock = Meddling(), VirtualClock()
    one = process(store, service or Service(), flow, clock=clock)

    async def tell() -> None:
        await one.engine.recorder.record(facts=[tells], event="e2")

    store.once(when, tell)
    await one.engine.recorder.record(facts=[Paid("p1", 100)], event="e1")
    return store, one, clock


def test_a_different_fact_as_a_run_ends_is_told_anew_while_nothing_was_done() -> None:
    async def main() -> None:
        before = ended("reading", "done")
        store, one, _ = await told(reading, lambda run: run.state == "done", tells=Paid("p1", 250))
        await one.live()
        run = await the_run(store, "reading:p1")
        assert (run.state, bytes(run.result)) == ("done", b"250")
        assert [(joined.event, joined.verdict) for joined in run.joined] == [("e2", "adopted")]
        assert await open_tickets(store) == []
        assert asyncio.get_running_loop().time() < 60, "at once, without the tick"
        assert ended("reading", "done") == before + 1

    run_virtually(main)


def test_a_different_fact_as_a_run_ends_is_a_ticket_once_something_was_done() -> None:
    async def main() -> None:
        service = Service()
        store, one, clock = await told(
            by_find, lambda run: run.state == "done", tells=Paid("p1", 250), service=service
        )
        await one.live()
        run = await the_run(store, "by_find:p1")
        assert run.state == "done"
        assert run.ended is not None
        assert (run.due_at, run.reason, run.wake) == (None, "", [])
        assert [joined.verdict for joined in run.joined] == ["ticket"]
        (ticket,) = await open_tickets(store)
        assert (ticket.category, ticket.run, ticket.about) == ("payment", "by_find:p1", ["order:p1"])
        assert ticket.facts == {"event": "e2", "run": "by_find:p1"}
        assert run.tickets == [ticket.id]
        assert len(service.things) == 1
        assert clock.now() >= run.ended

    run_virtually(main)


def test_the_same_fact_as_a_run_ends_changes_nothing() -> None:
    async def main() -> None:
        store, one, _ = await told(reading, lambda run: run.state == "done", tells=Paid("p1", 100))
        await one.live()
        run = await the_run(store, "reading:p1")
        assert (run.state, bytes(run.result), run.lease_number) == ("done", b"100", 1)
        assert [joined.verdict for joined in run.joined] == ["same"]

    run_virtually(main)


def test_a_different_fact_as_a_run_goes_to_sleep_wakes_it() -> None:
    async def main() -> None:
        store, one, _ = await told(napping, lambda run: run.state == "sleeping", tells=Paid("p1", 250))
        await asyncio.sleep(1)
        run = await the_run(store, "napping:p1")
        assert [joined.verdict for joined in run.joined] == ["adopted"], "without waiting for the hour"
        await one.live()
        assert bytes((await the_run(store, "napping:p1")).result) == b"250"

    run_virtually(main)


def test_a_different_fact_as_a_run_fails_is_taken_up_by_itself() -> None:
    """The refusal was about the first fact; with the second the flow is told anew."""

    @flow(on=Paid, key=lambda paid: paid.id)
    async def choosy(ctx: Context, paid: Paid, *, client: Client) -> int:
        if paid.amount < 200:
            raise Problem("too little", category="payment")
        return paid.amount

    async def main() -> None:
        before = ended("choosy", "failed")
        store, one, _ = await told(choosy, lambda run: run.state == "failed", tells=Paid("p1", 250))
        await asyncio.sleep(1)
        run = await the_run(store, "choosy:p1")
        assert (run.state, bytes(run.result)) == ("done", b"250"), "rung for, without the tick"
        assert await open_tickets(store) == [], "the end closes what it opened"
        assert ended("choosy", "failed") == before + 1
        await one.kill()

    run_virtually(main)


def test_a_different_fact_while_an_act_is_under_way_does_not_touch_its_result() -> None:
    async def main() -> None:
        service = Service()
        store, one, _ = await told(
            by_find,
            lambda run: run.step("make") is not None and run.steps[1].state == "done",
            tells=Paid("p1", 250),
            service=service,
        )
        await one.live()
        run = await the_run(store, "by_find:p1")
        assert (run.state, run.lease_number) == ("done", 1)
        assert [joined.verdict for joined in run.joined] == ["ticket"]
        assert len(await open_tickets(store)) == 1
        assert len(service.things) == 1

    run_virtually(main)


def test_a_run_that_is_told_a_different_fact_under_way_stays_in_its_workers_hands() -> None:
    async def main() -> None:
        seen: list[str] = []
        store, service = Meddling(), Service()
        one = process(store, service, by_find)

        async def meddle(run: Run | None, _writes: Sequence[Write]) -> None:
            if run is None:
                return
            seen.append(run.state)
            if len(seen) == 3:
                await one.engine.recorder.record(facts=[Paid("p1", 250)], event="e2")

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1", 100)], event="e1")
        await one.live()
        assert seen[0] == "ready"
        assert seen[-1] == "done"
        assert set(seen[1:-1]) == {"running"}

    run_virtually(main)


def test_the_same_fact_as_a_run_goes_to_sleep_lets_it_sleep() -> None:
    async def main() -> None:
        store, one, clock = await told(napping, lambda run: run.state == "sleeping", tells=Paid("p1", 100))
        await asyncio.sleep(60)
        run = await the_run(store, "napping:p1")
        assert (run.state, run.lease_number) == ("sleeping", 1)
        assert [joined.verdict for joined in run.joined] == ["same"]
        assert run.due_at == clock.now() + 3_540_000
        await one.kill()

    run_virtually(main)


def test_what_a_run_tells_joins_another_under_the_tellers_name() -> None:
    class Desk:
        @act(local=True)
        async def pass_on(self, paid: Paid) -> Local[bool]:
            return Done(True, facts=(Purchase("one"),))

    @flow(on=Paid, key=lambda paid: paid.id)
    async def passing_on(ctx: Context, paid: Paid, *, desk: Any) -> bool:
        return await ctx.step("pass on", desk.pass_on, paid)

    @flow(on=Purchase, key=lambda purchase: purchase.id)
    async def purchased(ctx: Context, purchase: Purchase, *, client: Client) -> None:
        await ctx.sleep("a while", timedelta(hours=1))

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), passing_on, purchased, guests={"desk": Desk()})
        for name in ("p1", "p2", "p3"):
            await one.engine.recorder.record(facts=[Paid(name)])
            await asyncio.sleep(1)
        joined = (await the_run(store, "purchased:one")).joined
        assert [each.event for each in joined] == ["run:passing_on:p2", "run:passing_on:p3"]
        await one.kill()

    run_virtually(main)


def test_a_ticket_that_another_has_hung_on_a_run_stays_on_it() -> None:
    async def main() -> None:
        store, service = Meddling(), Service()
        one = process(store, service, by_find)

        async def hang() -> None:
            await change(store, "by_find:p1", lambda run: run.tickets.extend(["tkt_b", "tkt_a"]))

        store.once(lambda run: run.state == "done", hang)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await change(store, "by_find:p1", lambda run: run.tickets.append("tkt_a"))
        await one.live()
        run = await the_run(store, "by_find:p1")
        assert run.tickets == ["tkt_a", "tkt_b"]
        assert run.state == "done"

    run_virtually(main)


@flow(
    on=Paid,
    key=lambda paid: paid.id,
    corrects=lambda first, further: first.amount // 1000 == further.amount // 1000,
)
async def telling_apart(ctx: Context, paid: Paid, *, client: Client) -> int:
    await ctx.sleep("a while", timedelta(hours=1))
    return await ctx.step("read", client.read, paid)


@pytest.mark.parametrize(("amount", "verdict"), [(250, "adopted"), (1250, "ticket")])
def test_only_what_speaks_of_the_same_matter_replaces_the_first_fact(amount: int, verdict: str) -> None:
    """Nothing was done yet; all the same, a second payment is not a better version of the first."""

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(), telling_apart, clock=clock)
        await one.engine.recorder.record(facts=[Paid("p1", 100)], event="e1")
        await one.engine.recorder.record(facts=[Paid("p1", amount)], event="e2")
        await one.live(at_most=timedelta(hours=2))
        run = await the_run(store, "telling_apart:p1")
        assert [joined.verdict for joined in run.joined] == [verdict]
        if verdict == "adopted":
            assert (run.state, bytes(run.result)) == ("done", b"250")
            assert await open_tickets(store) == []
            return
        assert run.state == "failed"
        (ticket,) = await open_tickets(store)
        await Operations(one.engine).retry(run.id, by="a person")
        await one.live(at_most=timedelta(hours=2))
        run = await the_run(store, "telling_apart:p1")
        assert (run.state, bytes(run.result)) == ("done", b"100"), "the first fact is what is told"
        assert [each.id for each in await open_tickets(store)] == [ticket.id], (
            "a person puts it away, no run does"
        )
        await Operations(one.engine).close_ticket(ticket.id, by="a person")
        assert await open_tickets(store) == []

    run_virtually(main)
