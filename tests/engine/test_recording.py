"""What one commit records: facts that start or join runs, signals that wake them, tickets that are opened and filed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import RUNS, SIGNALS, TICKETS, Run, Signal, Ticket
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.engine.tickets import new_ticket
from onpaid.store.port import Write
from tests.engine.meddling import Meddling, change, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, by_find, by_once

DAY = 86_400_000


def a_ticket(clock: VirtualClock, run: Run | None = None, subject: str | None = "event:1") -> Ticket:
    return new_ticket(run, subject=subject, cause="odd", title="Odd", category="event", now=clock.now())


@flow(
    on=Ticket, key=lambda ticket: f"{ticket.id}:{ticket.times}", when=lambda ticket: ticket.severity != "low"
)
async def file_it(ctx: Context, ticket: Ticket, *, client: Client) -> int:
    return await ctx.step("file", client.read, Paid(ticket.id))


# -- facts -------------------------------------------------------------------------------------------------------


def test_two_facts_of_one_key_in_one_commit_are_one_run() -> None:
    async def main() -> None:
        store, service = MemoryStore(), Service()
        one = process(store, service, by_once)
        named = await one.engine.recorder.record(facts=[Paid("p1"), Paid("p1"), Paid("p2")], event="e1")
        assert named == ["by_once:p1", "by_once:p1", "by_once:p2"]
        await one.live()
        assert len(service.things) == 2
        run = await the_run(store, "by_once:p1")
        assert (run.joined, run.generation, run.about) == ([], 0, [])

    run_virtually(main)


def test_repeats_of_a_fact_are_remembered_only_so_often() -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), by_once, ringing=False)
        for number in range(60):
            await one.engine.recorder.record(facts=[Paid("p1")], event=f"e{number}")
        joined = (await the_run(store, "by_once:p1")).joined
        assert [each.event for each in joined] == [f"e{number}" for number in range(10, 60)]
        await one.engine.recorder.record(facts=[Paid("p1")], event="e59")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.engine.recorder.record(facts=[Paid("p1")])
        joined = (await the_run(store, "by_once:p1")).joined
        assert [each.event for each in joined[-3:]] == ["e59", "", ""], (
            "an event without a name is another one"
        )

    run_virtually(main)


@pytest.mark.parametrize("twice", [True, False])
def test_facts_against_what_was_done_are_one_ticket_of_the_run(twice: bool) -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), by_find)
        await one.engine.recorder.record(facts=[Paid("p1")], event="e1")
        await one.live()
        await one.engine.recorder.record(facts=[Paid("p1", 250)], event="e2")
        if twice:
            await one.engine.recorder.record(facts=[Paid("p1", 300)], event="e3")
        await one.engine.recorder.record(facts=[Paid("p1", 250)], event="e4")
        run = await the_run(store, "by_find:p1")
        (ticket,) = await open_tickets(store)
        assert run.tickets == [ticket.id]
        assert ticket.times == (2 if twice else 1)
        assert ticket.facts == {"event": "e3" if twice else "e2", "run": "by_find:p1"}
        assert run.joined[-1].verdict == "same", "what was told before says nothing new"

    run_virtually(main)


def test_nothing_to_record_is_no_commit() -> None:
    async def main() -> None:
        store = Meddling()
        one = process(store, Service(), by_once)

        async def never(_run: Run | None, writes: Sequence[Write]) -> None:
            raise AssertionError(f"{writes} were written")

        store.meddle = never
        assert await one.engine.recorder.record() == []
        assert await one.engine.recorder.record(facts=[a_ticket(VirtualClock())]) == [], (
            "which starts nothing here"
        )

    run_virtually(main)


# -- signals -----------------------------------------------------------------------------------------------------


def test_who_is_woken_is_who_still_waits() -> None:
    """Of those on the list one is gone, one is done, one no longer waits for this, and one waits."""

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), by_once, ringing=False)
        await one.engine.recorder.record(facts=[Paid(name) for name in ("done", "busy", "waits")])
        await change(store, "by_once:done", lambda run: setattr(run, "state", "done"))
        await change(store, "by_once:done", lambda run: setattr(run, "wake", ["book:1"]))
        await change(store, "by_once:busy", lambda run: setattr(run, "state", "running"))
        await change(store, "by_once:waits", lambda run: setattr(run, "state", "waiting"))
        await change(store, "by_once:waits", lambda run: setattr(run, "wake", ["book:1"]))
        waiters = [f"by_once:{name}" for name in ("gone", "done", "busy", "waits")]
        await store.commit([SIGNALS.insert(Signal("book:1", waiters))])
        await one.engine.recorder.record(wakes=["book:1"])
        states = {run: (await the_run(store, run)).state for run in waiters[1:]}
        assert states == {"by_once:done": "done", "by_once:busy": "running", "by_once:waits": "ready"}
        woken = await the_run(store, "by_once:waits")
        assert (woken.wake, woken.reason, woken.due_at) == ([], "book:1 arrived", one.clock.now())
        held = await SIGNALS.get(store, "book:1")
        assert held is not None
        assert held.record.waiters == []

    run_virtually(main)


def test_who_waits_for_two_things_that_come_together_is_woken_once() -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), by_once, ringing=False)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await change(store, "by_once:p1", lambda run: setattr(run, "wake", ["book:1", "book:2"]))
        for thing in ("book:1", "book:2"):
            await store.commit([SIGNALS.insert(Signal(thing, ["by_once:p1"]))])
        await one.engine.recorder.record(wakes=["book:1", "book:2"])
        assert (await the_run(store, "by_once:p1")).reason == "book:1 arrived"

    run_virtually(main)


# -- tickets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "filed"), [(0, 1), (DAY, 1), (DAY + 1, 2)])
def test_a_ticket_that_opens_again_is_filed_anew_only_when_it_is_forgotten(later: int, filed: int) -> None:
    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(), file_it, clock=clock)
        ticket = a_ticket(clock)
        await one.engine.recorder.record(tickets=[ticket])
        opened = ticket.opened_at
        await asyncio.sleep(60)
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        held.record.state, held.record.closed_at = "closed", clock.now()
        await store.commit([TICKETS.update(held.record, held.version)])
        clock.step(timedelta(milliseconds=later))
        await one.engine.recorder.record(tickets=[a_ticket(clock)])
        await asyncio.sleep(1)
        (again,) = await open_tickets(store)
        assert (again.times, again.opened_at, again.closed_at) == (2, opened, None)
        runs = (await RUNS.query(store, "state", "done")).items
        assert len(runs) == filed

    run_virtually(main)


def test_an_open_ticket_that_is_opened_again_is_only_counted() -> None:
    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(), file_it, clock=clock)
        for _ in range(3):
            await one.engine.recorder.record(tickets=[a_ticket(clock)])
            clock.step(timedelta(days=3))
        await asyncio.sleep(1)
        assert [ticket.times for ticket in await open_tickets(store)] == [3]
        assert len((await RUNS.query(store, "state", "done")).items) == 1

    run_virtually(main)


def test_a_ticket_about_the_filing_of_tickets_is_filed_nowhere() -> None:
    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(), file_it, by_once, clock=clock, ringing=False)
        filing = one.engine.recorder.new_run(file_it, a_ticket(clock))
        other = one.engine.recorder.new_run(by_once, Paid("p1"))
        await one.engine.recorder.record(tickets=[a_ticket(clock, filing, None)])
        assert (await RUNS.query(store, "state", "ready")).items == []
        await one.engine.recorder.record(tickets=[a_ticket(clock, other, None)])
        (run,) = (await RUNS.query(store, "state", "ready")).items
        assert run.flow == "file_it"
        assert len(await open_tickets(store)) == 2

    run_virtually(main)


def test_a_ticket_whose_filing_is_there_already_is_not_filed_again() -> None:
    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(), file_it, clock=clock, ringing=False)
        ticket = a_ticket(clock)
        await store.commit([RUNS.insert(one.engine.recorder.new_run(file_it, ticket))])
        await one.engine.recorder.record(tickets=[ticket])
        assert len((await RUNS.query(store, "state", "ready")).items) == 1
        assert len(await open_tickets(store)) == 1

    run_virtually(main)


def test_a_run_that_is_done_closes_the_tickets_that_were_open() -> None:
    """And leaves alone what a person has closed already."""
    service = Service(["well", "refuse", "well"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, service, by_find, clock=clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(minutes=1))
        (ticket,) = await open_tickets(store)

        async def again() -> None:
            await change(store, "by_find:p1", lambda run: setattr(run, "state", "ready"))
            await change(store, "by_find:p1", lambda run: setattr(run, "due_at", clock.now()))
            await one.live(at_most=timedelta(minutes=1))

        await again()
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert (held.record.state, held.record.closed_by) == ("closed", "the run was done")
        assert held.record.closed_at == (await the_run(store, "by_find:p1")).ended
        version = held.version
        await again()
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert held.version == version

    run_virtually(main)
