"""What a customer is entitled to: from paid sessions and subscriptions, by either id, and what takes it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from onpaid.app.entitlements import Entitlement, Entitlements, EntitlementsShown
from onpaid.clock import as_datetime
from onpaid.domain.billing import BillingEvent, BillingNews, SubscriptionDetails
from onpaid.domain.money import Money
from onpaid.domain.sessions import Replaced, Session, SessionLine, UserCustomer
from onpaid.engine.testing import START, MemoryStore, VirtualClock, run_virtually
from onpaid.repositories.billing_pages import Wanted
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import STRIPE_PRICES, Prices, StripePrice
from onpaid.repositories.sessions import SESSIONS, Sessions
from onpaid.repositories.user_customers import STRIPE_CUSTOMERS, USER_CUSTOMERS, StripeCustomer, UserCustomers
from onpaid.store.records import Records

DAY = 86_400_000
LINE = SessionLine("li_1", "Course", 1, 100, 0, 0, 100, "nok", "price_1", "course", "course-1")
PAID = Session(
    "stripe/default/test/cs_1",
    "cs_1",
    "paid",
    START,
    START,
    user="u-1",
    customer_id="cus_2",
    mode="payment",
    order="stripe/BC-1",
    order_number="BC-1",
    total=Money(100, "NOK"),
    lines=(LINE, msgspec.structs.replace(LINE, id="li_2")),
)
CLUB = SubscriptionDetails(
    "sub_1",
    "active",
    "cus_2",
    START,
    False,
    products=("club",),
    prices=("price_9",),
    period_end=START + 30 * DAY,
)


@dataclass
class State:
    """A subscription as it was noted."""

    details: SubscriptionDetails | None
    ended: bool = False
    noted_at: int = START


@dataclass
class Subscriptions:
    """Knows some subscriptions."""

    states: Sequence[State] = ()
    events: Sequence[BillingEvent] = ()

    async def page(
        self, wanted: Wanted, *, after: str | None = None, limit: int = 50
    ) -> Records[BillingEvent]:
        assert wanted.type == "dispute.closed"
        found = [each for each in self.events if wanted.fits(each)]
        first = int(after or 0)
        return Records(found[first : first + 1], str(first + 1) if first + 1 < len(found) else None)

    async def subscriptions_of(self, customer_id: str) -> list[Any]:
        return [
            each for each in self.states if each.details is None or each.details.customer_id == customer_id
        ]


def asked(
    ident: str,
    *sessions: Session,
    states: Sequence[State] = (),
    known: bool = True,
    events: Sequence[BillingEvent] = (),
) -> EntitlementsShown | None:
    """Ask what somebody is entitled to."""

    async def main() -> EntitlementsShown | None:
        store = MemoryStore()
        if known:
            old = (Replaced("cus_1", "it was deleted at Stripe", START),)
            await store.commit(
                [
                    USER_CUSTOMERS.insert(UserCustomer("u-1", "cus_2", START, START, replaced=old)),
                    STRIPE_CUSTOMERS.insert(StripeCustomer("cus_1", "u-1")),
                    STRIPE_CUSTOMERS.insert(StripeCustomer("cus_2", "u-1")),
                ]
            )
        for session in sessions:
            await store.commit([SESSIONS.insert(session)])
        await store.commit([STRIPE_PRICES.insert(StripePrice("price_of_ours", "club-monthly"))])
        prices = Prices(store)
        kept = Sessions(store, Orders(store), Payments(store), prices, SessionRules("stripe/default/test"))
        asked = Entitlements(
            kept, Subscriptions(states, events), UserCustomers(store), VirtualClock(), prices
        )
        return await asked.of(ident)

    return run_virtually(main)


def only(found: EntitlementsShown | None) -> Entitlement:
    assert found is not None
    (one,) = found.items
    return one


@pytest.mark.parametrize("ident", ["u-1", "cus_2", "cus_1"])
def test_user_and_customer_are_the_same_person(ident: str) -> None:
    found = asked(ident, PAID, states=[State(CLUB)])
    assert found is not None
    assert (found.user, set(found.customers)) == ("u-1", {"cus_1", "cus_2"})
    assert [(each.product, each.price, each.active, each.source) for each in found.items] == [
        ("club", "price_9", True, "subscription"),
        ("course", "course-1", True, "session"),
    ]


def test_a_price_of_the_catalogue_bears_our_name() -> None:
    ours = msgspec.structs.replace(CLUB, prices=("price_of_ours",))
    assert only(asked("u-1", states=[State(ours)])).price == "club-monthly"


def test_what_was_bought_under_a_customer_that_was_replaced_counts() -> None:
    early = msgspec.structs.replace(PAID, user="", customer_id="cus_1")
    assert only(asked("u-1", early)).active


def test_somebody_whom_no_user_names_is_known_by_the_customer() -> None:
    guest = msgspec.structs.replace(PAID, user="", customer_id="cus_9")
    assert only(asked("cus_9", guest, known=False)).product == "course"
    assert asked("cus_8", guest, known=False) is None
    known = asked("u-1")
    assert known is not None
    assert known.items == []


@pytest.mark.parametrize(
    ("refunded", "active", "why"),
    [
        (0, True, "paid in order BC-1"),
        (99, True, "paid in order BC-1, and given back in part"),
        (100, False, "paid in order BC-1, and wholly given back"),
    ],
)
def test_what_was_wholly_given_back_entitles_to_nothing(refunded: int, active: bool, why: str) -> None:
    one = only(asked("u-1", msgspec.structs.replace(PAID, refunded=refunded)))
    assert (one.active, one.why, one.until) == (active, why, None)


def closed(dispute: str, status: str, amount: int = 100, **more: Any) -> BillingEvent:
    """The end of a dispute over the payment of PAID."""
    data: dict[str, Any] = {"disputeId": dispute, "status": status, "amount": amount, "currency": "NOK"}
    given: dict[str, Any] = {"customer_id": "cus_2", "mark": f"{dispute}/{status}", "data": data, **more}
    news = BillingNews("stripe/default/test", "dispute.closed", "pi_1", START, live=False, **given)
    return BillingEvent(news.id, news, START)


@pytest.mark.parametrize(
    ("events", "refunded", "active", "why"),
    [
        ([closed("dp_1", "lost")], 0, False, "paid in order BC-1, and lost in a dispute"),
        ([closed("dp_1", "won")], 0, True, "paid in order BC-1"),
        ([closed("dp_1", "lost"), closed("dp_1", "won")], 0, True, "paid in order BC-1"),
        ([closed("dp_1", "lost", 60)], 0, True, "paid in order BC-1, and given back in part"),
        ([closed("dp_1", "lost", 60)], 40, False, "paid in order BC-1, and lost in a dispute"),
        (
            [closed("dp_1", "lost", 60), closed("dp_2", "lost", 40)],
            0,
            False,
            "paid in order BC-1, and lost in a dispute",
        ),
        ([closed("dp_1", "lost", customer_id="cus_7")], 0, True, "paid in order BC-1"),
    ],
)
def test_what_was_lost_in_a_dispute_entitles_to_nothing(
    events: list[BillingEvent], refunded: int, active: bool, why: str
) -> None:
    paid = msgspec.structs.replace(PAID, payment_id="pi_1", refunded=refunded)
    one = only(asked("u-1", paid, events=events))
    assert (one.active, one.why) == (active, why)


def test_a_guests_dispute_is_found_by_its_payment() -> None:
    guest = msgspec.structs.replace(PAID, payment_id="pi_1", customer_id="")
    assert not only(asked("u-1", guest, events=[closed("dp_1", "lost", customer_id="")])).active


def test_what_cost_nothing_is_had_for_good() -> None:
    assert only(asked("u-1", msgspec.structs.replace(PAID, total=Money(0, "NOK")))).active


@pytest.mark.parametrize("state", ["open", "unpaid", "failed", "expired"])
def test_a_session_that_is_not_paid_entitles_to_nothing(state: Any) -> None:
    found = asked("u-1", msgspec.structs.replace(PAID, state=state))
    assert found is not None
    assert found.items == []


def test_the_session_of_a_subscription_is_told_by_the_subscription() -> None:
    session = msgspec.structs.replace(PAID, mode="subscription", subscription_id="sub_1")
    assert only(asked("u-1", session, states=[State(CLUB)])).source == "subscription"


@pytest.mark.parametrize(
    ("changed", "ended", "active", "until", "why"),
    [
        ({}, False, True, START + 30 * DAY, "the subscription is active"),
        (
            {"status": "trialing", "trial_end": START + DAY},
            False,
            True,
            START + DAY,
            "the subscription is in its trial",
        ),
        (
            {"status": "past_due"},
            False,
            True,
            START + 30 * DAY,
            "a payment of the subscription failed, and is tried again",
        ),
        (
            {"cancel_at_period_end": True},
            False,
            True,
            START + 30 * DAY,
            "the subscription is active, and ends then",
        ),
        (
            {"cancel_at": START + 2 * DAY},
            False,
            True,
            START + 2 * DAY,
            "the subscription is active, and ends then",
        ),
        ({"cancel_at": START - DAY}, False, False, START - DAY, "the subscription was to end then"),
        (
            {"paused": True},
            False,
            True,
            START + 30 * DAY,
            "the subscription is active, and its payments are paused",
        ),
        (
            {"period_end": START - DAY},
            False,
            True,
            START - DAY,
            "the subscription is active, and what follows was not told yet",
        ),
        (
            {"status": "trialing", "trial_end": START - DAY},
            False,
            True,
            START - DAY,
            "the subscription is in its trial, and what follows was not told yet",
        ),
        ({"status": "unpaid"}, False, False, START + 30 * DAY, "the subscription is unpaid"),
        ({"status": "incomplete"}, False, False, START + 30 * DAY, "the subscription is incomplete"),
        ({"status": "canceled", "ended_at": START}, True, False, START, "the subscription has ended"),
        ({"status": "active"}, True, False, None, "the subscription has ended"),
    ],
)
def test_a_subscription_entitles_as_far_as_it_stands(
    changed: dict[str, Any], ended: bool, active: bool, until: int | None, why: str
) -> None:
    one = only(asked("u-1", states=[State(msgspec.structs.replace(CLUB, **changed), ended)]))
    assert (one.active, one.why) == (active, why)
    assert one.until == (None if until is None else as_datetime(until))


def test_a_subscription_that_was_never_read_says_nothing() -> None:
    found = asked("u-1", states=[State(None)])
    assert found is not None
    assert found.items == []
