"""Which lines a payment pays for: upsells, second payments, misfits. What does not fit is a ticket, never a guess."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flows.stage import Stage, line, tell

BOOK = line("77", "199.00")
AUDIO = line("78", "100.00")


async def _invoices(stage: Stage) -> dict[str, list[str]]:
    """By payment: the names of the lines on its invoices."""
    return {
        invoice.draft.our_reference: [each.name for each in invoice.draft.lines]
        for invoice in stage.world.invoices
    }


def test_rule_01_two_payments_of_one_order_at_once_never_take_the_same_lines() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, AUDIO)
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.pays("1001", "100.00", payment="pi_2")
        await stage.rest()
        assert await _invoices(stage) == {"pi_1": ["Item 77"], "pi_2": ["Item 78"]}
        assert len(stage.world.contacts) == 1
        assert not await stage.tickets()

    tell(story)


def test_rule_01_the_same_amount_twice_at_once_is_one_invoice_and_one_ticket() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.pays("1001", "199.00", payment="pi_2")
        await stage.rest()
        assert len(stage.world.invoices) == 1
        ticket = await stage.ticket()
        assert ticket.category == "payment"
        assert "Paid twice" in ticket.title

    tell(story)


def test_rule_01_a_sibling_in_doubt_keeps_its_lines() -> None:
    """The first payment's invoice hangs in doubt; the second must not take its lines meanwhile."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", payment="pi_1")
        while not stage.world.calls["create_invoice"]:
            await stage.wait(timedelta(seconds=0.1))
        await stage.pays("1001", "199.00", payment="pi_2")
        await stage.rest()
        assert list(await _invoices(stage)) == ["pi_1"]
        assert len(stage.world.invoices) == 1
        assert "Paid twice" in (await stage.ticket()).title

    tell(story, fates={"create_invoice": ["lost request", "lost reply"]})


def test_rule_02_two_payments_over_the_same_amount_have_an_invoice_each() -> None:
    """Two lines that cost the same, paid one by one: the second never adopts the first one's invoice."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", line("77", "199.00", name="Book"), line("77#2", "199.00", name="Book"))
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.rest()
        await stage.pays("1001", "199.00", payment="pi_2")
        await stage.rest()
        assert sorted(await _invoices(stage)) == ["pi_1", "pi_2"]
        assert len({invoice.draft.uuid for invoice in stage.world.invoices}) == 2
        assert not await stage.tickets()

    tell(story)


def test_an_upsell_after_the_first_invoice_is_invoiced_by_itself() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.rest()
        await stage.order("1001", BOOK, AUDIO)
        assert not await stage.tickets(), "added lines wait for their payment"
        await stage.pays("1001", "100.00", payment="pi_2")
        await stage.rest()
        assert await _invoices(stage) == {"pi_1": ["Item 77"], "pi_2": ["Item 78"]}
        assert not await stage.tickets()

    tell(story)


def test_rule_17_an_upsells_payment_before_its_revision_waits_for_it() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.rest()
        await stage.pays("1001", "100.00", payment="pi_2")
        await stage.wait(timedelta(minutes=10))
        run = await stage.run("invoice_payment", "pi_2")
        assert run.state == "waiting"
        assert not await stage.tickets()
        await stage.order("1001", BOOK, AUDIO)
        await stage.rest()
        assert await _invoices(stage) == {"pi_1": ["Item 77"], "pi_2": ["Item 78"]}
        assert not await stage.tickets()

    tell(story)


def test_rule_17_a_revision_after_the_run_gave_up_resumes_it_and_closes_its_ticket() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.pays("1001", "100.00", payment="pi_2")
        await stage.rest()
        assert (await stage.run("invoice_payment", "pi_2")).state == "failed"
        assert len(await stage.tickets()) == 1
        await stage.order("1001", BOOK, AUDIO)
        await stage.rest()
        assert await _invoices(stage) == {"pi_1": ["Item 77"], "pi_2": ["Item 78"]}
        assert not await stage.tickets()

    tell(story)


def test_paid_twice_is_a_ticket_and_no_invoice() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, AUDIO)
        await stage.pays("1001", "299.00", payment="pi_1")
        await stage.rest()
        await stage.pays("1001", "299.00", payment="pi_2")
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "payment"
        assert "Paid twice" in ticket.title
        assert ticket.facts["payment"] == "pi_2"
        assert ticket.facts["paid"] == "NOK 299.00"
        assert list(await _invoices(stage)) == ["pi_1"]

    tell(story)


def test_several_sets_of_lines_that_fit_are_a_ticket_that_names_them() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", line("77", "100.00"), line("78", "100.00", name="Other"), BOOK)
        await stage.pays("1001", "100.00")
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "invoice"
        assert {ticket.facts["either"], ticket.facts["or"]} == {"Item 77 (77)", "Other (78)"}
        assert not stage.world.invoices

    tell(story)


@pytest.mark.parametrize("paid", ["198.99", "199.01", "1.00", "398.00"])
def test_an_amount_that_does_not_fit_is_a_ticket_with_both_figures(paid: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", paid)
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "invoice"
        assert ticket.facts["paid"] == f"NOK {paid}"
        assert ticket.facts["not_yet_invoiced"] == "NOK 199.00"
        assert ticket.facts["payment"] == "pi_1"
        assert not stage.world.invoices

    tell(story)


def test_another_currency_is_a_ticket_with_both() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, currency="EUR")
        await stage.pays("1001", "199.00")
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.facts["order_currency"] == "EUR"
        assert ticket.facts["paid"] == "NOK 199.00"
        assert not stage.world.invoices

    tell(story)


def test_an_order_without_a_currency_has_its_payments() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, currency=None)
        await stage.pays("1001", "199.00", currency="EUR")
        await stage.rest()
        assert stage.world.invoices[0].draft.total.currency == "EUR"

    tell(story)


def test_the_latest_revision_before_the_invoice_counts() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", line("77", "249.00"))
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        assert stage.world.invoices[0].draft.total.minor == 19_900
        assert not await stage.tickets()

    tell(story)


def test_the_shops_own_total_has_to_agree() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, total="179.00")
        await stage.pays("1001", "199.00")
        await stage.rest()
        assert (await stage.ticket()).facts["shop_total"] == "NOK 179"
        assert not stage.world.invoices

    tell(story)


def test_lines_that_cost_nothing_go_with_the_payment() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, line("79", "0.00", name="A gift"))
        await stage.pays("1001", "199.00")
        await stage.rest()
        assert await _invoices(stage) == {"pi_1": ["Item 77", "A gift"]}

    tell(story)


def test_prices_whose_vat_nobody_declared_refuse_and_go_on_once_it_is_set() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.facts["setting"] == "KONVERZKY_PRICES_INCLUDE_VAT"
        assert not stage.world.invoices
        await stage.stop()
        later = Stage(stage.world, store=stage.store, clock=stage.clock, prices_include_vat=True)
        await later.operations.retry((await later.run("invoice_payment", "pi_1")).id, by="an operator")
        await later.rest()
        assert len(later.world.invoices) == 1
        assert not await later.tickets()

    tell(story, prices_include_vat=None)


@pytest.mark.parametrize(("gross", "paid"), [(True, "199.00"), (False, "248.75")])
def test_what_the_order_says_of_its_prices_goes_before_the_setting(gross: bool, paid: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, gross=gross)
        await stage.pays("1001", paid)
        await stage.rest()
        (invoice,) = stage.world.invoices
        assert sum(each.gross for each in invoice.draft.lines) == round(float(paid) * 100)

    tell(story, prices_include_vat=not gross)
