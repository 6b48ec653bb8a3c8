"""Runs that another process began, clocks that jump, things that are another's, journals that say little."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from onpaid.acts import Act, Finding, act
from onpaid.engine.context import Context
from onpaid.engine.flow import Flow, flow
from onpaid.engine.journal import RUNS, Attempt, Step
from onpaid.engine.stepping import OutsideAct
from onpaid.engine.testing import START, run_virtually
from tests.engine.service import (
    Client,
    Paid,
    Thing,
    by_key,
    by_once,
)
from tests.engine.told import HOUR, Asked, Told, finding


@pytest.mark.parametrize(
    ("story", "says"),
    [
        (finding, ["0 act unknown", "45 look absent", "45 act done"]),
        (by_key, ["0 act unknown", "10 act done"]),
        (by_once, ["0 act unknown"]),
    ],
    ids=["find", "key", "once"],
)
def test_what_a_dead_process_began_is_unknown(story: Flow, says: list[str]) -> None:
    async def main() -> None:
        told = Told(story, "lost request")
        one = await told.begin(5)
        await one.kill()
        await asyncio.sleep(5)
        await told.life().live(at_most=timedelta(minutes=30))
        assert await told.transcript() == says
        first = (await told.step()).attempts[0]
        assert (first.ended, first.note) == (
            START + 10_000,
            "its worker is gone: nobody knows whether it happened",
        )
        assert (await told.run()).state == ("doubtful" if story is by_once else "done")

    run_virtually(main)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_in_a_quiet_period_does_not_cut_it_short(days: int) -> None:
    """A clock set forward would end it, were it kept by that clock alone; set back, it lasts longer, no shorter."""
    looked: list[float] = []

    class Noting(Asked):
        @act(repeatable=True)
        async def find(self, paid: Paid) -> Finding[Thing]:
            looked.append(asyncio.get_running_loop().time())
            return await Client.find(self, paid)

    async def main() -> None:
        told = Told(finding, "lost reply")
        told.client = Noting(told.service)
        one = await told.begin(25)
        assert (await told.run()).state == "sleeping"
        assert one.engine.workshop.quiet == {("finding:p1", "make"): 35.0}
        told.clock.step(timedelta(days=days))
        one.hear("finding:p1")
        await asyncio.sleep(1)
        if days > 0:
            assert (await told.run()).due_at == told.clock.now() + 9_000, (
                "ten seconds less the one that passed"
            )
        await asyncio.sleep(2 * 86_400)
        assert (await told.run()).state == "done"
        assert one.engine.workshop.quiet == {}, "and is then forgotten"

    run_virtually(main)
    assert looked[0] == pytest.approx(35 if days > 0 else 86_435, abs=0.1)


def test_a_clock_that_is_set_back_in_a_call_does_not_prolong_its_end() -> None:
    """No call outlasts its timeout: what is left of it is never taken for a day."""
    tells_at: list[float] = []

    async def main() -> None:
        told = Told(finding, "reset")
        service = told.service

        class Jumping(Asked):
            @act(settles=timedelta(seconds=10))
            async def make(self, paid: Paid) -> Thing:
                told.clock.step(timedelta(days=-1))
                return await self._act("make", paid.id)

        told.client = Jumping(service)
        await told.begin(60)
        assert (await told.run()).state == "done"
        assert len(service.things) == 1
        attempts = (await told.step()).attempts
        tells_at.append(attempts[1].at + 86_400_000 - START)

    run_virtually(main)
    assert 35_000 <= tells_at[0] <= 36_000


# -- odd journals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["begun", "failed"])
def test_a_journal_that_says_less_than_ours_is_understood(state: str) -> None:
    """No input, no attempts: what is told now is sent, and what was begun is in doubt all the same."""

    async def main() -> None:
        told = Told(by_once)
        one = told.life()
        run = one.engine.recorder.new_run(by_once, Paid("p1"))
        run.steps = [Step("tell", "Client.tell", "once", state)]  # type: ignore[arg-type]
        await told.store.commit([RUNS.insert(run)])
        await one.live(at_most=timedelta(hours=1))
        assert (await told.run()).state == ("done" if state == "failed" else "doubtful")
        assert len(told.service.things) == (1 if state == "failed" else 0)

    run_virtually(main)


def test_an_attempt_that_has_ended_is_not_ended_again() -> None:
    async def main() -> None:
        told = Told(by_once)
        one = told.life()
        run = one.engine.recorder.new_run(by_once, Paid("p1"))
        ended = Attempt(1, START, "act", START + 5, "doubtful", "reset")
        run.steps = [Step("tell", "Client.tell", "once", "begun", [ended], tries=1)]
        await told.store.commit([RUNS.insert(run)])
        await one.live(at_most=timedelta(hours=1))
        assert (await told.run()).state == "doubtful"
        assert (await told.step()).attempts == [ended]

    run_virtually(main)


def test_only_so_many_attempts_are_kept_the_first_and_the_last_ones() -> None:
    async def main() -> None:
        told = Told(by_once, *["unavailable"] * 60)
        await told.begin(30 * HOUR)
        step = await told.step()
        assert (step.state, step.tries) == ("done", 61)
        assert [each.number for each in step.attempts] == [*range(1, 11), *range(42, 62)]

    run_virtually(main)


def test_a_look_needs_a_way_to_look() -> None:
    @flow(on=Paid, key=lambda paid: paid.id)
    async def blind(ctx: Context, paid: Paid, *, client: Client) -> None:
        outside = OutsideAct(ctx._telling, ctx._workshop, "tell", client.tell, (paid,), None)
        with pytest.raises(AssertionError, match="way to look"):
            await outside._look(Step("tell", "tell", "once"))

    async def main() -> None:
        told = Told(blind)
        await told.begin(1)
        assert (await told.run()).state == "done"

    run_virtually(main)


def test_an_act_declares_little_by_itself() -> None:
    plain = Act()
    assert (plain.lane, plain.timeout, plain.settles) == (None, timedelta(seconds=20), timedelta(seconds=30))
    assert (plain.repeatable, plain.local, plain.look_first, plain.key_life, plain.claim) == (
        False,
        False,
        False,
        None,
        None,
    )
