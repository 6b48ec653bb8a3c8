"""Waits, sleeps and calls: told again after a crash, overtaken by others, and at the end of their patience."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onpaid.acts import act
from onpaid.clock import as_datetime
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import SIGNALS
from onpaid.engine.patience import OrNone
from onpaid.engine.shapes import answer_type
from onpaid.engine.testing import START, MemoryStore, run_virtually
from onpaid.errors import Problem
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Check, Put, Store, Update
from tests.engine.meddling import Meddling, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service


class Shelf:
    """Where a book may be put, and taken by one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.looks = 0

    async def look(self) -> Local[str]:
        self.looks += 1
        held = await self._store.get("book", "1")
        if held is None:
            return NotYet(("book:1",), (Check("book", "1", None),), "no book", facts={"shelf": "3"})
        return Done(held.body.decode())

    async def take(self, paid: Paid) -> Local[str]:
        self.looks += 1
        held = await self._store.get("book", "1")
        if held is None:
            return NotYet(("book:1",), (Check("book", "1", None),), "no book")
        return Done(held.body.decode(), (Update("book", "1", f"of {paid.id}".encode(), held.version),))

    @act(local=True)
    async def stamp(self, paid: Paid) -> Local[str]:
        return await self.take(paid)


@flow(on=Paid, key=lambda paid: paid.id)
async def patient(ctx: Context, paid: Paid, *, shelf: Shelf) -> str | None:
    return await ctx.wait_at_most("book", shelf.look, at_most=timedelta(hours=5))


@pytest.mark.parametrize("comes_after", [None, 0, 60])
def test_the_end_of_patience_is_an_answer(comes_after: int | None) -> None:
    async def main() -> None:
        store = MemoryStore()
        shelf = Shelf(store)
        one = process(store, Service(), patient, guests={"shelf": shelf})
        await one.engine.recorder.record(facts=[Paid("p1")])
        if comes_after is not None:
            await asyncio.sleep(comes_after)
            await one.engine.recorder.record([Put("book", "1", b"Emma")], wakes=["book:1"])
        await one.live()
        run = await the_run(store, "patient:p1")
        assert run.state == "done"
        assert await open_tickets(store) == []
        passed = ((run.ended or 0) - run.started) / 1000
        if comes_after is None:
            assert not run.result
            assert bytes(run.steps[0].result) == b"null"
            assert passed == pytest.approx(5 * 3600, abs=1)
            assert shelf.looks in (6, 7), "at first, and each hour; the last time at the end of patience"
        else:
            assert bytes(run.result) == b'"Emma"'
            assert passed == pytest.approx(comes_after, abs=1)

    run_virtually(main)


def test_what_an_end_of_patience_answers_is_typed() -> None:
    look = OrNone(Shelf(MemoryStore()).look, lambda: False)
    assert msgspec.json.decode(b"null", type=answer_type(look)) is None
    assert msgspec.json.decode(b'"Emma"', type=answer_type(look)) == "Emma"
    assert look.__qualname__ == "Shelf.look"


@flow(on=Paid, key=lambda paid: paid.id)
async def taking(ctx: Context, paid: Paid, *, shelf: Shelf) -> str:
    return await ctx.wait_for("take", shelf.take, paid)


@flow(on=Paid, key=lambda paid: paid.id)
async def stamping(ctx: Context, paid: Paid, *, shelf: Shelf) -> str:
    return await ctx.step("stamp", shelf.stamp, paid)


@pytest.mark.parametrize("story", [taking, stamping], ids=lambda f: f.name)
def test_what_another_took_in_that_moment_is_looked_at_again(story: Any) -> None:
    async def main() -> None:
        store = Meddling()
        await store.commit([Put("book", "1", b"new")])
        shelf = Shelf(store)
        one = process(store, Service(), story, guests={"shelf": shelf})

        async def take() -> None:
            await store.commit([Put("book", "1", b"of another")])

        store.once(lambda run: any(step.state == "done" for step in run.steps), take)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        run = await the_run(store, f"{story.name}:p1")
        assert (run.state, bytes(run.result)) == ("done", b'"of another"')
        assert shelf.looks == 2
        held = await store.get("book", "1")
        assert held is not None
        assert held.body == b"of p1"
        assert run.steps[0].wrote == (story is taking)

    run_virtually(main)


def test_a_local_act_that_cannot_be_done_is_a_ticket() -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), stamping, guests={"shelf": Shelf(store)})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        (ticket,) = await open_tickets(store)
        assert (ticket.title, ticket.category, ticket.facts) == ("no book", "internal", {"step": "stamp"})
        assert (await the_run(store, "stamping:p1")).state == "failed"

    run_virtually(main)


@pytest.mark.parametrize("own_words", [True, False])
def test_giving_up_is_told_in_the_flows_own_words(own_words: bool) -> None:
    def words(found: NotYet) -> Problem:
        return Problem("the book never came", category="stock", severity="low", facts=found.facts)

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reader(ctx: Context, paid: Paid, *, shelf: Any) -> str:
        hour, giving_up = timedelta(hours=1), words if own_words else None
        return await ctx.wait_for("book", shelf.look, at_most=hour, giving_up=giving_up)

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), reader, guests={"shelf": Shelf(store)})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        (ticket,) = await open_tickets(store)
        if own_words:
            assert (ticket.title, ticket.category, ticket.severity) == ("the book never came", "stock", "low")
            assert ticket.facts == {"shelf": "3"}
        else:
            assert (ticket.title, ticket.category) == ("gave up: no book", "order")
        run = await the_run(store, "reader:p1")
        assert (run.state, run.wake) == ("failed", ["book:1"])

    run_virtually(main)


def test_who_waits_is_noted_once_for_each_thing() -> None:
    """Two wait for one book, look again and again, and stand in its list once each."""

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reader(ctx: Context, paid: Paid, *, shelf: Any) -> str:
        return await ctx.wait_for("book", shelf.look, every=timedelta(minutes=1))

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), reader, guests={"shelf": Shelf(store)})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        await one.engine.recorder.record(facts=[Paid("p2")])
        await one.live(at_most=timedelta(minutes=10))
        held = await SIGNALS.get(store, "book:1")
        assert held is not None
        assert held.record.waiters == ["reader:p1", "reader:p2"]
        await one.engine.recorder.record([Put("book", "1", b"Emma")], wakes=["book:1"])
        await one.live()
        held = await SIGNALS.get(store, "book:1")
        assert held is not None
        assert held.record.waiters == []
        assert (await the_run(store, "reader:p2")).state == "done"

    run_virtually(main)


# -- sleeping ----------------------------------------------------------------------------------------------------


def test_a_sleep_is_as_long_as_it_was_when_it_began_and_is_over_once() -> None:
    naps = [3600]
    ids: list[tuple[str, Any]] = []

    @flow(on=Paid, key=lambda paid: paid.id)
    async def napping(ctx: Context, paid: Paid, *, client: Client) -> int:
        ids.append((ctx.run_id, ctx.started))
        await ctx.sleep("first", timedelta(seconds=naps[0]))
        await ctx.sleep("second", timedelta(seconds=60))
        return await ctx.step("read", client.read, paid)

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), napping)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(10)
        naps[0] = 20
        one.hear("napping:p1")
        await one.live()
        run = await the_run(store, "napping:p1")
        assert run.state == "done"
        assert ((run.ended or 0) - run.started) / 1000 == pytest.approx(3660, abs=1)

    run_virtually(main)
    assert set(ids) == {("napping:p1", as_datetime(START))}
