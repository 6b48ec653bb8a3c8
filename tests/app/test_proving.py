"""A proof goes through its stages page by page, wherever it was left; and never says that it holds when it cannot know."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onpaid.domain.money import Money
from onpaid.domain.orders import Order
from onpaid.domain.sessions import Session
from onpaid.engine.journal import LANES, RUNS, TICKETS, LaneState, Ticket
from onpaid.engine.testing.virtual import START
from onpaid.errors import Doubtful, InvalidInput, StoreUnavailable, Unauthorised, Unavailable
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.proofs import PAGES, PROOFS, Proof
from onpaid.store.memory import MemoryStore
from tests.app.proving_kit import ACCOUNT, DAY, PAID_AT, Books, FakeRazorpay, story
from tests.app.stores import MoodyStore

change = msgspec.structs.replace
A_MOMENT = timedelta(milliseconds=1)


def test_where_everything_agrees_the_proof_holds() -> None:
    async def tell(books: Books) -> None:
        await books.sell(11)
        proof, lines = await books.proven()
        assert (proof.verdict, len(lines), proof.totals.orders) == ("proven", 11, 11)
        assert (proof.totals.invoices, proof.totals.events, proof.totals.asked) == (11, 11, 0)
        assert proof.totals.paid == {"NOK": sum(10_000 + nth for nth in range(11))}
        assert proof.read == {"stripe": 11, "records": 11, "told": 11, "invoices": 11, "parcels": 0}
        assert {line.key for line in lines} == {f"konverzky/{1000 + nth}" for nth in range(11)}

    story(tell)


def test_what_was_read_is_put_away_when_the_proof_has_ended() -> None:
    async def tell(books: Books) -> None:
        await books.sell(11)
        proof, _ = await books.proven()
        assert await PAGES.get(books.store, f"{proof.id}/rows/000000") is None
        assert await PAGES.get(books.store, f"{proof.id}/lines/000000") is not None

    story(tell)


async def _spoil(books: Books, how: str) -> None:
    invoices, takings = books.accounts.invoices, books.stripe.takings
    if how == "webhook lost":
        books.take(50)
    elif how == "nobody paid":
        await books.keep(50)
        invoices.append(books.invoice(50))
    elif how == "invoice deleted":
        del invoices[2]
    elif how == "invoice doubled":
        invoices.append(books.invoice(3, invoice_id=9999, number=99))
    elif how == "invoice changed":
        invoices[4] = books.invoice(4, total=Money(1, "NOK"))
    elif how == "invoice of nobody":
        invoices.append(books.invoice(60))
    elif how == "captured in part":
        takings[5] = change(takings[5], amount=Money(1, "NOK"))
    else:
        books.billing.events.clear()


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("webhook lost", ("1050", "missing", "payment")),
        ("nobody paid", ("1050", "unexplained", "payment")),
        ("invoice deleted", ("1002", "missing", "invoice")),
        ("invoice doubled", ("1003", "double", "invoice")),
        ("invoice changed", ("1004", "differs", "invoice")),
        ("invoice of nobody", ("1060", "unexplained", "invoice")),
        ("captured in part", ("1005", "differs", "payment")),
    ],
)
def test_a_loss_is_found_and_nothing_else(how: str, found: tuple[str, str, str]) -> None:
    async def tell(books: Books) -> None:
        await books.sell(9)
        await _spoil(books, how)
        assert await books.findings() == [found]

    story(tell)


def test_billing_events_that_were_never_noted_are_missing_for_each_payment() -> None:
    async def tell(books: Books) -> None:
        await books.sell(3)
        await _spoil(books, "events lost")
        assert await books.findings() == [(f"{1000 + n}", "missing", "billing event") for n in range(3)]

    story(tell)


# -- edges of lists ----------------------------------------------------------------------------------------------


def test_what_a_list_does_not_show_is_asked_for_by_name_and_not_missing() -> None:
    async def tell(books: Books) -> None:
        await books.sell(6)
        books.accounts.hidden.append(books.accounts.invoices.pop(1))
        books.stripe.hidden.append(books.stripe.takings.pop(2))
        proof, lines = await books.proven()
        assert (proof.verdict, proof.totals.asked, len(lines)) == ("proven", 2, 6)

    story(tell)


def test_an_invoice_of_another_periods_payment_is_left_alone() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        await books.keep(7, at=PAID_AT - 5 * DAY)
        books.accounts.invoices.append(books.invoice(7))
        proof, lines = await books.proven()
        assert (proof.verdict, len(lines), proof.totals.elsewhere) == ("proven", 2, 0)

    story(tell)


def test_an_invoice_that_somebody_wrote_by_hand_is_somebody_elses() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        books.accounts.invoices.append(books.invoice(7, order_reference="", our_reference="Ann"))
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.elsewhere) == ("proven", 1)

    story(tell)


def test_a_page_that_is_read_twice_tells_nothing_twice() -> None:
    async def tell(books: Books) -> None:
        await books.sell(5)
        books.stripe.takings += books.stripe.takings[:4]
        books.accounts.invoices += books.accounts.invoices[:4]
        proof, lines = await books.proven()
        assert (proof.verdict, len(lines), proof.totals.invoices) == ("proven", 5, 5)

    story(tell)


def test_money_that_was_only_authorised_and_other_peoples_money_are_nobodys_loss() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        books.take(70, captured=False)
        books.take(71, ours=False, order="")
        prover = books.another(billing=None)
        proof, lines = await books.proven(prover)
        assert (proof.verdict, len(lines), proof.totals.elsewhere) == ("proven", 1, 1)

    story(tell)


# -- under way, and waiting for a person -------------------------------------------------------------------------


def test_a_run_that_is_worked_at_is_under_way() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        await books.keep(9, state="sleeping")
        books.take(9)
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.under_way, proof.totals.states["proven"]) == ("proven", 1, 2)

    story(tell)


def test_a_run_that_failed_names_its_ticket_and_is_counted_as_waiting() -> None:
    async def tell(books: Books) -> None:
        ticket = Ticket("tkt_1", "invoice", "high", "There is no VAT rule", START)
        await books.store.commit([TICKETS.put(ticket)])
        await books.keep(0, state="failed", reason="There is no VAT rule", tickets=["tkt_0", "tkt_1"])
        books.take(0)
        proof, (line,) = await books.proven()
        (finding,) = line.findings
        assert (proof.verdict, proof.totals.waiting, finding.ticket) == ("off", 1, "tkt_1")
        assert finding.command.startswith(
            "do what `onpaid tickets show tkt_1` asks, then `onpaid runs retry "
        )

    story(tell)


def test_a_run_that_waits_for_another_is_as_far_as_that() -> None:
    async def tell(books: Books) -> None:
        child = await books.keep(1, state="failed", reason="refused", tickets=[])
        child.id = "file_contact:cus_1"
        await books.store.commit([RUNS.put(child)])
        await books.keep(0, state="waiting", wake=["run:file_contact:cus_1"])
        books.take(0)
        _, lines = await books.proven(books.another(accounts=books.accounts))
        (finding,) = next(line for line in lines if line.order == "1000").findings
        assert finding.command == "onpaid runs retry file_contact:cus_1"

    story(tell)


def test_a_run_that_waits_for_a_paused_lane_is_no_longer_under_way() -> None:
    async def tell(books: Books) -> None:
        await books.store.commit([LANES.put(LaneState("fiken", paused=True, reason="401", since=START))])
        await books.keep(0, state="waiting", wake=["lane:fiken"])
        books.take(0)
        _, (line,) = await books.proven()
        assert line.findings[0].command == "onpaid lanes resume fiken"

    story(tell)


# -- providers in trouble ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["stripe", "accounts", "courier"])
def test_a_proof_never_holds_when_a_provider_could_not_be_read(source: str) -> None:
    async def tell(books: Books) -> None:
        await books.sell(3)
        books.accounts.invoices.pop()
        trouble = getattr(books, source)
        trouble.always = Unauthorised(f"{source}: 401")
        proof, lines = await books.proven()
        assert proof.verdict == "unread"
        assert list(proof.unread.values()) == [f"{source}: 401"]
        found = [(each.kind, each.effect) for line in lines for each in line.findings]
        green = sum(line.state == "proven" for line in lines)
        assert green == (2 if source == "courier" else 0)  # these orders are not shipped
        assert found == ([] if source == "accounts" else [("missing", "invoice")])

    story(tell)


@pytest.mark.parametrize("trouble", [Unavailable("429", 7.0), Doubtful("502")])
def test_a_provider_that_is_busy_is_asked_again_after_a_while(trouble: Any) -> None:
    async def tell(books: Books) -> None:
        await books.sell(9)
        books.accounts.troubles = [trouble, trouble]
        began = books.clock.now()
        proof, _ = await books.proven()
        waited = (books.clock.now() - began) / 1000
        assert proof.verdict == "proven"
        assert waited >= (14 if isinstance(trouble, Unavailable) else 3)

    story(tell)


def test_a_provider_that_stays_away_is_given_up_and_named() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        books.stripe.always = Unavailable("Stripe cannot be reached")
        proof, _ = await books.proven()
        assert (proof.verdict, proof.unread) == ("unread", {"stripe": "Stripe cannot be reached"})

    story(tell)


def test_a_provider_that_fails_while_it_is_asked_by_name_leaves_the_proof_without_a_verdict() -> None:
    async def tell(books: Books) -> None:
        await books.sell(3)
        books.accounts.invoices.pop()
        books.accounts.nameless = Unauthorised("401")
        ended, lines = await books.proven()
        assert (ended.verdict, ended.unread) == ("unread", {"invoices": "401"})
        assert not [line for line in lines if line.findings]

    story(tell)


def test_a_paused_lane_is_not_entered() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        books.lanes.pause("fiken", "a person said so")
        proof, _ = await books.proven()
        assert proof.unread == {"invoices": "the lane fiken is paused: a person said so"}
        assert books.accounts.calls == 0

    story(tell)


def test_what_is_not_set_up_is_not_looked_at_and_said() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        books.accounts.invoices.clear()
        prover = books.another(accounts=None, courier=None, left_out=("Fiken: nothing is set up.",))
        proof, _ = await books.proven(prover)
        assert (proof.verdict, proof.left_out) == ("proven", ["Fiken: nothing is set up."])
        assert proof.stages == ["stripe", "records", "told", "match", "tidy"]

    story(tell)


# -- interrupted, and several at once ----------------------------------------------------------------------------


def test_a_proof_goes_on_where_it_was_left() -> None:
    """Each piece of work ends after one page, and the next is done by another process."""

    async def tell(books: Books) -> None:
        await books.sell(17)
        del books.accounts.invoices[3]
        proof, turns = await books.begin(), 0
        while not proof.ended:
            turns += 1
            prover = books.another(owner=f"process {turns}")
            await prover.advance(proof.id, A_MOMENT)
            held = await prover.proofs.get(proof.id)
            assert held is not None
            proof = held.record
            await books.clock.sleep(120)  # whoever had it is gone
            assert turns < 100
        _, lines = await books.finished(books.prover, proof.id)
        found = [(line.order, each.kind) for line in lines for each in line.findings]
        assert (found, len(lines)) == ([("1003", "missing")], 17)
        assert books.stripe.calls == 5  # five pages, none of them twice

    story(tell)


def test_one_at_a_time_works_on_a_proof() -> None:
    async def tell(books: Books) -> None:
        await books.sell(3)
        proof = await books.begin()
        held = await books.prover.proofs.get(proof.id)
        assert held is not None
        held.record.worker, held.record.worked_until = "another", books.clock.now() + 60_000
        await books.store.commit([PROOFS.update(held.record, held.version)])
        seen = await books.prover.advance(proof.id)
        assert seen is not None
        assert (seen.stage, books.stripe.calls) == (0, 0)
        await books.clock.sleep(61)
        ended, _ = await books.finished(books.prover, proof.id)
        assert ended.verdict == "proven"

    story(tell)


def test_what_a_dead_process_worked_at_is_taken_up_at_once_where_it_was_the_only_one() -> None:
    async def tell(books: Books) -> None:
        await books.sell(3)
        proof = await books.begin()
        for worker, taken_up in (("two/7", False), ("one/1", True)):
            held = await books.prover.proofs.get(proof.id)
            assert held is not None
            held.record.worker, held.record.worked_until = worker, books.clock.now() + 60_000
            await books.store.commit([PROOFS.update(held.record, held.version)])
            seen = await books.another(owner="two", sole=True).advance(proof.id)
            assert seen is not None
            assert seen.ended == taken_up
        assert seen.verdict == "proven"

    story(tell)


def test_a_clock_that_jumped_back_does_not_hold_a_proof_for_ever() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        proof = await books.begin()
        held = await books.prover.proofs.get(proof.id)
        assert held is not None
        held.record.worker, held.record.worked_until = "gone", books.clock.now() + 10 * DAY
        await books.store.commit([PROOFS.update(held.record, held.version)])
        ended = await books.prover.advance(proof.id)
        assert ended is not None
        assert ended.verdict == "proven"

    story(tell)


@pytest.mark.parametrize("mood", ["full", "unknown, written", "unknown, not written"])
@pytest.mark.parametrize("nth", range(9))
def test_a_store_that_fails_at_any_commit_costs_time_and_no_row(mood: Any, nth: int) -> None:
    moody = MoodyStore(MemoryStore())

    async def tell(books: Books) -> None:
        await books.sell(6)
        del books.accounts.invoices[3]
        proof = await books.begin()
        moody.moods = ["well"] * nth + [mood]
        with pytest.raises(StoreUnavailable) if mood == "full" else pytest.raises(Exception, match=r"."):
            await books.finished(books.prover, proof.id)
        await books.clock.sleep(100)
        _, lines = await books.finished(books.prover, proof.id)
        found = [(line.order, each.kind, each.effect) for line in lines for each in line.findings]
        assert (found, len(lines)) == ([("1003", "missing", "invoice")], 6)

    story(tell, moody)


def test_the_chore_works_on_every_proof_that_is_under_way() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        for _ in range(3):
            await books.begin()
        assert await books.prover.work(timedelta(seconds=60)) == 0
        assert [each.verdict for each in await books.prover.proofs.in_state("ended")] == ["proven"] * 3
        assert await books.prover.work() == 0

    story(tell)


def test_two_proofs_of_one_millisecond_are_two() -> None:
    async def tell(books: Books) -> None:
        assert (await books.begin()).id != (await books.begin()).id
        assert await books.prover.advance("proof_of_nothing") is None

    story(tell)


@pytest.mark.parametrize(("since", "until"), [(START, START), (START + DAY, START + 2 * DAY), (0, START)])
def test_a_period_that_is_none_is_refused(since: int, until: int) -> None:
    async def tell(books: Books) -> None:
        with pytest.raises(InvalidInput):
            await books.prover.begin(since, until)

    story(tell)


# -- many --------------------------------------------------------------------------------------------------------


def test_thousands_of_orders_are_matched_in_parts() -> None:
    async def tell(books: Books) -> None:
        await books.sell(60)
        proof = await books.begin()
        held = await books.prover.proofs.get(proof.id)
        assert held is not None
        held.record.read = {"pretended": 64_000}  # as though there were five parts
        await books.store.commit([PROOFS.update(held.record, held.version)])
        ended, lines = await books.finished(books.prover, proof.id)
        assert (ended.verdict, ended.totals.orders) == ("proven", 60)
        assert len({line.order for line in lines}) == 60

    story(tell)


def test_razorpays_pages_are_read_by_position() -> None:
    async def tell(books: Books) -> None:
        razorpay = FakeRazorpay()
        for nth in range(250):
            books.take(nth, account="razorpay/default/test", payment_id=f"order_{nth}", ours=True)
        razorpay.takings, books.stripe.takings = books.stripe.takings, []
        books.billing.events.clear()
        proof, _ = await books.proven(books.another(razorpay=razorpay))
        assert (proof.read["razorpay"], razorpay.calls) == (250, 3)
        assert proof.totals.found == {"missing": 250}

    story(tell)


def test_the_orders_number_and_not_its_alias_is_told() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        held = await ORDERS.get(books.store, "konverzky/1000")
        assert held is not None
        assert isinstance(held.record, Order)
        proof, (line,) = await books.proven()
        assert isinstance(proof, Proof)
        assert (line.order, line.key) == ("1000", "konverzky/1000")

    story(tell)


# -- sessions, billing events, and what was set up before --------------------------------------------------------


class PaidSessions:
    """Knows one session, of one payment."""

    def __init__(self, payment: str, number: str) -> None:
        self._payment, self._number = payment, number

    async def of_payment(self, payment: str) -> Session | None:
        if payment != self._payment:
            return None
        return Session("key", "cs_1", "paid", PAID_AT, PAID_AT, order_number=self._number)


def test_a_session_that_is_not_invoiced_is_known_by_its_order_and_no_loss() -> None:
    async def tell(books: Books) -> None:
        books.take(0, order="", ours=True)
        books.take(1, order="", ours=True)
        prover = books.another(sessions=PaidSessions(f"{ACCOUNT}/pi_0", "BC-ABC12345"))
        _, lines = await books.proven(prover)
        found = {line.order: [each.kind for each in line.findings] for line in lines}
        assert found == {"BC-ABC12345": [], "pi_1": ["missing"]}

    story(tell)


def test_a_billing_event_that_waits_to_be_published_is_under_way_with_its_run() -> None:
    async def tell(books: Books) -> None:
        await books.sell(1)
        ((ident, event),) = books.billing.events.items()
        books.billing.events[ident] = change(event, published_at=0)
        run = await books.keep(0)
        run.id, run.state = f"publish_billing_event:{ident}", "sleeping"
        await books.store.commit([RUNS.put(run)])
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.under_way) == ("proven", 1)

    story(tell)


def test_a_proof_goes_on_after_a_provider_was_taken_out_of_the_settings() -> None:
    async def tell(books: Books) -> None:
        await books.sell(2)
        proof = await books.begin()
        ended, _ = await books.finished(books.another(takings={}, accounts=None), proof.id)
        assert ended.verdict == "unread"
        assert ended.unread["stripe"] == "nothing is set up any more for stripe"

    story(tell)


def test_an_invoice_that_names_only_its_order_is_that_orders() -> None:
    async def tell(books: Books) -> None:
        await books.sell(3)
        books.accounts.invoices[1] = books.invoice(1, our_reference="")
        books.accounts.invoices.append(books.invoice(2, our_reference="", invoice_id=1))
        assert await books.findings() == [("1002", "unexplained", "invoice")]

    story(tell)


def test_many_things_that_must_be_asked_for_by_name_are_asked_for_little_by_little() -> None:
    async def tell(books: Books) -> None:
        await books.sell(45)
        books.accounts.hidden, books.accounts.invoices = books.accounts.invoices, []
        books.accounts.slow = 1.0
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.asked) == ("proven", 45)

    story(tell)


def test_what_was_answered_before_a_provider_failed_is_kept() -> None:
    async def tell(books: Books) -> None:
        await books.sell(8)
        books.accounts.hidden, books.accounts.invoices = books.accounts.invoices, []
        books.accounts.troubles_by_name = [None, None, Unavailable("429"), None, Doubtful("502")]
        proof, _ = await books.proven()
        assert (proof.verdict, proof.totals.asked) == ("proven", 8)

    story(tell)


def test_two_who_work_on_it_at_the_same_moment_tell_each_order_once() -> None:
    """Between reading the proof and taking one's turn another may take it: one of both writes, the other looks again."""

    async def tell(books: Books) -> None:
        await books.sell(9)
        proof = await books.begin()
        provers = [books.another(owner=f"process {nth}") for nth in range(4)]
        await asyncio.gather(*(books.finished(prover, proof.id) for prover in provers))
        ended, lines = await books.finished(books.prover, proof.id)
        assert (ended.verdict, ended.totals.orders, len(lines)) == ("proven", 9, 9)

    story(tell)
