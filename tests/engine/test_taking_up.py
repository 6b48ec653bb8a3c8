"""How runs are taken up: orphans, runs that others change, flows that cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import Run
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.errors import Conflict
from onpaid.store.port import Write
from tests.engine.meddling import Meddling, change, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, by_once

DAY = 86_400_000


def test_every_run_that_a_dead_process_held_is_an_orphan() -> None:
    """However many there are."""

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), by_once, ringing=False)
        names = [f"p{number}" for number in range(501)]
        for start in range(0, len(names), 50):
            await one.engine.recorder.record(facts=[Paid(name) for name in names[start : start + 50]])
        for name in names:
            await change(store, f"by_once:{name}", lambda run: setattr(run, "state", "running"))
        await change(store, "by_once:p0", lambda run: setattr(run, "lease_owner", "process"))
        orphans = await one.engine.orphans()
        assert sorted(orphans) == sorted(f"by_once:{name}" for name in names[1:])

    run_virtually(main)


def test_a_run_that_others_keep_changing_is_left_to_the_tick() -> None:
    tries: list[str] = []

    async def main() -> None:
        store, service = Meddling(), Service()
        one = process(store, service, by_once, ringing=False)
        await one.engine.recorder.record(facts=[Paid("p1")])

        async def meddle(run: Run | None, _writes: Sequence[Write]) -> None:
            if run is not None and len(tries) < 5:
                tries.append(run.state)
                raise Conflict([("run", run.id)])

        store.meddle = meddle
        await one.engine.advance("by_once:p1")
        assert service.calls == []
        assert (await the_run(store, "by_once:p1")).state == "ready"
        await one.live()
        assert len(service.things) == 1

    run_virtually(main)
    assert tries == ["running"] * 5


@pytest.mark.parametrize("fault", ["unknown flow", "a step that is not met", "a mistake"])
def test_a_flow_that_cannot_be_told_is_a_ticket(fault: str) -> None:
    broken = [False]

    @flow(on=Paid, key=lambda paid: paid.id)
    async def story(ctx: Context, paid: Paid, *, client: Client) -> Any:
        if not broken[0]:
            await ctx.step("tell", client.tell, paid)
        if fault == "a mistake":
            return [][1]
        return None

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(["reset"] if fault != "a mistake" else []), story, clock=clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(seconds=30))
        broken[0] = True
        await one.kill()
        later = process(
            store, Service(), *([] if fault == "unknown flow" else [story]), clock=clock, name="two"
        )
        await later.live(at_most=timedelta(minutes=5))
        run = await the_run(store, "story:p1")
        (ticket,) = await open_tickets(store)
        assert run.state == "failed"
        assert (ticket.category, ticket.severity) == ("internal", "critical")
        assert ticket.facts == {"step": "tell", "flow": "story"}
        said = {
            "unknown flow": "this version has no flow named story: was it rolled back?",
            "a step that is not met": "the telling ended without tell, which the journal holds as begun",
            "a mistake": "A fault in onpaid stopped this run (IndexError); the log has the details",
        }
        assert said[fault] in ticket.title

    run_virtually(main)


def test_a_flow_that_fails_before_its_first_step_says_start() -> None:
    @flow(on=Paid, key=lambda paid: paid.id)
    async def story(ctx: Context, paid: Paid, *, client: Client) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), story)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        (ticket,) = await open_tickets(store)
        assert ticket.facts == {"step": "start", "flow": "story"}

    run_virtually(main)
