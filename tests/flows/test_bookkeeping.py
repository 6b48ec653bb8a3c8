"""How an invoice is booked: VAT that a person signed off, cash or receivable, and the company's days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import msgspec
import pytest

from tests.flows.stage import RULES, VAT, Stage, line, tell

BOOK = line("77", "199.00")


async def _paid(stage: Stage) -> None:
    await stage.order("1001", BOOK)
    await stage.pays("1001", "199.00")
    await stage.rest()


def test_vat_rules_that_nobody_signed_refuse_and_a_retry_after_signing_goes_on() -> None:
    unsigned = replace(RULES, vat=msgspec.structs.replace(VAT, signed_off_by=None))

    async def story(stage: Stage) -> None:
        await _paid(stage)
        ticket = await stage.ticket()
        assert ticket.category == "invoice"
        assert "signed off" in ticket.title
        assert not stage.world.invoices

        await stage.stop()
        signed = Stage(stage.world, store=stage.store, clock=stage.clock)
        await signed.operations.retry((await signed.run("invoice_payment", "pi_1")).id, by="an operator")
        await signed.rest()
        assert len(signed.world.invoices) == 1
        assert signed.world.mails == 1
        assert not await signed.tickets()

    tell(story, rules=unsigned)


def test_a_rate_without_a_rule_is_a_ticket_that_says_what_to_add() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", line("77", "199.00", vat="12"))
        await stage.pays("1001", "199.00")
        await stage.rest()
        ticket = await stage.ticket()
        assert 'country = "NO"' in ticket.facts["add"]
        assert "vat_percent = 12" in ticket.facts["add"]
        assert not stage.world.invoices

    tell(story)


def test_rule_09_the_draft_of_a_run_under_way_stays_what_it_was_when_settings_change() -> None:
    """Between the doubt and its end the operator switches to receivables: the repeat sends what was sent first."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        while not stage.world.calls["create_invoice"]:
            await stage.clock.sleep(0.1)
        await stage.stop()
        later = Stage(
            stage.world, store=stage.store, clock=stage.clock, rules=replace(RULES, cash_invoice=False)
        )
        await later.rest()
        (invoice,) = later.world.invoices
        assert invoice.draft.cash
        assert not await later.tickets()

    tell(story, fates={"create_invoice": ["lost request"]})


@pytest.mark.parametrize(("cash", "due"), [(True, date(2026, 1, 1)), (False, date(2026, 1, 31))])
def test_cash_is_due_at_once_and_a_receivable_in_thirty_days(cash: bool, due: date) -> None:
    async def story(stage: Stage) -> None:
        await _paid(stage)
        (invoice,) = stage.world.invoices
        assert (invoice.draft.cash, invoice.draft.due_date) == (cash, due)

    tell(story, rules=replace(RULES, cash_invoice=cash))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 6, 30, 21, 59, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 6, 30, 22, 0, 0, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC), date(2026, 3, 28)),
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 22, 0, 0, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 25, 0, 30, 0, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 23, 0, 0, tzinfo=UTC), date(2026, 10, 26)),
        (datetime(2028, 2, 28, 23, 0, 0, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2028, 2, 29, 23, 0, 0, tzinfo=UTC), date(2028, 3, 1)),
    ],
)
def test_dates_are_the_companys_days_in_oslo(moment: datetime, day: date) -> None:
    async def story(stage: Stage) -> None:
        stage.at(moment)
        await _paid(stage)
        assert stage.world.invoices[0].draft.issue_date == day

    tell(story)


def test_the_day_is_that_of_the_payment_even_if_its_order_came_after_midnight() -> None:
    async def story(stage: Stage) -> None:
        stage.at(datetime(2026, 12, 31, 22, 30, tzinfo=UTC))
        await stage.pays("1001", "199.00")
        await stage.clock.sleep(3 * 3600)
        await stage.order("1001", BOOK)
        await stage.rest()
        assert stage.world.invoices[0].draft.issue_date == date(2026, 12, 31)

    tell(story)


def test_rounding_is_put_on_one_line_and_the_total_is_what_was_paid() -> None:
    async def story(stage: Stage) -> None:
        thirds = [line(str(nth), "33.335", quantity="1") for nth in range(3)]
        await stage.order("1001", *thirds)
        await stage.pays("1001", "100.01")
        await stage.rest()
        (invoice,) = stage.world.invoices
        assert sorted(each.gross for each in invoice.draft.lines) == [3_333, 3_334, 3_334]

    tell(story)
