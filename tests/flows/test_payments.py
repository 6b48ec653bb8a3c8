"""What became of the money while the run waited: captured later or in part, refunded, disputed."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged
from tests.flows.stage import ACCOUNT, Stage, line, paid_for, tell

BOOK = line("77", "199.00")
AUDIO = line("78", "100.00")


def changed(what: str, amount: str, *, payment: str = "pi_1", event: str = "evt_change") -> PaymentChanged:
    return PaymentChanged(
        account=ACCOUNT,
        payment_id=payment,
        what=what,
        amount=Money.parse(amount, "NOK"),
        event=event,
        happened_at=0,
    )


async def _becomes(stage: Stage, **changes: object) -> None:
    stage.world.payments["pi_1"] = msgspec.structs.replace(stage.world.payments["pi_1"], **changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"refunded": Money(5_000, "NOK")}, "refunded before its invoice"),
        ({"refunded": Money(19_900, "NOK")}, "refunded before its invoice"),
        ({"disputed": True}, "disputed"),
        ({"captured": False}, "not captured"),
        ({"amount": Money(0, "NOK")}, "not captured"),
    ],
)
def test_rule_18_money_that_went_back_while_the_run_waited_is_a_ticket(
    changes: dict[str, object], says: str
) -> None:
    async def story(stage: Stage) -> None:
        await stage.pays("1001", "199.00")
        await stage.wait(timedelta(hours=5))
        await _becomes(stage, **changes)
        await stage.order("1001", BOOK)
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "payment"
        assert says in ticket.title
        assert ticket.facts["payment"] == "pi_1"
        assert not stage.world.invoices
        assert not stage.world.contacts

    tell(story)


def test_rule_18_what_was_captured_counts_and_not_what_the_event_said() -> None:
    """An authorisation over both lines was captured for one of them."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, AUDIO)
        await stage.pays("1001", "299.00", changes={"amount": Money(19_900, "NOK")})
        await stage.rest()
        (invoice,) = stage.world.invoices
        assert invoice.draft.total == Money(19_900, "NOK")
        assert [each.name for each in invoice.draft.lines] == ["Item 77"]

    tell(story)


def test_rule_18_a_partial_capture_that_fits_no_lines_is_a_ticket_with_both_figures() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, AUDIO)
        await stage.pays("1001", "299.00", changes={"amount": Money(25_000, "NOK")})
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.facts["paid"] == "NOK 250.00"
        assert ticket.facts["not_yet_invoiced"] == "NOK 299.00"
        assert not stage.world.invoices

    tell(story)


@pytest.mark.parametrize("what", ["charge.refunded", "charge.dispute.created", "refund.created"])
def test_rule_18_a_change_after_the_invoice_is_a_ticket_and_a_run_of_its_own(what: str) -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        await stage.hear(changed(what, "50.00"))
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "payment"
        assert ticket.facts["what"] == what
        assert ticket.facts["order"] == "konverzky/1001"
        assert ticket.facts["amount"] == "NOK 50.00"
        assert (await stage.run("invoice_payment", "pi_1")).state == "done"
        assert len(stage.world.invoices) == 1
        payment = await stage.guests["payments"].get(f"{ACCOUNT}/pi_1")
        assert [change.what for change in payment.changes] == [what]

    tell(story)


def test_each_change_of_a_payment_is_told_once() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        await stage.rest()
        for event, what, amount in (
            ("evt_a", "charge.refunded", "50.00"),
            ("evt_a", "charge.refunded", "50.00"),
            ("evt_b", "refund.created", "50.00"),
            ("evt_c", "charge.refunded", "80.00"),
        ):
            await stage.hear(changed(what, amount, event=event), event=event)
        await stage.rest()
        assert len(await stage.runs("report_payment_change")) == 2
        assert len(await stage.tickets()) == 2
        assert len(stage.world.tickets) == 2

    tell(story)


def test_a_change_that_comes_before_its_payment_waits_for_it() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(changed("charge.refunded", "199.00"))
        await stage.wait(timedelta(minutes=3))
        assert not await stage.tickets()
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", changes={"refunded": Money(19_900, "NOK")})
        await stage.rest()
        assert not stage.world.invoices
        flows = sorted(str(ticket.run).split(":")[0] for ticket in await stage.tickets())
        assert flows == ["invoice_payment", "report_payment_change"]

    tell(story)


def test_a_change_of_a_payment_that_was_not_to_be_invoiced_is_no_ticket() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(msgspec.structs.replace(paid_for("1001", "199.00"), expects=()))
        await stage.hear(changed("charge.refunded", "50.00"))
        await stage.rest()
        (run,) = await stage.runs("report_payment_change")
        assert run.state == "done"
        assert msgspec.json.decode(run.result) == "it was not to be invoiced"
        assert not await stage.tickets()
        assert not stage.world.invoices

    tell(story)


def test_a_change_of_a_payment_that_is_not_ours_ends_quietly() -> None:
    async def story(stage: Stage) -> None:
        await stage.hear(changed("charge.refunded", "50.00", payment="pi_stranger"))
        await stage.rest()
        (run,) = await stage.runs("report_payment_change")
        assert run.state == "done"
        assert msgspec.json.decode(run.result) == "not a payment of ours"
        assert not await stage.tickets()

    tell(story)
