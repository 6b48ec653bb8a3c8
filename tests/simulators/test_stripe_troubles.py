"""Refunds that bounce, disputes, and how tests and the demo bring all of it about over HTTP."""

from typing import Any

import pytest

from tests.simulators.kit import Start
from tests.simulators.sales_kit import Till, get, refused, till


async def paid(start: Start) -> tuple[Till, str]:
    """A till with one payment that is nobody's trouble yet, and its charge."""
    there = await till(start)
    session = there.sales.complete_session((await there.open())["id"])
    return there, there.client.simulators.stripe.intents[session["payment_intent"]]["latest_charge"]


async def steer(there: Till, path: str, **body: Any) -> Any:
    said = await there.client.call("POST", f"/stripe/{path}", json=body)
    assert said.status < 300, said.text
    return said.json


async def test_partial_refunds_are_one_each_and_one_may_bounce(start: Start) -> None:
    there, charge = await paid(start)
    first = await steer(there, "_refunds", charge=charge, amount=29_000)
    second = await steer(there, "_refunds", charge=charge, amount=100_000, status="pending")
    assert (first["status"], second["status"]) == ("succeeded", "pending")
    assert (await get(there.client, f"/charges/{charge}"))["refunded"] is True
    assert (
        there.events("refund") + there.events("charge.refunded")
        == ["refund.created"] * 2 + ["charge.refunded"] * 2
    )
    bounced = await steer(there, "_refunds/settle", refund=second["id"], ok=False)
    assert bounced["status"] == "failed"
    left = await get(there.client, f"/charges/{charge}")
    assert (left["amount_refunded"], left["refunded"]) == (29_000, False)
    assert there.events("refund")[2:] == ["refund.updated", "refund.failed"]
    assert there.last("refund.updated")["data"]["previous_attributes"] == {"status": "pending"}
    assert (await get(there.client, f"/refunds/{second['id']}"))["status"] == "failed"
    said = await there.client.call("POST", "/stripe/_refunds/settle", json={"refund": second["id"]})
    assert said.status == 400


async def test_refunds_by_the_api_keep_their_metadata_and_their_bounds(start: Start) -> None:
    there, charge = await paid(start)
    said = await there.client.stripe(
        "POST", "/refunds", data={"charge": charge, "amount": "1", "metadata[a]": "b"}
    )
    assert (said.json["amount"], said.json["metadata"]) == (1, {"a": "b"})
    assert (await refused(there.client, "/refunds", charge=charge, amount=129_000))[2] == "amount"
    assert len((await get(there.client, f"/refunds?charge={charge}"))["data"]) == 1
    assert (await refused(there.client, "/refunds/re_none", "GET"))[0] == 404


@pytest.mark.parametrize(("do", "kinds"), [("won", ["closed", "funds_reinstated"]), ("lost", ["closed"])])
async def test_a_dispute_is_opened_answered_and_decided(start: Start, do: str, kinds: list[str]) -> None:
    there, charge = await paid(start)
    made = await steer(there, "_disputes", charge=charge, amount=1_000)
    assert (made["status"], made["amount"], made["charge"]) == ("needs_response", 1_000, charge)
    assert (await get(there.client, f"/charges/{charge}"))["disputed"] is True
    await steer(there, "_disputes", dispute=made["id"], do="answer")
    assert (await steer(there, "_disputes", dispute=made["id"], do=do))["status"] == do
    told = [kind.removeprefix("charge.dispute.") for kind in there.events("charge.dispute")]
    assert told == ["created", "funds_withdrawn", "updated", *kinds]
    listed = await get(there.client, f"/disputes?payment_intent={made['payment_intent']}")
    assert [each["id"] for each in listed["data"]] == [made["id"]]
    assert (await get(there.client, f"/disputes/{made['id']}"))["status"] == do
    for body in (
        {"dispute": made["id"], "do": do},
        {"charge": charge},
        {"dispute": made["id"], "do": "shout"},
    ):
        assert (await there.client.call("POST", "/stripe/_disputes", json=body)).status == 400
    assert (await there.client.call("POST", "/stripe/_disputes", json={"charge": "ch_none"})).status == 404


async def test_sessions_are_played_over_http(start: Start) -> None:
    there = await till(start)
    first, second, third = [(await there.open())["id"] for _ in range(3)]
    assert (await steer(there, "_sessions", session=first, do="failed"))["status"] == "open"
    assert (await steer(there, "_sessions", session=first))["payment_status"] == "paid"
    assert (await steer(there, "_sessions", session=second, do="delayed"))["payment_status"] == "unpaid"
    assert (await steer(there, "_sessions", session=second, do="bounced"))["payment_status"] == "unpaid"
    assert (await steer(there, "_sessions", session=third, do="expired"))["status"] == "expired"
    wrong = [
        ({"session": first}, 400),
        ({"session": "cs_none"}, 404),
        ({"session": third, "do": "dance"}, 400),
        ({}, 404),
    ]
    for body, status in wrong:
        assert (await there.client.call("POST", "/stripe/_sessions", json=body)).status == status


async def test_subscriptions_are_played_over_http(start: Start) -> None:
    there = await till(start)
    ident = there.sales.complete_session((await there.open("subscription"))["id"])["subscription"]
    for do, status in (("renew", "active"), ("fail", "past_due"), ("recover", "active")):
        assert (await steer(there, "_subscriptions", subscription=ident, do=do))["status"] == status
    later = await steer(there, "_subscriptions", subscription=ident, do="cancel", at_period_end=True)
    assert (later["status"], later["cancel_at_period_end"]) == ("active", True)
    ended = await steer(there, "_subscriptions", subscription=ident, do="cancel", reason=None)
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", None)
    for body in (
        {"subscription": ident},
        {"subscription": ident, "do": "dance"},
        {"do": "begin", "customer": "x", "price": "y"},
    ):
        assert (await there.client.call("POST", "/stripe/_subscriptions", json=body)).status in (400, 404)
