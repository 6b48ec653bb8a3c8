"""A ticket is filed where people look, once, whatever befalls the filing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flows.fates import DRAWN_FOR_ACTS
from tests.flows.stage import Stage, line, tell

BOOK = line("77", "199.00")


async def _paid_twice(stage: Stage) -> None:
    await stage.order("1001", BOOK)
    await stage.pays("1001", "199.00", payment="pi_1")
    await stage.rest()
    await stage.pays("1001", "199.00", payment="pi_2")
    await stage.rest()


@pytest.mark.parametrize("fate", ["well", *DRAWN_FOR_ACTS])
def test_a_ticket_is_filed_once(fate: str) -> None:
    async def story(stage: Stage) -> None:
        await _paid_twice(stage)
        ticket = await stage.ticket()
        (filed,) = stage.world.tickets
        assert filed.id == ticket.id
        assert filed.title == ticket.title
        assert filed.order == "konverzky/1001"
        assert filed.run == ticket.run
        (run,) = await stage.runs("file_ticket")
        assert run.state == "done"

    tell(story, fates={"file_ticket": [fate]})


def test_a_desk_that_refuses_makes_one_ticket_about_itself_and_no_more() -> None:
    """A ticket about the filing of tickets is kept here and filed nowhere: else it would never end."""

    async def story(stage: Stage) -> None:
        await _paid_twice(stage)
        categories = sorted(ticket.category for ticket in await stage.tickets())
        assert categories == ["payment", "provider"]
        assert not stage.world.tickets
        assert len(await stage.runs("file_ticket")) == 1

    tell(story, fates={"file_ticket": ["refuse"] * 50})


def test_a_failure_that_repeats_is_one_ticket_with_a_count() -> None:
    async def story(stage: Stage) -> None:
        await _paid_twice(stage)
        run = await stage.run("invoice_payment", "pi_2")
        for _ in range(3):
            await stage.operations.retry(run.id, by="an operator")
            await stage.rest()
        ticket = await stage.ticket()
        assert ticket.times == 4
        assert len(stage.world.tickets) == 1

    tell(story)


def test_a_cancelled_run_closes_its_ticket() -> None:
    async def story(stage: Stage) -> None:
        await _paid_twice(stage)
        run = await stage.run("invoice_payment", "pi_2")
        await stage.operations.cancel(run.id, by="an operator", why="refunded by hand")
        await stage.wait(timedelta(minutes=1))
        assert not await stage.tickets()
        assert (await stage.run("invoice_payment", "pi_2")).state == "cancelled"

    tell(story)
