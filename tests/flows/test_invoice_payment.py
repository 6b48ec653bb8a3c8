"""A payment becomes one invoice and one mail: the plain story, and the order that comes late, or never."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec

from onpaid.domain.money import Money
from onpaid.engine.testing import START
from tests.flows.stage import KARI, RULES, Stage, line, paid_for, tell

BOOK = line("77", "199.00")


async def _invoiced_once(stage: Stage, payment: str = "pi_1") -> None:
    run = await stage.run("invoice_payment", payment)
    assert run.state == "done", (run.state, run.reason)
    (invoice,) = stage.world.invoices_of(payment)
    assert len(invoice.mails) == 1
    assert not await stage.tickets()


def test_a_paid_order_becomes_one_invoice_and_one_mail() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, line("78", "50.00", quantity="2"))
        await stage.pays("1001", "299.00")
        await stage.rest()
        await _invoiced_once(stage)
        (invoice,) = stage.world.invoices
        assert invoice.draft.total == Money(29_900, "NOK")
        assert sum(each.gross for each in invoice.draft.lines) == 29_900
        assert invoice.draft.order_reference == "1001"
        assert invoice.draft.our_reference == "pi_1"
        (mail,) = invoice.mails
        assert (mail.to_email, mail.to_name) == ("kari@example.org", "Kari Lie")

    tell(story)


def test_an_invoice_that_was_booked_over_another_amount_is_not_mailed_and_no_retry_mends_it() -> None:
    """It is in the accounts for good: whoever tries the run again finds the same one, so the ticket asks for more."""

    async def story(stage: Stage) -> None:
        stage.world.booked = 19_901
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        stage.world.booked = None
        run = await stage.run("invoice_payment", "pi_1")
        await stage.operations.retry(run.id, by="ann")
        await stage.rest()
        run = await stage.run("invoice_payment", "pi_1")
        (invoice,) = stage.world.invoices_of("pi_1")
        assert (run.state, len(invoice.mails)) == ("failed", 0)
        (ticket,) = [each for each in await stage.tickets() if each.state == "open"]
        assert ticket.title.endswith("Credit it, make the right one there by hand, and cancel this run")

    tell(story)


def test_the_invoice_can_be_found_by_its_id_and_number() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        references = stage.guests["references"]
        assert await references.orders_of("invoice", "1") == ["konverzky/1001"]
        assert await references.orders_of("invoice-number", "10001") == ["konverzky/1001"]

    tell(story)


def test_several_events_about_one_payment_are_one_run() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        for event in ("evt_charge", "evt_captured", "evt_intent"):
            await stage.pays("1001", "199.00")
            await stage.hear(paid_for("1001", "199.00"), event=event)
        await stage.rest()
        assert len(await stage.runs("invoice_payment")) == 1
        await _invoiced_once(stage)

    tell(story)


def test_a_payment_waits_for_its_order_and_wakes_at_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.pays("1001", "199.00")
        await stage.wait(timedelta(seconds=44))
        run = await stage.run("invoice_payment", "pi_1")
        assert (run.state, run.wake) == ("waiting", ["order:konverzky/1001"])
        before = stage.clock.now()
        await stage.order("1001", BOOK)
        await stage.rest()
        await _invoiced_once(stage)
        run = await stage.run("invoice_payment", "pi_1")
        assert run.ended is not None
        assert run.ended - before < 10_000, "woken by the order, not by the timer"

    tell(story)


def test_a_waiting_payment_looks_again_after_the_set_delay() -> None:
    async def story(stage: Stage) -> None:
        await stage.pays("1001", "199.00")
        await stage.wait(timedelta(seconds=1))
        run = await stage.run("invoice_payment", "pi_1")
        assert run.due_at is not None
        assert 29_000 < run.due_at - START <= 30_000

    tell(story)


def test_an_order_that_never_comes_is_a_ticket_with_the_facts_and_goes_on_if_it_comes_after_all() -> None:
    async def story(stage: Stage) -> None:
        await stage.pays("1001", "199.00")
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "order"
        assert ticket.facts == {"payment": "pi_1", "order": "konverzky/1001", "amount": "NOK 199.00"}
        assert "order:konverzky/1001" in ticket.about
        run = await stage.run("invoice_payment", "pi_1")
        assert run.state == "failed"
        assert stage.clock.now() - START >= RULES.order_wait.total_seconds() * 1000
        assert len(stage.world.tickets) == 1, "filed where people look"

        await stage.wait(timedelta(days=3))
        await stage.order("1001", BOOK)
        await stage.rest()
        await _invoiced_once(stage)
        (closed,) = await stage.tickets("closed")
        assert closed.id == ticket.id

    tell(story, rules=replace(RULES, look_again=timedelta(minutes=10)))


def test_an_order_is_found_by_its_other_name() -> None:
    async def story(stage: Stage) -> None:
        await stage.pays("A-77", "199.00")
        await stage.wait(timedelta(seconds=5))
        await stage.order("1001", BOOK, aliases=("A-77",))
        await stage.rest()
        await _invoiced_once(stage)
        assert stage.world.invoices[0].draft.order_reference == "1001"

    tell(story)


def test_rule_19_an_order_stored_while_the_run_parks_is_not_missed() -> None:
    """The order arrives at every moment of the first minute, bells and all; none is ever missed."""
    for tenths in range(30):

        async def story(stage: Stage, tenths: int = tenths) -> None:
            await stage.pays("1001", "199.00")
            await stage.clock.sleep(tenths / 10)
            await stage.order("1001", BOOK)
            await stage.rest(timedelta(minutes=30))
            await _invoiced_once(stage)

        tell(story)


def test_rule_16_a_payment_that_names_its_order_late_is_judged_by_the_waiting_run() -> None:
    """The first event names another order than the second: a run that has not acted takes the newer word."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001-typo", "199.00")
        await stage.wait(timedelta(minutes=2))
        assert (await stage.run("invoice_payment", "pi_1")).state == "waiting"
        await stage.pays("1001", "199.00")
        await stage.rest()
        run = await stage.run("invoice_payment", "pi_1")
        assert [joined.verdict for joined in run.joined] == ["adopted"]
        await _invoiced_once(stage)

    tell(story)


def test_rule_16_a_different_word_after_the_invoice_is_a_ticket() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        await stage.pays("1001", "150.00")
        await stage.rest()
        run = await stage.run("invoice_payment", "pi_1")
        assert [joined.verdict for joined in run.joined] == ["ticket"]
        assert (await stage.ticket()).category == "payment"
        assert len(stage.world.invoices) == 1

    tell(story)


def test_an_invoice_that_comes_to_something_else_in_the_accounts_is_not_mailed() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        while not stage.world.invoices:
            await stage.wait(timedelta(seconds=0.1))
        made = stage.world.invoices[0]
        made.draft = msgspec.structs.replace(made.draft, total=Money(19_800, "NOK"))
        await stage.rest()
        ticket = await stage.ticket()
        assert (ticket.category, ticket.severity) == ("invoice", "critical")
        assert (ticket.facts["paid"], ticket.facts["invoice"]) == ("NOK 199.00", "NOK 198.00")
        assert stage.world.mails == 0

    tell(story)


def test_a_customer_without_an_id_is_asked_for_nowhere() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", customer=None, billing=KARI)
        await stage.rest()
        await _invoiced_once(stage)
        assert stage.world.calls["fetch_customer"] == 0

    tell(story)
