"""What a proof learns beyond lists: credit notes, what only a person can bring, and what we told others of no payment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onpaid.domain.billing import BillingEvent, BillingNews
from onpaid.domain.messages import Message
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, Revision
from onpaid.domain.payments import Payment
from onpaid.engine.journal import LANES, RUNS, TICKETS, LaneState, Step, Ticket
from onpaid.engine.testing.virtual import START
from onpaid.engine.tickets import lane_ticket
from onpaid.errors import Unauthorised, Unavailable
from onpaid.repositories.messages import MESSAGES, message_ref
from onpaid.repositories.orders import ALIASES, ORDERS, Alias
from onpaid.repositories.payments import PAYMENTS
from onpaid.store.port import Delete
from tests.app.proving_kit import ACCOUNT, DAY, PAID_AT, Books, story

change = msgspec.structs.replace


# -- credit notes --------------------------------------------------------------------------------------------------


def test_an_invoice_too_many_that_was_credited_is_off_no_more() -> None:
    async def tell(books: Books) -> None:
        await books.sell(6)
        again = books.invoice(3, invoice_id=9999, number=99)
        books.accounts.invoices.append(again)
        assert await books.findings() == [("1003", "double", "invoice")]
        books.accounts.invoices[-1] = change(again, credits=(71,))
        books.accounts.credits[71] = again.total
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.asked) == ("proven", 1)

    story(tell)


def test_an_invoice_that_was_made_by_hand_long_after_is_found_by_its_orders_number() -> None:
    """It is issued on a day that no list of this period reaches, and no run noted it."""

    async def tell(books: Books) -> None:
        await books.sell(4)
        lost = books.accounts.invoices.pop(2)
        assert await books.findings() == [("1002", "missing", "invoice")]
        books.accounts.hidden.append(change(lost, invoice_id=9999, number=99))
        assert (await books.proven())[0].verdict == "proven"
        books.accounts.hidden[0] = change(lost, invoice_id=9999, our_reference="pi_of_another")
        assert await books.findings() == [("1002", "missing", "invoice")]

    story(tell)


def test_an_invoice_that_was_credited_in_another_currency_or_by_a_note_that_is_gone_stands() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        invoices = books.accounts.invoices
        invoices[0] = change(invoices[0], credits=(71, 72))
        books.accounts.credits[71] = Money(invoices[0].total.minor, "EUR")
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.asked) == ("proven", 2)

    story(tell)


def test_credit_notes_that_cannot_be_read_leave_the_proof_without_a_verdict() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        invoices = books.accounts.invoices
        invoices[0] = change(invoices[0], credits=(71,))
        books.accounts.creditless = Unauthorised("401")
        proof, lines = await books.proven()
        assert (proof.verdict, proof.unread) == ("unread", {"invoices": "401"})
        assert not [line for line in lines if line.findings]

    story(tell)


def test_an_order_that_comes_while_it_is_asked_for_is_asked_for_once() -> None:
    """Its payment was read under the name that it gave, and belongs to the order's own number by now."""

    async def tell(books: Books) -> None:
        await books.sell(1)
        held = await PAYMENTS.get(books.store, f"{ACCOUNT}/pi_0")
        assert held is not None
        fact = change(held.record.fact, order="konverzky/as_paid")
        await books.store.commit([PAYMENTS.put(Payment(fact, PAID_AT + 1000))])
        books.stripe.hidden.append(books.stripe.takings.pop())
        proof = await books.begin()
        while proof.stages[proof.stage] != "match":
            await books.prover.advance(proof.id, timedelta(milliseconds=1))
            kept = await books.prover.proofs.get(proof.id)
            assert kept is not None
            proof = kept.record
        await books.store.commit([ALIASES.put(Alias("konverzky/as_paid", "konverzky/1000"))])
        ended, lines = await books.finished(books.another(most_asked=50), proof.id)
        assert (ended.unread, ended.totals.asked) == ({}, 2)  # the payment, and its invoice
        assert ("as_paid", "proven") in [(line.order, line.state) for line in lines]

    story(tell)


def test_where_too_many_things_must_be_asked_for_nothing_is_proven_and_nothing_called_missing() -> None:
    async def tell(books: Books) -> None:
        await books.sell(30)
        books.accounts.hidden, books.accounts.invoices = books.accounts.invoices, []
        books.stripe.takings.pop()
        proof, lines = await books.proven(books.another(most_asked=20))
        assert proof.verdict == "unread"
        assert set(proof.unread) == {"invoices", "stripe"}
        assert "prove a shorter period" in proof.unread["invoices"]
        assert not [line for line in lines if line.findings]

    story(tell)


# -- runs that stopped ---------------------------------------------------------------------------------------------


def test_a_lane_that_is_paused_says_why_and_leads_to_its_own_ticket() -> None:
    async def tell(books: Books) -> None:
        paused = LaneState("fiken", paused=True, reason="Fiken answered 401", since=START)
        ticket = Ticket(lane_ticket("fiken"), "settings", "critical", "mend the setting", START)
        await books.store.commit([LANES.put(paused), TICKETS.put(ticket)])
        await books.keep(0, state="waiting", wake=["lane:fiken"])
        books.take(0)
        _, (line,) = await books.proven()
        (finding,) = line.findings
        assert finding.cause == "the lane fiken is paused: Fiken answered 401"
        assert (finding.ticket, ticket.id in finding.command) == (ticket.id, True)

    story(tell)


def test_an_order_that_waits_for_a_decision_says_so() -> None:
    async def tell(books: Books) -> None:
        await books.keep(0, state="failed", reason="oversold", wake=["decision:konverzky/1000"])
        books.take(0)
        _, (line,) = await books.proven()
        assert "onpaid orders decide 1000 --refund" in line.findings[0].command

    story(tell)


@pytest.mark.parametrize(
    ("sold", "flow"), [({"session": "cs_1"}, "keep_session"), ({"bill": "in_1"}, "keep_renewal")]
)
def test_an_invoice_that_a_person_must_make_is_missing_until_it_is_there(
    sold: dict[str, str], flow: str
) -> None:
    """A sale whose VAT is not known is kept without an expectation: its ticket asks for an invoice by hand."""

    async def tell(books: Books) -> None:
        run = await books.keep(0)
        held = await PAYMENTS.get(books.store, f"{ACCOUNT}/pi_0")
        order = await ORDERS.get(books.store, "konverzky/1000")
        assert held is not None
        assert order is not None
        told = msgspec.Raw(
            b'{"order": "konverzky/1000", "number": "1000", "why_no_invoice": "no VAT is known"}'
        )
        keeping = change(
            run,
            id=f"{flow}:{ACCOUNT}/{next(iter(sold.values()))}",
            flow=flow,
            state="failed",
            reason="no invoice can be made of it",
            steps=[Step("store order", "Sessions.store_paid", "local", "done", result=told)],
        )
        free = Payment(change(held.record.fact, expects=()), PAID_AT)
        await books.store.commit(
            [
                Delete(RUNS.name, run.id),
                RUNS.put(keeping),
                PAYMENTS.put(free),
                ORDERS.put(change(order.record, **sold)),
            ]
        )
        books.take(0)
        _, (line,) = await books.proven()
        (finding,) = line.findings
        assert (finding.kind, finding.effect) == ("missing", "invoice")
        assert finding.cause == "the run failed: no invoice can be made of it"
        assert finding.command.endswith(f"our reference pi_0, then `onpaid runs cancel {keeping.id}`")
        books.accounts.invoices.append(books.invoice(0, our_reference=""))
        assert (await books.proven())[0].verdict == "proven"

    story(tell)


# -- what we told others -------------------------------------------------------------------------------------------


def told_of(nth: int, at: int = PAID_AT, **more: Any) -> BillingEvent:
    """A billing event that was published."""
    news = BillingNews(ACCOUNT, "payment.successful", f"pi_{nth}", at, live=False)
    return BillingEvent(news.id, news, at, 1, **{"published_at": at + 1, **more})


def test_a_billing_event_of_money_that_nobody_took_is_unexplained() -> None:
    async def tell(books: Books) -> None:
        await books.sell(5)
        for event in (told_of(80), told_of(81, PAID_AT - 9 * DAY), told_of(82, stale="late", published_at=0)):
            books.billing.events[event.id] = event
        _, lines = await books.proven()
        found = [(line.order, each) for line in lines for each in line.findings]
        assert [(order, each.kind, each.effect) for order, each in found] == [
            ("pi_80", "unexplained", "billing event")
        ]
        assert "Stripe took no such money" in found[0][1].what

    story(tell)


def test_a_billing_event_whose_payment_a_list_does_not_show_is_asked_for() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        event = told_of(80)
        books.billing.events[event.id] = event
        books.take(80)
        books.stripe.hidden.append(books.stripe.takings.pop())
        books.stripe.troubles_by_name = [Unavailable("429"), None]
        proof, lines = await books.proven()
        assert (proof.verdict, proof.totals.asked, len(lines)) == ("proven", 1, 1)

    story(tell)


def test_where_stripe_could_not_be_read_no_event_is_called_unexplained() -> None:
    async def tell(books: Books) -> None:
        books.billing.events["be_1"] = told_of(80)
        books.stripe.always = Unauthorised("401")
        _, lines = await books.proven()
        assert lines == []

    story(tell)


@pytest.mark.parametrize(
    ("paid", "state", "found"), [(False, "sent", 1), (True, "sent", 0), (False, "queued", 0)]
)
def test_a_message_about_an_order_that_nobody_paid_is_unexplained(paid: bool, state: Any, found: int) -> None:
    async def tell(books: Books) -> None:
        if paid:
            await books.sell(1)
        order = Order("konverzky", "1000", False, PAID_AT, (Revision(1, "d", (), PAID_AT, "evt_0"),), ())
        ref = message_ref(order.key, "order_confirmation")
        message = Message(ref, order.key, "order_confirmation", "+911234567890", PAID_AT, state)
        await books.store.commit([ORDERS.put(order), MESSAGES.put(message)])
        assert (await books.findings()) == [("1000", "unexplained", "messages")] * found

    story(tell)
