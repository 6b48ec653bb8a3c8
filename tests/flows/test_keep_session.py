"""A paid session becomes one order with exactly what was paid, whoever tells of it and wherever it is killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import jsonschema
import msgspec
import pytest

from onpaid.domain.amounts import gross_of
from onpaid.domain.billing import BillingNews
from onpaid.domain.bills import NO_PAYMENT, BillPaid
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, Order, Revision
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.prices import Price
from onpaid.domain.session_orders import order_number
from onpaid.domain.sessions import (
    Session,
    SessionChanged,
    SessionLine,
    SessionRef,
    SessionTold,
    SessionWanted,
    User,
)
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import RUNS, TICKETS, Ticket
from onpaid.engine.pace import Pace
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
from onpaid.flows.keep_session import keep_session
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import PRICES, Prices
from onpaid.repositories.sessions import SESSIONS, Sessions
from onpaid.store.local import Done
from onpaid.store.port import Store
from tests.flows.cash_box import TILL_LANES
from tests.flows.fates import Fates
from tests.flows.sales_box import ACCOUNT, SalesBox, sales_guests, sold_line
from tests.house.reading import ROOT


@flow(on=PaymentSucceeded, key=lambda paid: paid.key, when=lambda paid: "invoice" in paid.expects)
async def invoiced(ctx: Context, paid: PaymentSucceeded, *, orders: Orders) -> str:
    """What follows from a payment, in short: the order is there, and the payment fits it."""
    order = await ctx.wait_for("order", orders.look_order, paid.order)
    await ctx.wait_for("lines", orders.look_lines, paid)
    return order


@flow(on=BillingNews, key=lambda news: news.id, same=lambda one, other: True)
async def told_to_others(ctx: Context, news: BillingNews) -> str:
    """What others are told."""
    return f"{news.type} of {news.subject} in {ctx.run_id}"


FLOWS = (keep_session, invoiced, told_to_others)
SESSION = "cs_1"
KEY = f"{ACCOUNT}/{SESSION}"
NUMBER = order_number("BC-", SESSION)
SCHEMA = json.loads((ROOT / "docs/events/checkout.completed.schema.json").read_text(encoding="utf-8"))
COURSE = Price("course-1", "course", "A course", Money(49_900, "NOK"), tax_percent=Decimal(25))
WEBHOOK = SessionTold(ACCOUNT, SESSION, False, START, "webhook", "evt_1")
NIGHTLY = SessionTold(ACCOUNT, SESSION, False, START + 5000, "nightly_sync")


SUBSCRIBED = {"mode": "subscription", "payment_id": None, "subscription_id": "sub_1", "invoice_id": "in_1"}


async def priced(store: Store) -> None:
    await store.commit([PRICES.insert(COURSE)])


def guests(box: SalesBox, store: Store, **rules: Any) -> dict[str, Any]:
    return {**sales_guests(box, store, **rules), "orders": Orders(store)}


# -- killed everywhere ---------------------------------------------------------------------------------------------


@dataclass
class Told:
    """A session that was paid, and what it must come to."""

    lines: Sequence[SessionLine]
    facts: Sequence[SessionTold] = (WEBHOOK,)
    fates: dict[str, list[str]] = field(default_factory=dict)
    invoices: bool = True
    more: dict[str, Any] = field(default_factory=dict)

    def scene(self) -> Scene:
        box = SalesBox(Fates(self.fates))
        box.sold(SESSION, self.lines, **self.more)
        box.billed("in_1", self.lines)

        def check(end: Ending) -> None:
            assert not box.faults
            assert not end.tickets
            assert end.run("keep_session").state == "done"
            assert msgspec.json.decode(end.run("keep_session").result) == f"stripe/{NUMBER}"
            assert end.run("told_to_others").state == "done"
            assert sum(run.flow == "invoiced" for run in end.runs) == self.invoices
            assert {run.state for run in end.runs} == {"done"}

        return Scene(
            FLOWS,
            self.facts,
            lambda store, clock: guests(box, store, invoices=self.invoices),
            check,
            lanes=TILL_LANES,
            before=priced,
        )


TOLD: dict[str, Callable[[], Told]] = {
    "one line": lambda: Told([sold_line()]),
    "webhook and night": lambda: Told([sold_line()], (WEBHOOK, NIGHTLY)),
    "lines that do not divide": lambda: Told([sold_line(1, 10_000, 3), sold_line(2, 7, 2)]),
    "no invoices": lambda: Told([sold_line()], invoices=False),
    "nothing to pay": lambda: Told(
        [sold_line(total=0)],
        invoices=False,
        more={"payment_status": "no_payment_required", "payment_id": None},
    ),
    "the first bill of a subscription": lambda: Told([sold_line()], more=SUBSCRIBED),
    "lost answers": lambda: Told(
        [sold_line()], fates={"fetch_session": ["lost reply"], "session_lines": ["503 before", "reset"]}
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_crash_at_every_write_changes_nothing(name: str) -> None:
    assert crash_everywhere(lambda: TOLD[name]().scene()) > 8


def test_two_crashes_change_nothing() -> None:
    assert crash_everywhere(lambda: Told([sold_line()], (WEBHOOK, NIGHTLY)).scene(), twice=True) > 50


# -- one life ------------------------------------------------------------------------------------------------------


@dataclass
class Kept:
    """How a session was kept."""

    session: Session | None
    order: Order | None
    payments: list[PaymentSucceeded]
    news: list[BillingNews]
    invoiced: int
    tickets: list[Ticket]
    store: Store


def keep(
    box: SalesBox,
    *facts: SessionTold,
    before: Callable[[Store, Sessions], Any] | None = None,
    after: Callable[[Store, Sessions], Any] | None = None,
    **rules: Any,
) -> Kept:
    """One life of the service in which these facts are told."""

    async def main() -> Kept:
        store = MemoryStore()
        await priced(store)
        made = guests(box, store, **rules)
        process = Process(store, FLOWS, made, VirtualClock(), lanes=TILL_LANES, pace=Pace())
        await process.engine.open()
        if before is not None:
            await before(store, made["sessions"])
        for fact in facts or (WEBHOOK,):
            await process.engine.recorder.record(facts=[fact])
        await process.live(at_most=timedelta(days=9))
        if after is not None:
            await after(store, made["sessions"])
        return await looked_at(store, made["sessions"])

    return run_virtually(main)


async def looked_at(store: Store, sessions: Sessions) -> Kept:
    session = await sessions.get(KEY)
    held = None if session is None else await Orders(store).find(session.order)
    payments = (await Payments(store).newest()).items
    runs = {
        name: (await RUNS.query(store, "flow-state", f"{name}:done")).items
        for name in ("told_to_others", "invoiced")
    }
    return Kept(
        session,
        None if held is None else held.record,
        [each.fact for each in payments],
        [msgspec.json.decode(run.fact, type=BillingNews) for run in runs["told_to_others"]],
        len(runs["invoiced"]),
        (await TICKETS.query(store, "state", "open")).items,
        store,
    )


def test_a_paid_session_is_an_order_a_payment_a_snapshot_and_news() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line(1, 99_800, 2), sold_line(2, 1_000)])
    kept = keep(box, invoices=True)
    assert kept.order is not None
    assert kept.session is not None
    assert (kept.order.key, kept.order.aliases, kept.order.session) == (
        f"stripe/{NUMBER}",
        (SESSION,),
        SESSION,
    )
    assert [(line.quantity, line.unit_price, line.vat_percent) for line in kept.order.latest.lines] == [
        (2, Decimal("499.00"), 25),
        (1, Decimal("10.00"), 25),
    ]
    assert kept.order.latest.customer == Customer("cus_1", "Kari Lie", "Kari@Example.org")
    assert (kept.session.origin, kept.session.order_number, kept.session.owner) == ("webhook", NUMBER, "u-1")
    (paid,) = kept.payments
    assert (paid.key, paid.order, paid.amount) == (
        f"{ACCOUNT}/pi_cs_1",
        kept.order.key,
        Money(100_800, "NOK"),
    )
    assert (paid.expects, kept.invoiced) == (("invoice",), 1)
    (news,) = kept.news
    assert (news.type, news.subject, news.user, news.customer_id) == (
        "checkout.completed",
        SESSION,
        "u-1",
        "cus_1",
    )
    assert news.data["orderNumber"] == NUMBER
    jsonschema.validate(dict(news.data), SCHEMA["properties"]["data"])
    assert not kept.tickets


def test_the_number_is_told_by_the_session_alone() -> None:
    assert order_number("BC-", SESSION) == "BC-35E4WZST"
    assert len(NUMBER) == len("BC-ABC12345")
    assert order_number("BC-", SESSION, 16).startswith(NUMBER)
    assert order_number("X-", "cs_2")[2:] != NUMBER[3:]


@pytest.mark.parametrize("first", [WEBHOOK, NIGHTLY], ids=["webhook", "night"])
def test_who_comes_first_is_kept(first: SessionTold) -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()])
    second = NIGHTLY if first is WEBHOOK else WEBHOOK
    kept = keep(box, first, second, invoices=True)
    assert kept.session is not None
    assert kept.session.origin == first.origin
    assert (len(kept.payments), len(kept.news), kept.invoiced) == (1, 1, 1)
    assert box.calls["session_lines"] == 1


def test_another_session_with_the_same_short_number_gets_a_long_one() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()])

    async def taken(store: Store, _sessions: Sessions) -> None:
        first = Revision(1, "d", (), START, "evt_0")
        await store.commit(
            [ORDERS.insert(Order("stripe", NUMBER, False, START, (first,), session="cs_other"))]
        )

    kept = keep(box, before=taken)
    assert kept.session is not None
    assert kept.session.order_number == order_number("BC-", SESSION, 16)
    assert kept.order is not None
    assert kept.order.session == SESSION


@pytest.mark.parametrize(
    ("total", "quantity", "currency", "expected"),
    [
        (10_000, 4, "nok", (4, "25.00")),
        (10_000, 3, "nok", (1, "100.00")),
        (1_338, 2, "jpy", (2, "669")),
        (1_339, 2, "jpy", (1, "1339")),
        (1_500, 3, "isk", (3, "5.00")),
        (1_500, 2, "isk", (1, "15.00")),
        (1_500, 15, "isk", (15, "1.00")),
        (10_010, 2, "kwd", (2, "5.005")),
        (0, 3, "nok", (3, "0.00")),
    ],
)
def test_a_lines_quantity_times_its_price_is_what_was_paid(
    total: int, quantity: int, currency: str, expected: tuple[int, str]
) -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line(1, total, quantity, currency=currency)])
    kept = keep(box)
    assert kept.order is not None
    (line,) = kept.order.latest.lines
    assert (line.quantity, line.unit_price) == (expected[0], Decimal(expected[1]))
    gross = gross_of([line], True, currency.upper())
    assert (gross.exact, gross.rounded) == (total, total)
    assert ("x Course" in line.name) == (expected[0] != quantity)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_the_lines_are_the_order_comes_to_what_was_paid(seed: int) -> None:
    dice = Random(seed)
    currency = dice.choice(("nok", "jpy", "isk", "kwd", "usd"))
    lines = [
        sold_line(nth, dice.randrange(1, 100_000), dice.randrange(1, 12), currency=currency)
        for nth in range(1, dice.randrange(2, 9))
    ]
    rest = dice.choice((0, 0, dice.randrange(1, 5000)))
    total = sum(each.total for each in lines) + rest
    box = SalesBox()
    box.sold(SESSION, lines, total=Money.from_wire(total, currency))
    kept = keep(box)
    assert kept.order is not None
    gross = gross_of(kept.order.latest.lines, True, currency.upper())
    assert gross.exact == total
    assert [line.key for line in kept.order.latest.lines][len(lines) :] == (["#rest"] if rest else [])


def test_a_session_of_more_lines_than_a_page_holds_is_kept_whole() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line(nth, 100 + nth) for nth in range(1, 251)])
    kept = keep(box, invoices=True)
    assert kept.order is not None
    assert len(kept.order.latest.lines) == 250
    assert kept.invoiced == 1


def test_a_delayed_payment_is_noted_and_kept_once_it_is_there() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], payment_status="unpaid")

    async def unpaid(store: Store, sessions: Sessions) -> None:
        seen = SessionChanged(ACCOUNT, SESSION, "unpaid", START, START, "u-1")
        await store.commit(await sessions.receive(seen, START))
        assert [each.session_id for each in (await sessions.waiting())[0]] == [SESSION]
        box.sold(SESSION, [sold_line()])

    async def settled(store: Store, sessions: Sessions) -> None:
        assert (await sessions.waiting())[0] == []
        late = SessionChanged(ACCOUNT, SESSION, "unpaid", START, START)
        assert await sessions.receive(late, START) == []

    kept = keep(box, before=unpaid, after=settled)
    assert kept.session is not None
    assert kept.session.state == "paid"


def test_a_session_that_was_told_too_early_is_asked_about_until_it_is_paid() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], payment_status="unpaid")

    async def main() -> Kept:
        store, clock = MemoryStore(), VirtualClock()
        await priced(store)
        made = guests(box, store)
        process = Process(store, FLOWS, made, clock, lanes=TILL_LANES)
        await process.engine.open()
        await process.engine.recorder.record(facts=[WEBHOOK])
        await process.live(at_most=timedelta(hours=5))
        assert await made["sessions"].get(KEY) is None
        box.sold(SESSION, [sold_line()])
        await process.engine.recorder.record(facts=[NIGHTLY])
        await process.live(at_most=timedelta(hours=3))
        return await looked_at(store, made["sessions"])

    kept = run_virtually(main)
    assert kept.order is not None
    assert len(kept.news) == 1
    assert box.calls["fetch_session"] < 12


def test_a_session_that_expired_is_no_order() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], status="expired", payment_status="unpaid")
    kept = keep(box)
    assert kept.session is not None
    assert (kept.session.state, kept.session.order, kept.payments, kept.news) == ("expired", "", [], [])


def test_a_session_without_money_is_an_order_without_a_payment() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line(total=0)], payment_status="no_payment_required", payment_id=None)
    kept = keep(box, invoices=True)
    assert kept.order is not None
    assert (kept.payments, kept.invoiced, len(kept.news), kept.tickets) == ([], 0, 1, [])


def test_a_session_of_a_subscription_has_the_payment_of_its_first_bill_and_its_invoice() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], **SUBSCRIBED)
    box.billed("in_1", [sold_line()])
    kept = keep(box, invoices=True)
    assert kept.session is not None
    assert (kept.session.subscription_id, kept.session.payment_id) == ("sub_1", "pi_in_1")
    (paid,) = kept.payments
    assert (paid.payment_id, paid.order, paid.amount) == ("pi_in_1", f"stripe/{NUMBER}", Money(49_900, "NOK"))
    assert (paid.expects, kept.invoiced, kept.tickets) == (("invoice",), 1, [])
    assert [each.data["paymentIntentId"] for each in kept.news] == ["pi_in_1"]
    assert box.calls["fetch_bill_payment"] == 1


@pytest.mark.parametrize(
    ("paid", "payments", "why"),
    [
        (BillPaid(why=NO_PAYMENT), 0, NO_PAYMENT),
        (BillPaid(why="2 payments paid it, each a part"), 0, "2 payments paid it, each a part"),
        (BillPaid("pi_1", Money(40_000, "NOK")), 1, "NOK 400.00 were paid of NOK 499.00"),
    ],
    ids=["a balance", "in parts", "less, with a balance"],
)
def test_a_first_bill_that_no_payment_explains_is_for_a_person(
    paid: BillPaid, payments: int, why: str
) -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], **SUBSCRIBED)
    box.billed("in_1", [sold_line()], paid)
    kept = keep(box, invoices=True)
    assert kept.session is not None
    assert kept.order is not None
    assert (len(kept.payments), kept.invoiced, kept.session.why_no_invoice) == (payments, 0, why)
    assert [(each.category, why in each.title) for each in kept.tickets] == [("invoice", True)]
    assert [each.amount for each in kept.payments] == [paid.amount] * payments
    without = keep(box)
    assert (len(without.payments), without.tickets) == (payments, []), "without invoices nobody needs it"


def test_a_trial_and_what_a_release_without_bills_read_are_asked_for_no_payment() -> None:
    for lines, more in (
        ([sold_line(total=0)], {**SUBSCRIBED, "payment_status": "no_payment_required"}),
        ([sold_line()], {**SUBSCRIBED, "invoice_id": None}),
    ):
        box = SalesBox()
        box.sold(SESSION, lines, **more)
        kept = keep(box, invoices=True)
        assert kept.order is not None
        assert (kept.payments, kept.invoiced, kept.tickets) == ([], 0, [])
        assert not box.calls["fetch_bill_payment"]


def test_a_session_that_only_keeps_a_card_sells_nothing() -> None:
    box = SalesBox()
    box.sold(SESSION, [], mode="setup", total=None, payment_id=None, payment_status="no_payment_required")
    kept = keep(box)
    assert kept.session is not None
    assert (kept.session.state, kept.session.order, kept.order, kept.news) == ("paid", "", None, [])


@pytest.mark.parametrize(
    ("more", "owner"),
    [
        ({}, "u-1"),
        ({"user": ""}, "kari@example.org"),
        ({"user": "", "customer": None}, "cus_1"),
        ({"user": "", "customer": Customer(name="Kari"), "customer_id": None}, ""),
    ],
    ids=["user", "e-mail", "customer", "nobody"],
)
def test_an_order_belongs_to_the_user_else_to_the_address_else_to_the_customer(
    more: dict[str, Any], owner: str
) -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], **more)
    kept = keep(box)
    assert kept.session is not None
    assert kept.session.owner == owner


def test_the_user_of_a_session_that_we_opened_is_remembered() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()], user="")
    wanted = SessionWanted("os_1", User("u-7"), "course-1", "https://a.example", "https://a.example")

    async def opened(store: Store, sessions: Sessions) -> None:
        done = await sessions.note_opened(SessionRef(SESSION, "", "cus_1"), wanted, START)
        assert isinstance(done, Done)
        await store.commit(done.writes)
        assert await sessions.note_opened(SessionRef(SESSION, "", "cus_1"), wanted, START) == Done(False)

    kept = keep(box, before=opened)
    assert kept.session is not None
    assert (kept.session.user, kept.session.owner) == ("u-7", "u-7")


# -- VAT -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        (sold_line(), 25),
        (sold_line(lookup_key="", price_id="", tax=9_980), 25),
        (sold_line(total=50_000, tax=10_000), 25),
        (sold_line(lookup_key="", price_id="", tax=6_509), 15),
    ],
    ids=["our price", "Stripe's tax", "both agree", "another rate"],
)
def test_the_vat_is_told_by_our_price_or_by_stripes_tax(line: SessionLine, rate: int) -> None:
    box = SalesBox()
    box.sold(SESSION, [line])
    kept = keep(box, invoices=True)
    assert kept.order is not None
    assert [each.vat_percent for each in kept.order.latest.lines] == [rate]
    assert (kept.invoiced, kept.tickets) == (1, [])


@pytest.mark.parametrize(
    ("lines", "more"),
    [
        ([sold_line(lookup_key="", price_id="")], {}),
        ([sold_line(tax=5_000)], {}),
        ([sold_line()], {"total": Money(40_000, "NOK")}),
        (
            [sold_line(), sold_line(2, 11_500, lookup_key="", price_id="", tax=1_500)],
            {"total": Money(70_000, "NOK")},
        ),
    ],
    ids=["nobody tells", "they contradict", "less was paid", "shipping of two rates"],
)
def test_where_the_vat_is_not_known_the_order_is_kept_and_a_person_makes_the_invoice(
    lines: list[SessionLine], more: dict[str, Any]
) -> None:
    box = SalesBox()
    box.sold(SESSION, lines, **more)
    kept = keep(box, invoices=True)
    assert kept.order is not None
    assert kept.session is not None
    assert kept.session.why_no_invoice
    assert (kept.invoiced, len(kept.news), len(kept.payments)) == (0, 1, 1)
    assert [ticket.category for ticket in kept.tickets] == ["invoice"]
    assert not keep(box).tickets, "without invoices nobody needs the VAT"


# -- what comes later ----------------------------------------------------------------------------------------------


def test_refunds_are_noted_and_never_more_than_was_paid() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()])

    def refund(what: str, minor: int, payment: str = "pi_cs_1") -> PaymentChanged:
        return PaymentChanged(ACCOUNT, payment, what, Money(minor, "NOK"), f"evt_{minor}", START)

    async def later(store: Store, sessions: Sessions) -> None:
        for change, expected in (
            (refund("charge.refunded", 10_000), 10_000),
            (refund("charge.refunded", 5_000), 10_000),
            (refund("charge.dispute.created", 49_900), 10_000),
            (refund("refund.failed", 49_900), 10_000),
            (refund("charge.refunded", 60_000), 49_900),
        ):
            writes = await sessions.note_refund(change)
            if writes:
                await store.commit(writes)
            kept = await sessions.get(KEY)
            assert kept is not None
            assert kept.refunded == expected
        assert (await sessions.of_payment(f"{ACCOUNT}/pi_cs_1")) == await sessions.get(KEY)

    keep(box, after=later)


def test_only_an_order_makes_a_session_paid() -> None:
    async def main() -> None:
        store = MemoryStore()
        sessions = Sessions(store, Orders(store), Payments(store), Prices(store), SessionRules(ACCOUNT))
        seen = SessionChanged(ACCOUNT, SESSION, "paid", START, START)
        assert await sessions.receive(seen, START) == []
        await store.commit(await sessions.receive(msgspec.structs.replace(seen, state="failed"), START))
        assert await sessions.receive(msgspec.structs.replace(seen, state="unpaid"), START) == []
        assert await sessions.receive(seen, START) == []

    run_virtually(main)


def test_sessions_are_found_by_state_user_customer_and_day() -> None:
    async def main() -> None:
        store = MemoryStore()
        sessions = Sessions(store, Orders(store), Payments(store), Prices(store), SessionRules(ACCOUNT))
        for nth, state in enumerate(("open", "unpaid", "failed", "expired", "paid", "open")):
            at = START + nth * 86_400_000
            await store.commit(
                [SESSIONS.insert(Session(f"{ACCOUNT}/cs_{nth}", f"cs_{nth}", state, at, at, "u", "cus"))]  # type: ignore[arg-type]
            )
        first, cursor = await sessions.waiting(limit=2)
        rest, end = await sessions.waiting(cursor, limit=2)
        assert [each.session_id for each in (*first, *rest)] == ["cs_0", "cs_1", "cs_5"]
        assert end is None
        assert [each.session_id for each in (await sessions.of_day("2026-01-02")).items] == ["cs_1"]
        assert len((await sessions.of_user("u")).items) == len((await sessions.of_customer("cus")).items) == 6
        assert [each.session_id for each in (await sessions.of_state("open")).items] == ["cs_5", "cs_0"]
        assert [each and each.state for each in await sessions.known([f"{ACCOUNT}/cs_4", "x"])] == [
            "paid",
            None,
        ]

    run_virtually(main)


@pytest.mark.parametrize("block", range(10))
def test_webhook_and_night_race_a_thousand_times_and_there_is_one_order(block: int) -> None:
    """Two processes, each told by one of the two at its own moment, and calls that go wrong: by a hundred seeds each."""
    for seed in range(block * 100, block * 100 + 100):
        dice = Random(seed)
        box = SalesBox(Fates(seed=seed, share=0.3))
        box.sold(SESSION, [sold_line(1, 10_000, 3), sold_line(2)])
        kept = run_virtually(lambda: _race(box, dice, seed))  # noqa: B023
        assert kept.order is not None, seed
        assert len(kept.order.revisions) == 1, seed
        assert (len(kept.payments), len(kept.news), kept.invoiced) == (1, 1, 1), seed
        assert not kept.tickets, seed


async def _race(box: SalesBox, dice: Random, seed: int) -> Kept:
    store, clock = MemoryStore(), VirtualClock()
    await priced(store)
    processes = [
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
    told = [(WEBHOOK, processes[0]), (NIGHTLY, processes[1]), (WEBHOOK, processes[1])]
    dice.shuffle(told)
    for process in processes:
        await process.engine.open()
    sessions = guests(box, store)["sessions"]

    async def slow_word() -> None:
        """Who saw the session open or unpaid a while ago writes it down just now."""
        for _ in range(6):
            seen = SessionChanged(ACCOUNT, SESSION, dice.choice(("open", "unpaid")), START, START)
            writes = await sessions.receive(seen, START)
            await clock.sleep(dice.choice((0.05, 0.2, 0.5, 1.0)))
            if writes:
                with suppress(Conflict):
                    await store.commit(writes)

    words = asyncio.get_running_loop().create_task(slow_word())
    for fact, process in told:
        await process.engine.recorder.record(facts=[fact], event=f"{fact.event}{fact.origin}")
        await clock.sleep(dice.choice((0.0, 0.0, 0.01, 0.1, 0.4, 3.0)))
    for process in processes:
        await process.live()
    await words
    kept = await looked_at(store, sessions)
    assert kept.session is not None
    assert kept.session.state == "paid", seed
    return kept
