"""What a person may do, and what is refused: each refusal leaves the run as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from onpaid.engine.journal import TICKETS
from onpaid.engine.operations import Operations
from onpaid.engine.testing import Process, run_virtually
from onpaid.engine.tickets import new_ticket
from onpaid.errors import InvalidInput, NotPossible, OnpaidError
from tests.engine.meddling import Meddling, change, open_tickets, process, the_run
from tests.engine.service import Paid, Service, by_once

RESULT = {"id": 7, "reference": "p1"}


async def begun(*fates: str, hours: float = 1.0) -> tuple[Meddling, Process, Operations]:
    """A service with one run that met these fates, some time later."""
    store = Meddling()
    one = process(store, Service(fates), by_once)
    await one.engine.recorder.record(facts=[Paid("p1")])
    await one.live(at_most=timedelta(hours=hours))
    return store, one, Operations(one.engine)


def refused(
    what: Callable[[Operations], Awaitable[object]],
    says: str,
    *fates: str,
    kind: type[OnpaidError] = NotPossible,
    state: str = "",
) -> None:
    """Hold that this is refused in these words, and that the run is as before."""

    async def main() -> None:
        store, _, hands = await begun(*fates)
        if state:
            await change(store, "by_once:p1", lambda run: setattr(run, "state", state))
        before = await store.get("run", "by_once:p1")
        with pytest.raises(kind, match=says):
            await what(hands)
        assert await store.get("run", "by_once:p1") == before

    run_virtually(main)


def test_what_is_over_is_neither_tried_again_nor_cancelled() -> None:
    for state in ("done", "cancelled"):
        refused(
            lambda hands: hands.retry("by_once:p1", by="ann"), f"is {state}: there is nothing", state=state
        )
        refused(lambda hands: hands.cancel("by_once:p1", by="ann"), f"is {state} already", state=state)


def test_what_is_not_there_cannot_be_touched() -> None:
    refused(lambda hands: hands.retry("by_once:p2", by="ann"), "there is no run by_once:p2")
    refused(lambda hands: hands.close_ticket("tkt_x", by="ann"), "there is no ticket tkt_x")
    refused(lambda hands: hands.pause("narrow", "x"), "there is no lane 'narrow'; the lanes are default")
    refused(lambda hands: hands.resume("narrow", by="ann"), "there is no lane 'narrow'")


def test_only_a_doubt_is_settled_and_only_with_a_result() -> None:
    refused(
        lambda hands: hands.settle("by_once:p1", step="tell", attempt=1, done=True, result=RESULT, by="ann"),
        "is not in doubt",
    )
    refused(
        lambda hands: hands.settle("by_once:p1", step="else", attempt=1, done=False, by="ann"),
        "“else” of by_once:p1 is not in doubt",
        "reset",
    )
    refused(
        lambda hands: hands.settle("by_once:p1", step="tell", attempt=1, done=True, by="ann"),
        "say what the step's result is",
        "reset",
        kind=InvalidInput,
    )


def test_a_doubt_that_was_settled_is_not_settled_again_before_it_is_taken_up() -> None:
    async def main() -> None:
        store, one, hands = await begun("reset")
        one.engine.workshop.lanes.pause("default", "for the test")
        told = Operations(process(store, Service(), by_once, ringing=False, name="two").engine)
        await told.settle("by_once:p1", step="tell", attempt=1, done=True, result=RESULT, by="ann")
        with pytest.raises(NotPossible, match="was settled already"):
            await hands.settle("by_once:p1", step="tell", attempt=1, done=False, by="bob")

    run_virtually(main)


@pytest.mark.parametrize("done", [True, False])
def test_settling_writes_who_said_what(done: bool) -> None:
    async def main() -> None:
        store, one, _ = await begun("reset")
        clock = one.clock
        quiet = Operations(process(store, Service(), by_once, ringing=False, name="two", clock=clock).engine)
        (ticket,) = await open_tickets(store)
        run = await quiet.settle(
            "by_once:p1", step="tell", attempt=1, done=done, result=RESULT if done else None, by="ann"
        )
        step = run.steps[0]
        note = f"settled as {'done' if done else 'not done'} by ann"
        assert (run.state, run.due_at, run.reason, run.wake, run.failures) == (
            "ready",
            clock.now(),
            note,
            [],
            0,
        )
        entry = step.attempts[-1]
        assert (entry.number, entry.what, entry.note, entry.at) == (2, "person", note, clock.now())
        assert entry.outcome == ("done" if done else "absent")
        assert bool(step.settled) == done
        assert (step.state, step.absent) == (("doubtful", False) if done else ("failed", True))
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert (held.record.state, held.record.closed_by, held.record.closed_at) == (
            "closed",
            note,
            clock.now(),
        )
        service = Service()
        await process(store, service, by_once, name="three", clock=clock).live()
        run = await the_run(store, "by_once:p1")
        assert run.state == "done"
        assert len(service.things) == (0 if done else 1)

    run_virtually(main)


def test_who_decided_on_what_has_changed_meanwhile_is_told() -> None:
    async def main() -> None:
        store, _, hands = await begun("refuse")

        async def overtake() -> None:
            await change(store, "by_once:p1", lambda run: setattr(run, "reason", "another was quicker"))

        store.once(lambda run: run.state == "ready", overtake)
        with pytest.raises(NotPossible, match="changed while you decided"):
            await hands.retry("by_once:p1", by="ann")

    run_virtually(main)


def test_a_run_that_waits_for_its_quiet_period_is_not_hurried() -> None:
    async def main() -> None:
        store, one, hands = await begun("reset", hours=0.001)
        assert (await the_run(store, "by_once:p1")).state == "sleeping"
        with pytest.raises(NotPossible, match="goes on by itself"):
            await hands.retry("by_once:p1", by="ann")
        await one.kill()

    run_virtually(main)


def test_trying_again_begins_now_and_counts_anew() -> None:
    async def main() -> None:
        store, one, _ = await begun("refuse")
        clock = one.clock
        await change(store, "by_once:p1", lambda run: setattr(run, "failures", 6))
        quiet = Operations(process(store, Service(), by_once, ringing=False, name="two", clock=clock).engine)
        run = await quiet.retry("by_once:p1", by="ann")
        assert (run.state, run.due_at, run.failures) == ("ready", clock.now(), 0)
        assert run.reason == "tried again by ann"
        assert await open_tickets(store) == []
        loud = process(store, Service(), by_once, name="three", clock=clock)
        await Operations(loud.engine).retry("by_once:p1", by="ann")
        await asyncio.sleep(1)
        assert (await the_run(store, "by_once:p1")).state == "done", "rung for at once"

    run_virtually(main)


def test_a_sleeping_run_without_a_doubt_is_tried_again() -> None:
    async def main() -> None:
        store, one, hands = await begun(*["unavailable"] * 5, hours=0.001)
        assert (await the_run(store, "by_once:p1")).state == "sleeping"
        await hands.retry("by_once:p1", by="ann")
        await one.live()
        assert (await the_run(store, "by_once:p1")).state == "done"

    run_virtually(main)


@pytest.mark.parametrize("why", ["", "sold twice"])
def test_cancelling_ends_a_run_for_good(why: str) -> None:
    async def main() -> None:
        store, one, hands = await begun("refuse")
        run = await hands.cancel("by_once:p1", by="ann", why=why)
        assert (run.state, run.due_at, run.wake) == ("cancelled", None, [])
        assert run.ended == one.clock.now()
        assert run.reason == "cancelled by ann" + (": sold twice" if why else "")
        assert await open_tickets(store) == []
        one.hear("by_once:p1")
        await one.live()
        assert (await the_run(store, "by_once:p1")).state == "cancelled"
        await one.engine.recorder.record(facts=[Paid("p1", 900)], event="e2")
        assert [joined.verdict for joined in (await the_run(store, "by_once:p1")).joined] == ["ticket"]
        assert len(await open_tickets(store)) == 1

    run_virtually(main)


def test_a_ticket_of_no_run_is_put_away_by_hand() -> None:
    async def main() -> None:
        store, one, hands = await begun()
        now = one.clock.now()
        ticket = new_ticket(None, subject="event:1", cause="odd", title="Odd", category="event", now=now)
        await store.commit([TICKETS.insert(ticket)])
        await hands.close_ticket(ticket.id, by="ann")
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert (held.record.state, held.record.closed_at, held.record.closed_by) == ("closed", now, "ann")
        assert ticket.about == []
        assert ticket.run is None

    run_virtually(main)


def test_a_ticket_that_was_put_away_before_is_not_closed_again() -> None:
    async def main() -> None:
        store, _, hands = await begun("refuse")
        (ticket,) = await open_tickets(store)
        await hands.close_ticket(ticket.id, by="bob")
        await hands.cancel("by_once:p1", by="ann")
        held = await TICKETS.get(store, ticket.id)
        assert held is not None
        assert held.record.closed_by == "bob"

    run_virtually(main)
