"""An order after its invoice, and an order that nobody pays."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from onpaid.domain.orders import OrderLine
from onpaid.repositories.orders import ORDERS
from tests.flows.stage import Stage, line, tell

BOOK = line("77", "199.00")
AUDIO = line("78", "100.00")


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        ((line("77", "149.00"),), "unit price was 199 and is 149"),
        ((line("77", "199.00", quantity="2"),), "quantity was 1 and is 2"),
        ((line("77", "199.00", vat="15"),), "VAT was 25 % and is 15 %"),
        ((AUDIO,), "Item 77 (77), 1 at 199, was removed"),
    ],
)
def test_a_change_after_the_invoice_is_a_ticket_that_says_what_differs(
    now: tuple[OrderLine, ...], difference: str
) -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        await stage.order("1001", *now)
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "order"
        assert difference in " ".join(ticket.facts.values())
        assert len(stage.world.invoices) == 1
        assert stage.world.mails == 1

    tell(story)


def test_added_lines_are_no_ticket() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        await stage.order("1001", BOOK, AUDIO)
        await stage.rest()
        assert not await stage.tickets()

    tell(story)


def test_the_same_order_again_changes_nothing() -> None:
    async def story(stage: Stage) -> None:
        for _ in range(3):
            await stage.order("1001", BOOK)
        held = await ORDERS.get(stage.store, "konverzky/1001")
        assert held is not None
        assert len(held.record.revisions) == 1

    tell(story)


def test_an_order_that_nobody_pays_expires_and_says_so() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.rest(timedelta(days=13, hours=23))
        assert (await stage.run("expire_order", "1001")).state == "waiting"
        await stage.rest(timedelta(days=3))
        run = await stage.run("expire_order", "1001")
        assert run.state == "done"
        assert msgspec.json.decode(run.result) == "nobody paid within 14 days"
        held = await ORDERS.get(stage.store, "konverzky/1001")
        assert held is not None
        assert held.record.expired_at is not None
        assert not await stage.tickets()

    tell(story)


def test_an_expired_order_that_is_paid_after_all_is_invoiced() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.rest(timedelta(days=15))
        await stage.pays("1001", "199.00")
        await stage.rest()
        assert len(stage.world.invoices) == 1
        assert stage.world.mails == 1

    tell(story)


def test_a_payment_ends_the_wait_for_it_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, aliases=("A-77",))
        await stage.wait(timedelta(days=1, hours=1))
        await stage.pays("A-77", "199.00")
        await stage.rest()
        run = await stage.run("expire_order", "1001")
        assert run.state == "done"
        assert msgspec.json.decode(run.result) == "paid by stripe/default/test/pi_1"

    tell(story)


def test_two_orders_that_share_a_name_are_a_ticket() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, aliases=("A-77",))
        await stage.order("1002", AUDIO, aliases=("A-77",))
        ticket = await stage.ticket()
        assert ticket.category == "order"
        assert "A-77" in ticket.facts["name"]

    tell(story)
