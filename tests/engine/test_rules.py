"""The engine's rules, each a hole that was closed: a test named after each that the engine alone can break."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from onpaid.acts import LaneLimit, act, current_call
from onpaid.engine.context import Context
from onpaid.engine.flow import Flow, Flows, flow
from onpaid.engine.journal import RUNS, TICKETS, Run
from onpaid.engine.operations import Operations
from onpaid.engine.pace import Pace
from onpaid.engine.testing import (
    Ending,
    MortalStore,
    Process,
    Scene,
    VirtualClock,
    crash_everywhere,
    play,
    run_virtually,
)
from onpaid.errors import NotPossible, Unavailable
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Check, Insert, Put, Store, Update
from tests.engine.service import Client, Paid, Service, Thing, by_find, by_key, by_looking_first, by_once


def process(
    store: Store, clock: VirtualClock, service: Service, *flows: Flow, name: str = "one", **more: object
) -> Process:
    return Process(store, flows, {"client": Client(service)}, clock, name=name, **more)  # type: ignore[arg-type]


async def the_run(store: Store, run_id: str) -> Run:
    held = await RUNS.get(store, run_id)
    assert held is not None
    return held.record


# -- identity ----------------------------------------------------------------------------------------------------


def test_rule_02_what_another_owns_is_not_adopted() -> None:
    """A look that finds a stranger's thing must not make it ours."""

    class Confused(Client):
        @act(repeatable=True)
        async def find(self, paid: Paid) -> object:
            from onpaid.acts import Found

            return Found(self._service.things[0])

    service = Service(["well", "well", "well", "lost request"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [by_find], {"client": Confused(service)}, clock)
        await one.engine.recorder.record(facts=[Paid("first")])
        await one.live()
        await one.engine.recorder.record(facts=[Paid("second")])
        await one.live(at_most=timedelta(hours=2))
        second = await the_run(store, "by_find:second")
        assert second.state == "doubtful"
        (ticket,) = (await TICKETS.query(store, "state", "open")).items
        assert "belongs to by_find:first" in ticket.title

    run_virtually(main)


class Buyer(msgspec.Struct, frozen=True):
    id: str


class Purchase(msgspec.Struct, frozen=True):
    id: str
    buyer: str


@flow(on=Buyer, key=lambda buyer: buyer.id, same=lambda one, other: True)
async def file_buyer(ctx: Context, buyer: Buyer, *, client: Client) -> Thing:
    return await ctx.step("file", client.make, Paid(buyer.id), find=client.find)


@flow(on=Purchase, key=lambda purchase: purchase.id)
async def serve_purchase(ctx: Context, purchase: Purchase, *, client: Client) -> int:
    filed = await ctx.call("buyer", Buyer(purchase.buyer), Thing)
    thing = await ctx.step("serve", client.make_looking, Paid(purchase.id), find=client.find)
    return filed.id + thing.id


def test_rule_03_two_orders_of_a_new_customer_make_one_contact_crashed_everywhere() -> None:
    def make() -> Scene:
        service = Service(["lost reply"], lag=1)

        def check(end: Ending) -> None:
            references = sorted(thing.reference for thing in service.things)
            assert references == ["ann", "p1", "p2"]
            assert all(run.state == "done" for run in end.runs)

        return Scene(
            [file_buyer, serve_purchase],
            [Purchase("p1", "ann"), Purchase("p2", "ann")],
            lambda store, clock: {"client": Client(service)},
            check,
        )

    assert crash_everywhere(make) > 40


# -- acting ------------------------------------------------------------------------------------------------------


def test_rule_07_the_lane_is_taken_before_begun_is_written() -> None:
    """Twenty runs share a lane of one: none waits for the lane with a begun step, and none calls beside another."""

    class Narrow(Client):
        @act(lane="narrow", settles=timedelta(seconds=10))
        async def make(self, paid: Paid) -> Thing:
            return await self._act("make", paid.id)

        find = Client.find

    service = Service()

    @flow(on=Paid, key=lambda paid: paid.id)
    async def narrow(ctx: Context, paid: Paid, *, client: Any) -> Thing:
        return await ctx.step("make", client.make, paid, find=client.find)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        lanes = [LaneLimit("narrow", at_once=1, per_second=0.1, strict=True)]
        one = Process(store, [narrow], {"client": Narrow(service)}, clock, lanes=lanes)
        await one.engine.recorder.record(facts=[Paid(f"p{n}") for n in range(20)])
        living = asyncio.create_task(one.live())
        while not living.done():
            await asyncio.sleep(7)
            begun = 0
            for state in ("running", "waiting", "sleeping", "ready"):
                for run in (await RUNS.query(store, "state", state, limit=100)).items:
                    begun += any(step.state == "begun" for step in run.steps)
            assert begun <= 1
        assert service.most_at_once == 1
        assert len(service.things) == 20
        assert asyncio.get_running_loop().time() >= 190, "one call every ten seconds"

    run_virtually(main)


def test_rule_08_a_request_that_would_leave_too_late_does_not_leave() -> None:
    """The worker freezes while `begun` is written; when it thaws its send-by is over."""

    class SlowStore(MemoryStore):
        async def commit(self, writes: object) -> None:
            run = [w for w in writes if w.kind == "run" and b'"begun"' in w.body]  # type: ignore[attr-defined]
            await super().commit(writes)  # type: ignore[arg-type]
            if run and not thawed:
                thawed.append(True)
                await asyncio.sleep(500)

    thawed: list[bool] = []
    asked: list[bool] = []

    class Careful(Client):
        @act(settles=timedelta(seconds=10))
        async def make(self, paid: Paid) -> Thing:
            call = current_call.get()
            assert call is not None
            asked.append(call.may_send())
            if not call.may_send():
                raise Unavailable("too late to send")
            return await self._act("make", paid.id)

    service = Service()

    async def main() -> None:
        store, clock = SlowStore(), VirtualClock()
        one = Process(store, [by_find], {"client": Careful(service)}, clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert len(service.things) == 1
        assert asked[-1] is True
        assert (await the_run(store, "by_find:p1")).state == "done"

    run_virtually(main)


def test_rule_09_the_input_of_an_act_is_what_was_journaled() -> None:
    """Settings change between crash and replay: the repeat sends the same words."""
    sent: list[int] = []
    price = [100]

    class Recording(Client):
        @act(key_life=timedelta(hours=24))
        async def make_by_key(self, paid: Paid) -> Thing:
            sent.append(paid.amount)
            if len(sent) == 1:
                price[0] = 999
                await asyncio.sleep(1000)
            return self._service.make(paid.id)

    @flow(on=Paid, key=lambda paid: paid.id)
    async def priced(ctx: Context, paid: Paid, *, client: Any) -> Thing:
        return await ctx.step("make", client.make_by_key, Paid(paid.id, price[0]))

    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [priced], {"client": Recording(service)}, clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()

    run_virtually(main)
    assert sent == [100, 100]


@pytest.mark.parametrize("fault", ["twice", "before"])
def test_rule_09_a_telling_that_left_its_journal_stops_with_a_ticket(fault: str) -> None:
    changed = [False]

    @flow(on=Paid, key=lambda paid: paid.id)
    async def restless(ctx: Context, paid: Paid, *, client: Client) -> None:
        if fault == "before" and changed[0]:
            await ctx.step("new first", client.read, paid)
        await ctx.step("read", client.read, paid)
        if fault == "twice":
            await ctx.step("read", client.read, paid)
        changed[0] = True
        await ctx.sleep("a while", timedelta(hours=1))

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, Service(), restless)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert (await the_run(store, "restless:p1")).state == "failed"
        (ticket,) = (await TICKETS.query(store, "state", "open")).items
        assert "no longer matches its journal" in ticket.title
        assert ticket.severity == "critical"

    run_virtually(main)


class Stock:
    """A local act: it counts in our own store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @act(local=True)
    async def take(self, paid: Paid) -> Local[int]:
        held = await self._store.get("stock", "racket")
        assert held is not None
        left = int(held.body) - 1
        return Done(left, (Update("stock", "racket", str(left).encode(), held.version),))


def test_rule_10_a_local_act_and_its_step_are_one_commit() -> None:
    @flow(on=Paid, key=lambda paid: paid.id)
    async def sell(ctx: Context, paid: Paid, *, stock: Stock) -> int:
        return await ctx.step("take stock", stock.take, paid)

    def make() -> Scene:
        stores: list[Store] = []

        async def before(store: Store) -> None:
            stores.append(store)
            await store.commit([Insert("stock", "racket", b"10")])

        def check(end: Ending) -> None:
            left = stores[0]._documents["stock", "racket"][0].body  # type: ignore[attr-defined]
            assert left == b"7"
            assert sorted(int(bytes(run.result)) for run in end.runs) == [7, 8, 9]

        facts = [Paid("p1"), Paid("p2"), Paid("p3")]
        return Scene([sell], facts, lambda store, clock: {"stock": Stock(store)}, check, before=before)

    assert crash_everywhere(make) > 20


def test_rule_11_a_key_that_died_is_not_used_again() -> None:
    """The service was away for two days: the key is dead, nothing can be looked up, so a person decides."""
    service = Service(["lost request"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        first = MortalStore(store)
        one = process(first, clock, service, by_key)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        await one.kill()
        await asyncio.sleep(2 * 86_400)
        two = process(store, clock, service, by_key, name="two")
        await two.live(at_most=timedelta(hours=3))
        assert (await the_run(store, "by_key:p1")).state == "doubtful"
        assert len(service.sent_keys) == 1

    run_virtually(main)


def test_rule_14_resuming_the_lane_resumes_its_runs() -> None:
    service = Service(["unauthorised"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_once)
        await one.engine.recorder.record(facts=[Paid(f"p{n}") for n in range(5)])
        await one.live(at_most=timedelta(minutes=1))
        before = len(service.calls)
        woken = await Operations(one.engine).resume("default", by="ann")
        assert woken >= 1
        await one.live()
        assert len(service.calls) > before
        assert (await TICKETS.query(store, "state", "open")).items == []
        for n in range(5):
            assert (await the_run(store, f"by_once:p{n}")).state == "done"

    run_virtually(main)


def test_rule_14_what_keeps_failing_is_told_and_still_tried() -> None:
    service = Service(["well", *["unavailable"] * 12])
    tickets: list[int] = []

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_find)
        await one.engine.recorder.record(facts=[Paid("p1")])
        living = asyncio.create_task(one.live())
        while not living.done():
            await asyncio.sleep(10)
            tickets.append(len((await TICKETS.query(store, "state", "open")).items))
        assert (await the_run(store, "by_find:p1")).state == "done"

    run_virtually(main)
    assert max(tickets) == 1
    assert tickets[-1] == 0, "the end closes what it opened"


# -- facts that arrive -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["waiting", "acted", "ended"])
def test_rule_16_a_different_fact_is_adopted_or_a_ticket_never_lost(when: str) -> None:
    class Gate:
        open = when != "waiting"

        async def look(self) -> Local[bool]:
            return Done(True) if self.open else NotYet(("gate",), (Check("gate", "1", None),), "shut")

    gate = Gate()

    @flow(on=Paid, key=lambda paid: paid.id)
    async def gated(ctx: Context, paid: Paid, *, client: Any) -> int:
        await ctx.wait_for("gate", gate.look)
        await ctx.step("make", client.make, paid, find=client.find)
        if when == "acted":
            await ctx.sleep("a while", timedelta(hours=1))
        return paid.amount

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, Service(), gated)
        await one.engine.recorder.record(facts=[Paid("p1", 100)], event="e1")
        await one.live(at_most=timedelta(minutes=5))
        await one.engine.recorder.record(facts=[Paid("p1", 100)], event="e2")
        await one.engine.recorder.record(facts=[Paid("p1", 250)], event="e3")
        await one.engine.recorder.record(facts=[Paid("p1", 250)], event="e3")
        gate.open = True
        await one.live()
        run = await the_run(store, "gated:p1")
        verdicts = {joined.event: joined.verdict for joined in run.joined}
        tickets = (await TICKETS.query(store, "state", "open")).items
        assert verdicts["e2"] == "same"
        if when == "waiting":
            assert verdicts["e3"] == "adopted"
            assert run.state == "done"
            assert bytes(run.result) == b"250"
            assert not tickets
        else:
            assert verdicts["e3"] == "ticket"
            assert len(tickets) == 1

    run_virtually(main)


def test_rule_19_nothing_slips_between_look_and_wait() -> None:
    """A waiter and what it waits for are stored at every interleaving; the timer is far too slow to help."""

    class Shelf:
        def __init__(self, store: Store) -> None:
            self._store = store

        async def look(self) -> Local[str]:
            held = await self._store.get("book", "1")
            await asyncio.sleep(0)
            if held is not None:
                return Done("read")
            return NotYet(("book:1",), (Check("book", "1", None),), "no book")

    class Halting(MemoryStore):
        """Gives way to others around every verb, by a seeded pattern."""

        def __init__(self, seed: int) -> None:
            super().__init__()
            self._random = Random(seed)

        async def get(self, kind: str, key: str) -> object:  # type: ignore[override]
            await self._pause()
            found = await super().get(kind, key)
            await self._pause()
            return found

        async def commit(self, writes: object) -> None:
            await self._pause()
            await super().commit(writes)  # type: ignore[arg-type]
            await self._pause()

        async def _pause(self) -> None:
            for _ in range(self._random.randrange(4)):
                await asyncio.sleep(0)

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reader(ctx: Context, paid: Paid, *, shelf: Any) -> str:
        return await ctx.wait_for("book", shelf.look, every=timedelta(days=20), at_most=timedelta(days=20))

    async def main(seed: int) -> float:
        store, clock = Halting(seed), VirtualClock()
        one = Process(store, [reader], {"shelf": Shelf(store)}, clock)
        living = asyncio.create_task(one.engine.recorder.record(facts=[Paid("p1")]))
        for beat in range(seed % 61):
            await asyncio.sleep(0)
            if beat % 7 == 6:
                one.hear("reader:p1")  # rung for nothing: it looks again, and parks again
        await one.engine.recorder.record([Put("book", "1", b"x")], wakes=["book:1"])
        await living
        await one.live()
        assert (await the_run(store, "reader:p1")).state == "done"
        return asyncio.get_running_loop().time()

    for seed in range(400):
        assert run_virtually(lambda seed=seed: main(seed)) < 60, f"seed {seed}: only the timer woke it"


def test_what_gave_up_goes_on_when_the_thing_comes_after_all() -> None:
    class Shelf:
        def __init__(self, store: Store) -> None:
            self._store = store

        async def look(self) -> Local[str]:
            if await self._store.get("book", "1") is not None:
                return Done("read")
            return NotYet(("book:1",), (Check("book", "1", None),), "no book")

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reader(ctx: Context, paid: Paid, *, shelf: Any) -> str:
        return await ctx.wait_for("book", shelf.look, at_most=timedelta(days=2))

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [reader], {"shelf": Shelf(store)}, clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert (await the_run(store, "reader:p1")).state == "failed"
        assert len((await TICKETS.query(store, "state", "open")).items) == 1
        await asyncio.sleep(86_400)
        await one.engine.recorder.record([Put("book", "1", b"x")], wakes=["book:1"])
        await one.live()
        assert (await the_run(store, "reader:p1")).state == "done"
        assert (await TICKETS.query(store, "state", "open")).items == []

    run_virtually(main)


# -- clocks, processes, people -----------------------------------------------------------------------------------


def test_rule_21_a_new_process_waits_for_the_call_of_the_dead_one() -> None:
    """The lane is strict: what was in flight when the process died keeps it shut."""

    class Narrow(Client):
        @act(lane="narrow", settles=timedelta(seconds=1), timeout=timedelta(seconds=20))
        async def make(self, paid: Paid) -> Thing:
            return await self._act("make", paid.id)

    @flow(on=Paid, key=lambda paid: paid.id)
    async def narrow(ctx: Context, paid: Paid, *, client: Any) -> Thing:
        return await ctx.step("make", client.make, paid, find=client.find)

    service = Service(["lost request"])
    lanes = [LaneLimit("narrow", at_once=1, strict=True)]

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(MortalStore(store), [narrow], {"client": Narrow(service)}, clock, lanes=lanes)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        assert service.calls == ["make"]
        await one.kill()
        two = Process(store, [narrow], {"client": Narrow(service)}, clock, lanes=lanes, name="two")
        await two.engine.open()
        await two.engine.recorder.record(facts=[Paid("p2")])
        await asyncio.sleep(10)
        assert service.calls == ["make"], "fifteen seconds: the dead process's call may still be in flight"
        await two.live()
        assert len(service.things) == 2

    run_virtually(main)


@pytest.mark.parametrize("days", [-1, 1])
def test_rule_22_a_clock_that_jumps_cuts_no_quiet_period_short_and_loses_no_timer(days: int) -> None:
    service = Service(["well", "late"])
    looked_at: list[float] = []

    class Noting(Client):
        @act(repeatable=True)
        async def find(self, paid: Paid) -> object:
            looked_at.append(asyncio.get_running_loop().time())
            return await Client.find(self, paid)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [by_find], {"client": Noting(service)}, clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(2)
        clock.step(timedelta(days=days))
        await one.live(at_most=timedelta(days=3))
        assert len(service.things) == 1
        assert (await the_run(store, "by_find:p1")).state == "done"
        assert looked_at[0] >= 20 + 10 + 5, "timeout, settling and margin, whatever the clock says"

    run_virtually(main)


def test_rule_22_a_takeover_serves_the_whole_quiet_period_from_its_own_start() -> None:
    service = Service(["well", "late"])
    looked: list[float] = []

    class Noting(Client):
        @act(repeatable=True)
        async def find(self, paid: Paid) -> object:
            looked.append(asyncio.get_running_loop().time())
            return await Client.find(self, paid)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(MortalStore(store), [by_find], {"client": Noting(service)}, clock)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(2)
        await one.kill()
        clock.step(timedelta(days=2))
        two = Process(store, [by_find], {"client": Noting(service)}, clock, name="two")
        started = asyncio.get_running_loop().time()
        await two.live()
        assert looked[0] - started >= 20 + 10 + 5
        assert len(service.things) == 1

    run_virtually(main)


@pytest.mark.parametrize("flow", [by_find, by_looking_first, by_once], ids=lambda f: f.name)
def test_rule_23_a_restored_store_looks_before_it_acts_and_asks_where_it_cannot(flow: Flow) -> None:
    """The backup was made before the act; the act was done; the backup is restored."""
    service = Service()

    async def main() -> None:
        backup, clock = MemoryStore(), VirtualClock()
        one = process(backup, clock, service, flow)
        await backup.commit([RUNS.insert(one.engine.recorder.new_run(flow, Paid("p1")))])
        service.make("p1")
        two = process(backup, clock, service, flow, name="two", generation=1)
        await two.live(at_most=timedelta(hours=3))
        assert len(service.things) == 1
        state = (await the_run(backup, f"{flow.name}:p1")).state
        assert state == ("doubtful" if flow is by_once else "done")
        if flow is by_once:
            await Operations(two.engine).settle("by_once:p1", step="tell", attempt=0, done=False, by="ann")
            await two.live()
            assert len(service.things) == 2, "a person said that it was not done"

    run_virtually(main)


def test_rule_24_a_doubt_is_settled_once_by_who_saw_its_last_attempt() -> None:
    service = Service(["lost request"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_once)
        hands = Operations(one.engine)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(5)
        with pytest.raises(NotPossible, match="running this moment"):
            await hands.settle("by_once:p1", step="tell", attempt=1, done=False, by="ann")
        await asyncio.sleep(20)
        with pytest.raises(NotPossible, match="in flight"):
            await hands.settle("by_once:p1", step="tell", attempt=1, done=False, by="ann")
        await one.live(at_most=timedelta(hours=1))
        with pytest.raises(NotPossible, match="settle the step"):
            await hands.retry("by_once:p1", by="ann")
        with pytest.raises(NotPossible, match="in doubt"):
            await hands.cancel("by_once:p1", by="ann")
        with pytest.raises(NotPossible, match="tried 1 times"):
            await hands.settle("by_once:p1", step="tell", attempt=2, done=False, by="ann")
        result = {"id": 7, "reference": "p1"}
        answers = await asyncio.gather(
            hands.settle("by_once:p1", step="tell", attempt=1, done=True, result=result, by="ann"),
            hands.settle("by_once:p1", step="tell", attempt=1, done=False, by="bob"),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, NotPossible) for answer in answers) == 1
        await one.live()
        assert (await the_run(store, "by_once:p1")).state == "done"
        assert (await TICKETS.query(store, "state", "open")).items == []

    run_virtually(main)


def test_rule_24_a_result_that_does_not_fit_is_asked_for_again() -> None:
    service = Service(["lost request"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_once)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live(at_most=timedelta(hours=1))
        await Operations(one.engine).settle(
            "by_once:p1", step="tell", attempt=1, done=True, result={"no": 1}, by="ann"
        )
        await one.live(at_most=timedelta(hours=1))
        assert (await the_run(store, "by_once:p1")).state == "doubtful"

    run_virtually(main)


def test_rule_25_a_landing_after_the_quiet_period_shows_as_double() -> None:
    """The control: were the quiet period shorter than the landing, the proof would say so."""
    service = Service(["well", "late"])
    short = Pace(factor=10)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_find, pace=short)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        await asyncio.sleep(60)
        assert len(service.things) == 2

    run_virtually(main)


def test_every_bell_lost_the_tick_alone_brings_everything_home() -> None:
    service = Service(["well", "lost reply", "unavailable"])
    facts = [Paid(f"p{n}") for n in range(30)]
    scene = Scene([by_find], facts, lambda store, clock: {"client": Client(service)}, lambda end: None)
    ending = run_virtually(lambda: play(scene, ringing=False))
    assert len(service.things) == 30
    assert {run.state for run in ending.runs} == {"done"}


def test_two_engines_on_one_store_take_each_run_once() -> None:
    """As on Lambda: no lock keeps the other out, only leases."""
    service = Service(["well", "lost reply"] * 5)

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_find, name="one", sole=False)
        two = process(store, clock, service, by_find, name="two", sole=False)
        await one.engine.recorder.record(facts=[Paid(f"p{n}") for n in range(20)])
        await asyncio.gather(one.live(), two.live())
        assert sorted(thing.reference for thing in service.things) == sorted(f"p{n}" for n in range(20))

    run_virtually(main)


def test_a_worker_that_lost_its_lease_changes_nothing() -> None:
    service = Service(["well", "lost reply"])

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = process(store, clock, service, by_find, name="one", sole=False)
        await one.engine.recorder.record(facts=[Paid("p1")])
        await asyncio.sleep(1)
        held = await RUNS.get(store, "by_find:p1")
        assert held is not None
        taken = held.record
        taken.lease_number += 1
        taken.lease_owner = "two"
        await store.commit([RUNS.update(taken, held.version)])
        before = await store.get("run", "by_find:p1")
        await asyncio.sleep(60)
        assert await store.get("run", "by_find:p1") == before

    run_virtually(main)


def test_flows_that_need_what_nobody_gives_are_refused_at_the_start() -> None:
    from onpaid.errors import SettingsError

    with pytest.raises(SettingsError, match="by_find needs client"):
        Flows([by_find], {})


def test_a_long_queue_for_one_thing_is_woken_in_batches() -> None:
    """More waiters than a batch may hold: all of them go on, and without waiting for their timers."""
    service = Service()

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        one = Process(store, [file_buyer, serve_purchase], {"client": Client(service)}, clock)
        for nth in range(0, 150, 50):
            await one.engine.recorder.record(facts=[Purchase(f"p{n}", "ann") for n in range(nth, nth + 50)])
        await one.live()
        assert len(service.things) == 151
        assert asyncio.get_running_loop().time() < 60, "nobody waited for a timer"

    run_virtually(main)


def test_rule_16_what_was_taken_for_the_first_fact_is_not_taken_again_for_another() -> None:
    """A wait that ended with writes has acted: a different fact is a ticket, not a story told anew."""

    @flow(on=Paid, key=lambda paid: paid.id)
    async def taking(ctx: Context, paid: Paid, *, stock: Any) -> int:
        await ctx.wait_for("take", stock.take, paid)
        await ctx.sleep("a while", timedelta(hours=1))
        return paid.amount

    async def main() -> None:
        store, clock = MemoryStore(), VirtualClock()
        await store.commit([Insert("stock", "racket", b"10")])
        one = Process(store, [taking], {"stock": Stock(store)}, clock)
        await one.engine.recorder.record(facts=[Paid("p1", 100)], event="e1")
        await asyncio.sleep(30)
        await one.engine.recorder.record(facts=[Paid("p1", 250)], event="e2")
        await one.live()
        held = await store.get("stock", "racket")
        assert held is not None
        assert held.body == b"9"
        assert len((await TICKETS.query(store, "state", "open")).items) == 1

    run_virtually(main)
