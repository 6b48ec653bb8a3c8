"""What a subscription paid, in a proof: an order with its invoice where we hold it, and missing with its cause if not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onpaid.domain.billing import BillingEvent, BillingNews
from onpaid.domain.orders import Order, Revision
from onpaid.domain.proof_rows import Line
from onpaid.engine.journal import RUNS, Run
from onpaid.errors import Unavailable
from onpaid.repositories.orders import ALIASES, ORDERS, Alias
from tests.app.proving_kit import ACCOUNT, PAID_AT, Books, story

KEEPS = f"keep_renewal:{ACCOUNT}/in_0"


async def charged(books: Books, nth: int = 0, *, bill: bool = True, **more: Any) -> None:
    """Stripe took money for a bill, under a charge that says nothing of it; and others were told."""
    books.take(nth, ours=False, order="", **more)
    if bill:
        books.stripe.bills[f"pi_{nth}"] = f"in_{nth}"


async def keeper(books: Books, state: str, **more: Any) -> None:
    run = Run(KEEPS, "keep_renewal", msgspec.Raw(b"{}"), PAID_AT, state, **more)  # type: ignore[arg-type]
    await books.store.commit([RUNS.put(run)])


async def found(books: Books) -> Line:
    (line,) = (await books.proven())[1]
    return line


def test_a_bill_that_we_hold_is_an_order_with_its_invoice_and_nobody_is_asked() -> None:
    async def tell(books: Books) -> None:
        await books.keep(0)
        await charged(books)
        books.accounts.invoices.append(books.invoice(0))
        line = await found(books)
        assert (line.order, line.state, line.invoices) == ("1000", "proven", ("1",))
        assert books.stripe.calls == 1, "only the list was read"
        books.accounts.invoices.clear()
        assert [(each.kind, each.effect) for each in (await found(books)).findings] == [
            ("missing", "invoice")
        ]

    story(tell)


def test_money_for_something_else_is_nobodys_business_but_for_its_event() -> None:
    async def tell(books: Books) -> None:
        await charged(books, bill=False)
        line = await found(books)
        assert (line.order, line.state, line.findings) == ("pi_0", "proven", ())

    story(tell)


@pytest.mark.parametrize("state", ["", "waiting"], ids=["no run", "its session is not here"])
def test_a_bill_of_which_no_webhook_came_is_missing_until_it_is_reconciled(state: str) -> None:
    async def tell(books: Books) -> None:
        await charged(books)
        if state:
            await keeper(books, state)
        (finding,) = (await found(books)).findings
        assert (finding.kind, finding.effect, finding.cause) == ("missing", "payment", "no webhook came")
        assert finding.command.startswith("onpaid reconcile --lookback-hours ")

    story(tell)


def test_a_bill_whose_run_failed_names_it_and_one_that_is_at_work_is_under_way() -> None:
    async def tell(books: Books) -> None:
        await charged(books)
        await keeper(books, "failed", reason="Stripe refused")
        (finding,) = (await found(books)).findings
        assert (finding.cause, finding.command) == (
            "the run failed: Stripe refused",
            f"onpaid runs retry {KEEPS}",
        )
        await keeper(books, "sleeping")
        line = await found(books)
        assert (line.state, line.under_way, line.findings) == ("under way", ("payment",), ())

    story(tell)


def test_a_bill_that_was_told_of_before_bills_were_kept_is_judged_again() -> None:
    async def tell(books: Books) -> None:
        await charged(books)
        news = BillingNews(ACCOUNT, "invoice.paid", "in_0", PAID_AT, live=False, event="evt_5")
        books.billing.events[news.id] = BillingEvent(news.id, news, PAID_AT, 2, PAID_AT + 1)
        (finding,) = (await found(books)).findings
        assert finding.command == f"onpaid events replay {ACCOUNT}/evt_5"

    story(tell)


def test_young_money_may_have_its_webhook_on_the_way() -> None:
    async def tell(books: Books) -> None:
        await charged(books, taken_at=books.clock.now() - 1000)
        line = await found(books)
        assert (line.under_way, line.findings) == (("payment",), ())

    story(tell)


def test_where_billing_is_not_told_no_bill_is_kept_and_nobody_is_asked() -> None:
    async def tell(books: Books) -> None:
        await charged(books)
        proof, lines = await books.proven(books.another(billing=None))
        assert (proof.verdict, lines, books.stripe.calls) == ("proven", [], 1)

    story(tell)


def test_a_bill_that_cannot_be_asked_for_leaves_the_list_unread() -> None:
    async def tell(books: Books) -> None:
        for nth in range(3):
            await charged(books, nth)
        books.stripe.troubles_by_bill = [Unavailable("away", 1.0)]
        _, lines = await books.proven()
        assert [len(line.findings) for line in lines] == [1, 1, 1], "the page is read again"
        books.stripe.troubles_by_bill = [Unavailable("away", 1.0)] * 50
        proof, _ = await books.proven()
        assert "stripe" in proof.unread

    story(tell)


def test_where_an_order_stands_for_the_money_no_payment_is_missed() -> None:
    """Several payments paid one bill, and a person made its invoice; or its session was kept without its payment."""

    async def tell(books: Books) -> None:
        await charged(books)
        await keeper(books, "done")
        line = await found(books)
        assert (line.order, line.state, line.findings) == ("pi_0", "proven", ())
        await keeper(books, "cancelled")
        (finding,) = (await found(books)).findings
        assert finding.cause == "a person cancelled the run"
        revision = Revision(1, "d", (), PAID_AT, "evt_1")
        order = Order("konverzky", "BC-7", False, PAID_AT, (revision,), bill="in_0")
        await books.store.commit([ORDERS.put(order), ALIASES.put(Alias("konverzky/in_0", order.key))])
        line = await found(books)
        assert (line.order, line.state, line.findings) == ("BC-7", "proven", ())

    story(tell)
