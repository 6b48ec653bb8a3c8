"""Stripe's API and events, over HTTP and through Stripe's own library."""

import json
import time

import pytest
import stripe as sdk

from onpaid.simulators import Settings
from onpaid.simulators.stripe_form import BadParameter, decode
from tests.simulators.kit import GUEST, Receiver, Start, pay


async def test_a_wrong_key_a_strange_version_and_an_unknown_address_are_refused(start: Start) -> None:
    client = await start()
    wrong = await client.call(
        "GET", "/stripe/v1/customers", headers={"Authorization": "Bearer sk_test_other"}
    )
    assert (wrong.status, wrong.json["error"]["type"]) == (401, "invalid_request_error")
    assert (await client.stripe("GET", "/customers", headers={"Stripe-Version": "newest"})).status == 400
    echoed = await client.stripe("GET", "/customers", headers={"Stripe-Version": "2025-09-30.clover"})
    assert echoed.headers["Stripe-Version"] == "2025-09-30.clover"
    assert echoed.headers["Request-Id"].startswith("req_")
    assert (
        (await client.stripe("GET", "/unicorns"))
        .json["error"]["message"]
        .startswith("Unrecognized request URL")
    )


async def test_unknown_parameters_are_refused_without_a_schema_too(start: Start) -> None:
    client = await start()
    said = await client.stripe("POST", "/customers", data={"emial": "x@example.org"})
    assert (said.status, said.json["error"]["code"]) == (400, "parameter_unknown")
    assert (await client.stripe("GET", "/customers/cus_1?colour=red")).status == 400


def test_brackets_are_decoded() -> None:
    pairs = [("a[b]", "1"), ("a[c][d]", "2"), ("e[]", "3"), ("e[]", "4"), ("f[1][g]", "6"), ("f[0][g]", "5")]
    assert decode(pairs) == {"a": {"b": "1", "c": {"d": "2"}}, "e": ["3", "4"], "f": [{"g": "5"}, {"g": "6"}]}
    for bad in ([("a[", "1")], [("a", "1"), ("a[b]", "2")]):
        with pytest.raises(BadParameter):
            decode(bad)


async def test_customers_live_change_and_are_deleted(start: Start) -> None:
    client = await start()
    form = {"email": "a@example.org", "metadata[shop]": "1", "address[country]": "NO"}
    made = (await client.stripe("POST", "/customers", data=form)).json
    assert (made["email"], made["metadata"], made["address"]["country"]) == (
        "a@example.org",
        {"shop": "1"},
        "NO",
    )
    changed = await client.stripe(
        "POST", f"/customers/{made['id']}", data={"name": "Åse", "metadata[shop]": ""}
    )
    assert (changed.json["name"], changed.json["metadata"]) == ("Åse", {})
    assert (await client.stripe("DELETE", f"/customers/{made['id']}")).status == 200
    gone = await client.stripe("GET", f"/customers/{made['id']}")
    assert (gone.status, gone.json) == (200, {"id": made["id"], "object": "customer", "deleted": True})
    missing = await client.stripe("GET", "/customers/cus_none")
    assert (missing.status, missing.json["error"]["code"]) == (404, "resource_missing")


async def test_a_captured_payment_tells_twice_and_reads_back(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    made = await pay(client, customer={"email": "a@example.org", "name": "A"}, metadata={"shop": "konverzky"})
    await client.simulators.settled()
    assert sorted(e["type"] for e in receiver.events()) == ["charge.succeeded", "payment_intent.succeeded"]
    charge = (await client.stripe("GET", f"/charges/{made['charge']}")).json
    assert charge["metadata"] == {"shop": "konverzky", "order_number": "1001"}
    assert (charge["captured"], charge["amount_captured"], charge["currency"]) == (True, 49800, "nok")
    assert (charge["customer"], charge["balance_transaction"]) == (made["customer"], None)
    assert {"invoice", "refunds"}.isdisjoint(charge)
    intent = await client.stripe("GET", f"/payment_intents/{made['payment_intent']}?expand[]=latest_charge")
    assert (intent.json["status"], intent.json["latest_charge"]["id"]) == ("succeeded", made["charge"])
    told = {event["id"]: event for event in receiver.events()}
    assert all(
        event["api_version"] == "2026-10-28.endive" and not event["livemode"] for event in told.values()
    )
    kept = (await client.stripe("GET", "/events?limit=1")).json
    assert kept["has_more"]
    assert kept["data"][0]["pending_webhooks"] == 0


async def test_a_guest_has_no_customer_but_billing_details(start: Start) -> None:
    client = await start()
    made = await pay(client, guest=GUEST, send=False)
    charge = client.simulators.stripe.charges[made["charge"]]
    assert charge["customer"] is None
    assert (charge["billing_details"]["email"], charge["receipt_email"]) == (
        "kari@example.org",
        "kari@example.org",
    )


async def test_an_authorisation_is_captured_later_and_in_part(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    made = await pay(client, guest=GUEST, captured=False)
    await client.simulators.settled()
    first = {e["type"]: e["data"]["object"] for e in receiver.events()}
    assert set(first) == {"charge.succeeded", "payment_intent.amount_capturable_updated"}
    assert (first["charge.succeeded"]["paid"], first["charge.succeeded"]["captured"]) == (True, False)
    assert client.ledger()["verdict"]["paid"] == 0
    await client.call("POST", "/stripe/_captures", json={"charge": made["charge"], "amount": 40000})
    await client.simulators.settled()
    captured = next(e for e in receiver.events() if e["type"] == "charge.captured")["data"]["object"]
    assert (captured["captured"], captured["amount"], captured["amount_captured"]) == (True, 49800, 40000)
    assert client.ledger()["payments"][0]["amount"] == 40000


async def test_refunds_add_up_and_end_at_the_captured_amount(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    made = await pay(client, guest=GUEST)
    part = await client.stripe("POST", "/refunds", data={"charge": made["charge"], "amount": "9800"})
    assert (part.status, part.json["status"]) == (200, "succeeded")
    rest = await client.call("POST", "/stripe/_refunds", json={"charge": made["charge"]})
    assert (rest.status, rest.json["amount"]) == (201, 40000)
    assert (
        await client.stripe("POST", "/refunds", data={"charge": made["charge"], "amount": "1"})
    ).status == 400
    await client.simulators.settled()
    told = [e["data"]["object"] for e in receiver.events() if e["type"] == "charge.refunded"]
    assert sorted((c["amount_refunded"], c["refunded"]) for c in told) == [(9800, False), (49800, True)]


async def test_events_are_filtered_and_paged(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    for n in range(3):
        await pay(client, order_number=str(n), guest=GUEST)
    charges = (
        await client.stripe("GET", "/events?types[]=charge.succeeded&delivery_success=false&limit=2")
    ).json
    assert [e["type"] for e in charges["data"]] == ["charge.succeeded"] * 2
    assert charges["has_more"]
    last = charges["data"][-1]["id"]
    rest = (await client.stripe("GET", f"/events?type=charge.succeeded&starting_after={last}")).json
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    later = int(time.time()) + 100
    assert (await client.stripe("GET", f"/events?created[gte]={later}")).json["data"] == []
    assert (await client.stripe("GET", "/events?limit=101")).status == 400
    assert (await client.stripe("GET", "/events?starting_after=evt_none")).status == 400


async def test_stripes_own_library_works_with_it(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    made = await pay(client, customer={"email": "a@example.org"})
    own = sdk.StripeClient(
        Settings().stripe_key,
        base_addresses={"api": client.served.stripe_base},
        http_client=sdk.AIOHTTPClient(),
        max_network_retries=0,
    )
    customer = await own.v1.customers.retrieve_async(made["customer"])
    assert customer.email == "a@example.org"
    events = await own.v1.events.list_async(
        {"types": ["charge.succeeded"], "created": {"gte": 1}, "limit": 5}
    )
    assert [event.id for event in events.data] == [made["events"][0]]
    params: sdk.params.CustomerCreateParams = {"email": "b@example.org", "address": {"country": "SE"}}
    first = await own.v1.customers.create_async(params, {"idempotency_key": "k1"})
    again = await own.v1.customers.create_async(params, {"idempotency_key": "k1"})
    assert first.id == again.id
    with pytest.raises(sdk.InvalidRequestError, match="No such customer"):
        await own.v1.customers.retrieve_async("cus_none")
    await client.simulators.settled()
    body = receiver.got[0][2]
    signature = receiver.got[0][1]["stripe-signature"]
    assert own.construct_event(body, signature, "whsec_new").id == json.loads(body)["id"]
    await own._requestor._client.close_async()  # type: ignore[union-attr]


async def test_live_mode_is_a_setting(start: Start) -> None:
    client = await start(livemode=True)
    await pay(client, guest=GUEST, send=False)
    stripe = client.simulators.stripe
    assert all(charge["livemode"] for charge in stripe.charges.values())
