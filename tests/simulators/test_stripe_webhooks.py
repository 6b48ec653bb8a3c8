"""Stripe's webhooks: signed anew at each try, sent until acknowledged, and mistreated by each fault."""

import time

import stripe as sdk

from tests.simulators.kit import GUEST, TARGET, Receiver, Start, pay


async def test_a_refused_webhook_comes_again_freshly_signed(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    answers = iter([500, 302, 401, *[200] * 9])
    receiver.answer = lambda _path, _headers, _body: next(answers)
    made = await pay(client, guest=GUEST)
    await client.simulators.settled()
    counts = client.simulators.sender.counts()
    assert (counts["facts"], counts["delivered"], counts["attempts"]) == (2, 2, 5)
    assert counts["refused"] == {"500": 1, "302": 1, "401": 1}
    for _path, headers, body in receiver.got:
        sdk.WebhookSignature.verify_header(body.decode(), headers["stripe-signature"], "whsec_new", 300)
    event = made["events"][0]
    assert (await client.call("POST", "/stripe/_events/resend", json={"event": event})).status == 200
    await client.simulators.settled()
    assert [e["id"] for e in receiver.events()].count(event) >= 2
    assert (await client.call("POST", "/stripe/_events/resend", json={"event": "evt_none"})).status == 404


async def test_the_faults_of_a_webhook(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    plan = client.simulators.plan

    def judge(_path: str, headers: dict[str, str], body: bytes) -> int:
        stamps = dict(part.split("=", 1) for part in headers.get("stripe-signature", "t=0").split(","))
        if abs(time.time() - int(stamps["t"])) > 300:
            return 401
        for secret in TARGET.stripe_secrets:
            try:
                sdk.WebhookSignature.verify_header(body.decode(), headers["stripe-signature"], secret, 300)
            except (sdk.SignatureVerificationError, KeyError):
                continue
            return 200
        return 401

    receiver.answer = judge
    every = "duplicate,shuffle,delay,old-secret,bad-signature,same-second,clock-skew"
    plan.set(every, seed=3, rate=1)
    for n in range(6):
        await pay(client, order_number=str(n), guest=GUEST)
    await client.simulators.settled()
    assert client.ledger()["forged"] == {"sent": 12, "refused": 12, "accepted": 0, "accepted_names": []}
    assert set(plan.injected) == set(every.split(","))
    events = {e["id"]: e for e in receiver.events()}
    assert len(receiver.got) > 12 + 12  # forgeries and duplicates came on top
    facts = [
        (e["type"], e["data"]["object"]["id"]) for e in events.values() if not e["id"].endswith("forged")
    ]
    assert len(facts) > len(set(facts))  # twins: another id for one fact
    seconds = {(e["data"]["object"]["metadata"]["order_number"], e["created"]) for e in events.values()}
    assert len(seconds) == 6
    plan.set("drop-webhook", seed=3, rate=1)
    receiver.got.clear()
    dropped = await pay(client, order_number="77", guest=GUEST)
    await client.simulators.settled()
    assert receiver.got == []
    assert len(dropped["events"]) == client.simulators.sender.dropped == 2
    assert (await client.stripe("GET", f"/events/{dropped['events'][0]}")).json["pending_webhooks"] == 1


async def test_a_forgery_that_is_accepted_is_seen(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    client.simulators.plan.set("bad-signature", rate=1)
    await pay(client, guest=GUEST)
    await client.simulators.settled()
    assert client.ledger()["forged"]["accepted"] == 2
    assert len(client.ledger()["forged"]["accepted_names"]) == 2
