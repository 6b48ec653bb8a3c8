"""Razorpay's webhooks: known signatures, snapshots, ids in a header, and what each fault does to them."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from onpaid.simulators.plan import FORGERIES, Mischief
from onpaid.simulators.razorpay_signing import (
    forged_signature,
    handler_signature,
    signature,
    signing_secret,
)
from tests.simulators.kit import Client, Receiver, Start
from tests.simulators.razorpay_kit import NUMBER, entity, new_order, told

SECRETS = ("rzp_new", "rzp_old")


async def begin(start: Start, receiver: Receiver) -> Client:
    client = await start(target=receiver.base)
    client.simulators.aim(replace(client.simulators.target, razorpay_secrets=SECRETS))
    return client


def digest(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def judged(_path: str, headers: dict[str, str], body: bytes) -> int:
    """How a receiver that is right answers."""
    given = headers.get("x-razorpay-signature", "")
    return 200 if given in [digest(secret, body) for secret in SECRETS] else 401


def test_signatures_are_as_the_known_ones() -> None:
    compact = "a71d5b6534e6da8d37f516016cf676e1907ac08405736468b7d40bf568273f2e"
    assert signature("whsec_demo", b'{"event":"payment.captured"}') == compact
    assert signature("whsec_demo", b'{"event": "payment.captured"}').startswith("345f8de3")
    handed = "7e6b1dfddbfac6a5e1ef6a65a79bb36f934ac60e140163938b81c05c0ed76193"
    assert handler_signature("demo_key_secret", "order_TEST0000000001", "pay_TEST0000000001") == handed


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_one(forgery: str) -> None:
    made = forged_signature(forgery, SECRETS, "key_secret", b"genuine", b"forged")
    assert made not in [digest(secret, b"forged") for secret in SECRETS]
    assert (made is None) is (forgery == "no signature")


def test_only_one_secret_signs() -> None:
    signers = [signing_secret(SECRETS, Mischief(signer=signer)) for signer in ("newest", "old", "both")]
    assert signers == ["rzp_new", "rzp_old", "rzp_old"]


async def test_money_is_told_twice_under_two_ids(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    receiver.answer = judged
    order = await new_order(client)
    paid = client.simulators.razorpay.pay(order["id"])
    await client.simulators.settled()
    captured, whole = told(receiver, "payment.captured")[0], told(receiver, "order.paid")[0]
    assert (captured["contains"], list(captured["payload"])) == (["payment"], ["payment"])
    assert entity(captured)["order_id"] == order["id"]
    assert entity(whole, "order")["receipt"] == NUMBER
    assert (entity(whole, "order")["status"], entity(whole)["id"]) == ("paid", paid["id"])
    ids = [headers["x-razorpay-event-id"] for _path, headers, _body in receiver.got]
    assert len(set(ids)) == len(ids)
    assert not any(ident.encode() in body for ident in ids for _path, _headers, body in receiver.got)
    assert client.simulators.sender.counts()["refused"] == {}


async def test_facts_come_in_any_order_and_authorisation_is_told_at_times(
    start: Start, receiver: Receiver
) -> None:
    client = await begin(start, receiver)
    firsts, counts = set(), set()
    for n in range(24):
        paid = client.simulators.razorpay.pay((await new_order(client, receipt=str(n)))["id"])
        sent = [parcel.name.split()[0] for parcel in client.simulators.razorpay.parcels_of(paid["id"])]
        firsts.add(sent[0])
        counts.add(len(sent))
    assert firsts == {"payment.authorized", "payment.captured", "order.paid"}
    assert counts == {2, 3}
    await client.simulators.settled()
    assert {entity(event)["status"] for event in told(receiver, "payment.authorized")} == {"authorized"}


async def test_a_late_payment_is_told_as_failed_first(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    order = await new_order(client)
    paid = client.simulators.razorpay.pay(order["id"], late=True)
    await client.simulators.settled()
    failed = entity(told(receiver, "payment.failed")[0])
    assert (failed["id"], failed["status"], failed["error_code"]) == (paid["id"], "failed", "GATEWAY_ERROR")
    assert entity(told(receiver, "payment.captured")[0])["status"] == "captured"


async def test_the_status_of_a_failed_payment_counts_and_not_its_flag(
    start: Start, receiver: Receiver
) -> None:
    client = await begin(start, receiver)
    for n in range(20):
        client.simulators.razorpay.fail((await new_order(client, receipt=str(n)))["id"], method="card")
    await client.simulators.settled()
    failed = [entity(event) for event in told(receiver, "payment.failed")]
    assert {(each["status"], each["captured"]) for each in failed} == {("failed", True), ("failed", False)}
    assert not any(row["captured"] for row in client.simulators.razorpay.rows()["payments"])


async def test_a_payment_without_an_order_is_captured_and_no_more(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    client.simulators.razorpay.pay(None, amount=5000)
    await client.simulators.settled()
    assert told(receiver, "order.paid") == []
    assert entity(told(receiver, "payment.captured")[0])["order_id"] is None


async def test_a_refund_is_created_then_processed(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    razorpay = client.simulators.razorpay
    paid = razorpay.pay((await new_order(client))["id"])
    razorpay.refund(paid["id"], 50_000, notes={"why": "late"})
    razorpay.refund(paid["id"], 1_000, fails=True)
    await client.simulators.settled()
    created, done = told(receiver, "refund.created"), told(receiver, "refund.processed")
    assert (len(created), created[0]["contains"]) == (2, ["refund", "payment"])
    assert {entity(event, "refund")["status"] for event in created} == {"pending"}
    assert (entity(done[0], "refund")["status"], entity(done[0])["refund_status"]) == ("processed", "partial")
    assert entity(told(receiver, "refund.failed")[0], "refund")["status"] == "failed"
    assert {row["status"] for row in razorpay.rows()["refunds"]} == {"processed", "failed"}


async def test_what_is_given_back_at_once_was_never_captured(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    order = await new_order(client)
    first, second = (client.simulators.razorpay.pay(order["id"]) for _ in range(2))
    await client.simulators.settled()
    assert {entity(event)["id"] for event in told(receiver, "payment.captured")} == {first["id"]}
    back = told(receiver, "refund.processed")[0]
    assert (entity(back)["id"], entity(back)["captured"]) == (second["id"], False)


async def test_a_retry_is_the_same_bytes_and_the_same_id(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    answers = iter([500, 401, *[200] * 9])
    receiver.answer = lambda _path, _headers, _body: next(answers)
    razorpay = client.simulators.razorpay
    razorpay.pay(None, amount=5000)
    await client.simulators.settled()
    tries = [(headers["x-razorpay-event-id"], body) for _path, headers, body in receiver.got]
    assert len(tries) == len(set(tries)) + 2
    ident = tries[0][0]
    assert (await client.call("POST", "/razorpay/_events/resend", json={"event": ident})).status == 201
    await client.simulators.settled()
    assert receiver.got[-1][1]["x-razorpay-event-id"] == ident
    assert (await client.call("POST", "/razorpay/_events/resend", json={"event": "none"})).status == 404


async def test_bodies_do_not_survive_being_written_anew(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    await new_order(client, notes={"page": "https://example.org/x"})
    client.simulators.razorpay.pay(next(iter(client.simulators.razorpay.orders)))
    await client.simulators.settled()
    raw = next(body for _path, _headers, body in receiver.got if b"order.paid" in body)
    assert entity(json.loads(raw), "order")["notes"] == {"page": "https://example.org/x"}
    assert raw != json.dumps(json.loads(raw), separators=(",", ":")).encode()


async def test_the_faults_of_a_webhook(start: Start, receiver: Receiver) -> None:
    client = await begin(start, receiver)
    receiver.answer = judged
    plan, razorpay = client.simulators.plan, client.simulators.razorpay
    plan.set("duplicate,shuffle,delay,old-secret,bad-signature,clock-skew", seed=3, rate=1)
    for n in range(8):
        razorpay.pay((await new_order(client, receipt=str(n)))["id"])
    await client.simulators.settled()
    forged = client.ledger()["forged"]
    assert forged["sent"] == forged["refused"] > 0
    good = [
        (h["x-razorpay-event-id"], body) for path, h, body in receiver.got if judged(path, h, body) == 200
    ]
    ids_of: dict[bytes, set[str]] = {}
    for ident, body in good:
        ids_of.setdefault(body, set()).add(ident)
    assert max(len(ids) for ids in ids_of.values()) == 2  # one fact under two ids
    assert len(good) > len(set(good))  # and one event several times
    signed = {h["x-razorpay-signature"] for path, h, body in receiver.got if judged(path, h, body) == 200}
    assert signed & {digest("rzp_old", body) for _ident, body in good}
    plan.set("drop-webhook", rate=1)
    receiver.got.clear()
    razorpay.pay(None, amount=5000)
    await client.simulators.settled()
    assert receiver.got == []
