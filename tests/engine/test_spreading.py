"""What one run's act spreads to: facts that start others in the same commit, flows that only mean some facts, and one
ticket for a provider that answers nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from onpaid.acts import LaneLimit, act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.engine.testing import Ending, Process, Scene, VirtualClock, crash_everywhere, run_virtually
from onpaid.errors import Unavailable
from onpaid.store.local import Done, Local
from onpaid.store.memory import MemoryStore
from tests.engine.service import Client, Paid, Service, Thing, by_find


class Told(msgspec.Struct, frozen=True):
    """What a sale has somebody told."""

    id: str


class Desk:
    """A local act that starts another run."""

    @act(local=True)
    async def sell(self, paid: Paid) -> Local[bool]:
        return Done(True, facts=(Told(paid.id),))

    async def look(self, paid: Paid) -> Local[bool]:
        return Done(True, facts=(Told(f"{paid.id}-looked"),))


@flow(on=Paid, key=lambda paid: paid.id)
async def sell(ctx: Context, paid: Paid, *, desk: Desk) -> bool:
    await ctx.wait_for("look", desk.look, paid)
    return await ctx.step("sell", desk.sell, paid)


@flow(on=Told, key=lambda told: told.id, same=lambda one, other: True)
async def tell(ctx: Context, told: Told, *, client: Client) -> Thing:
    return await ctx.step("make", client.make, Paid(told.id), find=client.find)


def test_what_a_local_act_starts_is_started_in_its_commit_crashed_everywhere() -> None:
    def make() -> Scene:
        service = Service()

        def check(end: Ending) -> None:
            assert sorted(thing.reference for thing in service.things) == [
                "p1",
                "p1-looked",
                "p2",
                "p2-looked",
            ]
            assert all(run.state == "done" for run in end.runs)

        return Scene(
            [sell, tell],
            [Paid("p1"), Paid("p2")],
            lambda store, clock: {"desk": Desk(), "client": Client(service)},
            check,
        )

    assert crash_everywhere(make) > 30


@flow(on=Paid, key=lambda paid: paid.id, when=lambda paid: paid.amount > 100)
async def thank(ctx: Context, paid: Paid, *, client: Client) -> Thing:
    return await ctx.step("make", client.make, paid, find=client.find)


def test_a_flow_starts_only_on_the_facts_that_it_means() -> None:
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [thank], {"client": Client(service)}, clock, name="one")
        small = await one.engine.recorder.record(facts=[Paid("p1", 100)])
        large = await one.engine.recorder.record(facts=[Paid("p2", 101)])
        await one.live()
        assert (small, large) == ([], ["thank:p2"])
        assert await RUNS.get(store, "thank:p1") is None
        assert [thing.reference for thing in service.things] == ["p2"]

    run_virtually(main)


class Away:
    """A provider that answers nobody until a moment; but `bad`, which never works."""

    def __init__(self, back_at: float, bad: str = "") -> None:
        self.back_at = back_at
        self.bad = bad
        self.made: list[str] = []

    @act(lane="courier", settles=timedelta(seconds=1))
    async def make(self, paid: Paid) -> str:
        await asyncio.sleep(0.01)
        if asyncio.get_running_loop().time() < self.back_at or paid.id == self.bad:
            raise Unavailable("nobody answers")
        self.made.append(paid.id)
        return paid.id


@flow(on=Paid, key=lambda paid: paid.id)
async def ship(ctx: Context, paid: Paid, *, away: Away) -> str:
    return await ctx.step("ship", away.make, paid)


def _lanes() -> list[LaneLimit]:
    return [LaneLimit("courier", at_once=4)]


def test_a_dead_provider_is_one_ticket_however_many_runs_wait_and_it_closes_by_itself() -> None:
    away = Away(6 * 3600.0)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [ship], {"away": away}, clock, name="one", lanes=_lanes())
        await one.engine.recorder.record(facts=[Paid(f"p{n}") for n in range(40)])
        await one.live(at_most=timedelta(hours=5))
        open_ones = (await TICKETS.query(store, "state", "open", limit=100)).items
        assert [(ticket.category, ticket.run) for ticket in open_ones] == [("provider", None)]
        assert "courier does not answer" in open_ones[0].title
        await one.live()
        assert sorted(away.made) == sorted(f"p{n}" for n in range(40))
        assert (await TICKETS.query(store, "state", "open")).items == []

    run_virtually(main)


def test_a_new_process_closes_the_ticket_of_a_trouble_that_is_over() -> None:
    away = Away(6 * 3600.0)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [ship], {"away": away}, clock, name="one", lanes=_lanes())
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(hours=5))
        await one.kill()
        assert await store.count(TICKETS.name, "state", "open") == 1
        two = Process(store, [ship], {"away": away}, clock, name="two", lanes=_lanes())
        await two.engine.open()
        await two.live()
        assert away.made == ["p1"]
        assert await store.count(TICKETS.name, "state", "open") == 0

    run_virtually(main)


def test_one_run_that_fails_while_others_get_through_has_a_ticket_of_its_own() -> None:
    away = Away(0.0, bad="p0")

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [ship], {"away": away}, clock, name="one", lanes=_lanes())
        await one.engine.recorder.record(facts=[Paid("p0")])
        living = asyncio.create_task(one.live(at_most=timedelta(hours=8)))
        for nth in range(1, 400):
            await asyncio.sleep(60)
            await one.engine.recorder.record(facts=[Paid(f"p{nth}")])
        await living
        (ticket,) = (await TICKETS.query(store, "state", "open", limit=100)).items
        assert ticket.run == "ship:p0"
        assert len(away.made) == 399

    run_virtually(main)


def test_a_lane_without_trouble_reads_no_ticket() -> None:
    """The happy path is not made slower: the second of two runs writes no more than the first."""
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [by_find], {"client": Client(service)}, clock, name="one")
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        held = await RUNS.get(store, "by_find:p1")
        assert held is not None
        first = held.version
        await one.engine.recorder.record(facts=[Paid("p2")])
        await one.live()
        again = await RUNS.get(store, "by_find:p2")
        assert again is not None
        assert again.version == first

    run_virtually(main)
