"""Razorpay's API: orders, payments, captures and lists, as strict and as odd as the real one."""

import aiohttp
import pytest

from tests.simulators.kit import HandClock, Start
from tests.simulators.razorpay_kit import KEY, NUMBER, ORDER, call, new_order


@pytest.mark.parametrize(
    "header",
    ["", KEY.replace("Basic", "basic"), "Bearer rzp_secret_simulated", "Basic !!", "Basic cnpwOng="],
)
async def test_a_wrong_key_is_a_bad_request_with_401(start: Start, header: str) -> None:
    client = await start()
    headers = {"Authorization": header}
    for path in ("/orders", "/nowhere"):
        said = await call(client, "GET", path, headers=headers)
        assert (said.status, said.json["error"]["code"]) == (401, "BAD_REQUEST_ERROR")
    assert (await call(client, "GET", "/nowhere")).status == 404


async def test_an_order_is_made_found_and_read_back(start: Start) -> None:
    client = await start()
    made = await new_order(client)
    assert made["id"].startswith("order_")
    assert len(made["id"]) == 20
    assert (made["status"], made["amount_due"], made["attempts"]) == ("created", 150_000, 0)
    assert made["notes"] == {"onpaid_order": NUMBER}
    assert (await call(client, "GET", f"/orders/{made['id']}")).json == made
    bare = await new_order(client, notes={}, receipt=None)
    assert bare["notes"] == []
    found = (await call(client, "GET", f"/orders?receipt={NUMBER}")).json
    assert (found["entity"], found["count"], found["items"]) == ("collection", 1, [made])
    changed = await call(client, "PATCH", f"/orders/{made['id']}", json={"notes": {"a": "b"}})
    assert changed.json["notes"] == {"a": "b"}


async def test_two_orders_with_one_receipt_are_two(start: Start) -> None:
    client = await start()
    first, second = await new_order(client), await new_order(client)
    assert first["id"] != second["id"]
    assert (await call(client, "GET", f"/orders?receipt={NUMBER}")).json["count"] == 2
    assert [row["receipt"] for row in client.simulators.razorpay.rows()["orders"]] == [NUMBER] * 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 1500.0}, "amount"),
        ({"amount": "150000"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": 99}, "amount"),
        ({"amount": 1234, "currency": "KWD"}, "amount"),
        ({"currency": "inr"}, "currency"),
        ({"currency": None}, "currency"),
        ({"receipt": "x" * 41}, "receipt"),
        ({"receipt": 7}, "receipt"),
        ({"notes": "text"}, "notes"),
        ({"notes": {"items": "x" * 257}}, "notes"),
        ({"notes": {str(n): "x" for n in range(16)}}, "notes"),
        ({"notes": {"a": ["b"]}}, "notes"),
        ({"partial_payment": "no"}, "partial_payment"),
        ({"payment_mode": "upi"}, "payment_mode"),
    ],
)
async def test_an_order_that_is_not_in_order_is_refused(
    start: Start, change: dict[str, object], field: str
) -> None:
    client = await start()
    said = await call(client, "POST", "/orders", json={**ORDER, **change})
    assert said.status == 400
    assert (said.json["error"]["code"], said.json["error"]["field"]) == ("BAD_REQUEST_ERROR", field)
    assert client.simulators.razorpay.orders == {}


async def test_bodies_and_ids_that_are_none_are_refused(start: Start) -> None:
    client = await start()
    for body in (b"{", b"[]"):
        assert (await call(client, "POST", "/orders", data=body)).status == 400
    for ident in ("order_AAAAAAAAAAAAAA", "order_1"):
        assert (await call(client, "GET", f"/orders/{ident}")).status == 400
    for path in (
        "/payments?count=101",
        "/payments?from=yesterday",
        "/payments?from=9&to=8",
        "/orders?colour=red",
    ):
        assert (await call(client, "GET", path)).status == 400


async def test_a_paid_order_and_its_payment_read_back(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    order = await new_order(client)
    paid = client.simulators.razorpay.pay(order["id"], method="card", contact="+919000000001")
    read = (await call(client, "GET", f"/payments/{paid['id']}")).json
    assert (read["status"], read["captured"], read["amount"]) == ("captured", True, 150_000)
    assert (read["order_id"], read["contact"], read["card"]["last4"]) == (
        order["id"],
        "+919000000001",
        "1007",
    )
    assert read["fee"] == 3540
    assert read["tax"] == 540
    now = (await call(client, "GET", f"/orders/{order['id']}")).json
    assert (now["status"], now["amount_paid"], now["amount_due"], now["attempts"]) == ("paid", 150_000, 0, 1)
    tried = (await call(client, "GET", f"/orders/{order['id']}/payments")).json
    assert [each["id"] for each in tried["items"]] == [paid["id"]]
    expanded = (await call(client, "GET", "/orders?expand[]=payments")).json["items"][0]["payments"]
    assert expanded["items"] == tried["items"]


async def test_a_failed_payment_comes_in_late_and_a_cancelled_one_does_not_end_the_order(
    start: Start,
) -> None:
    client = await start(target="http://127.0.0.1:9")
    razorpay = client.simulators.razorpay
    order = await new_order(client)
    cancelled = razorpay.fail(order["id"], reason="payment_cancelled")
    assert (cancelled["status"], cancelled["error_reason"]) == ("failed", "payment_cancelled")
    assert razorpay.orders[order["id"]]["status"] == "attempted"
    late = (await client.call("POST", "/razorpay/_payments", json={"payment_id": cancelled["id"]})).json
    assert (late["status"], late["captured"], late["error_reason"]) == ("captured", True, None)
    assert razorpay.orders[order["id"]]["status"] == "paid"
    again = await client.call("POST", "/razorpay/_payments", json={"payment_id": cancelled["id"]})
    assert again.status == 400


async def test_an_authorised_payment_is_captured_once_and_wholly(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    order = await new_order(client)
    held = client.simulators.razorpay.pay(order["id"], capture=False)
    other = client.simulators.razorpay.pay(order["id"], capture=False)
    assert (held["status"], held["captured"], held["fee"]) == ("authorized", False, None)
    assert (await call(client, "GET", "/orders?authorized=1")).json["count"] == 1
    capture = f"/payments/{held['id']}/capture"
    for wrong in (
        {"amount": 1, "currency": "INR"},
        {"amount": 150_000, "currency": "USD"},
        {"amount": 150_000},
    ):
        assert (await call(client, "POST", capture, json=wrong)).status == 400
    right = {"amount": 150_000, "currency": "INR"}
    assert (await call(client, "POST", capture, json=right)).json["captured"] is True
    for path in (capture, f"/payments/{other['id']}/capture"):
        said = await call(client, "POST", path, json=right)
        assert said.status == 400
        assert "order is already paid" in said.json["error"]["description"]
    missing = await call(client, "POST", "/payments/pay_AAAAAAAAAAAAAA/capture", json=right)
    assert missing.json["error"]["description"] == "The id provided does not exist"


async def test_only_what_is_authorised_can_be_captured(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    razorpay, right = client.simulators.razorpay, {"amount": 5000, "currency": "INR"}
    for payment in (razorpay.pay(None, amount=5000), razorpay.fail(None, amount=5000)):
        assert (await call(client, "POST", f"/payments/{payment['id']}/capture", json=right)).status == 400
    unknown = {"amount": 5000, "fails": "a whim"}
    assert (await client.call("POST", "/razorpay/_payments", json=unknown)).status == 400


async def test_a_payment_without_an_order_has_none(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    said = await client.call("POST", "/razorpay/_payments", json={"amount": 5000, "method": "wallet"})
    assert (said.status, said.json["order_id"], said.json["captured"]) == (201, None, True)
    for wrong in ({"amount": "5000"}, {"amount": 5000, "method": "barter"}, {"colour": "red"}, {}):
        assert (await client.call("POST", "/razorpay/_payments", json=wrong)).status == 400
    assert (await client.call("POST", "/razorpay/_payments", json={"order_id": "order_none"})).status == 404


async def test_an_order_in_parts_is_paid_by_several(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    razorpay = client.simulators.razorpay
    whole, parts = await new_order(client), await new_order(client, partial_payment=True)
    with pytest.raises(ValueError, match="different"):
        razorpay.pay(whole["id"], amount=50_000)
    razorpay.pay(parts["id"], amount=50_000)
    assert razorpay.orders[parts["id"]]["status"] == "attempted"
    razorpay.pay(parts["id"])
    assert razorpay.orders[parts["id"]]["status"] == "paid"


async def test_lists_are_paged_by_creation(start: Start) -> None:
    clock = HandClock()
    client = await start(clock, target="http://127.0.0.1:9")
    razorpay = client.simulators.razorpay
    for n in range(12):
        clock.at += n % 3 == 0
        razorpay.pay(razorpay.create_order({**ORDER, "receipt": str(n)})["id"])
    first = (await call(client, "GET", "/payments")).json
    rest = (await call(client, "GET", "/payments?skip=10&count=100")).json
    assert (first["count"], rest["count"]) == (10, 2)
    seen = [*first["items"], *rest["items"]]
    assert {each["id"] for each in seen} == set(razorpay.payments)
    assert [each["created_at"] for each in seen] == sorted((e["created_at"] for e in seen), reverse=True)
    newest = int(clock.at)
    window = (await call(client, "GET", f"/payments?from={newest}&to={newest}&count=100")).json
    assert window["count"] == 3


async def test_lost_and_refused_calls_leave_what_they_say(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    plan, razorpay = client.simulators.plan, client.simulators.razorpay
    plan.set("429", api_rate=1)
    said = await call(client, "POST", "/orders", json=ORDER)
    assert (said.status, razorpay.orders) == (429, {})
    assert "Retry-After" not in said.headers
    plan.set("503", seed=2, api_rate=1)
    said_all = [await call(client, "POST", "/orders", json={**ORDER, "receipt": str(n)}) for n in range(20)]
    assert {each.status for each in said_all} == {503}
    codes = {each.json["error"]["code"] if each.text else None for each in said_all}
    assert codes == {"SERVER_ERROR", None}
    await client.simulators.landing.finished()
    assert 0 < len(razorpay.orders) < 20


async def test_a_service_that_is_down_answers_nobody(start: Start) -> None:
    client = await start()
    assert (await client.call("PUT", "/razorpay/_state", json={"down": True})).status == 200
    with pytest.raises(aiohttp.ClientError):
        await call(client, "GET", "/orders")
    await client.call("PUT", "/razorpay/_state", json={"down": False})
    assert (await call(client, "GET", "/orders")).status == 200


async def test_the_same_seed_brings_the_same_ids(start: Start) -> None:
    seen = []
    for _run in range(2):
        razorpay = (await start(seed=5, target="http://127.0.0.1:9")).simulators.razorpay
        razorpay.pay(razorpay.create_order(ORDER)["id"])
        seen.append([*razorpay.orders, *razorpay.payments, *razorpay.teller.events])
    assert seen[0] == seen[1]
