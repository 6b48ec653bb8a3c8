"""What keeps failing: still tried, and told to a person once for the run or once for the provider."""

from __future__ import annotations

import asyncio

import pytest

from onpaid.acts import LaneLimit, act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import TICKETS
from onpaid.engine.testing import run_virtually
from onpaid.engine.tickets import DOES_NOT_ANSWER, ticket_id
from onpaid.errors import Unavailable
from tests.engine.meddling import open_tickets
from tests.engine.service import Paid, by_once
from tests.engine.told import HOUR, Asked, Told, finding


@pytest.mark.parametrize(("failures", "times"), [(7, 0), (8, 1), (15, 1), (16, 2), (24, 2)])
def test_a_run_that_keeps_failing_is_told_after_eight_and_after_sixteen_times(
    failures: int, times: int
) -> None:
    async def main() -> None:
        told = Told(by_once, *["unavailable"] * failures)
        await told.begin(20 * HOUR)
        run = await told.run()
        assert (run.state, run.failures) == ("done", 0)
        assert run.steps[0].tries == failures + 1
        found = [held.record for name in run.tickets if (held := await TICKETS.get(told.store, name))]
        assert [ticket.times for ticket in found] == ([times] if times else [])
        for ticket in found:
            assert (ticket.category, ticket.severity, ticket.run) == ("provider", "medium", "by_once:p1")
            assert ticket.facts == {"step": "tell", "error": "too many requests"}
            assert (ticket.state, ticket.closed_by) == ("closed", "the run was done")

    run_virtually(main)


def test_what_is_sent_again_and_again_and_never_done_is_told_as_well() -> None:
    """Each look proves that nothing is there: no doubt, and yet no end."""

    async def main() -> None:
        told = Told(finding, *["lost request"] * 9)
        await told.begin(8 * 35 - 1)
        assert await open_tickets(told.store) == []
        assert (await told.run()).failures == 7
        await asyncio.sleep(30)
        (ticket,) = await open_tickets(told.store)
        assert (ticket.category, ticket.severity, ticket.run) == ("provider", "medium", "finding:p1")
        assert ticket.facts == {"step": "make", "error": "it never takes effect"}
        await asyncio.sleep(HOUR)
        run = await told.run()
        assert (run.state, run.failures, len(told.service.things)) == ("done", 0, 1)
        assert await open_tickets(told.store) == []

    run_virtually(main)


class Away(Asked):
    """A provider on a lane of its own, which fails some of its customers for some time."""

    failing: tuple[str, ...] = ("p1",)

    @act(lane="courier")
    async def ship(self, paid: Paid) -> str:
        self._service.calls.append(paid.id)
        if paid.id in self.failing:
            raise Unavailable("nobody answers")
        return paid.id


@flow(on=Paid, key=lambda paid: paid.id, category="shipment")
async def shipping(ctx: Context, paid: Paid, *, client: Away) -> str:
    return await ctx.step("ship", client.ship, paid)


def test_a_provider_that_fails_everybody_has_one_ticket() -> None:
    async def main() -> None:
        told = Told(shipping, lanes=[LaneLimit("courier")])
        told.client = Away(told.service)
        await told.begin(HOUR)
        (ticket,) = await open_tickets(told.store)
        assert ticket.id == ticket_id("lane:courier", DOES_NOT_ANSWER)
        assert (ticket.category, ticket.severity, ticket.run) == ("shipment", "high", None)
        assert ticket.facts == {"step": "ship", "error": "nobody answers", "lane": "courier"}
        assert (await told.run()).tickets == []
        told.client.failing = ()
        await asyncio.sleep(HOUR)
        held = await TICKETS.get(told.store, ticket.id)
        assert held is not None
        assert (held.record.state, held.record.closed_by) == ("closed", "it answers again")

    run_virtually(main)


def test_a_run_that_fails_among_others_that_do_not_has_a_ticket_later() -> None:
    """After eight times it may be the provider; that others get through tells it is not."""

    async def main() -> None:
        told = Told(shipping, lanes=[LaneLimit("courier")])
        told.client = Away(told.service)
        one = await told.begin(1)
        tried = {}
        for number in range(2, 1000):
            await one.engine.recorder.record(facts=[Paid(f"p{number}")])
            await asyncio.sleep(30)
            tries = told.service.calls.count("p1")
            tried.setdefault(tries, len(await open_tickets(told.store)))
            if tries == 17:
                break
        assert (tried[8], tried[9], tried[15], tried[16]) == (0, 0, 0, 1)
        (ticket,) = await open_tickets(told.store)
        assert (ticket.run, ticket.times, ticket.category) == ("shipping:p1", 1, "shipment")
        assert ticket.facts == {"step": "ship", "error": "nobody answers"}

    run_virtually(main)
