"""What is refused: believed or looked at, of the run or of the whole lane."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from onpaid.acts import act
from onpaid.engine.context import Context
from onpaid.engine.flow import Flow, flow
from onpaid.engine.operations import Operations
from onpaid.engine.testing import START, run_virtually
from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised
from tests.engine.meddling import open_tickets
from tests.engine.service import (
    Paid,
    Thing,
    by_key,
    by_once,
)
from tests.engine.told import Asked, Told, finding


@pytest.mark.parametrize("there", [True, False])
def test_a_repeat_that_is_refused_is_believed_once_a_look_finds_nothing(there: bool) -> None:
    """The first request landed after the look: what the repeat is refused for is that very thing."""

    async def main() -> None:
        told = Told(finding, "lost request", "refuse")
        await told.begin(36)
        step = await told.step()
        assert (step.state, step.refused, step.tries) == ("doubtful", "the amount is wrong", 2)
        if there:
            told.service.make("p1")
        await asyncio.sleep(60)
        begun = ["0 act doubtful", "35 look absent", "35 act refused"]
        assert await told.transcript() == [*begun, f"50 look {'found' if there else 'absent'}"]
        run = await told.run()
        assert run.state == ("done" if there else "failed")
        if not there:
            assert run.reason == "Refused: make: the amount is wrong"
            assert (run.steps[0].refused, run.steps[0].state) == ("", "failed")

    run_virtually(main)


@pytest.mark.parametrize(("story", "fates"), [(by_key, ["lost request", "refuse"]), (finding, ["refuse"])])
def test_a_refusal_that_nothing_can_contradict_is_believed(story: Flow, fates: list[str]) -> None:
    async def main() -> None:
        told = Told(story, *fates)
        await told.begin(60)
        run = await told.run()
        assert (run.state, run.steps[0].state, run.steps[0].refused) == ("failed", "failed", "")
        assert run.steps[0].attempts[-1].outcome == "refused"
        assert run.steps[0].attempts[-1].note == "the amount is wrong"

    run_virtually(main)


def test_a_look_that_is_refused_stops_the_run_and_the_doubt_stays() -> None:
    async def main() -> None:
        told = Told(finding, "lost reply", looks=["refused"])
        await told.begin(60)
        run = await told.run()
        assert (run.state, run.reason) == ("failed", "Refused: make: the look was refused: no such account")
        assert await told.transcript() == ["0 act doubtful", "35 look refused"]
        assert run.doubt is run.steps[0]
        await Operations(told.life().engine).retry("finding:p1", by="ann")
        await asyncio.sleep(60)
        assert (await told.run()).state == "done"
        assert len(told.service.things) == 1

    run_virtually(main)


def test_a_look_without_credentials_pauses_the_lane_and_the_doubt_stays() -> None:
    async def main() -> None:
        told = Told(finding, "lost reply", looks=["unauthorised"])
        one = await told.begin(60)
        run = await told.run()
        assert (run.state, run.wake, run.reason) == (
            "waiting",
            ["lane:default"],
            "the lane default is paused",
        )
        assert (run.steps[0].state, await told.transcript()) == (
            "doubtful",
            ["0 act doubtful", "35 look refused"],
        )
        (ticket,) = await open_tickets(told.store)
        assert run.tickets == [], "it is nobody's: one for all"
        assert (ticket.category, ticket.severity, ticket.run) == ("settings", "critical", None)
        assert ticket.facts == {"error": "the token is revoked", "lane": "default"}
        assert one.engine.workshop.lanes.paused(None) == "the token is revoked"
        await Operations(one.engine).resume("default", by="ann")
        await asyncio.sleep(1)
        assert (await told.run()).state == "done"
        assert len(told.service.things) == 1

    run_virtually(main)


def test_an_act_or_a_read_without_credentials_was_not_done() -> None:
    class Locked(Asked):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> int:
            raise Unauthorised("the token is revoked")

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reading(ctx: Context, paid: Paid, *, client: Any) -> int:
        return await ctx.step("read", client.read, paid)

    async def main(told: Told) -> None:
        await told.begin(10)
        step = await told.step()
        assert (step.state, step.attempts[-1].outcome) == ("failed", "refused")
        assert (await told.run()).due_at == START + 300_000 + (50 if told.story is by_once else 0)

    run_virtually(lambda: main(Told(by_once, "unauthorised")))
    locked = Told(reading)
    locked.client = Locked(locked.service)
    run_virtually(lambda: main(locked))


def test_a_read_that_is_doubtful_is_simply_read_again() -> None:
    class Flaky(Asked):
        @act(repeatable=True)
        async def read(self, paid: Paid) -> int:
            self._service.calls.append("read")
            if len(self._service.calls) == 1:
                raise Doubtful("reset")
            return paid.amount

    @flow(on=Paid, key=lambda paid: paid.id)
    async def reading(ctx: Context, paid: Paid, *, client: Any) -> int:
        return await ctx.step("read", client.read, paid)

    async def main() -> None:
        told = Told(reading)
        told.client = Flaky(told.service)
        await told.begin(10)
        step = await told.step()
        assert (step.state, step.tries) == ("done", 0)
        assert [each.outcome for each in step.attempts] == ["doubtful", "done"]
        assert step.attempts[1].at >= START + 500, "not at once"
        assert await open_tickets(told.store) == []

    run_virtually(main)


def test_a_long_refusal_is_kept_as_far_as_a_journal_goes() -> None:
    class Wordy(Asked):
        @act(settles=timedelta(seconds=10))
        async def make(self, paid: Paid) -> Thing:
            self._service.calls.append("make")
            if len(self._service.calls) == 1:
                raise Doubtful("reset")
            raise Refused("no" * 400)

    async def main() -> None:
        told = Told(finding)
        told.client = Wordy(told.service)
        await told.begin(36)
        step = await told.step()
        assert step.refused == "no" * 150
        assert step.attempts[-1].note == "no" * 150

    run_virtually(main)


def test_an_error_of_no_particular_kind_is_a_doubt() -> None:
    class Odd(Asked):
        @act(settles=timedelta(seconds=10))
        async def make(self, paid: Paid) -> Thing:
            self._service.make(paid.id)
            raise ProviderError("what is this?")

    async def main() -> None:
        told = Told(finding)
        told.client = Odd(told.service)
        await told.begin(40)
        assert await told.transcript() == ["0 act doubtful", "35 look found"]
        assert (await told.step()).attempts[0].note == "what is this?"

    run_virtually(main)


@pytest.mark.parametrize("fate", ["reset", "500 after"])
def test_a_doubt_that_waits_for_a_paused_lane_is_written_as_what_it_is(fate: str) -> None:
    """It is to be sent again under its key: so the journal says, and so it is read by the next process."""

    async def main() -> None:
        told = Told(by_key, fate)
        one = await told.begin(0.5)
        await Operations(one.engine).pause("default", "for the test")
        await asyncio.sleep(120)
        run = await told.run()
        assert (run.state, run.steps[0].state) == ("waiting", "failed")
        await Operations(one.engine).resume("default", by="ann")
        await asyncio.sleep(1)
        assert (await told.run()).state == "done"

    run_virtually(main)
