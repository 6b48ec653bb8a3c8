"""Doubts to the second: when is looked, when is acted again, when is a key used again, and who is asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from onpaid.acts import act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.operations import Operations
from onpaid.engine.testing import START, run_virtually
from tests.engine.meddling import open_tickets
from tests.engine.service import (
    Client,
    Paid,
    Thing,
    by_key,
    by_key_and_find,
    by_looking_first,
    by_once,
)
from tests.engine.told import HOUR, Asked, Told, finding, finding_untold, tells


def test_a_lost_request_is_looked_up_after_timeout_settling_and_margin() -> None:
    tells(finding, "lost request", says=["0 act doubtful", "35 look absent", "35 act done"])
    tells(finding, "lost reply", says=["0 act doubtful", "35 look found"])
    tells(finding_untold, "lost reply", says=["0 act doubtful", "55 look found"])
    tells(finding, "bug", says=["0 act doubtful", "35 look absent", "35 act done"])


def test_a_quick_failure_is_looked_up_no_sooner() -> None:
    """That the connection broke at once says nothing about when the service does what it was sent."""
    tells(finding, "reset", says=["0 act doubtful", "35 look found"])
    tells(by_key, "500 after", says=["0 act doubtful", "55 act done"])


def test_a_key_is_sent_again_after_a_moment_and_after_an_answer_when_it_is_settled() -> None:
    tells(by_key, "reset", says=["0 act doubtful", "0 act done"])
    tells(by_key_and_find, "500 after", says=["0 act doubtful", "55 look found"])
    tells(by_key_and_find, "500 without", says=["0 act doubtful", "55 look absent", "55 act done"])


def test_what_the_service_asks_for_is_waited_for() -> None:
    tells(by_once, "unavailable", says=["0 act unavailable", "3 act done"])
    tells(finding, "unavailable", says=["0 act unavailable", "3 act done"])


def test_looks_that_prove_nothing_grow_rarer_until_a_person_is_asked() -> None:
    looks = ["35", "95", "215", "395", "635", "4235", "7835"]
    says = ["0 act doubtful", *(f"{at} look unsure" for at in looks)]
    tells(finding, "lost reply", looks=["unsure"] * 9, says=says, state="doubtful", seconds=8000)
    tells(
        finding,
        "lost reply",
        looks=["final"],
        says=["0 act doubtful", "35 look unsure"],
        state="doubtful",
        seconds=60,
    )


def test_an_absence_proves_nothing_where_nobody_knows_how_long_things_take() -> None:
    async def main() -> None:
        told = Told(finding_untold, "lost request")
        await told.begin(60)
        assert await told.transcript() == ["0 act doubtful", "55 look unsure"]
        assert (await told.step()).attempts[-1].note == "an absence proves nothing here"
        run = await told.run()
        assert (run.state, run.reason) == ("sleeping", "make: looks again (an absence proves nothing here)")
        await asyncio.sleep(HOUR)
        assert (await told.run()).state == "doubtful"
        assert len(told.service.things) == 0

    run_virtually(main)


def test_before_anything_was_sent_silence_is_what_is_to_be_expected() -> None:
    tells(by_looking_first, looks=["unsure"], says=["0 look absent", "0 act done"])
    tells(by_looking_first, looks=["final"], says=["0 look unsure"], state="doubtful", seconds=60)
    tells(
        by_looking_first,
        "unavailable",
        looks=["", "unavailable"],
        says=[
            "0 look absent",
            "0 act unavailable",
            "3 look unavailable",
            "72003 look absent",
            "72003 act done",
        ],
    )


def test_a_look_that_fails_before_anything_was_sent_leaves_no_doubt() -> None:
    async def main() -> None:
        told = Told(by_looking_first, looks=["unavailable"])
        await told.begin(10)
        run = await told.run()
        assert (run.state, run.steps[0].state, run.doubt) == ("sleeping", "failed", None)

    run_virtually(main)


def test_who_asks_to_be_looked_up_first_is_so_without_knowing_how_long_things_take() -> None:
    class Untold(Asked):
        @act(settles=None, look_first=True)
        async def make_untold(self, paid: Paid) -> Thing:
            return await self._act("make", paid.id)

    async def main() -> None:
        told = Told(finding_untold)
        told.client = Untold(told.service)
        await told.begin(10)
        assert await told.transcript() == ["0 look absent", "0 act done"]

    run_virtually(main)


def test_doubts_are_counted_anew_once_an_absence_was_proved() -> None:
    looks = [*["unsure"] * 3, "", *["unsure"] * 4]
    says = ["0 act doubtful", "35 look unsure", "95 look unsure", "215 look unsure", "395 look absent"]
    says += ["395 act doubtful", "430 look unsure", "490 look unsure", "610 look unsure", "790 look unsure"]
    tells(finding, "lost request", "lost reply", looks=looks, says=[*says, "1030 look found"])


# -- asking a person ---------------------------------------------------------------------------------------------


def test_a_person_is_asked_once_for_each_attempt_in_doubt() -> None:
    async def main() -> None:
        told = Told(by_once, "lost request", "reset")
        one = await told.begin(10 * HOUR)
        (ticket,) = await open_tickets(told.store)
        why = "the service offers no way to look it up"
        assert (ticket.category, ticket.severity, ticket.times, ticket.run) == (
            "doubt",
            "high",
            1,
            "by_once:p1",
        )
        assert ticket.facts == {"step": "tell", "act": "Client.tell", "attempt": "1", "why": why}
        assert ticket.title.startswith(
            "Did “tell” happen? It was sent, no clear answer came, and the service"
        )
        assert ticket.opened_at == START + 75_000 - 20_000, "20 s timeout, 30 s settling, 5 s margin"
        run = await told.run()
        assert (run.state, run.reason, run.tickets) == ("doubtful", ticket.title, [ticket.id])
        assert (run.due_at or 0) - told.clock.now() <= HOUR * 1000, "it is looked at again each hour"
        await Operations(one.engine).settle("by_once:p1", step="tell", attempt=1, done=False, by="ann")
        await asyncio.sleep(60)
        (second,) = await open_tickets(told.store)
        assert second.id != ticket.id
        assert second.facts["attempt"] == "2"
        assert (await told.run()).tickets == [ticket.id, second.id]

    run_virtually(main)


def test_a_result_that_does_not_fit_is_asked_for_in_a_ticket_that_says_why() -> None:
    async def main() -> None:
        told = Told(by_once, "reset")
        one = await told.begin(HOUR)
        hands = Operations(one.engine)
        await hands.settle("by_once:p1", step="tell", attempt=1, done=True, result={"no": 1}, by="ann")
        await asyncio.sleep(1)
        step = await told.step()
        assert (step.state, bool(step.settled)) == ("doubtful", False)
        await hands.settle(
            "by_once:p1", step="tell", attempt=1, done=True, result={"id": 7, "reference": "p1"}, by="ann"
        )
        await asyncio.sleep(1)
        run = await told.run()
        assert (run.state, bytes(run.result)) == ("done", b'{"id":7,"reference":"p1"}')
        assert [each.what for each in run.steps[0].attempts] == ["act", "person", "person", "person"]
        assert run.steps[0].attempts[-1].outcome == "settled"

    run_virtually(main)


def test_a_look_that_proves_nothing_says_why() -> None:
    async def main() -> None:
        told = Told(finding, "lost reply", looks=["unsure"])
        await told.begin(60)
        run = await told.run()
        assert run.steps[0].attempts[-1].note == "two hits"
        assert run.reason == "make: looks again (two hits)"

    run_virtually(main)


# -- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "lives"), [(22.9, True), (23.1, False)])
def test_a_key_is_used_until_an_hour_before_it_dies(hours: float, lives: bool) -> None:
    async def main() -> None:
        told = Told(by_key, "lost request")
        one = await told.begin(5)
        await one.kill()
        step = await told.step()
        assert step.first_sent == START
        await asyncio.sleep(hours * HOUR - 5)
        await told.life().live(at_most=timedelta(minutes=5))
        assert len(told.service.sent_keys) == (2 if lives else 1)
        assert len(set(told.service.sent_keys)) == 1
        assert (await told.run()).state == ("done" if lives else "doubtful")

    run_virtually(main)


def test_the_next_key_has_a_life_of_its_own() -> None:
    """The first key was sent a day ago, the second four hours ago: that one is used again, without a look."""

    async def main() -> None:
        told = Told(by_key_and_find, "stored 500", "lost request", looks=["unavailable"])
        one = await told.begin(20 * HOUR + 60)
        step = await told.step()
        assert (step.key_number, step.state, step.answered) == (2, "begun", False)
        assert step.first_sent is not None
        assert step.first_sent > START + 20 * HOUR * 1000
        await one.kill()
        await asyncio.sleep(4 * HOUR)
        await told.life().live(at_most=timedelta(minutes=5))
        assert told.service.sent_keys == ["by_key_and_find:p1/make:2"] * 2
        run = await told.run()
        assert run.state == "done"
        assert [each.what for each in run.steps[0].attempts] == ["act", "look", "look", "act", "act"]

    run_virtually(main)


def test_a_stored_answer_is_asked_for_eight_times_where_nothing_can_be_looked_up() -> None:
    says = [f"{at} act doubtful" for at in (0, 55, 110, 165, 220, 275, 330)]
    tells(by_key, *["stored 500"], says=[*says, "387 act doubtful"], state="doubtful", seconds=10 * HOUR)


def test_a_key_names_run_step_and_number() -> None:
    @flow(on=Paid, key=lambda paid: paid.id)
    async def spaced(ctx: Context, paid: Paid, *, client: Client) -> Thing:
        return await ctx.step("make a thing", client.make_by_key, paid)

    async def main() -> None:
        told = Told(spaced)
        await told.begin(1)
        assert told.service.sent_keys == ["spaced:p1/make-a-thing"]

    run_virtually(main)
