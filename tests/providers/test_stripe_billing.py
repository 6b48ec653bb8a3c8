"""Stripe's events where billing events are told: what becomes news, under which name, and what is only noted."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.billing import BillingNews, SubscriptionTold
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.events import Judged
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.sessions import SessionChanged, SessionTold
from onpaid.errors import InvalidInput, Problem
from onpaid.providers.stripe import MOST_TYPES, Settings, Stripe
from onpaid.providers.stripe_billing_events import TYPES as BILLING
from onpaid.providers.stripe_events import TYPES
from tests.providers.sales_samples import FAILED_INTENT, INVOICE, SESSION, SUBSCRIPTION
from tests.providers.samples import (
    CHARGE,
    DISPUTE,
    INTENT,
    NOW,
    REFUND,
    SECONDS,
    altered,
    event,
)

TOLD = Stripe(Settings(billing=True))
QUIET = Stripe(Settings())
AT = (SECONDS - 3) * 1000
ACCOUNT = "stripe/default/test"
EVENT = "evt_3SXoQ2LkdIwHu7ix0eeeeeee"
OURS = {**INTENT, "metadata": {"userId": "user-1", "onpaid_reference": "ref-1"}}


def judged(body: bytes, source: Stripe = TOLD) -> Judged:
    return source.judge(source.read(body, NOW), body, NOW)


def news(kind: str, about: dict[str, Any], **envelope: Any) -> BillingNews:
    """The one piece of news of an event."""
    (told,) = [fact for fact in judged(event(kind, about, **envelope)).facts if isinstance(fact, BillingNews)]
    return told


# -- payments ----------------------------------------------------------------------------------------------------


def test_a_payment_that_came() -> None:
    assert news("payment_intent.succeeded", OURS) == BillingNews(
        account=ACCOUNT,
        type="payment.successful",
        subject=INTENT["id"],
        happened_at=AT,
        live=False,
        customer_id="cus_TUoQ2LkdIwHu7i",
        user="user-1",
        event=EVENT,
        data={
            "paymentIntentId": INTENT["id"],
            "chargeId": CHARGE["id"],
            "status": "succeeded",
            "reason": None,
            "customerId": "cus_TUoQ2LkdIwHu7i",
            "amount": 49_800,
            "currency": "NOK",
            "reference": "ref-1",
        },
    )


def test_a_payment_of_the_shop_is_a_payment_and_news() -> None:
    payment, told = judged(event("payment_intent.succeeded", INTENT)).facts
    assert isinstance(payment, PaymentSucceeded)
    assert isinstance(told, BillingNews)
    assert judged(event("payment_intent.succeeded", INTENT), QUIET).facts == (payment,)


def test_news_of_one_happening_bear_one_id_and_of_two_happenings_two() -> None:
    first = news("payment_intent.succeeded", OURS)
    assert news("payment_intent.succeeded", OURS, id="evt_other", created=SECONDS + 99).id == first.id
    assert news("payment_intent.succeeded", {**OURS, "id": "pi_other"}).id != first.id
    assert news("payment_intent.payment_failed", FAILED_INTENT).id != first.id


def test_what_counts_is_what_was_received() -> None:
    assert news("payment_intent.succeeded", {**OURS, "amount_received": 30_000}).data["amount"] == 30_000
    assert judged(event("payment_intent.succeeded", {**OURS, "amount_received": 0})).facts == ()
    assert judged(event("payment_intent.succeeded", {**OURS, "status": "processing"})).facts == ()


def test_a_charge_is_no_second_news() -> None:
    assert [type(fact) for fact in judged(event()).facts] == [PaymentSucceeded]
    other = judged(event(about={**CHARGE, "metadata": {}}))
    assert other.facts == ()
    assert other.ignored


def test_a_payment_that_failed() -> None:
    told = news("payment_intent.payment_failed", FAILED_INTENT)
    assert (told.type, told.subject, told.mark) == ("payment.failed", INTENT["id"], "ch_failed1")
    assert told.data["reason"] == "insufficient_funds"
    assert told.data["amount"] == 49_800
    assert "funds." not in json.dumps(told.data), "the bank's words stay where they are"


LOG = "https://dashboard.stripe.com/test/logs/req_8Qh2Zx?t=1795599990"
FAILED = FAILED_INTENT["last_payment_error"]
ATTEMPTS: dict[str, tuple[dict[str, Any], str]] = {
    "the failed charge": ({"last_payment_error": FAILED, "latest_charge": "ch_older"}, "ch_failed1"),
    "the failed charge, expanded": (
        {"last_payment_error": {**FAILED, "charge": {"id": "ch_x", "object": "charge"}}},
        "ch_x",
    ),
    "the request": (
        {"last_payment_error": {**FAILED, "charge": None, "request_log_url": LOG}},
        "req_8Qh2Zx",
    ),
    "the last charge": (
        {"last_payment_error": {"code": "debit_returned"}, "latest_charge": "py_1"},
        "py_1",
    ),
    "no charge of an earlier try": (
        {
            "last_payment_error": {"code": "payment_intent_authentication_failure"},
            "latest_charge": "ch_older",
        },
        str(SECONDS - 3),
    ),
    "the second": ({"last_payment_error": None, "latest_charge": None}, str(SECONDS - 3)),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_try_is_known_by(name: str) -> None:
    changes, mark = ATTEMPTS[name]
    assert news("payment_intent.payment_failed", {**FAILED_INTENT, **changes}).mark == mark


def test_a_customer_who_must_do_something() -> None:
    asked = {**FAILED_INTENT, "status": "requires_action", "next_action": {"type": "redirect_to_url"}}
    told = news("payment_intent.requires_action", asked)
    assert (told.type, told.mark) == ("payment.action_required", str(SECONDS - 3))
    assert told.data["reason"] == "redirect_to_url"
    assert news("payment_intent.requires_action", {**asked, "next_action": None}).data["reason"] is None


def test_other_events_of_a_payment_are_nothing() -> None:
    for kind in ("payment_intent.created", "payment_intent.processing", "payment_intent.canceled"):
        assert judged(event(kind, OURS)).ignored == f"nothing follows from events of type {kind}"


# -- refunds and disputes ----------------------------------------------------------------------------------------


def test_a_refund_is_told_once_the_money_went_back() -> None:
    for kind in ("refund.created", "refund.updated", "charge.refund.updated"):
        changed, told = judged(event(kind, REFUND)).facts
        assert isinstance(changed, PaymentChanged)
        assert isinstance(told, BillingNews)
        assert (told.type, told.subject, told.mark) == ("payment.refunded", INTENT["id"], REFUND["id"])
        assert (told.data["amount"], told.data["refundId"]) == (10_000, REFUND["id"])
        assert told.data["reason"] == "requested_by_customer"
    waiting = judged(event("refund.created", {**REFUND, "status": "pending"})).facts
    assert [type(fact) for fact in waiting] == [PaymentChanged]


def test_refunds_of_one_payment_are_told_apart() -> None:
    one = news("refund.created", REFUND)
    assert news("refund.updated", REFUND).id == one.id
    assert news("refund.created", {**REFUND, "id": "re_2"}).id != one.id


def test_a_refund_that_failed() -> None:
    failed = {**REFUND, "status": "failed", "failure_reason": "lost_or_stolen_card"}
    for kind in ("refund.failed", "refund.updated"):
        told = news(kind, failed)
        assert (told.type, told.mark) == ("payment.refund_failed", REFUND["id"])
        assert told.data["reason"] == "lost_or_stolen_card"
    assert news("refund.failed", {**REFUND, "status": "succeeded"}).type == "payment.refund_failed"


def test_a_refunded_charge_changes_its_payment_and_is_no_news() -> None:
    facts = judged(event("charge.refunded", {**CHARGE, "amount_refunded": 10_000})).facts
    assert [type(fact) for fact in facts] == [PaymentChanged]


def test_a_refund_without_an_intent_is_known_by_its_charge() -> None:
    assert news("refund.created", {**REFUND, "payment_intent": None}).subject == CHARGE["id"]
    nothing = {**REFUND, "payment_intent": None, "charge": None}
    assert "neither" in (judged(event("refund.created", nothing)).ignored or "")


def test_a_dispute_from_its_opening_to_its_end() -> None:
    opened = news("charge.dispute.created", DISPUTE)
    assert (opened.type, opened.subject) == ("dispute.opened", INTENT["id"])
    assert (opened.data["disputeId"], opened.data["reason"]) == (DISPUTE["id"], "fraudulent")
    looked = {
        **DISPUTE,
        "status": "under_review",
        "evidence_details": {"due_by": SECONDS, "submission_count": 1},
    }
    under_review = news("charge.dispute.updated", looked)
    assert under_review.type == "dispute.updated"
    assert under_review.data["evidenceDueBy"] == "2026-11-25T09:46:40.000Z"
    won, lost = (news("charge.dispute.closed", {**DISPUTE, "status": each}) for each in ("won", "lost"))
    assert won.type == "dispute.closed"
    ids = [each.id for each in (opened, under_review, won, lost)]
    assert len(set(ids)) == 4


def test_repeats_of_a_disputes_state_meet_and_changes_do_not() -> None:
    first = news("charge.dispute.updated", DISPUTE)
    assert news("charge.dispute.updated", DISPUTE, id="evt_2", created=SECONDS + 5).id == first.id
    for name, value in (
        ("status", "under_review"),
        ("amount", 1),
        ("evidence_details", {"submission_count": 1}),
    ):
        assert news("charge.dispute.updated", {**DISPUTE, name: value}).id != first.id
    assert news("charge.dispute.funds_withdrawn", DISPUTE).id != first.id


# -- invoices ----------------------------------------------------------------------------------------------------


def test_an_invoice_that_is_paid() -> None:
    told = news("invoice.paid", INVOICE)
    assert (told.type, told.subject, told.mark) == ("invoice.paid", "in_1", "")
    _, bill = judged(event("invoice.paid", INVOICE)).facts
    assert isinstance(bill, SubscriptionPaid)
    assert bill == SubscriptionPaid(
        told.account, "in_1", "sub_1", False, told.happened_at, "webhook", told.event
    )
    assert bill.key == "stripe/default/test/in_1"
    for kind, other in (
        ("invoice.payment_failed", INVOICE),
        ("invoice.paid", {**INVOICE, "parent": None}),
        ("invoice.paid", {**INVOICE, "parent": {"type": "quote_details", "subscription_details": None}}),
    ):
        assert [type(each) for each in judged(event(kind, other)).facts] == [BillingNews], "nothing is a bill"
    assert (told.customer_id, told.user) == ("cus_1", "user-1")
    assert told.data["subscriptionId"] == "sub_1"
    assert (told.data["amount"], told.data["currency"]) == (9_900, "NOK")


def test_each_failed_try_of_an_invoice_is_told() -> None:
    due = {**INVOICE, "status": "open", "amount_paid": 0, "next_payment_attempt": SECONDS}
    first, second = (news("invoice.payment_failed", {**due, "attempt_count": n}) for n in (1, 2))
    assert (first.mark, second.mark) == ("1", "2")
    assert first.data["amount"] == 9_900
    assert first.data["nextPaymentAttempt"] == "2026-11-25T09:46:40.000Z"


def test_an_invoice_of_an_older_release_and_one_without_subscription() -> None:
    older = {**INVOICE, "parent": None, "subscription": "sub_7", "metadata": {"userId": "user-7"}}
    told = news("invoice.paid", older, api_version="2024-06-20")
    assert (told.data["subscriptionId"], told.user) == ("sub_7", "user-7")
    alone = news("invoice.paid", {**INVOICE, "parent": None, "metadata": None})
    assert (alone.data["subscriptionId"], alone.user) == (None, "")


# -- sessions and subscriptions ----------------------------------------------------------------------------------


def test_a_paid_session_is_to_be_kept_and_nothing_else_is_told() -> None:
    for status in ("paid", "no_payment_required"):
        facts = judged(event("checkout.session.completed", {**SESSION, "payment_status": status})).facts
        assert facts == (SessionTold(ACCOUNT, "cs_test_a1", False, AT, "webhook", EVENT),)


def test_a_session_whose_money_is_on_its_way() -> None:
    unpaid = {**SESSION, "payment_status": "unpaid"}
    noted = SessionChanged(ACCOUNT, "cs_test_a1", "unpaid", (SECONDS - 60) * 1000, AT, "user-1")
    assert judged(event("checkout.session.completed", unpaid)).facts == (noted,)
    kept, told = judged(event("checkout.session.async_payment_succeeded", SESSION)).facts
    assert isinstance(kept, SessionTold)
    assert isinstance(told, BillingNews)
    assert (told.type, told.subject) == ("checkout.payment_succeeded", "cs_test_a1")
    assert (told.data["amount"], told.data["paymentStatus"], told.user) == (39_800, "paid", "user-1")
    failed, told = judged(event("checkout.session.async_payment_failed", unpaid)).facts
    assert isinstance(failed, SessionChanged)
    assert isinstance(told, BillingNews)
    assert (failed.state, told.type) == ("failed", "checkout.payment_failed")


def test_a_session_that_expired_is_noted() -> None:
    expired = {**SESSION, "status": "expired", "payment_status": "unpaid", "metadata": None}
    (noted,) = judged(event("checkout.session.expired", expired)).facts
    assert isinstance(noted, SessionChanged)
    assert (noted.state, noted.user) == ("expired", "")


def test_a_subscription_is_only_named() -> None:
    for what in ("created", "updated", "deleted", "paused", "resumed"):
        kind = f"customer.subscription.{what}"
        facts = judged(event(kind, {"id": "sub_1", "object": "subscription"})).facts
        assert facts == (SubscriptionTold(ACCOUNT, "sub_1", kind, EVENT, AT, False),)
    assert judged(event("customer.subscription.trial_will_end", SUBSCRIPTION)).ignored


# -- what holds for all ------------------------------------------------------------------------------------------

SAMPLES: dict[str, dict[str, Any]] = {
    "payment_intent.succeeded": OURS,
    "payment_intent.payment_failed": FAILED_INTENT,
    "payment_intent.requires_action": FAILED_INTENT,
    "refund.created": REFUND,
    "refund.failed": REFUND,
    "charge.dispute.created": DISPUTE,
    "charge.dispute.updated": DISPUTE,
    "charge.dispute.closed": DISPUTE,
    "invoice.paid": INVOICE,
    "invoice.payment_failed": INVOICE,
    "checkout.session.completed": SESSION,
    "checkout.session.async_payment_succeeded": SESSION,
    "checkout.session.async_payment_failed": SESSION,
    "checkout.session.expired": SESSION,
    "customer.subscription.updated": SUBSCRIPTION,
}


@pytest.mark.parametrize("kind", BILLING)
def test_without_billing_nothing_of_it_is_heard(kind: str) -> None:
    assert judged(event(kind, {}), QUIET) == Judged(ignored=f"nothing follows from events of type {kind}")


@pytest.mark.parametrize("kind", SAMPLES)
def test_modes_accounts_and_versions_count_as_ever(kind: str) -> None:
    about = SAMPLES[kind]
    assert judged(event(kind, about)).facts
    assert "live-mode" in (judged(event(kind, about, livemode=True)).ignored or "")
    assert "connected" in (judged(event(kind, about, account="acct_1")).ignored or "")
    with pytest.raises(Problem, match="fuchsia"):
        judged(event(kind, about, api_version="2027-03-31.fuchsia"))
    with pytest.raises(Problem, match="shape"):
        judged(event(kind, {**about, "id": None}))


@pytest.mark.parametrize(
    "kind", [kind for kind in SAMPLES if "completed" not in kind and "expired" not in kind]
)
def test_amounts_that_cannot_be_read_are_for_a_person(kind: str) -> None:
    about = SAMPLES[kind]
    if "subscription" in kind:
        return
    with pytest.raises(Problem, match="amount"):
        judged(event(kind, {**about, "currency": "zzz"}))


def test_ids_that_would_be_part_of_a_key_are_ids() -> None:
    for odd in ("", "cs/../x", "cs x", "cs_1\n", "ø"):
        for kind in ("checkout.session.completed", "customer.subscription.updated", "invoice.paid"):
            with pytest.raises(Problem, match="shape"):
                judged(event(kind, {**SAMPLES.get(kind, SESSION), "id": odd}))


def test_what_is_listed_fits_into_few_lists() -> None:
    assert not set(TYPES) & set(BILLING)
    assert TOLD.types == (*TYPES, *BILLING)
    assert QUIET.types == TYPES
    assert len(TYPES) <= MOST_TYPES


def places(about: Any, path: str = "data.object") -> list[str]:
    """The way to every field of an object, as `altered` takes it."""
    inner = about.items() if isinstance(about, dict) else ()
    return [path, *(each for name, value in inner for each in places(value, f"{path}.{name}"))]


PLACES = [(kind, path) for kind, about in SAMPLES.items() for path in places(about)]
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(max_size=5)
    | st.floats()
    | st.sampled_from(([], {}, [None], {"id": "x"}, {"id": None}, {"data": []}))
)


@given(place=st.sampled_from(PLACES), value=VALUES)
def test_fields_of_any_kind_raise_nothing_odd(place: tuple[str, str], value: Any) -> None:
    kind, path = place
    raw = json.dumps(altered(json.loads(event(kind, deepcopy(SAMPLES[kind]))), path, value)).encode()
    try:
        facts = judged(raw).facts
    except (InvalidInput, Problem):
        return
    for fact in facts:
        assert fact.account == ACCOUNT  # type: ignore[union-attr]
        assert msgspec.json.decode(msgspec.json.encode(fact), type=type(fact)) == fact
        if isinstance(fact, BillingNews):
            assert fact.subject


@given(
    kind=st.sampled_from(("payment_intent.succeeded", "refund.created", "invoice.paid")),
    minor=st.integers(1, 10**14),
    currency=st.sampled_from(("nok", "jpy", "kwd", "isk")),
)
def test_amounts_are_whole_and_exact(kind: str, minor: int, currency: str) -> None:
    amounts = {"amount": minor, "amount_received": minor, "amount_paid": minor}
    told = news(kind, {**SAMPLES[kind], **amounts, "currency": currency})
    assert (told.data["amount"], told.data["currency"]) == (minor, currency.upper())
