"""Razorpay's webhooks: who is let in, what they tell, and that odd bodies do no harm."""

import hashlib
import hmac
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.errors import BadSignature, InvalidInput, Problem
from onpaid.providers.razorpay_webhooks import RazorpayWebhooks
from onpaid.simulators import Served
from onpaid.simulators.settings import Target
from tests.providers.samples import NOW, SECONDS, altered
from tests.providers.scripted import reply, scripted
from tests.providers.till import (
    AMOUNT,
    EVENT_ID,
    NEW,
    OLD,
    ORDER_ID,
    PAYMENT_ID,
    REFUND_ID,
    WANTED,
    body,
    signature,
    till,
    told,
)

SOURCE = RazorpayWebhooks((NEW, OLD), live=False, shop="shop")
ACCOUNT = "razorpay/default/test"


def judged(raw: bytes, source: RazorpayWebhooks = SOURCE) -> Any:
    return source.judge(source.read(raw, NOW), raw, NOW)


def fact(raw: bytes, source: RazorpayWebhooks = SOURCE) -> Any:
    (found,) = judged(raw, source).facts
    return found


def let_in(header: str | None, raw: bytes, secrets: tuple[str, ...] = (NEW, OLD)) -> bool:
    source = RazorpayWebhooks(secrets, live=False, shop="shop")
    try:
        source.verify({} if header is None else {"x-razorpay-signature": header}, raw, NOW)
    except BadSignature:
        return False
    return True


def test_the_signature_is_the_one_of_the_vector() -> None:
    raw = b'{"event":"payment.captured"}'
    digest = "a71d5b6534e6da8d37f516016cf676e1907ac08405736468b7d40bf568273f2e"
    assert let_in(digest, raw, ("whsec_demo",))
    assert not let_in(digest, b'{"event": "payment.captured"}', ("whsec_demo",)), "other bytes, same JSON"


def test_either_of_two_secrets_opens_while_one_is_replaced() -> None:
    raw = body()
    assert let_in(signature(raw, NEW), raw)
    assert let_in(signature(raw, OLD), raw)
    assert not let_in(signature(raw, OLD), raw, (NEW,))


def test_the_secret_of_the_interface_opens_no_webhook() -> None:
    raw = body()
    assert not let_in(signature(raw, "rzp_secret_simulated"), raw)


@pytest.mark.parametrize("secrets", [(), ("",), (" \n", "\t")])
def test_without_a_secret_the_endpoint_is_closed(secrets: tuple[str, ...]) -> None:
    with pytest.raises(BadSignature, match="closed"):
        RazorpayWebhooks(secrets, live=False, shop="shop").verify(
            {"x-razorpay-signature": signature(b"{}", "")}, b"{}", NOW
        )


RIGHT = signature(b"{}")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "0" * 64,
        RIGHT[:-1],
        RIGHT + "0",
        RIGHT.upper(),
        f" {RIGHT}",
        f"{RIGHT}\n",
        f"sha256={RIGHT}",
        f"{RIGHT},{RIGHT}",
        "señal",
        "٠" * 64,
        "\ud800" * 64,
        "0" * 100_000,
        hmac.digest(NEW.encode(), b"{}", "sha1").hex(),
        hashlib.sha256(b"{}").hexdigest(),
    ],
)
def test_a_header_that_is_no_signature_of_this_body_is_refused(header: str | None) -> None:
    assert not let_in(header, b"{}")


@given(at=st.integers(0, len(body()) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_body_may_change(at: int, bit: int) -> None:
    raw = bytearray(body())
    raw[at] ^= 1 << bit
    assert not let_in(signature(body()), bytes(raw))


def test_captured_and_paid_name_the_same_payment() -> None:
    """Two events with two ids about one payment: both belong to one run."""
    captured, paid = fact(body("payment.captured")), fact(body("order.paid"))
    assert captured == PaymentSucceeded(
        account=ACCOUNT,
        payment_id=ORDER_ID,
        order=f"shop/{ORDER_ID}",
        amount=AMOUNT,
        paid_at=SECONDS * 1000,
        live=False,
        charge_id=PAYMENT_ID,
        event=captured.event,
        expects=("shipment", "messages"),
    )
    assert captured.key == paid.key == f"{ACCOUNT}/{ORDER_ID}"
    assert (captured.order, captured.amount, captured.charge_id) == (paid.order, paid.amount, paid.charge_id)


def test_a_live_account_is_another_account() -> None:
    live = RazorpayWebhooks((NEW,), live=True, shop="other")
    found = fact(body(), live)
    assert (found.live, found.account, found.order) == (True, "razorpay/default/live", f"other/{ORDER_ID}")


def test_an_event_is_named_by_its_header() -> None:
    """Its body has no id: until the header's takes its place, the body itself names it."""
    assert SOURCE.event_id_header == EVENT_ID
    first, second = SOURCE.read(body(), NOW), SOURCE.read(body(fee=1), NOW)
    assert first.event_id != second.event_id
    assert (first.account, first.type, first.created_at) == (ACCOUNT, "payment.captured", SECONDS * 1000)


def test_a_payment_that_failed_is_a_fact_that_starts_nothing() -> None:
    failed = fact(body("payment.failed", status="failed", captured=True, error_reason="payment_timed_out"))
    assert isinstance(failed, PaymentFailed)
    assert (failed.checkout_id, failed.payment_id, failed.order) == (ORDER_ID, PAYMENT_ID, f"shop/{ORDER_ID}")
    assert failed.reason == "payment_timed_out"
    described = fact(body("payment.failed", status="failed", error_description="x" * 500))
    assert described.reason == "x" * 200


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("payment.authorized", {"status": "authorized", "captured": False}, "only authorised"),
        ("payment.captured", {"status": "authorized", "captured": False}, "not captured"),
        ("payment.captured", {"status": "failed", "captured": True}, "failed, and not captured"),
        ("order.paid", {"status": "refunded", "captured": False}, "not captured"),
        ("payment.captured", {"order_id": None}, "without an order"),
        ("payment.captured", {"order_id": ""}, "without an order"),
        ("payment.failed", {"order_id": None, "status": "failed"}, "without an order"),
        ("refund.processed", {"order_id": None}, "without an order"),
        ("refund.processed", {"captured": False, "status": "refunded"}, "went back by itself"),
        ("refund.created", {}, "on its way"),
        ("refund.speed_changed", {}, "on its way"),
        ("payment.dispute.created", {}, "nothing follows"),
        ("settlement.processed", {}, "nothing follows"),
    ],
)
def test_what_means_nothing_to_us_says_why(kind: str, changes: dict[str, Any], why: str) -> None:
    found = judged(body(kind, **changes))
    assert found.facts == ()
    assert why in found.ignored


@pytest.mark.parametrize(
    "changes", [{"captured": None}, {"captured": False}, {"status": "refunded"}, {"contact": None}]
)
def test_the_status_says_whether_money_was_taken(changes: dict[str, Any]) -> None:
    """Flags beside it contradict it in Razorpay's own samples; what went back since is looked at later."""
    assert isinstance(fact(body(**changes)), PaymentSucceeded)


def test_a_refund_of_all_is_told_of_as_whole() -> None:
    change = fact(body("refund.processed", refund_status="full", amount_refunded=150_000, status="refunded"))
    assert change == PaymentChanged(
        account=ACCOUNT,
        payment_id=ORDER_ID,
        what="refund.processed whole",
        amount=AMOUNT,
        event=REFUND_ID,
        happened_at=SECONDS * 1000,
        order=f"shop/{ORDER_ID}",
        expects=("shipment", "messages"),
    )


def test_a_refund_of_a_part_is_a_part_until_the_parts_are_the_whole() -> None:
    part = fact(
        body("refund.processed", refund={"amount": 50_000}, refund_status="partial", amount_refunded=50_000)
    )
    assert (part.what, part.amount) == ("refund.processed part", Money(50_000, "INR"))
    rest = fact(
        body("refund.processed", refund={"amount": 100_000}, refund_status=None, amount_refunded=150_000)
    )
    assert (rest.what, rest.amount) == ("refund.processed whole", AMOUNT)


def test_every_event_about_one_refund_is_one_change() -> None:
    """It is named by the refund, so a repeat under another event id says nothing new."""
    raw = body("refund.processed", refund_status="full")
    first = SOURCE.judge(SOURCE.read(raw, NOW), raw, NOW)
    assert first.facts[0].event == REFUND_ID  # type: ignore[union-attr]


def test_a_refund_that_failed_is_for_a_person() -> None:
    with pytest.raises(Problem) as caught:
        judged(body("refund.failed", refund={"status": "failed"}))
    assert caught.value.category == "payment"
    assert caught.value.facts["payment"] == PAYMENT_ID
    assert caught.value.facts["refund"] == REFUND_ID


@pytest.mark.parametrize(
    "event",
    [
        told("payment.captured", id="pay_1/../x"),
        told("payment.captured", id="x" * 41),
        told("payment.captured", order_id="order é"),
        told("refund.processed", refund={"id": "rfnd 1\n"}),
        told("payment.captured", amount=-1),
        told("payment.captured", amount=10**15),
        told("payment.captured", currency="rupees"),
        told("payment.captured", amount="150000"),
        told("payment.captured", amount=1500.5),
        told("payment.captured", amount=True),
        told("refund.processed", refund={"currency": ""}),
        {**told("payment.captured"), "payload": {}},
        {**told("payment.captured"), "payload": []},
        {**told("refund.processed"), "payload": told("payment.captured")["payload"]},
    ],
)
def test_an_event_that_cannot_be_understood_is_kept_and_shown_to_a_person(event: dict[str, Any]) -> None:
    raw = json.dumps(event).encode()
    envelope = SOURCE.read(raw, NOW)
    with pytest.raises(Problem) as caught:
        SOURCE.judge(envelope, raw, NOW)
    assert caught.value.category == "payment"
    assert caught.value.facts["event"] == envelope.event_id


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"entity":"event","event":"payment.captured"}',
        json.dumps({**told("payment.captured"), "entity": "payment"}).encode(),
        json.dumps({**told("payment.captured"), "event": ""}).encode(),
        json.dumps({**told("payment.captured"), "event": "x" * 81}).encode(),
        json.dumps({**told("payment.captured"), "event": "payment captured"}).encode(),
        json.dumps({**told("payment.captured"), "created_at": -1}).encode(),
        json.dumps({**told("payment.captured"), "created_at": 10**11}).encode(),
        json.dumps({**told("payment.captured"), "created_at": "now"}).encode(),
        body().replace(b'"event": "payment.captured"', b'"event": "order.paid", "event": "x"'),
        body() + b"}",
        body(method="\udc80"),
    ],
)
def test_a_body_that_is_no_event_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        SOURCE.read(raw, NOW)


def test_what_is_added_without_notice_does_no_harm() -> None:
    event = told("order.paid", reward=None, provider={"name": "x"}, notes=["odd"])
    event["payload"]["offer"] = {"entity": {"id": "offer_1"}}
    assert isinstance(fact(json.dumps({**event, "version": 2}).encode()), PaymentSucceeded)


PLACES = ["entity", "event", "account_id", "contains", "created_at", "payload", "payload.payment"]
PLACES += ["payload.refund", "payload.refund.entity.amount", "payload.refund.entity.id"]
PLACES += [
    f"payload.payment.entity.{name}"
    for name in ("id", "order_id", "amount", "currency", "status", "captured", "amount_refunded", "notes")
]
VALUES = st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=5) | st.just([]) | st.just({})


@given(
    kind=st.sampled_from(["payment.captured", "payment.failed", "order.paid", "refund.processed"]),
    place=st.sampled_from(PLACES),
    value=VALUES,
)
def test_fields_of_any_kind_raise_nothing_odd(kind: str, place: str, value: Any) -> None:
    event = {**told("refund.processed"), "event": kind}
    raw = json.dumps(altered(event, place, value)).encode()
    with suppress(InvalidInput, Problem):
        judged(raw)


async def test_what_razorpay_sends_is_let_in_and_understood(simulate: Any) -> None:
    """The whole way, under the secret before the newest as well: a payment, one that failed, a refund."""
    async with scripted([reply(200, {})] * 20) as taker:
        served: Served = await simulate(target=Target(base=taker.base, razorpay_secrets=(NEW, OLD)))
        razorpay = till(served, webhook_secrets=(NEW, OLD))
        made = await razorpay.create_checkout(WANTED)
        account = served.simulators.razorpay
        failed = account.fail(made.checkout_id, method="card")
        paid = account.pay(made.checkout_id)
        account.refund(paid["id"])
        await served.simulators.settled()
        facts = []
        for request in taker.requests:
            razorpay.verify(request.headers, request.body, NOW)
            assert request.headers[razorpay.event_id_header]
            facts += razorpay.judge(razorpay.read(request.body, NOW), request.body, NOW).facts
        await razorpay.close()
    assert {one.payment_id for one in facts if isinstance(one, PaymentFailed)} == {failed["id"]}
    captured = [one for one in facts if isinstance(one, PaymentSucceeded)]
    assert len(captured) == 2
    assert {(one.payment_id, one.charge_id) for one in captured} == {(made.checkout_id, paid["id"])}
    (change,) = [one for one in facts if isinstance(one, PaymentChanged)]
    assert (change.what, change.order) == ("refund.processed whole", f"shop/{made.checkout_id}")
