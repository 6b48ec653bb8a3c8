"""The bodies of billing events, held against their schemas: every type, as it is really made, and no schema too many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from onpaid.clock import iso
from onpaid.domain.billing import (
    VERSION,
    BillingEvent,
    BillingNews,
    BillingType,
    SubscriptionDetails,
    SubscriptionTold,
)
from onpaid.domain.billing_body import body_of, bytes_of, settled_by
from onpaid.domain.events import Envelope
from onpaid.domain.subscriptions import news_of
from onpaid.providers import stripe_billing_events, stripe_session_events

EVENTS = Path(__file__).parents[2] / "docs" / "events"
NOON = 1_795_262_400_000
ACCOUNT = "stripe/default/test"
PI: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 19900,
    "amount_received": 19900,
    "currency": "nok",
    "customer": "cus_1",
    "latest_charge": "ch_1",
    "status": "succeeded",
    "metadata": {"userId": "u-1"},
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 100,
    "currency": "nok",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "status": "succeeded",
    "reason": None,
    "metadata": {},
}
DISPUTE = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 19900,
    "currency": "nok",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "status": "needs_response",
    "reason": "fraudulent",
    "metadata": {},
    "evidence_details": {"due_by": 1795262400, "submission_count": 0, "has_evidence": False},
}
INVOICE = {
    "id": "in_1",
    "object": "invoice",
    "amount_paid": 9900,
    "amount_due": 9900,
    "currency": "nok",
    "customer": "cus_1",
    "number": "A-1",
    "status": "paid",
    "billing_reason": "subscription_cycle",
    "attempt_count": 1,
    "next_payment_attempt": None,
    "metadata": {},
}
SESSION = {
    "id": "cs_1",
    "object": "checkout.session",
    "mode": "payment",
    "status": "complete",
    "payment_status": "paid",
    "amount_total": 19900,
    "currency": "nok",
    "customer": "cus_1",
    "payment_intent": "pi_1",
    "subscription": None,
    "created": 1795262000,
    "livemode": False,
    "url": None,
    "metadata": {"userId": "u-1"},
}
NOT_PAID = {**PI, "status": "requires_payment_method", "amount_received": 0}
TOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "payment.successful": ("payment_intent.succeeded", PI),
    "payment.failed": (
        "payment_intent.payment_failed",
        {**NOT_PAID, "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"}},
    ),
    "payment.action_required": ("payment_intent.requires_action", {**NOT_PAID, "status": "requires_action"}),
    "payment.refunded": ("refund.updated", REFUND),
    "payment.refund_failed": ("refund.failed", {**REFUND, "status": "failed"}),
    "dispute.opened": ("charge.dispute.created", DISPUTE),
    "dispute.updated": ("charge.dispute.updated", DISPUTE),
    "dispute.closed": ("charge.dispute.closed", {**DISPUTE, "status": "lost"}),
    "invoice.paid": ("invoice.paid", INVOICE),
    "invoice.payment_failed": ("invoice.payment_failed", {**INVOICE, "status": "open"}),
    "checkout.payment_succeeded": ("checkout.session.async_payment_succeeded", SESSION),
    "checkout.payment_failed": (
        "checkout.session.async_payment_failed",
        {**SESSION, "payment_status": "unpaid"},
    ),
}
LIVE = SubscriptionDetails(
    "sub_1", "active", "cus_1", NOON, live=False, products=("prod_1",), quantities=(2,)
)
SUBSCRIPTIONS: dict[str, tuple[SubscriptionDetails | None, SubscriptionDetails]] = {
    "subscription.created": (None, LIVE),
    "subscription.updated": (LIVE, msgspec.structs.replace(LIVE, status="past_due", period_end=NOON)),
    "subscription.canceled": (LIVE, msgspec.structs.replace(LIVE, status="canceled", ended_at=NOON)),
    "subscription.expired": (None, msgspec.structs.replace(LIVE, status="incomplete_expired")),
}
COMPLETED = BillingNews(
    ACCOUNT,
    "checkout.completed",
    "cs_1",
    NOON,
    live=False,
    customer_id="cus_1",
    data={
        "mode": "payment",
        "paymentStatus": "paid",
        "amount": 19900,
        "currency": "NOK",
        "orderNumber": "BC-ABCD2345",
        "paymentIntentId": "pi_1",
        "subscriptionId": None,
    },
)
TYPES: tuple[BillingType, ...] = get_args(BillingType)


def made(type_: BillingType) -> BillingNews:
    """News of this type, made by whoever makes it in earnest."""
    if type_ == "checkout.completed":
        return COMPLETED
    if type_ in SUBSCRIPTIONS:
        told = SubscriptionTold(ACCOUNT, "sub_1", "x", "evt_1", NOON, live=False)
        news = news_of(told, *SUBSCRIPTIONS[type_], 2)
        assert news is not None
        return news
    stripe_type, thing = TOLD[type_]
    body = json.dumps({"id": "evt_1", "type": stripe_type, "data": {"object": thing}}).encode()
    envelope = Envelope("stripe", ACCOUNT, "evt_1", stripe_type, live=False, created_at=NOON)
    facts = stripe_billing_events.judge(envelope, body, NOON).facts
    (news,) = [fact for fact in facts if isinstance(fact, BillingNews)]
    return news


def schema_of(type_: str) -> Any:
    return json.loads((EVENTS / f"{type_}.schema.json").read_text(encoding="utf-8"))


def test_every_type_has_its_schema_and_every_schema_its_type() -> None:
    assert {path.name.removesuffix(".schema.json") for path in EVENTS.glob("*.json")} == set(TYPES)
    told = (EVENTS / "README.md").read_text(encoding="utf-8")
    assert not [type_ for type_ in TYPES if f"| `{type_}` | [" not in told]


@pytest.mark.parametrize("type_", TYPES)
def test_what_is_made_fits_its_schema(type_: BillingType) -> None:
    schema = schema_of(type_)
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["version"]["const"] == VERSION
    news = made(type_)
    assert news.type == type_
    event = BillingEvent(news.id, news, NOON, 3)
    body = json.loads(bytes_of(event))
    Draft202012Validator(schema).validate(body)
    assert not set(body["data"]) - set(schema["properties"]["data"]["properties"]), (
        "a field that is not documented"
    )
    assert not set(body) - set(schema["properties"])


@pytest.mark.parametrize("type_", TYPES)
def test_what_does_not_fit_is_seen(type_: BillingType) -> None:
    """The control: without a field, or with an amount that is no whole number."""
    news = made(type_)
    fits = json.loads(bytes_of(BillingEvent(news.id, news, NOON, 3)))
    check = Draft202012Validator(schema_of(type_))
    first = min(fits["data"])
    for broken in (
        {**fits, "sequence": 0},
        {**fits, "type": "payment.imagined"},
        {**fits, "data": {name: value for name, value in fits["data"].items() if name != first}},
        {**fits, "data": {**fits["data"], first: 19.9}},
    ):
        with pytest.raises(ValidationError):
            check.validate(broken)


def test_a_body_says_who_and_when_and_null_where_nobody_is_known() -> None:
    news = BillingNews(
        ACCOUNT, "payment.refunded", "pi_1", NOON + 7, live=True, mark="re_1", data={"b": 1, "a": None}
    )
    event = BillingEvent(news.id, news, NOON, 12)
    body = body_of(event)
    assert (body.occurred_at, body.livemode, body.sequence) == ("2026-11-21T12:00:00.007Z", True, 12)
    assert (body.customer_id, body.user_id) == (None, None)
    assert list(body.data) == ["a", "b"]
    turned = msgspec.structs.replace(event, news=msgspec.structs.replace(news, data={"a": None, "b": 1}))
    assert bytes_of(event) == bytes_of(turned), "the same bytes whatever the order that it was told in"
    assert iso(NOON) == "2026-11-21T12:00:00.000Z"


def test_only_what_a_success_settles_can_come_too_late() -> None:
    success = made("payment.successful")
    assert settled_by(made("payment.failed")) == (success.id,)
    assert settled_by(made("payment.action_required")) == (success.id,)
    assert settled_by(made("invoice.payment_failed")) == (made("invoice.paid").id,)
    assert settled_by(made("checkout.payment_failed")) == (made("checkout.payment_succeeded").id,)
    assert settled_by(success) == ()


def test_the_events_of_sessions_are_among_those_that_are_judged() -> None:
    assert set(stripe_session_events.TYPES) <= set(stripe_billing_events.TYPES)
