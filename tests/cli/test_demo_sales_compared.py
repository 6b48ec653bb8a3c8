"""Our records of sales held against a ledger: every difference is found, whichever side has what the other has not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from onpaid.cli.demo.sales_compared import compare_sales
from onpaid.domain.billing import BillingEvent, BillingNews, SubscriptionDetails
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, Revision
from onpaid.domain.sessions import Session
from onpaid.repositories.billing_records import BILLING_EVENTS, SUBSCRIPTIONS, SubscriptionState
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.sessions import SESSIONS
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Write

ACCOUNT = "stripe/default/test"
REVISION = Revision(number=1, digest="d", lines=(), received_at=1, event="evt_1")
ORDER = Order(shop="stripe", number="BC-A", live=False, received_at=1, revisions=(REVISION,), session="cs_1")
RENEWED = msgspec.structs.replace(REVISION, currency="NOK", total=Decimal("99.00"))
RENEWAL = Order(shop="stripe", number="BC-R", live=False, received_at=1, revisions=(RENEWED,), bill="in_1")
PAID = Session(
    key=f"{ACCOUNT}/cs_1",
    session_id="cs_1",
    state="paid",
    created_at=1,
    seen_at=1,
    user="user-1",
    customer_id="cus_1",
    order="stripe/BC-A",
    order_number="BC-A",
    total=Money(24_900, "NOK"),
)
OPEN = Session(key=f"{ACCOUNT}/cs_2", session_id="cs_2", state="expired", created_at=1, seen_at=1)
DETAILS = SubscriptionDetails("sub_1", "active", "cus_1", 1, live=False)
SUBSCRIBED = SubscriptionState(f"{ACCOUNT}/sub_1", details=DETAILS)
NEWS = BillingNews(ACCOUNT, "payment.successful", "pi_1", 1, live=False, customer_id="cus_1")
TOLD = BillingEvent(NEWS.id, NEWS, 1, sequence=1, published_at=2)
STALE = BillingEvent(
    "be_stale", msgspec.structs.replace(NEWS, type="payment.failed"), 1, stale="it was paid since"
)
HEARD = {"id": NEWS.id, "type": "payment.successful", "subject": "pi_1", "sequence": 1}
THEIRS: dict[str, Any] = {
    "sessions": [
        {
            "id": "cs_1",
            "paid": True,
            "amount": 24_900,
            "currency": "NOK",
            "order_number": "BC-A",
            "user": "user-1",
        },
        {"id": "cs_2", "paid": False},
    ],
    "subscriptions": [
        {
            "id": "sub_1",
            "status": "active",
            "cancel_at_period_end": False,
            "customer": "cus_1",
            "ended_at": None,
        }
    ],
    "bills": [
        {"id": "in_1", "paid": True, "amount": 9_900, "currency": "NOK", "order_number": "BC-R"},
        {"id": "in_2", "paid": False, "amount": 9_900, "currency": "NOK", "order_number": "BC-S"},
    ],
    "heard": {"a topic": [HEARD], "sink books": [HEARD]},
}


def ours(**other: Any) -> list[Write]:
    """What we hold; None leaves something out."""
    held = {
        "order": ORDERS.insert(ORDER),
        "renewal": ORDERS.insert(RENEWAL),
        "paid": SESSIONS.insert(PAID),
        "open": SESSIONS.insert(OPEN),
        "subscribed": SUBSCRIPTIONS.insert(SUBSCRIBED),
        "told": BILLING_EVENTS.insert(TOLD),
        "stale": BILLING_EVENTS.insert(STALE),
    }
    return [write for write in (held | other).values() if write is not None]


async def differences(theirs: dict[str, Any] | None = None, **other: Any) -> list[str]:
    store = MemoryStore()
    await store.commit(ours(**other))
    return (await compare_sales(store, {**THEIRS, **(theirs or {})})).differences


async def test_what_agrees_has_no_difference() -> None:
    store = MemoryStore()
    await store.commit(ours())
    told = await compare_sales(store, THEIRS)
    assert (told.orders, told.differences) == (1, [])


async def test_what_one_side_does_not_have_is_a_difference() -> None:
    for other, sentence in (
        ({"order": None}, "the order stripe/BC-A of a session is not kept"),
        ({"paid": None}, "the session cs_1 was made at Stripe, and we do not hold it"),
        ({"renewal": None}, "the bill in_1 was paid at Stripe, and is no order here"),
        ({"subscribed": None}, "the subscription sub_1 was made at Stripe, and we do not hold it"),
        ({"told": None}, f"a topic heard of {NEWS.id} (payment.successful), and we never published it"),
    ):
        assert sentence in await differences(**other)
    for name, sentence in (
        ("bills", "the bill in_1 is order BC-R here, and is not paid at Stripe"),
        ("sessions", "we hold the session cs_1, and Stripe has none of this id"),
        ("subscriptions", "we hold the subscription sub_1, and Stripe has none of this id"),
    ):
        assert sentence in await differences({name: []})
    silent = {"heard": {"a topic": [HEARD], "sink books": []}}
    assert await differences(silent) == [f"sink books never heard of {NEWS.id} (payment.successful pi_1)"]


async def test_what_is_otherwise_is_a_difference() -> None:
    paid = THEIRS["sessions"][0]
    for change, word in (
        ({"amount": 24_901}, "came to"),
        ({"order_number": "BC-B"}, "is order BC-A here"),
        ({"user": "user-2"}, "another user's"),
        ({"paid": False}, "is paid here, and not paid at Stripe"),
    ):
        found = await differences({"sessions": [{**paid, **change}, THEIRS["sessions"][1]]})
        assert [word in each for each in found] == [True]
    subscribed = THEIRS["subscriptions"][0]
    for change, word in (
        ({"status": "canceled"}, "is active here, and canceled at Stripe"),
        ({"cancel_at_period_end": True}, "is active here"),
        ({"customer": "cus_2"}, "another customer's"),
    ):
        found = await differences({"subscriptions": [{**subscribed, **change}]})
        assert [word in each for each in found] == [True]
    renewed = THEIRS["bills"][0]
    for change, word in (
        ({"amount": 9_901}, "came to 99.00 here"),
        ({"currency": "SEK"}, "came to"),
        ({"paid": False}, "is order BC-R here, and is not paid"),
        ({"order_number": "BC-A"}, "came to"),
    ):
        found = await differences({"bills": [{**renewed, **change}]})
        assert [word in each for each in found][:1] == [True]
    for change in ({"type": "invoice.paid"}, {"subject": "pi_2"}, {"sequence": 2}):
        found = await differences({"heard": {"a topic": [{**HEARD, **change}]}})
        assert found == [f"a topic heard something else of {NEWS.id} than we published"]


async def test_an_event_that_was_noted_and_never_published_is_a_difference() -> None:
    kept = BILLING_EVENTS.insert(msgspec.structs.replace(TOLD, published_at=0))
    found = await differences({"heard": {}}, told=kept)
    assert found == [f"the billing event {NEWS.id} (payment.successful pi_1) was never published"]
