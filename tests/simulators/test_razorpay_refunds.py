"""Refunds at Razorpay: in parts, at once, failed, and under a key."""

import asyncio

from tests.simulators.kit import HandClock, Start
from tests.simulators.razorpay_kit import ORDER, call, new_order

REFUND_KEY = "X-Refund-Idempotency"


async def test_a_second_payment_of_a_paid_order_goes_back_at_once(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    razorpay = client.simulators.razorpay
    order = await new_order(client)
    razorpay.pay(order["id"])
    second = razorpay.pay(order["id"])
    assert (second["status"], second["captured"], second["refund_status"]) == ("refunded", False, "full")
    assert [each["payment_id"] for each in razorpay.refunds.values()] == [second["id"]]
    assert razorpay.orders[order["id"]]["amount_paid"] == 150_000


async def test_money_goes_back_in_parts_and_the_order_stays_paid(start: Start) -> None:
    clock = HandClock()
    client = await start(clock, target="http://127.0.0.1:9")
    razorpay = client.simulators.razorpay
    order = razorpay.create_order(ORDER)
    paid = razorpay.pay(order["id"])
    path = f"/payments/{paid['id']}"
    part = (await call(client, "POST", f"{path}/refund", json={"amount": 50_000, "receipt": "R-1"})).json
    assert (part["status"], part["amount"], part["notes"], part["receipt"]) == ("pending", 50_000, [], "R-1")
    now = (await call(client, "GET", path)).json
    assert (now["status"], now["refund_status"], now["amount_refunded"]) == ("captured", "partial", 50_000)
    for wrong in ({"amount": 100_001}, {"amount": 99}, {"amount": 500.0}, {"speed": "warp"}, {"reason": "x"}):
        assert (await call(client, "POST", f"{path}/refund", json=wrong)).status == 400
    rest = (await call(client, "POST", f"{path}/refund")).json
    assert rest["amount"] == 100_000
    now = (await call(client, "GET", path)).json
    assert (now["status"], now["refund_status"], now["captured"]) == ("refunded", "full", True)
    assert (await call(client, "GET", f"/orders/{order['id']}")).json["status"] == "paid"
    assert (await call(client, "POST", f"{path}/refund")).status == 400
    clock.at += 1
    listed = (await call(client, "GET", f"{path}/refunds")).json
    assert [each["status"] for each in listed["items"]] == ["processed"] * 2
    assert (await call(client, "GET", f"/refunds/{rest['id']}")).json["status"] == "processed"


async def test_a_failed_refund_moves_nothing_and_an_uncaptured_payment_has_nothing_to_give(
    start: Start,
) -> None:
    client = await start(target="http://127.0.0.1:9")
    order = await new_order(client)
    failed = client.simulators.razorpay.fail(order["id"])
    assert (await call(client, "POST", f"/payments/{failed['id']}/refund")).status == 400
    paid = client.simulators.razorpay.pay(order["id"])
    said = await client.call("POST", "/razorpay/_refunds", json={"payment_id": paid["id"], "fails": True})
    assert (said.status, said.json["status"]) == (201, "failed")
    assert (paid["amount_refunded"], paid["refund_status"]) == (0, None)


async def test_one_refund_key_is_one_refund(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    paid = client.simulators.razorpay.pay((await new_order(client))["id"])
    path = f"/payments/{paid['id']}/refund"
    headers = {REFUND_KEY: "onpaid-refund-1"}
    refused = await call(client, "POST", path, json={"amount": 200_000}, headers=headers)
    assert refused.status == 400
    first = await call(client, "POST", path, json={"amount": 1000}, headers=headers)
    again = await call(client, "POST", path, json={"amount": 1000}, headers=headers)
    assert first.json["id"] == again.json["id"]
    other = await call(client, "POST", path, json={"amount": 2000}, headers=headers)
    assert (other.status, other.json["error"]["description"][:17]) == (400, "Different request")
    assert (await call(client, "POST", path, json={}, headers={REFUND_KEY: "short"})).status == 400
    assert paid["amount_refunded"] == 1000


async def test_a_refund_that_still_runs_is_a_conflict(start: Start) -> None:
    client = await start(HandClock(), target="http://127.0.0.1:9")
    razorpay, clock = client.simulators.razorpay, client.simulators.clock
    assert isinstance(clock, HandClock)
    paid = razorpay.pay(razorpay.create_order(ORDER)["id"])
    client.simulators.plan.set("slow", api_rate=1)
    path, headers = f"/payments/{paid['id']}/refund", {REFUND_KEY: "onpaid-refund-1"}
    running = asyncio.create_task(call(client, "POST", path, json={"amount": 1000}, headers=headers))
    clock.asleep.clear()
    await clock.asleep.wait()
    assert (await call(client, "POST", path, json={"amount": 1000}, headers=headers)).status == 409
    clock.gate.set()
    assert (await running).status == 200


async def test_a_refund_that_was_never_executed_leaves_its_key_free(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    paid = client.simulators.razorpay.pay((await new_order(client))["id"])
    path, headers = f"/payments/{paid['id']}/refund", {REFUND_KEY: "onpaid-refund-1"}
    client.simulators.plan.set("429", api_rate=1)
    assert (await call(client, "POST", path, json={"amount": 1000}, headers=headers)).status == 429
    client.simulators.plan.set("none")
    assert (await call(client, "POST", path, json={"amount": 2000}, headers=headers)).status == 200
    assert paid["amount_refunded"] == 2000
    listed = (await call(client, "GET", "/refunds")).json
    assert [each["amount"] for each in listed["items"]] == [2000]
