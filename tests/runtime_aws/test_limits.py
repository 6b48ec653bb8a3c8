"""The time limit of a function: runs are handed back at a boundary, a call that hangs is a doubt, nothing is lost."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from onpaid.acts import act
from onpaid.engine.flow import Flows
from onpaid.engine.journal import RUNS
from onpaid.engine.runner import Engine
from onpaid.engine.testing import MemoryStore, VirtualClock, run_virtually
from onpaid.runtime.aws import SqsBell, body_of
from onpaid.runtime.aws_work import Work
from tests.engine.service import Client, Paid, Service, by_find
from tests.flows.fates import Fates
from tests.runtime_aws.cloud import Cloud, Function
from tests.runtime_aws.events import messages
from tests.runtime_aws.line import Line
from tests.runtime_aws.test_work import all_done, taken_in

OPERATIONS = (
    "fetch_payment",
    "create_contact",
    "find_contact",
    "create_invoice",
    "find_invoice",
    "fetch_invoice",
    "count_dispatches",
    "send_receipt",
    "find_dispatch",
)


def slow() -> Fates:
    """Every call takes long, some seconds to twenty."""
    return Fates({operation: ["slow"] * 200 for operation in OPERATIONS})


def test_a_time_limit_in_the_middle_hands_the_run_back_at_the_boundary_of_a_step() -> None:
    cloud = Cloud(fates=slow())
    taken_in(cloud, "pi_1")
    work = cloud.function()
    (run,) = (name for name in cloud.runs() if name.startswith("invoice_payment:"))
    cloud.line.take(100)
    began = cloud.loop.time()
    assert work.work(messages(body_of(run)), limit=60) == {"batchItemFailures": []}
    assert cloud.loop.time() - began < 58
    held = cloud.runs()[run]
    if held.state == "waiting":  # for the run that files the contact, which was rung for
        run = next(name for name in cloud.line.runs if name.startswith("file_contact"))
        cloud.line.take(100)
        assert work.work(messages(body_of(run)), limit=12) == {"batchItemFailures": []}
        held = cloud.runs()[run]
    assert (held.state, held.reason) == ("ready", "handed back: the service is stopping")
    assert held.doubt is None
    assert run in cloud.line.runs, "it is rung for again"
    cloud.play(cloud.function(), None, 900)
    all_done(cloud, "pi_1")


def test_from_the_margin_on_no_step_begins_and_the_call_under_way_may_end() -> None:
    class Slow(Client):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> int:
            await asyncio.sleep(18)
            return paid.amount

    async def main() -> None:
        service, store, clock = Service(), MemoryStore(), VirtualClock()
        bell = SqsBell(Line(asyncio.get_running_loop()))
        flows = Flows([by_find], {"client": Slow(service)})
        engine = Engine(store, flows, clock=clock, bell=bell, random=Random(1), owner="one", sole=False)
        (run,) = await engine.recorder.record(facts=[Paid("p1")])
        work = Work(engine, bell, longest=15)
        loop = asyncio.get_running_loop()
        until = loop.time() + 30
        assert await work.advance([run], lambda: until - loop.time()) == []
        held = await RUNS.get(store, run)
        assert held is not None
        told = [
            (step.name, step.state, [each.outcome for each in step.attempts]) for step in held.record.steps
        ]
        assert told[0] == ("read", "done", ["done"])
        assert [each.outcome for step in held.record.steps[1:] for each in step.attempts] == []
        assert (held.record.state, held.record.reason) == ("ready", "handed back: the service is stopping")
        assert service.calls == []
        assert 17 < loop.time() < 19, "nothing is waited for beyond the call"
        until = loop.time() + 30
        assert await work.advance([run], lambda: until - loop.time()) == []
        held = await RUNS.get(store, run)
        assert held is not None
        assert (held.record.state, len(service.things)) == ("done", 1)

    run_virtually(main)


def test_a_call_that_hangs_past_the_limit_is_in_doubt_and_settled_by_a_look() -> None:
    cloud = Cloud(fates=Fates({"create_invoice": ["lost reply"]}))
    taken_in(cloud, "pi_1")
    work, tick = cloud.function(), cloud.function()
    until = cloud.loop.time() + 120
    while cloud.loop.time() < until:
        for body in cloud.line.take(1):
            began = cloud.loop.time()
            work.work(messages(body), limit=10)
            assert cloud.loop.time() - began < 10
        cloud.wait(1)
    run = next(run for run in cloud.runs().values() if run.flow == "invoice_payment")
    step = run.step("create invoice")
    assert step is not None
    assert "cancelled while under way" in [attempt.note for attempt in step.attempts]
    cloud.play(work, tick, 900)
    all_done(cloud, "pi_1")
    assert cloud.world.calls["create_invoice"] == 1, "what a look finds is not made again"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 13, 21, 34])
def test_however_short_the_limit_nothing_is_lost_and_nothing_is_done_twice(limit: int) -> None:
    cloud = Cloud(
        fates=Fates({operation: ["slow", "lost reply", "late"] for operation in OPERATIONS}, seed=limit)
    )
    taken_in(cloud, "pi_1")
    work = cloud.function()

    class Short(Function):
        def work(self, event: dict[str, object], limit_: float = limit) -> dict[str, object]:
            return super().work(event, limit_)

    cloud.play(Short(cloud), cloud.function(), 3 * 3600)
    cloud.play(work, cloud.function(), 3 * 3600)
    all_done(cloud, "pi_1")
