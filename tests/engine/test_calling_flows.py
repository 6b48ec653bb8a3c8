"""Flows that ask another flow for its result; what is written down of results."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onpaid.acts import act
from onpaid.engine.context import Context
from onpaid.engine.flow import Flows, flow
from onpaid.engine.journal import Run
from onpaid.engine.operations import Operations
from onpaid.engine.shapes import LARGEST, answer_type, encode, input_types
from onpaid.engine.testing import MemoryStore, run_virtually
from onpaid.store.local import Done, Local
from tests.engine.meddling import Meddling, open_tickets, process, the_run
from tests.engine.service import Client, Paid, Service, Thing

# -- calling another flow ----------------------------------------------------------------------------------------


class Buyer(msgspec.Struct, frozen=True):
    id: str


@flow(on=Buyer, key=lambda buyer: buyer.id)
async def file_buyer(ctx: Context, buyer: Buyer, *, client: Client) -> Thing:
    await ctx.sleep("a while", timedelta(seconds=90))
    return await ctx.step("file", client.make, Paid(buyer.id), find=client.find)


@flow(on=Paid, key=lambda paid: paid.id)
async def serve(ctx: Context, paid: Paid, *, client: Client) -> int:
    filed = await ctx.call("buyer", Buyer("ann"), Thing)
    await ctx.sleep("a moment", timedelta(seconds=5))
    return filed.id


def test_who_called_goes_on_as_soon_as_the_other_is_done() -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), file_buyer, serve)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        run = await the_run(store, "serve:p1")
        assert (run.state, run.wake, run.reason) == (
            "waiting",
            ["run:file_buyer:ann"],
            "waits for file_buyer:ann",
        )
        await one.live()
        run = await the_run(store, "serve:p1")
        assert (run.state, bytes(run.result)) == ("done", b"1")
        assert ((run.ended or 0) - run.started) / 1000 == pytest.approx(95, abs=1)
        assert bytes(run.steps[0].input) == b'"file_buyer:ann"'

    run_virtually(main)


def test_a_call_of_what_was_cancelled_is_a_ticket() -> None:
    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), file_buyer, serve)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        await Operations(one.engine).cancel("file_buyer:ann", by="bob", why="a duplicate")
        await one.live()
        run = await the_run(store, "serve:p1")
        (ticket,) = await open_tickets(store)
        assert run.state == "failed"
        assert (ticket.category, ticket.facts) == ("internal", {"needed": "file_buyer:ann"})
        assert asyncio.get_running_loop().time() < 60, "woken by the cancelling"

    run_virtually(main)


@pytest.mark.parametrize("moment", ["begins", "parks"])
def test_a_call_that_is_overtaken_looks_again(moment: str) -> None:
    """Another starts the same run, or it ends, in the moment in which we would write that we wait for it."""

    async def main() -> None:
        store, service = Meddling(), Service()
        one = process(store, service, file_buyer, serve)

        async def overtake() -> None:
            if moment == "begins":
                await one.engine.recorder.record(facts=[Buyer("ann")])
            else:
                await one.engine.recorder.record(facts=[Buyer("ann")], event="again")

        def now(run: Run) -> bool:
            if moment == "begins":
                return run.id == "file_buyer:ann"
            return run.id == "serve:p1" and run.state == "waiting"

        store.once(now, overtake)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert (await the_run(store, "serve:p1")).state == "done"
        assert len(service.things) == 1

    run_virtually(main)


# -- shapes ------------------------------------------------------------------------------------------------------


def test_a_result_is_an_id_and_no_document() -> None:
    class Wordy(Client):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> str:  # type: ignore[override]
            return "x" * LARGEST

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reading(ctx: Context, paid: Paid, *, client: Any) -> str:
        return await ctx.step("read", client.read, paid)

    async def main() -> None:
        store = MemoryStore()
        one = process(store, Service(), reading, guests={"client": Wordy(Service())})
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(minutes=1))
        (ticket,) = await open_tickets(store)
        assert "ids and facts, not documents" in ticket.title
        assert (ticket.category, (await the_run(store, "reading:p1")).state) == ("internal", "failed")

    run_virtually(main)
    assert len(encode("as large as may be", "x" * (LARGEST - 2))) == LARGEST


def test_the_types_of_a_method_are_its_annotations() -> None:
    client = Client(Service())
    assert answer_type(client.make) is Thing

    class Shelf:
        async def take(self, paid: Paid) -> Local[str]:
            return Done("Emma")

    assert answer_type(Shelf().take) is str
    assert input_types(client.make, 1) == tuple[Paid]
    assert input_types(client.make, 0) == tuple[()]


def test_the_flows_of_a_service_can_be_gone_through() -> None:
    assert [each.name for each in Flows([file_buyer, serve], {"client": 1})] == ["file_buyer", "serve"]
