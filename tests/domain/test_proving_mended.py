"""What a proof tells to do really mends what it found: done, it is found no more; and every command is one that exists."""

from __future__ import annotations

import re
import shlex
from typing import Any

import msgspec
import pytest
import typer

from onpaid.cli.app import app
from onpaid.domain.money import Money
from onpaid.domain.proof_rows import CreditRow, Finding, Group, InvoiceRow, RunTold
from onpaid.domain.proving import UNMATCHED, credit_ask, to_ask
from onpaid.domain.proving_causes import cause_of, unheard
from tests.domain.test_proving import ALL, CAUSES, DEFECTS, HOUR, NOW, kinds, only, proved, shipped, sold

change = msgspec.structs.replace


def credited(group: Group, invoice: int, amount: int) -> None:
    """So much of an invoice was taken back."""
    group.credits.append(CreditRow(group.order, invoice, len(group.credits) + 1, amount))


# -- invoices: what Fiken allows is to credit, and to make another by hand -----------------------------------------


@pytest.mark.parametrize("name", ["invoice twice", "strange invoice"])
def test_an_invoice_too_many_is_mended_by_crediting_it(name: str) -> None:
    group = DEFECTS[name].of(7)
    DEFECTS[name].plant(group)
    assert "credit" in only(group).command
    last = group.invoices[-1]
    credited(group, last.invoice, last.total.minor)
    assert not proved(group).findings


def test_an_invoice_over_another_amount_is_mended_by_crediting_it_and_making_another() -> None:
    group = sold(7)
    wrong = change(group.invoices[0], total=Money(20_000, "NOK"))
    group.invoices[0] = wrong
    finding = only(group)
    assert "our reference pi_7" in finding.command
    assert "retry" not in finding.command  # its run is done: nobody can try it again
    credited(group, wrong.invoice, 20_000)
    assert kinds(proved(group)) == [("missing", "invoice")]
    group.invoices.append(InvoiceRow("1007", 9, Money(19_900, "NOK"), 9, "pi_7"))
    assert not proved(group).findings


def test_what_is_left_of_an_invoice_may_be_what_was_paid() -> None:
    group = sold(7)
    group.invoices[0] = change(group.invoices[0], total=Money(20_000, "NOK"))
    credited(group, 1007, 99)
    assert kinds(proved(group)) == [("differs", "invoice")]
    credited(group, 1007, 1)
    assert not proved(group).findings


def test_an_invoice_for_what_a_refund_left_is_what_its_ticket_asked_for() -> None:
    group = sold(7, 19_900, 900)
    group.invoices[0] = change(group.invoices[0], total=Money(19_000, "NOK"))
    assert not proved(group).findings


def test_an_invoice_that_was_credited_is_missing_while_its_money_is_here() -> None:
    group = sold(7)
    group.invoices *= 2  # it was listed, and asked for
    credited(group, 1007, 19_900)
    finding = only(group)
    assert (finding.kind, finding.cause) == ("missing", "it was made as 7, and credited since")
    back = sold(7, 19_900, 19_900)
    credited(back, 1007, 19_900)
    assert not proved(back).findings


def test_how_much_a_credit_note_takes_back_is_asked_for() -> None:
    group = sold(7)
    group.invoices[0] = change(group.invoices[0], credits=(31, 32))
    assert [ask for ask, _ in to_ask(group, ALL)] == [credit_ask(1007, 31), credit_ask(1007, 32)]
    group.asked.add(credit_ask(1007, 31))
    group.credits.append(CreditRow("1007", 1007, 32, 100))
    assert not list(to_ask(group, ALL))


def test_an_invoice_that_is_gone_is_called_by_its_number() -> None:
    group = sold(7, number=10_003)
    group.invoices.clear()
    assert only(group).cause == "it was made as 10003, and is gone from the accounts"


# -- parcels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        ("pending_pickup", ["onpaid orders cancel-shipment 2901", "onpaid orders ship 2901"]),
        ("cancelled", ["onpaid orders ship 2901"]),
        ("in_transit", ["onpaid orders show 2901"]),
    ],
)
def test_a_parcel_that_is_gone_is_put_away_here_before_another_is_booked(
    state: str, commands: list[str]
) -> None:
    group = shipped(1, parcel_state=state)
    group.parcels.clear()
    assert commands_in(only(group).command) == commands


# -- runs that stopped ---------------------------------------------------------------------------------------------


def stopped(run: RunTold, **more: Any) -> Finding:
    """What is found of an order whose invoice's run stopped like this."""
    group = sold(1, invoice=0, runs={"invoice": run}, **more)
    group.invoices.clear()
    return only(group)


@pytest.mark.parametrize(
    ("run", "commands"),
    [
        (RunTold("r:1", "failed", "no"), ["onpaid runs retry r:1"]),
        (RunTold("r:1", "failed", "no", "tkt_1"), ["onpaid tickets show tkt_1", "onpaid runs retry r:1"]),
        (
            RunTold("r:1", "failed", "oversold", "tkt_1", wants="decision"),
            ["onpaid orders decide 1001 --ship-anyway", "onpaid orders decide 1001 --refund"],
        ),
        (RunTold("r:1", "failed", "a size", "tkt_1", wants="product"), ["onpaid products import FILE"]),
        (RunTold("r:1", "failed", "no VAT", "tkt_1", wants="invoice"), ["onpaid runs cancel r:1"]),
        (
            RunTold("r:1", "waiting", "401", "tkt_2", "fiken"),
            ["onpaid tickets show tkt_2", "onpaid lanes resume fiken"],
        ),
        (RunTold("r:1", "cancelled"), []),
    ],
)
def test_a_run_that_stopped_is_told_to_go_on_as_its_ticket_asks(run: RunTold, commands: list[str]) -> None:
    assert commands_in(stopped(run).command) == commands


def test_a_payment_without_a_run_is_started_by_its_event() -> None:
    group = sold(1, invoice=0, runs={}, event="evt_1")
    group.invoices.clear()
    assert only(group).command == "onpaid events replay stripe/default/test/evt_1"


def test_money_whose_webhook_came_and_named_no_order_is_not_said_to_have_had_none() -> None:
    group = sold(1)
    group.held.clear()
    group.taken[0] = change(group.taken[0], trouble="its metadata has no order_number")
    finding = only(group)
    assert finding.cause == "its metadata has no order_number"
    assert "reconcile" not in finding.command


@pytest.mark.parametrize(
    ("days", "source", "by_hand"), [(29, "stripe", False), (31, "stripe", True), (31, "razorpay", False)]
)
def test_money_of_long_ago_whose_webhook_never_came_is_brought_in_as_far_as_that_goes(
    days: int, source: str, by_hand: bool
) -> None:
    group = sold(1)
    group.held.clear()
    group.taken[0] = change(group.taken[0], source=source, at=NOW - days * 24 * HOUR)
    command = only(group).command
    assert f"onpaid reconcile --lookback-hours {days * 24 + 2}" in command
    assert ("by hand" in command) is by_hand


# -- every command -------------------------------------------------------------------------------------------------


def commands_in(text: str) -> list[str]:
    """What is typed, of what is to be done."""
    return [text] if text.startswith("onpaid ") else re.findall(r"`(onpaid [^`]+)`", text)


def _all() -> list[str]:
    told = []
    for name in DEFECTS:
        group = DEFECTS[name].of(7)
        DEFECTS[name].plant(group)
        told.append(only(group).command)
    odd = shipped(1).held[0]
    odd = change(odd, group="#10 1; rm -rf ~", dry_run=True)
    runs = [run for run, *_ in CAUSES] + [
        RunTold("r", "failed", wants=each) for each in ("decision", "product", "invoice")
    ]
    for run in [*runs, RunTold("r", "done"), RunTold("r", "failed", ticket="tkt_1")]:
        for state in ("pending_pickup", "cancelled", "in_transit"):
            for held in (odd, change(odd, dry_run=False, parcel_state=state)):
                told += [cause_of(run, held, effect)[1] for effect in ("invoice", "shipment", "messages")]
    old = change(sold(1).taken[0], at=NOW - 31 * 24 * HOUR)
    told += [UNMATCHED, unheard(old, NOW)[1]]
    return sorted({command for text in told for command in commands_in(text)})


@pytest.mark.parametrize("command", _all())
def test_every_command_that_is_named_exists_and_takes_what_it_is_given(command: str) -> None:
    words = shlex.split(command)[1:]
    found: Any = typer.main.get_command(app)
    while words and getattr(found, "commands", None) and words[0] in found.commands:
        found, words = found.commands[words[0]], words[1:]
    found.make_context(found.name, words)  # refuses what it does not know
