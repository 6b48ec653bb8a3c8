"""Stripe's events: the envelope, what each means, and what is done about odd ones."""

import json
from typing import Any

import pytest

from onpaid.domain.events import Envelope, Judged
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.errors import InvalidInput, Problem, SettingsError
from onpaid.providers.stripe import Settings, Stripe, key_mode
from onpaid.providers.stripe_events import TYPES
from onpaid.providers.stripe_wire import known_version
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

TEST_MODE = Stripe(Settings())
LIVE_MODE = Stripe(Settings(live=True))


def judged(body: bytes, source: Stripe = TEST_MODE) -> Judged:
    return source.judge(source.read(body, NOW), body, NOW)


def payment(body: bytes, source: Stripe = TEST_MODE) -> PaymentSucceeded:
    (fact,) = judged(body, source).facts
    assert isinstance(fact, PaymentSucceeded)
    return fact


def charge(**changes: Any) -> dict[str, Any]:
    return {**CHARGE, **changes}


def test_the_envelope() -> None:
    assert TEST_MODE.read(event(), NOW) == Envelope(
        source="stripe",
        account="stripe/default/test",
        event_id="evt_3SXoQ2LkdIwHu7ix0eeeeeee",
        type="charge.succeeded",
        live=False,
        created_at=(SECONDS - 3) * 1000,
        api_version="2026-10-28.endive",
    )
    connected = TEST_MODE.read(event(account="acct_1Q", livemode=True), NOW)
    assert connected.account == "stripe/acct_1Q/live"


def test_a_captured_charge_is_a_payment() -> None:
    assert payment(event()) == PaymentSucceeded(
        account="stripe/default/test",
        payment_id="pi_3SXoQ2LkdIwHu7ix0k9l8m7n",
        order="konverzky/10042",
        amount=Money(49_800, "NOK"),
        paid_at=(SECONDS - 3) * 1000,
        live=False,
        charge_id="ch_3SXoQ2LkdIwHu7ix0a1b2c3d",
        customer_id="cus_TUoQ2LkdIwHu7i",
        billing=Customer(
            name="Ola Nordmann",
            email="ola@example.org",
            address=Address(line1="Storgata 1", postal_code="0155", city="Oslo", country="NO"),
        ),
        event="evt_3SXoQ2LkdIwHu7ix0eeeeeee",
    )


def test_everything_told_of_one_payment_names_the_same_one() -> None:
    told = [
        payment(event()),
        payment(event("charge.captured")),
        payment(event("payment_intent.succeeded", INTENT)),
    ]
    assert len({fact.key for fact in told}) == 1
    assert len({(fact.amount, fact.order, fact.charge_id, fact.customer_id) for fact in told}) == 1
    without = payment(event(about=charge(payment_intent=None)))
    assert without.payment_id == CHARGE["id"]


def test_what_counts_is_what_was_captured() -> None:
    partly = charge(amount_captured=30_000)
    assert payment(event("charge.captured", partly)).amount == Money(30_000, "NOK")
    assert (
        payment(event("payment_intent.succeeded", {**INTENT, "amount_received": 30_000})).amount.minor
        == 30_000
    )


@pytest.mark.parametrize(
    ("currency", "minor", "shown"),
    [
        ("jpy", 1338, "JPY 1,338"),
        ("krw", 1338, "KRW 1,338"),
        ("kwd", 1_338_000, "KWD 1,338.000"),
        ("isk", 133_800, "ISK 1,338"),
        ("ugx", 133_800, "UGX 1,338"),
        ("huf", 133_800, "HUF 1,338.00"),
        ("eur", 133_800, "EUR 1,338.00"),
    ],
)
def test_currencies_with_none_two_and_three_decimals(currency: str, minor: int, shown: str) -> None:
    assert payment(event(about=charge(currency=currency, amount_captured=minor))).amount.format() == shown


def test_guests_have_no_customer_and_may_have_a_receipt_address_only() -> None:
    guest = charge(
        customer=None, billing_details={"name": None, "email": None, "phone": None, "address": None}
    )
    assert payment(event(about=guest)).billing == Customer(email="ola@example.org")
    assert payment(event(about=guest)).customer_id is None
    nobody = {**guest, "receipt_email": None}
    assert payment(event(about=nobody)).billing is None


def test_expanded_objects_are_taken_for_their_ids() -> None:
    expanded = charge(customer={"id": "cus_x", "object": "customer"}, payment_intent={"id": "pi_x"})
    assert (payment(event(about=expanded)).customer_id, payment(event(about=expanded)).payment_id) == (
        "cus_x",
        "pi_x",
    )


IGNORED: dict[str, tuple[bytes, str]] = {
    "authorised only": (event(about=charge(captured=False, amount_captured=0)), "authorised, not captured"),
    "pending": (event(about=charge(status="pending")), "pending"),
    "failed": (event(about=charge(status="failed")), "failed"),
    "nothing captured": (event(about=charge(amount_captured=0)), "nothing was captured"),
    "nothing received": (
        event("payment_intent.succeeded", {**INTENT, "amount_received": 0}),
        "nothing was received",
    ),
    "not the shop's": (event(about=charge(metadata={})), "no order_number"),
    "not the shop's, as an intent": (
        event("payment_intent.succeeded", {**INTENT, "metadata": {"x": "y"}}),
        "no order_number",
    ),
    "a blank order number": (event(about=charge(metadata={"order_number": "  "})), "no order_number"),
    "an unknown type": (event("customer.updated", {"id": "cus_1"}), "customer.updated"),
    "a type of tomorrow": (event("charge.teleported", {}), "charge.teleported"),
    "a live event here": (event(livemode=True), "live-mode event, and we work in test mode"),
    "a connected account's": (event(account="acct_1Q"), "connected account"),
    "a refund of nothing of ours": (
        event("refund.created", {**REFUND, "charge": None, "payment_intent": None}),
        "neither",
    ),
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_ignored_is_ignored_with_a_reason(name: str) -> None:
    body, reason = IGNORED[name]
    result = judged(body)
    assert result.facts == ()
    assert reason in (result.ignored or "")


def test_a_test_event_in_live_mode_is_never_acted_on() -> None:
    assert judged(event(), LIVE_MODE) == Judged(ignored="a test-mode event, and we work in live mode")
    assert payment(event(livemode=True), LIVE_MODE).account == "stripe/default/live"


PROBLEMS: dict[str, tuple[bytes, str]] = {
    "an unknown version": (event(api_version="2027-03-31.fuchsia"), "2027-03-31.fuchsia"),
    "no version": (event(api_version=None), "None"),
    "a version before the fields that we read": (event(api_version="2022-08-01"), "2022-08-01"),
    "an unknown currency": (event(about=charge(currency="zzz")), "ZZZ"),
    "a currency of another kind": (event(about=charge(currency="")), "currency"),
    "a negative amount": (event("charge.refunded", charge(amount_refunded=-1)), "negative"),
    "an amount beyond belief": (event(about=charge(amount_captured=10**15)), "amount"),
    "an amount beyond integers": (event(about=charge(amount_captured=10**30)), "amount"),
    "an amount with a fraction": (event(about=charge(amount_captured=49800.5)), "shape"),
    "an amount as text": (event(about=charge(amount_captured="49800")), "shape"),
    "a field that moved": (event(about=altered(CHARGE, "captured", ...)), "captured"),
    "no metadata at all": (event(about=charge(metadata=None)), "shape"),
    "metadata of numbers": (event(about=charge(metadata={"order_number": 10042})), "shape"),
    "no object": (event(data={}), "shape"),
    "the shop's, without a number": (
        event(about=charge(metadata={"source": "Konverzky"})),
        "marked as the shop's",
    ),
    "the shop's, by a key": (event(about=charge(metadata={"konverzky_id": "7"})), "marked as the shop's"),
    "the shop's, as an intent": (
        event("payment_intent.succeeded", {**INTENT, "metadata": {"source": "konverzky"}}),
        "marked as the shop's",
    ),
    "an order number too long": (event(about=charge(metadata={"order_number": "7" * 65})), "longer than 64"),
    "an order number with a line break": (event(about=charge(metadata={"order_number": "7\n8"})), "control"),
    "an order number that hides": (event(about=charge(metadata={"order_number": "7\u202e8"})), "invisible"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_a_person_must_look_at(name: str) -> None:
    body, why = PROBLEMS[name]
    with pytest.raises(Problem, match=why) as caught:
        judged(body)
    assert caught.value.category == "payment"
    assert caught.value.facts["event"] == "evt_3SXoQ2LkdIwHu7ix0eeeeeee"
    assert "ola" not in str(caught.value.facts).lower()


def test_an_unknown_version_matters_only_where_something_follows() -> None:
    assert judged(event("customer.updated", {"id": "cus_1"}, api_version="2031-01-01.kale")).ignored


@pytest.mark.parametrize(
    "version",
    [
        "2022-11-15",
        "2023-08-16",
        "2024-06-20",
        "2024-09-30.acacia",
        "2025-03-31.basil",
        "2025-09-30.clover",
        "2026-03-25.dahlia",
        "2026-08-26.dahlia",
        "2026-10-28.endive",
        "2026-12-16.endive",
    ],
)
def test_versions_that_are_known(version: str) -> None:
    assert known_version(version)
    assert payment(event(api_version=version)).amount.minor == 49_800


@pytest.mark.parametrize(
    "version",
    [
        None,
        "",
        "2022-08-01",
        "2019-12-03",
        "2024-09-30",
        "2026-10-28",
        "2027-03-31.fuchsia",
        "2023-08-16.endive",
        "2026-10-28.preview",
        "2026-10-28.endive\n",
        "endive",
        "2026-10-28.Endive",
        "２026-10-28.endive",
    ],
)
def test_versions_that_are_not(version: str | None) -> None:
    assert not known_version(version)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("10042", "konverzky/10042"),
        (" 10042 ", "konverzky/10042"),
        ("A/7 #3", "konverzky/A/7 #3"),
        ("Å-1", "konverzky/Å-1"),
        ("../../etc", "konverzky/../../etc"),
        ("'; drop table", "konverzky/'; drop table"),
        ("9" * 64, "konverzky/" + "9" * 64),
    ],
)
def test_order_numbers_with_odd_characters(given: str, key: str) -> None:
    assert payment(event(about=charge(metadata={"order_number": given}))).order == key


def test_the_shop_its_key_and_its_marks_are_settings() -> None:
    source = Stripe(Settings(shop="other", order_number_key="ref", shop_marks=("via",)))
    assert payment(event(about=charge(metadata={"ref": "1"})), source).order == "other/1"
    assert judged(event(), source).ignored
    with pytest.raises(Problem):
        judged(event(about=charge(metadata={"via": ""})), source)


CHANGES: list[tuple[str, dict[str, Any], int]] = [
    ("charge.refunded", charge(amount_refunded=10_000), 10_000),
    ("refund.created", REFUND, 10_000),
    ("refund.updated", REFUND, 10_000),
    ("refund.failed", REFUND, 10_000),
    ("charge.refund.updated", REFUND, 10_000),
    ("charge.dispute.created", DISPUTE, 49_800),
    ("charge.dispute.closed", DISPUTE, 49_800),
    ("charge.dispute.funds_withdrawn", DISPUTE, 49_800),
    ("refund.of_a_new_kind", REFUND, 10_000),
]


@pytest.mark.parametrize(("kind", "about", "minor"), CHANGES, ids=[kind for kind, _, _ in CHANGES])
def test_refunds_and_disputes_change_a_payment(kind: str, about: dict[str, Any], minor: int) -> None:
    (changed,) = judged(event(kind, about)).facts
    assert changed == PaymentChanged(
        account="stripe/default/test",
        payment_id="pi_3SXoQ2LkdIwHu7ix0k9l8m7n",
        what=kind,
        amount=Money(minor, "NOK"),
        event="evt_3SXoQ2LkdIwHu7ix0eeeeeee",
        happened_at=(SECONDS - 3) * 1000,
        order="konverzky/10042" if about["object"] == "charge" else None,
        refund=about["id"] if about["object"] == "refund" else "",
        failed=kind == "refund.failed",
    )


@pytest.mark.parametrize(
    ("status", "failed"), [("succeeded", False), ("pending", False), ("failed", True), ("canceled", True)]
)
def test_a_refund_that_did_not_come_through_says_so(status: str, failed: bool) -> None:
    (changed,) = judged(event("refund.updated", {**REFUND, "status": status})).facts
    assert isinstance(changed, PaymentChanged)
    assert changed.failed is failed


def test_a_refund_of_a_charge_without_an_intent() -> None:
    (changed,) = judged(event("refund.created", {**REFUND, "payment_intent": None})).facts
    assert isinstance(changed, PaymentChanged)
    assert changed.payment_id == CHARGE["id"]


THIN = {
    "id": "evt_test_65R9",
    "object": "v2.core.event",
    "type": "v1.charge.succeeded",
    "livemode": False,
    "created": "2026-11-20T10:15:30.000Z",
    "related_object": {"id": "ch_1", "type": "charge", "url": "/v1/charges/ch_1"},
}
MALFORMED: dict[str, tuple[bytes, str]] = {
    "a thin event": (json.dumps(THIN).encode(), "snapshot"),
    "nothing": (b"", "JSON"),
    "half": (event()[:1000], "JSON"),
    "a form": (b"id=evt_1&type=charge.succeeded", "JSON"),
    "a list": (b"[]", "Expected `object`"),
    "a charge": (json.dumps(CHARGE).encode(), "type"),
    "no id": (event(id=None), "id"),
    "an empty id": (event(id=""), "`id`"),
    "an id of 300 characters": (event(id="e" * 300), "`id`"),
    "an id with a slash": (event(id="a/b"), "`id`"),
    "no mode": (event(livemode=None), "livemode"),
    "a mode as text": (event(livemode="false"), "livemode"),
    "a time as text": (event(created="now"), "seconds since 1970"),
    "a time beyond belief": (event(created=10**12), "seconds since 1970"),
    "a time before all": (event(created=-1), "seconds since 1970"),
    "an account that leads elsewhere": (event(account="acct/live"), "`account`"),
    "twin keys": (event().replace(b'"amount":', b'"amount_captured": 1, "amount":', 1), "given twice"),
    "NaN": (event().replace(b"49800", b"NaN"), "no number"),
    "5,000 digits": (event().replace(b"49800", b"9" * 5000), "digits"),
    "1e999": (event().replace(b"49800", b"1e999"), "too large"),
    "nested too deeply": (event().replace(b"49800", b"[" * 50_000 + b"]" * 50_000), "too deep"),
    "a lone surrogate": (event().replace(b"Ola", b"\\ud800"), "JSON"),
    "no UTF-8": (event().replace(b"Ola", b"\xff"), "UTF-8"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_at_the_door(name: str) -> None:
    body, why = MALFORMED[name]
    with pytest.raises(InvalidInput, match=why):
        TEST_MODE.read(body, NOW)


def test_judging_again_gives_the_same() -> None:
    """After an upgrade events are judged again from their stored bytes, at another time."""
    body = event()
    envelope = TEST_MODE.read(body, NOW)
    assert TEST_MODE.judge(envelope, body, NOW) == TEST_MODE.judge(envelope, body, NOW + 10**9)


def test_no_more_types_than_a_list_of_events_takes() -> None:
    assert len(set(TYPES)) == len(TYPES) <= 20


@pytest.mark.parametrize(
    ("key", "live"),
    [
        ("sk_live_x", True),
        ("rk_live_x", True),
        ("sk_test_x", False),
        ("rk_test_x", False),
        ("", None),
        ("x", None),
    ],
)
def test_a_key_tells_its_mode(key: str, live: bool | None) -> None:
    assert key_mode(key) is live
    if live is not None:
        Settings(api_key=key, live=live)
        with pytest.raises(SettingsError, match="mode"):
            Settings(api_key=key, live=not live)


def test_a_shop_needs_a_name() -> None:
    for name in ("", "a/b"):
        with pytest.raises(SettingsError):
            Settings(shop=name)
