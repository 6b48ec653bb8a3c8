"""How orders of paid sessions stand in the eyes of operators: paid, and waiting for nothing that nobody expects."""

from __future__ import annotations

import zlib
from decimal import Decimal

import msgspec
import pytest

from onpaid.app.keeping import Keeping
from onpaid.app.milestones import milestones_of
from onpaid.app.orders_shown import state_of
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.events import Envelope
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, OrderLine, Revision
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.domain.sessions import SessionChanged, SessionTold
from onpaid.engine.journal import RUNS, Run
from onpaid.repositories.events import EVENTS, EventRecord, event_key
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import PAYMENTS, Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.sessions import Sessions
from onpaid.store.memory import MemoryStore
from tests.web.client import operator
from tests.web.world import make_world

LINE = OrderLine("li_1", "course", "Course", Decimal(1), Decimal(499), Decimal(25))
ORDER = Order("stripe", "BC-1", False, 0, (Revision(1, "d", (LINE,), 0, "evt_1"),), ("cs_1",), session="cs_1")
FREE = PaymentSucceeded(
    "stripe/default/test", "pi_1", "stripe/BC-1", Money(49_900, "NOK"), 0, False, expects=()
)
PAID = msgspec.structs.replace(FREE, expects=("invoice",))


def texts(order: Order, *facts: PaymentSucceeded) -> list[tuple[str, str]]:
    shown = milestones_of(order, [Payment(fact, 0) for fact in facts], [], state_of(order, []))
    return [(each.mood, each.figure) for each in shown]


def test_an_order_of_a_session_is_done_and_no_invoice_is_missed() -> None:
    assert state_of(ORDER, []) == "done"
    assert texts(ORDER, FREE) == [
        ("good", "1 line"),
        ("good", "NOK 499.00"),
        ("todo", "Not expected"),
        ("todo", "Not expected"),
    ]


def test_where_nothing_was_to_be_paid_that_is_said() -> None:
    assert texts(ORDER)[1] == ("good", "Nothing to pay")


def test_what_a_subscription_paid_is_not_called_nothing() -> None:
    revision = msgspec.structs.replace(
        ORDER.latest, total=Decimal("99.00"), currency="NOK", prices_include_vat=True
    )
    assert texts(msgspec.structs.replace(ORDER, revisions=(revision,)))[1] == ("good", "NOK 99.00")


def test_an_invoice_that_is_expected_is_missed() -> None:
    assert ("todo", "Not expected") not in texts(ORDER, PAID)


def test_an_order_of_a_shop_stands_as_before() -> None:
    shop = msgspec.structs.replace(ORDER, session="")
    assert state_of(shop, []) == "unpaid"
    assert texts(shop)[1] == ("todo", "Not yet")


async def test_an_orders_page_shows_the_run_that_kept_its_session() -> None:
    world = make_world()
    run = Run(
        "keep_session:stripe/default/test/cs_1", "keep_session", msgspec.Raw(b"{}"), 0, about=["session:cs_1"]
    )
    event = Envelope("stripe", "stripe/default/test", "evt_1", "checkout.session.completed", False)
    kept = EventRecord(
        event_key(event), event, 0, b"", zlib.compress(b"{}"), "routed", about=["session:cs_1"]
    )
    other = msgspec.structs.replace(run, id="keep_session:stripe/default/test/cs_2", about=["session:cs_2"])
    for write in (ORDERS.insert(ORDER), RUNS.insert(run), RUNS.insert(other), EVENTS.insert(kept)):
        await world.store.commit([write])
    shown = await world.views.order(ORDER.key)
    assert shown is not None
    assert [each.id for each in shown.runs] == [run.id]
    assert any(event.event_id in repr(each) for each in shown.timeline)
    assert (shown.session, shown.bill) == ("cs_1", "")


async def test_an_order_of_a_bill_names_it_and_shows_the_run_that_kept_it() -> None:
    world = make_world()
    order = msgspec.structs.replace(ORDER, session="", bill="in_1", aliases=("in_1",))
    run = Run("keep_renewal:stripe/default/test/in_1", "keep_renewal", msgspec.Raw(b"{}"), 0)
    run.about = ["bill:in_1", "subject:sub_1"]
    event = Envelope("stripe", "stripe/default/test", "evt_1", "invoice.paid", False)
    kept = EventRecord(event_key(event), event, 0, b"", zlib.compress(b"{}"), "routed", about=["bill:in_1"])
    await world.store.commit([ORDERS.insert(order), RUNS.insert(run), EVENTS.insert(kept)])
    shown = await world.views.order(ORDER.key)
    assert shown is not None
    assert [(each.id, each.title) for each in shown.runs] == [(run.id, "Keep what a subscription paid")]
    assert any("sent the order" in each.sentence for each in shown.timeline)
    assert (shown.session, shown.bill) == ("", "in_1")
    assert state_of(order, []) == "done"
    assert texts(order, FREE) == texts(ORDER, FREE)
    assert ("todo", "Not expected") not in texts(order, PAID)


@pytest.mark.parametrize(
    "fact",
    [
        SessionTold("stripe/default/test", "cs_1", False, 0),
        SessionChanged("stripe/default/test", "cs_1", "unpaid", 0, 0),
        SubscriptionPaid("stripe/default/test", "in_1", "sub_1", False, 0),
    ],
    ids=["paid", "unpaid", "a bill"],
)
async def test_an_event_of_a_session_or_a_bill_is_kept_as_one_about_it(
    fact: SessionTold | SessionChanged | SubscriptionPaid,
) -> None:
    store = MemoryStore()
    orders, payments = Orders(store), Payments(store)
    sessions = Sessions(store, orders, payments, Prices(store), SessionRules("stripe/default/test"))
    kept = await Keeping(store, orders, payments, sessions=sessions).keep((fact,), 0)
    about = "bill:in_1" if isinstance(fact, SubscriptionPaid) else "session:cs_1"
    assert kept.about == [about]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (ORDER, "From the checkout session <code>cs_1</code> at Stripe."),
        (
            msgspec.structs.replace(ORDER, session="", bill="in_1", aliases=("in_1",)),
            "From a subscription: Stripe’s invoice <code>in_1</code>.",
        ),
    ],
    ids=["a session", "a bill"],
)
async def test_an_orders_page_says_where_it_came_from(order: Order, said: str) -> None:
    world = make_world()
    await world.store.commit([ORDERS.insert(order), PAYMENTS.insert(Payment(PAID, 0))])
    page = (await operator(world).get("/console/orders/stripe/BC-1")).text
    assert said in page
    assert "as it was paid" in page
    assert "Also known as" not in page
    shop = msgspec.structs.replace(order, session="", bill="", number="BC-2", aliases=("other",))
    await world.store.commit([ORDERS.insert(shop)])
    page = (await operator(world).get("/console/orders/stripe/BC-2")).text
    assert "came-from" not in page
    assert "Also known as other" in page
    assert "as first sent" in page
