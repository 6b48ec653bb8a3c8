"""Payments that a provider lists and does not list events of: a missing one starts the run that its webhook would have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import msgspec
import pytest

from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_night import Gate
from onpaid.app.reconciling_payments import PAGE, Payments, went_back
from onpaid.app.reconciling_plan import Lists
from onpaid.app.reconciling_request import SyncSettings
from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.reconciliation import Reconciliation
from onpaid.domain.takings import Taking
from onpaid.errors import Refused
from onpaid.providers import razorpay_wire as wire
from onpaid.repositories.reconciliations import Reconciliations
from tests.app import post_razorpay as post
from tests.app.payments_desk import ONE_OF_EACH, PRICE, PaymentsDesk, at_the_desk, captured

SOURCE = post.source()
NAMES = count()


class Cashbook:
    """What a provider lists: takings, and the refunds of each."""

    def __init__(self, *takings: Taking) -> None:
        self.takings = list(takings)
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.asked = 0
        self.refused = ""

    async def payments_between(self, since: Instant, until: Instant, skip: int) -> list[Taking]:
        self.asked += 1
        fitting = [each for each in self.takings if since // 1000 <= each.taken_at // 1000 <= until // 1000]
        return sorted(fitting, key=lambda each: -each.taken_at)[skip : skip + PAGE]

    async def refunded_between(self, since: Instant, until: Instant, skip: int) -> list[str]:
        made = [
            charge
            for charge, refunds in self.refunds.items()
            for each in refunds
            if since // 1000 <= each["created_at"] <= until // 1000
        ]
        return made[skip : skip + PAGE]

    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        return next((each for each in self.takings if each.charge_id == charge_id), None)

    def told_by(self, taking: Taking) -> PaymentSucceeded:
        return SOURCE.told_by(taking)

    async def refunds_of(self, taking: Taking) -> tuple[list[PaymentChanged], bool]:
        if taking.charge_id == self.refused:
            raise Refused("The id provided does not exist")
        told = [msgspec.convert(each, wire.RefundWire) for each in self.refunds.get(taking.charge_id, ())]
        return SOURCE.refunds_told(taking, told), any(each.status == "pending" for each in told)


def taking(
    order: str, payment: str = "pay_1", minor: int = PRICE, *, refunded: int = 0, **more: Any
) -> Taking:
    told = {"captured": True, "ours": True, **more}
    return Taking(
        account="razorpay/default/test",
        payment_id=order,
        charge_id=payment,
        amount=Money(minor, "INR"),
        refunded=Money(refunded, "INR"),
        taken_at=1_767_225_600_000,
        live=False,
        **told,
    )


async def reconciled(desk: PaymentsDesk, book: Cashbook, **overrides: Any) -> Reconciliation:
    store, clock = desk.process.engine.store, desk.clock
    lists = Lists(payments=Payments(book, desk.inbox, store, Gate(clock, per_second=None)))
    records = Reconciliations(store, owner=f"{next(NAMES)}")
    reconciler = Reconciler(desk.process.engine.recorder, records, clock, SyncSettings(), lists)
    return await reconciler.run("manual", overrides)


def test_the_facts_are_those_of_the_webhook() -> None:
    paid = post.payment_of("pay_1", "order_1", PRICE)
    body = post.body_of_event("payment.captured", paid)
    (fact,) = SOURCE.judge(SOURCE.read(body, 0), body, 0).facts
    told = SOURCE.told_by(taking("order_1"))
    assert isinstance(fact, PaymentSucceeded)
    same = ("account", "payment_id", "order", "amount", "live", "charge_id", "customer_id", "expects", "key")
    assert [getattr(fact, name) for name in same] == [getattr(told, name) for name in same]


@pytest.mark.parametrize("parts", [(PRICE,), (100,), (100, PRICE - 100)])
def test_the_refunds_are_those_of_the_webhook(parts: Sequence[int]) -> None:
    gone, told = 0, []
    by_webhook: list[Any] = []
    for nth, minor in enumerate(parts):
        gone += minor
        refund = post.refund_of(f"rfnd_{nth}", "pay_1", minor)
        told.append(msgspec.convert(refund, wire.RefundWire))
        paid = post.payment_of("pay_1", "order_1", PRICE, refunded=gone)
        body = post.body_of_event("refund.processed", paid, refund=refund)
        by_webhook += SOURCE.judge(SOURCE.read(body, 0), body, 0).facts
    listed = SOURCE.refunds_told(taking("order_1", refunded=gone), told)
    same = ("account", "payment_id", "what", "amount", "event", "order", "expects")
    assert [[getattr(each, name) for name in same] for each in listed] == [
        [getattr(each, name) for name in same] for each in by_webhook
    ]
    assert went_back(listed) == gone


def test_a_missing_payment_ships_its_order_once_also_if_its_webhook_comes_late() -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        book = Cashbook(taking(opened.razorpay_order_id))
        only_looked = await reconciled(desk, book, dryRun=True)
        assert (only_looked.counts.payments_created, only_looked.counts.started) == (1, 0)
        run = await reconciled(desk, book)
        assert (run.counts.payments, run.counts.payments_created, run.findings) == (1, 1, [])
        await desk.post(captured(opened))
        assert await desk.effects() == ONE_OF_EACH
        again = await reconciled(desk, book)
        assert (again.counts.payments_created, again.counts.started, again.findings) == (0, 0, [])

    at_the_desk(story)


def test_what_is_not_captured_or_not_ours_is_let_be() -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        book = Cashbook(
            taking(opened.razorpay_order_id, captured=False), taking("pay_9", "pay_9", ours=False)
        )
        run = await reconciled(desk, book)
        assert (run.counts.payments, run.counts.payments_created) == (0, 0)

    at_the_desk(story)


def test_a_missing_refund_is_noted_and_a_pending_one_is_no_finding() -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        await desk.post(captured(opened))
        await desk.rest()
        book = Cashbook(taking(opened.razorpay_order_id, refunded=500))
        book.refunds["pay_1"] = [{**post.refund_of("rfnd_1", "pay_1", 500), "status": "pending"}]
        waiting = await reconciled(desk, book)
        assert (waiting.counts.started, waiting.findings) == (0, [])
        book.refunds["pay_1"] = [post.refund_of("rfnd_1", "pay_1", 500)]
        run = await reconciled(desk, book)
        assert (run.counts.started, run.findings) == (1, [])
        await desk.rest()
        assert len(await desk.runs("note_refund")) == 1
        assert (await reconciled(desk, book)).counts.started == 0
        book.takings[0] = taking(opened.razorpay_order_id, refunded=900)
        assert [each.kind for each in (await reconciled(desk, book)).findings] == ["refund differs"]

    at_the_desk(story)


@pytest.mark.parametrize("others", [0, 2 * PAGE])
def test_money_that_went_back_long_after_it_was_taken_is_noted(others: int) -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        await desk.post(captured(opened))
        await desk.rest()
        book = Cashbook(taking(opened.razorpay_order_id, refunded=500))
        await desk.clock.sleep(60 * 86_400)
        now = desk.clock.now() // 1000 - 60
        for nth in range(others):
            book.refunds[f"pay_of_others_{nth}"] = [
                {**post.refund_of(f"rfnd_{nth}", f"pay_of_others_{nth}", 5), "created_at": now}
            ]
        book.refunds["pay_1"] = [{**post.refund_of("rfnd_1", "pay_1", 500), "created_at": now}]
        run = await reconciled(desk, book)
        assert (run.counts.payments, run.counts.started, run.findings) == (1, 1, [])
        await desk.rest()
        assert len(await desk.runs("note_refund")) == 1
        assert (await reconciled(desk, book)).counts.started == 0

    at_the_desk(story)


def test_one_payment_whose_refunds_are_refused_never_stops_the_rest() -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        await desk.post(captured(opened))
        book = Cashbook(
            taking(opened.razorpay_order_id, refunded=500),
            *(taking(f"order_of_{nth}", f"pay_{nth + 10}") for nth in range(PAGE)),
        )
        book.refused = "pay_1"
        run = await reconciled(desk, book)
        assert (run.counts.payments_created, run.counts.errors, run.left) == (PAGE, 1, [])
        assert [each.subject for each in run.failures] == ["pay_1"]

    at_the_desk(story)


def test_amounts_that_differ_and_orders_paid_twice_are_found() -> None:
    async def story(desk: PaymentsDesk) -> None:
        opened = await desk.sold()
        await desk.post(captured(opened))
        order = opened.razorpay_order_id
        run = await reconciled(desk, Cashbook(taking(order, minor=PRICE - 1), taking(order, "pay_2")))
        assert sorted(each.kind for each in run.findings) == ["amount differs", "paid twice"]

    at_the_desk(story)


def test_long_lists_are_gone_through_page_by_page() -> None:
    async def story(desk: PaymentsDesk) -> None:
        book = Cashbook(*(taking(f"order_{nth}", f"pay_{nth}") for nth in range(2 * PAGE + 1)))
        run = await reconciled(desk, book)
        assert (run.counts.payments, run.counts.payments_created, book.asked) == (201, 201, 3)

    at_the_desk(story)
