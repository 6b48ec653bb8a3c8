"""Conditions that fail in the very moment in which a run parks, fails or ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from onpaid.acts import act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import Run
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.errors import Conflict, Refused, StoreUnavailable
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Check, Put, Write
from tests.engine.meddling import Meddling, change, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, by_find


@flow(on=Paid, key=lambda paid: paid.id, about=lambda paid: [f"order:{paid.id}"])
async def reading(ctx: Context, paid: Paid, *, client: Client) -> int:
    return await ctx.step("read", client.read, paid)


class Shelf:
    """Where a book may be put."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def look(self) -> Local[str]:
        if await self._store.get("book", "1") is not None:
            return Done("read")
        return NotYet(("book:1",), (Check("book", "1", None),), "no book")


@flow(on=Paid, key=lambda paid: paid.id)
async def reader(ctx: Context, paid: Paid, *, shelf: Any) -> str:
    return await ctx.wait_for("book", shelf.look, at_most=timedelta(hours=1))


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_what_comes_as_a_run_stops_waiting_for_it_is_seen(state: str) -> None:
    async def main() -> None:
        store = Meddling()
        one = process(store, Service(), reader, guests={"shelf": Shelf(store)})

        async def put() -> None:
            await store.commit([Put("book", "1", b"x")])

        store.once(lambda run: run.state == state, put)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(hours=2))
        run = await the_run(store, "reader:p1")
        assert (run.state, bytes(run.result)) == ("done", b'"read"')
        assert await open_tickets(store) == []
        assert (run.reason, run.wake, run.due_at) == ("", [], None)
        took = ((run.ended or 0) - run.started) / 1000
        assert took == pytest.approx(0 if state == "waiting" else 3600, abs=5), (
            "at once, without another telling"
        )

    run_virtually(main)


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_between_a_park_that_was_not_written_and_the_next_look_the_run_is_ours(state: str) -> None:
    """What a park or a failure wrote into the run and could not store is taken back."""
    seen: list[tuple[object, ...]] = []
    holder: Any = None

    class Reading(Shelf):
        async def look(self) -> Local[str]:
            found = await super().look()
            seen.append((holder.run.state, holder.run.reason, holder.run.wake, holder.run.due_at))
            return found

    @flow(on=Paid, key=lambda paid: paid.id)
    async def watching(ctx: Context, paid: Paid, *, shelf: Any) -> str:
        nonlocal holder
        holder = ctx._telling
        return await ctx.wait_for("book", shelf.look, at_most=timedelta(hours=1))

    async def main() -> None:
        store = Meddling()
        one = process(store, Service(), watching, guests={"shelf": Reading(store)})

        async def put() -> None:
            await store.commit([Put("book", "1", b"x")])

        store.once(lambda run: run.state == state, put)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert holder.run.state == "done"

    run_virtually(main)
    before, after = seen[-2:]
    assert before == after
    assert after[:3] == ("running", "", [])


def test_a_condition_that_fails_as_an_act_is_recorded_stops_nothing() -> None:
    """Another has opened the run's ticket in the same moment: counted once more, and the failure is stored."""
    service = Service(["well", "refuse"])

    async def main() -> None:
        store = Meddling()
        one = process(store, service, by_find)
        tickets: list[str] = []

        async def meddle(run: Run | None, writes: Sequence[Write]) -> None:
            if run is not None and run.state == "failed" and not tickets:
                tickets.extend(write.key for write in writes if write.kind == "ticket")
                raise Conflict([("ticket", tickets[0])])

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(minutes=1))
        (ticket,) = await open_tickets(store)
        assert [ticket.id] == tickets
        assert (await the_run(store, "by_find:p1")).tickets == tickets

    run_virtually(main)


def test_a_store_that_is_always_in_a_conflict_is_given_up() -> None:
    async def main() -> None:
        store = Meddling()
        one = process(store, Service(), by_find)

        async def meddle(_run: Run | None, writes: Sequence[Write]) -> None:
            raise Conflict([(write.kind, write.key) for write in writes])

        store.meddle = meddle
        with pytest.raises(StoreUnavailable, match="too many others"):
            await one.engine.recorder.record(facts=[Paid("p1")])

    run_virtually(main)


def test_a_refusal_after_the_run_was_taken_up_again_is_one_ticket_counted_twice() -> None:
    class Refusing(Client):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> int:
            raise Refused("no such order")

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, Service(), reading, clock=clock, guests={"client": Refusing(Service())})
        await one.engine.recorder.record(facts=[Paid("p1")])
        for times in (1, 2):
            await one.live(at_most=timedelta(minutes=1))
            (ticket,) = await open_tickets(store)
            run = await the_run(store, "reading:p1")
            assert (run.state, run.due_at, run.reason, run.tickets) == (
                "failed",
                None,
                ticket.title,
                [ticket.id],
            )
            assert ticket.times == times
            assert (ticket.category, ticket.severity) == ("provider", "high")
            assert ticket.facts == {"step": "read", "flow": "reading"}
            await change(store, "reading:p1", lambda run: setattr(run, "state", "ready"))
            await change(store, "reading:p1", lambda run: setattr(run, "due_at", clock.now()))

    run_virtually(main)
