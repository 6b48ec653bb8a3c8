"""A subscription's paid bill becomes one order and one payment over exactly what was paid, wherever a run is killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from onpaid.domain.amounts import gross_of
from onpaid.domain.bills import FIRST, NO_PAYMENT, BillPaid, SubscriptionPaid
from onpaid.domain.invoices import draw_up
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer, Order
from onpaid.domain.payments import Payment, PaymentChanged
from onpaid.domain.session_orders import order_number
from onpaid.domain.sessions import Session, SessionChanged, SessionLine
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.testing import (
    START,
    Ending,
    MemoryStore,
    Process,
    Scene,
    VirtualClock,
    crash_everywhere,
    run_virtually,
)
from onpaid.errors import Conflict
from onpaid.flows.keep_renewal import keep_renewal
from onpaid.flows.keep_session import keep_session
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import PAYMENTS, Payments
from onpaid.repositories.session_refunds import EARLY_REFUNDS
from onpaid.repositories.sessions import SESSIONS, Sessions
from onpaid.store.port import Store
from tests.domain.examples import TABLE, TODAY
from tests.flows.cash_box import TILL_LANES
from tests.flows.fates import Fates
from tests.flows.sales_box import ACCOUNT, SalesBox, sold_line
from tests.flows.test_keep_session import NUMBER as OTHER
from tests.flows.test_keep_session import (
    SESSION,
    SUBSCRIBED,
    WEBHOOK,
    guests,
    invoiced,
    priced,
    told_to_others,
)

FLOWS = (keep_renewal, keep_session, invoiced, told_to_others)
BILL = "in_7"
NUMBER = order_number("BC-", BILL)
KEY, PAYMENT = f"stripe/{NUMBER}", f"{ACCOUNT}/pi_{BILL}"
TOLD = SubscriptionPaid(ACCOUNT, BILL, "sub_1", False, START, "webhook", "evt_7")
NIGHTLY = msgspec.structs.replace(TOLD, told_at=START + 5000, origin="nightly_sync", event="evt_8")
SESSIONS_OWN = f"it is kept as order {OTHER} of its session {SESSION}"
LATE = timedelta(days=4)


@dataclass
class Scenario:
    """A bill that was paid, and what it must come to."""

    lines: Sequence[SessionLine]
    facts: Sequence[Any] = (TOLD,)
    fates: dict[str, list[str]] = field(default_factory=dict)
    invoices: bool = True
    order: str = KEY
    began_in: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def scene(self) -> Scene:
        box = SalesBox(Fates(self.fates))
        box.billed(BILL, self.lines, **self.more)
        if self.began_in:
            box.began_in["sub_1"] = self.began_in
            box.sold(self.began_in, self.lines, **{**SUBSCRIBED, "invoice_id": BILL})

        def check(end: Ending) -> None:
            assert not box.faults
            assert not end.tickets
            assert {run.state for run in end.runs} == {"done"}
            assert msgspec.json.decode(end.run("keep_renewal").result) == self.order
            paid = self.invoices and (self.order == KEY or bool(self.began_in))
            assert sum(run.flow == "invoiced" for run in end.runs) == paid

        return Scene(
            FLOWS,
            self.facts,
            lambda store, clock: guests(box, store, invoices=self.invoices),
            check,
            lanes=TILL_LANES,
            before=priced,
        )


STORIES: dict[str, Callable[[], Scenario]] = {
    "a renewal": lambda: Scenario([sold_line()]),
    "webhook and night": lambda: Scenario([sold_line()], (TOLD, NIGHTLY)),
    "a credit and a charge": lambda: Scenario([sold_line(1, -4_950, 3), sold_line(2, 9_900)]),
    "no invoices": lambda: Scenario([sold_line()], invoices=False),
    "a first bill without a session": lambda: Scenario([sold_line()], more={"reason": FIRST}),
    "the first bill of a session": lambda: Scenario(
        [sold_line()],
        (TOLD, WEBHOOK),
        began_in=SESSION,
        order=SESSIONS_OWN,
        more={"reason": FIRST},
    ),
    "a trial": lambda: Scenario([sold_line(total=0)], order="nothing was to be paid"),
    "no subscription's": lambda: Scenario(
        [sold_line()], order="it is no subscription's", more={"subscription_id": None}
    ),
    "lost answers": lambda: Scenario(
        [sold_line()],
        fates={
            "fetch_bill": ["lost reply"],
            "fetch_bill_lines": ["503 before"],
            "fetch_bill_payment": ["reset"],
        },
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_crash_at_every_write_changes_nothing(name: str) -> None:
    assert crash_everywhere(lambda: STORIES[name]().scene()) > 3


# -- one life ------------------------------------------------------------------------------------------------------


@dataclass
class Kept:
    """What came of it."""

    orders: list[Order]
    payments: list[Payment]
    invoiced: int
    news: int
    tickets: list[Ticket]
    result: str
    session: Session | None

    @property
    def order(self) -> Order:
        (order,) = self.orders
        return order

    @property
    def paid(self) -> Payment:
        (payment,) = self.payments
        return payment


def keep(
    box: SalesBox,
    *facts: Any,
    before: Callable[[Store, Sessions], Any] | None = None,
    after: Callable[[Store, Sessions], Any] | None = None,
    apart: timedelta | None = None,
    **rules: Any,
) -> Kept:
    """One life of the service in which these facts are told, so far `apart`."""

    async def main() -> Kept:
        store = MemoryStore()
        await priced(store)
        made = guests(box, store, **{"invoices": True, **rules})
        process = Process(store, FLOWS, made, VirtualClock(), lanes=TILL_LANES)
        await process.engine.open()
        if before is not None:
            await before(store, made["sessions"])
        for fact in facts or (TOLD,):
            await process.engine.recorder.record(facts=[fact])
            if apart is not None:
                await process.live(at_most=apart)
        await process.live(at_most=LATE)
        if after is not None:
            await after(store, made["sessions"])
        runs = {name: await ended(store, name) for name in ("invoiced", "told_to_others", "keep_renewal")}
        return Kept(
            (await Orders(store).newest()).items,
            (await Payments(store).newest()).items,
            len(runs["invoiced"]),
            len(runs["told_to_others"]),
            (await TICKETS.query(store, "state", "open")).items,
            msgspec.json.decode(runs["keep_renewal"][0].result) if runs["keep_renewal"] else "",
            await made["sessions"].get(f"{ACCOUNT}/{SESSION}"),
        )

    return run_virtually(main)


async def ended(store: Store, flow: str) -> list[Run]:
    return (await RUNS.query(store, "flow-state", f"{flow}:done")).items


def billed(*lines: SessionLine, paid: BillPaid | None = None, **more: Any) -> SalesBox:
    box = SalesBox()
    box.billed(BILL, lines, paid, **more)
    return box


def test_a_paid_bill_is_an_order_and_a_payment_that_is_to_be_invoiced() -> None:
    kept = keep(billed(sold_line(1, 99_800, 2)))
    order, fact = kept.order, kept.paid.fact
    assert (order.key, order.aliases, order.session, order.bill, order.sold) == (KEY, (BILL,), "", BILL, BILL)
    assert [(each.quantity, each.unit_price, each.vat_percent) for each in order.latest.lines] == [
        (2, Decimal("499.00"), 25)
    ]
    assert (order.latest.total, order.latest.currency) == (Decimal("998.00"), "NOK")
    assert (fact.key, fact.order, fact.amount) == (PAYMENT, KEY, Money(99_800, "NOK"))
    assert (fact.expects, fact.customer_id, fact.event) == (("invoice",), "cus_1", "evt_7")
    assert order.latest.customer is not None
    assert (order.latest.customer.id, order.latest.customer.email) == ("cus_1", "Kari@Example.org")
    assert (kept.invoiced, kept.news, kept.tickets, kept.result) == (1, 0, [], KEY)


def test_who_comes_twice_meets_the_same_order() -> None:
    kept = keep(billed(sold_line()), TOLD, NIGHTLY, NIGHTLY)
    assert (len(kept.orders), len(kept.payments), kept.invoiced) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_lines_are_the_order_comes_to_what_was_paid(seed: int) -> None:
    """Prorations, credits below zero, discounts, tax in it and on top, and shipping beside the lines."""
    dice = Random(seed)
    currency, step = dice.choice((("nok", 1), ("jpy", 1), ("isk", 100), ("kwd", 10), ("usd", 1)))
    lines = [sold_line(0, dice.randrange(100_000, 200_000) * step, currency=currency)]
    for nth in range(1, dice.randrange(2, 7)):
        total = (dice.randrange(-9_000, 60_000) or 1) * step
        lines.append(sold_line(nth, total, dice.randrange(1, 9), currency=currency))
    beside = dice.choice((0, 0, dice.randrange(1, 5000))) * step
    kept = keep(billed(*lines, beside=beside))
    paid = sum(each.total for each in lines) + beside
    gross = gross_of(kept.order.latest.lines, True, currency.upper())
    assert (gross.exact, kept.paid.fact.amount.minor) == (paid, paid)
    assert (kept.invoiced, kept.tickets) == (1, [])
    drawn = draw_up(
        kept.order.latest.lines,
        vat=TABLE,
        country="NO",
        on=TODAY,
        prices_include_vat=True,
        captured=kept.paid.fact.amount,
        order_total=kept.order.latest.total,
    )
    assert sum(each.net + each.vat for each in drawn) == sum(each.gross for each in drawn) == paid
    assert any(each.net < 0 for each in drawn) == any(each.total < 0 for each in lines)


@pytest.mark.parametrize(
    ("box", "why", "payments"),
    [
        (billed(sold_line(), paid=BillPaid(why=NO_PAYMENT)), NO_PAYMENT, 0),
        (billed(sold_line(), paid=BillPaid(why="2 payments paid it, each a part")), "2 payments", 0),
        (
            billed(sold_line(), paid=BillPaid("pi_1", Money(40_000, "NOK"))),
            "NOK 400.00 were paid of NOK 499.00",
            1,
        ),
        (billed(sold_line(lookup_key="", price_id="")), "the VAT of Course 1 is not known", 1),
        (billed(sold_line(tax=5_000)), "the VAT of Course 1 is not known", 1),
        (billed(sold_line(), total=Money(50_000, "NOK")), "its lines do not come to its total", 1),
        (billed(sold_line(), total=Money(40_000, "NOK")), "its lines do not come to its total", 1),
    ],
    ids=["a balance", "in parts", "less", "no VAT", "another VAT", "more than its lines", "less than these"],
)
def test_what_is_not_clear_is_kept_and_never_invoiced(box: SalesBox, why: str, payments: int) -> None:
    kept = keep(box)
    assert kept.order.key == KEY
    assert (len(kept.payments), kept.invoiced) == (payments, 0)
    assert [(each.category, why in each.title) for each in kept.tickets] == [("invoice", True)]
    assert all(each.fact.expects == () for each in kept.payments)
    assert not keep(box, invoices=False).tickets, "without invoices nobody needs to know"


def test_a_bill_that_is_not_shown_as_paid_yet_is_asked_again() -> None:
    box = billed(sold_line(), status="open")

    async def main() -> int:
        store, made = MemoryStore(), None
        await priced(store)
        made = guests(box, store, invoices=True)
        process = Process(store, FLOWS, made, VirtualClock(), lanes=TILL_LANES)
        await process.engine.open()
        await process.engine.recorder.record(facts=[TOLD])
        await process.live(at_most=timedelta(minutes=3))
        assert not (await Orders(store).newest()).items
        box.billed(BILL, [sold_line()])
        await process.live(at_most=timedelta(hours=3))
        return len((await Orders(store).newest()).items)

    assert run_virtually(main) == 1


# -- whose it is ---------------------------------------------------------------------------------------------------


def first_bill(**more: Any) -> SalesBox:
    """A subscription that began in a session, and its first bill."""
    box = billed(sold_line(), reason=FIRST)
    box.sold(SESSION, [sold_line()], **{**SUBSCRIBED, "invoice_id": BILL, **more})
    box.began_in["sub_1"] = SESSION
    return box


@pytest.mark.parametrize("facts", [(TOLD, WEBHOOK), (WEBHOOK, TOLD)], ids=["bill first", "session first"])
@pytest.mark.parametrize("apart", [timedelta(hours=30), None], ids=["apart", "at once"])
def test_a_first_bill_is_kept_by_its_session(facts: tuple[Any, ...], apart: timedelta | None) -> None:
    kept = keep(first_bill(), *facts, apart=apart)
    assert (kept.order.session, kept.order.bill) == (SESSION, "")
    assert (len(kept.payments), kept.invoiced, kept.tickets) == (1, 1, [])
    assert kept.result == SESSIONS_OWN


def test_a_session_that_nobody_tells_of_leaves_its_bill_an_order_and_takes_that_later() -> None:
    kept = keep(first_bill(), TOLD)
    assert (kept.order.bill, len(kept.payments), kept.invoiced, kept.session) == (BILL, 1, 1, None)
    kept = keep(first_bill(), TOLD, WEBHOOK, apart=LATE)
    assert (kept.order.bill, len(kept.payments), kept.invoiced, kept.tickets) == (BILL, 1, 1, [])
    assert kept.session is not None
    assert (kept.session.order, kept.session.order_number) == (KEY, NUMBER)


@pytest.mark.parametrize("facts", [(TOLD, WEBHOOK), (WEBHOOK, TOLD)], ids=["bill first", "session first"])
@pytest.mark.parametrize("apart", [LATE, None], ids=["apart", "at once"])
def test_where_stripe_does_not_know_the_session_yet_the_payment_still_has_one_order(
    facts: tuple[Any, ...], apart: timedelta | None
) -> None:
    box = first_bill()
    box.began_in.clear()
    kept = keep(box, *facts, apart=apart)
    assert (len(kept.orders), len(kept.payments), kept.invoiced, kept.tickets) == (1, 1, 1, [])
    assert kept.session is not None
    assert (kept.session.order, kept.result) == (kept.order.key, kept.order.key)
    assert kept.session.payment_id == f"pi_{BILL}"


def test_what_is_paid_after_the_payment_of_its_session_failed_is_an_order_of_the_bill() -> None:
    async def failed(store: Store, sessions: Sessions) -> None:
        seen = SessionChanged(ACCOUNT, SESSION, "failed", START, START)
        await store.commit(await sessions.receive(seen, START))

    kept = keep(first_bill(payment_status="unpaid"), before=failed)
    assert (kept.order.bill, kept.invoiced, kept.tickets) == (BILL, 1, [])


# -- what comes later, and earlier ---------------------------------------------------------------------------------


def refund(minor: int, event: str = "evt_9") -> PaymentChanged:
    what, amount = "refund.created", Money(minor, "NOK")
    return PaymentChanged(ACCOUNT, f"pi_{BILL}", what, amount, event, START, refund=f"re_{minor}")


async def told(change: PaymentChanged, store: Store, sessions: Sessions) -> None:
    """A refund is told, as the inbox keeps it."""
    writes = [*await Payments(store).receive_change(change), *await sessions.note_refund(change)]
    await store.commit(writes)


def test_a_refund_reaches_the_payment_whether_it_is_told_before_or_after_it() -> None:
    async def early(store: Store, sessions: Sessions) -> None:
        await told(refund(1_000), store, sessions)

    async def late(store: Store, sessions: Sessions) -> None:
        await told(refund(2_000, "evt_10"), store, sessions)
        assert await EARLY_REFUNDS.get(store, PAYMENT) is not None
        assert await SESSIONS.get(store, f"{ACCOUNT}/{SESSION}") is None

    kept = keep(billed(sold_line()), before=early, after=late)
    assert [each.amount.minor for each in kept.paid.changes] == [1_000, 2_000]


def test_a_refund_that_is_told_while_its_payment_is_stored_is_not_lost() -> None:
    """Both were read before the other was written: one of the two is refused, and reads again."""

    async def main() -> None:
        box, store = billed(sold_line()), MemoryStore()
        await priced(store)
        made = guests(box, store, invoices=True)
        args = (TOLD, box.bills[BILL], box.lines[BILL], box.bills_paid[BILL], START)
        early = await made["sessions"].note_refund(refund(1_000))
        stored = await made["renewals"].store_paid(*args)
        await store.commit(stored.writes)
        with pytest.raises(Conflict):
            await store.commit(early)
        await told(refund(1_000), store, made["sessions"])
        held = await PAYMENTS.get(store, PAYMENT)
        assert held is not None
        assert [each.amount.minor for each in held.record.changes] == [1_000]

        later = guests(billed(sold_line()), other := MemoryStore(), invoices=True)
        stored = await later["renewals"].store_paid(*args)
        await told(refund(1_000), other, later["sessions"])
        with pytest.raises(Conflict):
            await other.commit(stored.writes)

    run_virtually(main)


def test_where_stripe_knows_no_address_the_one_that_was_typed_in_the_session_is_taken() -> None:
    """A customer that we make at Stripe has an e-mail address and nothing else; the first session asked for more."""
    home = Customer(name="Kari Lie", email="kari@example.org", address=Address(country="NO"))
    box = first_bill(customer=home)
    box.billed("in_8", [sold_line()], customer=Customer("cus_1", email="Kari@example.org"))
    later = msgspec.structs.replace(TOLD, invoice_id="in_8")
    other = msgspec.structs.replace(TOLD, invoice_id="in_9")
    box.billed("in_9", [sold_line()], customer=None, subscription_id="sub_9")
    kept = keep(box, WEBHOOK, later, other, apart=LATE)
    known = {each.sold: each.latest.customer for each in kept.orders}
    assert known["in_8"] == Customer("cus_1", "Kari Lie", "Kari@example.org", address=Address(country="NO"))
    assert known["in_9"] == Customer("cus_1"), "that is another subscription's"


@pytest.mark.parametrize("known", [True, False], ids=["session known", "session not known"])
def test_bill_and_session_race_in_two_processes_and_the_payment_has_one_order(known: bool) -> None:
    """Each of the two is told of its own at its own moment, and calls go wrong: by sixty seeds."""
    for seed in range(60):
        dice, box = Random(seed), SalesBox(Fates(seed=seed, share=0.2))
        box.billed(BILL, [sold_line()], reason=FIRST)
        box.sold(SESSION, [sold_line()], **{**SUBSCRIBED, "invoice_id": BILL})
        if known:
            box.began_in["sub_1"] = SESSION
        orders, paid, done = run_virtually(lambda: _race(box, dice, seed))  # noqa: B023
        assert (len(orders), len(paid), done) == (1, 1, 1), seed
        assert paid[0].fact.order == orders[0].key, seed
        assert orders[0].session == SESSION or not known, seed


async def _race(box: SalesBox, dice: Random, seed: int) -> tuple[list[Order], list[Payment], int]:
    store, clock = MemoryStore(), VirtualClock()
    await priced(store)
    two = [
        Process(
            store,
            FLOWS,
            guests(box, store, invoices=True),
            clock,
            name=f"p{nth}",
            lanes=TILL_LANES,
            seed=seed + nth,
            sole=False,
        )
        for nth in range(2)
    ]
    for process in two:
        await process.engine.open()
    told: list[tuple[Any, Process]] = [(WEBHOOK, two[0]), (TOLD, two[1]), (NIGHTLY, two[0])]
    dice.shuffle(told)
    for fact, process in told:
        await process.engine.recorder.record(facts=[fact], event=fact.event)
        await clock.sleep(dice.choice((0.0, 0.01, 0.1, 0.4, 3.0)))
    for process in two:
        await process.live(at_most=LATE)
    orders, payments = await Orders(store).newest(), await Payments(store).newest()
    return orders.items, payments.items, len(await ended(store, "invoiced"))
