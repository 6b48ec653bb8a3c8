"""Stores that were restored from a backup, and things that are another's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onpaid.acts import act
from onpaid.engine.journal import CLAIMS, RUNS, Claim
from onpaid.engine.operations import Operations
from onpaid.engine.testing import START, run_virtually
from tests.engine.meddling import open_tickets
from tests.engine.service import (
    Paid,
    Thing,
    by_key_and_find,
    by_once,
)
from tests.engine.told import Asked, Told, finding, tells

# -- a restored store --------------------------------------------------------------------------------------------


def test_a_restored_store_looks_before_the_first_try_and_under_the_first_key() -> None:
    tells(finding, generation=1, says=["0 look absent", "0 act done"])
    tells(finding, "unavailable", generation=1, says=["0 look absent", "0 act unavailable", "3 act done"])
    tells(by_once, generation=1, says=["0 act done"])

    async def main() -> None:
        told = Told(by_key_and_find, generation=1)
        await told.begin(10)
        assert await told.transcript() == ["0 look absent", "0 act done"]
        assert told.service.sent_keys == ["by_key_and_find:p1/make"]

    run_virtually(main)


def test_a_person_is_asked_once_whether_a_restored_store_has_forgotten_an_act() -> None:
    async def main() -> None:
        told = Told(by_once, "unavailable")
        before = told.life()
        await told.store.commit([RUNS.insert(before.engine.recorder.new_run(by_once, Paid("p1")))])
        after = told.life(generation=1)
        await after.live(at_most=timedelta(minutes=1))
        assert (await told.run()).state == "doubtful"
        (ticket,) = await open_tickets(told.store)
        assert ticket.facts["why"] == "the store was restored from a backup made before it"
        await Operations(after.engine).settle("by_once:p1", step="tell", attempt=0, done=False, by="ann")
        await after.live(at_most=timedelta(minutes=1))
        assert (await told.run()).state == "done"
        assert [each.outcome for each in (await told.step()).attempts] == ["absent", "unavailable", "done"]

    run_virtually(main)


# -- what is ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["finding:p1/make", "finding:p0/make"])
def test_what_is_found_is_ours_unless_it_is_anothers(owner: str) -> None:
    async def main() -> None:
        told = Told(finding, "lost reply")
        await told.store.commit([CLAIMS.insert(Claim("service:1", owner, 7))])
        await told.begin(60)
        run = await told.run()
        held = await CLAIMS.get(told.store, "service:1")
        assert held is not None
        assert held.record == Claim("service:1", owner, 7)
        if owner == "finding:p1/make":
            assert (run.state, run.steps[0].state) == ("done", "done")
            assert await open_tickets(told.store) == []
        else:
            assert (run.state, run.steps[0].state, bool(run.steps[0].result)) == (
                "doubtful",
                "doubtful",
                False,
            )
            (ticket,) = await open_tickets(told.store)
            assert ticket.facts["why"] == "what was found, service:1, belongs to finding:p0/make"

    run_virtually(main)


def test_what_is_made_is_claimed_with_its_result() -> None:
    async def main() -> None:
        told = Told(finding)
        await told.begin(1)
        held = await CLAIMS.get(told.store, "service:1")
        assert held is not None
        assert held.record == Claim("service:1", "finding:p1/make", START + 50)

    run_virtually(main)


def test_nothing_made_is_nothing_claimed() -> None:
    class Empty(Asked):
        @act(settles=timedelta(seconds=1), claim=lambda thing: f"service:{thing.id}")
        async def make(self, paid: Paid) -> Thing | None:  # type: ignore[override]
            return None

    async def main() -> None:
        told = Told(finding)
        told.client = Empty(told.service)
        await told.begin(1)
        run = await told.run()
        assert (run.state, bool(run.result)) == ("done", False)

    run_virtually(main)
