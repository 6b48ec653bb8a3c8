"""Stripe's API through the SDK: against the simulator for what is right, against scripted answers for what is not."""

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from msgspec.structs import replace

from onpaid.acts import act_of
from onpaid.domain.events import Envelope
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.stripe import API_VERSION, MOST_TYPES, Settings, Stripe
from onpaid.simulators import Served
from onpaid.simulators.stripe import Pay
from tests.providers.conftest import within
from tests.providers.samples import CHARGE, CUSTOMER, INTENT, NOW, event
from tests.providers.scripted import Reply, closed_port, reply, scripted

KEY = "sk_test_simulated"
PAID = PaymentSucceeded(
    account="stripe/default/test",
    payment_id=CHARGE["payment_intent"],
    order="konverzky/10042",
    amount=Money(49_800, "NOK"),
    paid_at=NOW,
    live=False,
    charge_id=CHARGE["id"],
)
ERROR = {
    "error": {
        "type": "invalid_request_error",
        "message": "No such charge: 'ch_x'",
        "code": "resource_missing",
    }
}


def at(base: str, **changes: Any) -> Stripe:
    return Stripe(Settings(**{"api_key": KEY, "api_base": base, "webhook_secrets": ("whsec_x",), **changes}))


def judged(stripe: Stripe, body: bytes) -> PaymentSucceeded:
    envelope = stripe.read(body, NOW)
    (fact,) = stripe.judge(envelope, body, NOW).facts
    assert isinstance(fact, PaymentSucceeded)
    return fact


async def test_a_payment_is_read_as_it_is_now(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    stripe = at(served.stripe_base)
    person = {
        "name": "Ola Nordmann",
        "email": "ola@example.org",
        "address": {"country": "no", "city": "Oslo"},
    }
    customer = served.simulators.stripe.add_customer(person)["id"]
    paid = served.simulators.stripe.pay(Pay(49_800, "NOK", "10042", customer=customer, announce=False))
    fact = replace(PAID, payment_id=paid.intent["id"], charge_id=paid.charge["id"])
    expected = PaymentDetails(
        payment_id=paid.intent["id"],
        charge_id=paid.charge["id"],
        amount=Money(49_800, "NOK"),
        refunded=Money(0, "NOK"),
        disputed=False,
        captured=True,
        live=False,
        customer_id=customer,
        billing=Customer(
            name="Ola Nordmann", email="ola@example.org", address=Address(city="Oslo", country="NO")
        ),
    )
    assert await stripe.fetch_payment(fact) == expected
    assert await stripe.fetch_payment(replace(fact, charge_id=None)) == expected
    assert await stripe.fetch_payment(replace(fact, charge_id=None, payment_id=paid.charge["id"])) == expected
    served.simulators.stripe.refund(paid.charge["id"], 10_000)
    assert (await stripe.fetch_payment(fact)).refunded == Money(10_000, "NOK")
    await stripe.close()


async def test_a_partly_captured_payment(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    stripe = at(served.stripe_base)
    paid = served.simulators.stripe.pay(Pay(49_800, "NOK", "10042", captured=False, announce=False))
    fact = replace(PAID, payment_id=paid.intent["id"], charge_id=paid.charge["id"])
    before = await stripe.fetch_payment(fact)
    assert (before.captured, before.amount) == (False, Money(0, "NOK"))
    served.simulators.stripe.capture(paid.charge["id"], 30_000)
    after = await stripe.fetch_payment(fact)
    assert (after.captured, after.amount) == (True, Money(30_000, "NOK"))
    await stripe.close()


async def test_customers(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    stripe = at(served.stripe_base)
    made = served.simulators.stripe.add_customer(
        {
            "name": " Ola Nordmann ",
            "email": "ola@example.org",
            "phone": "",
            "address": {"line1": "Storgata 1", "postal_code": "0155", "city": "Oslo", "country": "NO"},
        }
    )
    assert await stripe.fetch_customer(made["id"]) == Customer(
        id=made["id"],
        name="Ola Nordmann",
        email="ola@example.org",
        address=CUSTOMER.address,
    )
    nobody = served.simulators.stripe.add_customer({})
    assert await stripe.fetch_customer(nobody["id"]) == Customer(id=nobody["id"])
    with pytest.raises(Refused, match="No such customer") as caught:
        await stripe.fetch_customer("cus_unknown")
    assert type(caught.value) is Refused
    await stripe.close()


async def test_a_deleted_customer_is_none() -> None:
    deleted = {"id": "cus_x", "object": "customer", "deleted": True}
    async with scripted(reply(200, deleted)) as server:
        stripe = at(server.base)
        assert await stripe.fetch_customer("cus_x") is None
        await stripe.close()


async def test_a_company_of_todays_shape() -> None:
    told = {"id": "cus_x", "object": "customer", "name": "Kari", "business_name": "Kari AS", "address": None}
    async with scripted(reply(200, told)) as server:
        stripe = at(server.base)
        assert await stripe.fetch_customer("cus_x") == Customer(id="cus_x", name="Kari", company="Kari AS")
        await stripe.close()


async def test_events_are_listed_and_mean_the_same(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    stripe = at(served.stripe_base)
    for number in range(3):
        served.simulators.stripe.pay(Pay(49_800, "NOK", str(number), chatter=True))
    bodies, more = await stripe.events_since(0)
    assert more is None
    envelopes = [stripe.read(body, NOW) for body in bodies]
    assert all(isinstance(envelope, Envelope) for envelope in envelopes)
    assert (
        sorted(envelope.type for envelope in envelopes)
        == ["charge.succeeded"] * 3 + ["payment_intent.succeeded"] * 3
    )
    assert {judged(stripe, body).order for body in bodies} == {"konverzky/0", "konverzky/1", "konverzky/2"}
    later, _ = await stripe.events_since((envelopes[0].created_at or 0) + 10**9)
    assert later == []
    await stripe.close()


async def test_events_come_by_the_page() -> None:
    first = {
        "object": "list",
        "data": [msgspec.json.decode(event(id="evt_1"))],
        "has_more": True,
        "url": "/v1/events",
    }
    last = {**first, "data": [msgspec.json.decode(event(id="evt_0"))], "has_more": False}
    async with scripted(reply(200, first), reply(200, last)) as server:
        stripe = at(server.base)
        bodies, more = await stripe.events_since(1_000_500, types=("charge.succeeded",))
        assert more == "evt_1"
        assert judged(stripe, bodies[0]) == judged(stripe, event(id="evt_1"))
        assert (await stripe.events_since(1_000_500, after=more))[1] is None
        asked = [dict(parse_qsl(request.target.partition("?")[2])) for request in server.requests]
        assert asked[0] == {"created[gte]": "1000", "types[0]": "charge.succeeded", "limit": "100"}
        assert asked[1]["starting_after"] == "evt_1"
        await stripe.close()


async def test_more_types_than_one_list_takes_are_listed_in_batches() -> None:
    def page(number: int, *, more: bool) -> Reply:
        told = msgspec.json.decode(event(id=f"evt_{number}"))
        return reply(200, {"object": "list", "data": [told], "has_more": more, "url": "/v1/events"})

    pages = [page(3, more=True), page(2, more=False), page(1, more=True), page(0, more=False)]
    async with scripted(pages) as server:
        stripe = at(server.base, billing=True)
        after, places = None, []
        for _ in pages:
            bodies, after = await stripe.events_since(0, after=after, undelivered=True)
            assert len(bodies) == 1
            places.append(after)
        assert places == ["evt_3", "1:", "1:evt_1", None]
        asked = [dict(parse_qsl(request.target.partition("?")[2])) for request in server.requests]
        types = [{value for name, value in each.items() if name.startswith("types")} for each in asked]
        assert types[0] == types[1]
        assert types[2] == types[3]
        assert sorted(types[0] | types[2]) == sorted(stripe.types)
        assert not types[0] & types[2]
        assert max(map(len, types)) <= MOST_TYPES
        assert [each.get("starting_after") for each in asked] == [None, "evt_3", None, "evt_1"]
        assert {each["delivery_success"] for each in asked} == {"false"}
        await stripe.close()


@pytest.mark.parametrize("after", ["2:evt_1", "x:evt_1", "-1:", "1:evt/..", "\u00b2:evt_1", ":::"])
async def test_places_that_are_none_are_not_asked_for(after: str) -> None:
    async with scripted() as server:
        stripe = at(server.base, billing=True)
        with pytest.raises(Refused):
            await stripe.events_since(0, after=after)
        assert server.requests == []
        await stripe.close()


async def test_what_a_request_looks_like() -> None:
    async with scripted(reply(200, CHARGE)) as server:
        stripe = at(f"{server.base}/proxy")
        await stripe.fetch_payment(PAID)
        (request,) = server.requests
        assert (request.method, request.target) == ("GET", f"/proxy/v1/charges/{CHARGE['id']}")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["stripe-version"] == API_VERSION
        assert not any("telemetry" in name or "client-user-agent" in name for name in request.headers)
        await stripe.close()


OUTCOMES: list[tuple[Reply, type[ProviderError]]] = [
    (reply(400, ERROR), Refused),
    (reply(401, {"error": {"message": f"Invalid API Key provided: {KEY}"}}), Unauthorised),
    (reply(402, ERROR), Refused),
    (reply(403, ERROR), Unauthorised),
    (reply(404, ERROR), Refused),
    (reply(409, {"error": {"code": "idempotency_key_in_use"}}), Doubtful),
    (reply(429, {"error": {"code": "rate_limit"}}, retry_after="2"), Unavailable),
    (reply(429, {"error": {"code": "lock_timeout"}}), Doubtful),
    (reply(429, b"busy"), Unavailable),
    (reply(500, {"error": {"type": "api_error"}}, stripe_should_retry="true"), Doubtful),
    (reply(503, b"<html>"), Doubtful),
    (reply(302, b"", location="https://evil.example/"), Doubtful),
    (reply(307, b"", location="https://evil.example/"), Unauthorised),
    (Reply(then="close"), Doubtful),
    (Reply(then="reset"), Doubtful),
    (reply(200, b'{"id": "ch_', "close", content_length="900"), Doubtful),
    (reply(200, b'{"id": "ch_'), Doubtful),
    (reply(200, b"<html>", content_type="text/html"), Doubtful),
    (reply(200, []), Doubtful),
    (reply(200, "ok"), Doubtful),
    (reply(200, None), Doubtful),
    (reply(200, {}), Doubtful),
    (reply(200, {**CHARGE, "amount_captured": "498"}), Doubtful),
    (reply(200, {**CHARGE, "amount_captured": None}), Doubtful),
    (reply(200, {**CHARGE, "billing_details": []}), Doubtful),
    (reply(200, {**CHARGE, "currency": "zzz"}), Refused),
    (reply(200, {"object": "list", "data": 7}), Doubtful),
]


@pytest.mark.parametrize(("answer", "expected"), OUTCOMES, ids=range(len(OUTCOMES)))
async def test_each_ending_means_one_thing(answer: Reply, expected: type[ProviderError]) -> None:
    async with scripted(answer, reply(200, CHARGE)) as server:
        stripe = at(server.base)
        with pytest.raises(expected) as caught:
            await stripe.fetch_payment(PAID)
        assert type(caught.value) is expected
        assert len(server.requests) == 1, "the SDK tried again"
        for word in (KEY, "ola@example.org", "Ola"):
            assert word not in str(caught.value)
        await stripe.close()


async def test_waiting_as_told() -> None:
    async with scripted(reply(429, {}, retry_after="2")) as server:
        stripe = at(server.base)
        with pytest.raises(Unavailable) as caught:
            await stripe.fetch_customer("cus_x")
        assert caught.value.retry_after == 2
        await stripe.close()


async def test_no_answer_in_time_and_no_connection() -> None:
    async with scripted() as server:
        stripe = at(server.base)
        with within(0.2), pytest.raises(Doubtful, match="no answer in time"):
            await stripe.fetch_customer("cus_x")
        with within(send_by=0.0), pytest.raises(Unavailable, match="run out"):
            await stripe.fetch_customer("cus_x")
        assert len(server.requests) == 1
        await stripe.close()
    stripe = at(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(Unavailable, match="not sent"):
        await stripe.fetch_customer("cus_x")
    await stripe.close()


async def test_a_payment_without_a_charge() -> None:
    async with scripted(reply(200, {**INTENT, "latest_charge": None})) as server:
        stripe = at(server.base)
        with pytest.raises(Refused, match="no charge"):
            await stripe.fetch_payment(replace(PAID, charge_id=None))
        await stripe.close()


@pytest.mark.parametrize("ident", ["", "..", "cus/../x", "cus_x?expand=y", "cus x", "c" * 256, "cus_ø"])
async def test_ids_that_are_none_are_not_asked_for(ident: str) -> None:
    async with scripted() as server:
        stripe = at(server.base)
        with pytest.raises(Refused, match="no id"):
            await stripe.fetch_customer(ident)
        assert server.requests == []
        await stripe.close()


async def test_without_a_key_nothing_can_be_read() -> None:
    stripe = at("https://api.stripe.com", api_key="")
    with pytest.raises(Unauthorised, match="no API key"):
        await stripe.fetch_customer("cus_x")
    assert "no API key" in (await stripe.doctor())[0]


async def test_nothing_of_a_customer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK logs whole answers at debug level, if it is let."""
    with caplog.at_level(logging.DEBUG):
        async with scripted(reply(200, CHARGE)) as server:
            stripe = at(server.base)
            await stripe.fetch_payment(PAID)
            await stripe.close()
    assert "ola@example.org" not in caplog.text
    assert KEY not in caplog.text


async def test_the_doctor(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()

    async def sentences(**changes: Any) -> list[str]:
        stripe = at(served.stripe_base, **changes)
        told = await stripe.doctor()
        await stripe.close()
        return told

    assert await sentences() == []
    assert "no webhook secret" in (await sentences(webhook_secrets=("",)))[0]
    assert "key is not accepted" in (await sentences(api_key="sk_test_wrong"))[0]
    elsewhere = await simulate(livemode=True)
    stripe = at(elsewhere.stripe_base)
    assert "live mode" in (await stripe.doctor())[0]
    await stripe.close()


def test_what_the_acts_declare() -> None:
    for method in (Stripe.fetch_payment, Stripe.fetch_customer, Stripe.events_since):
        assert (act_of(method).repeatable, act_of(method).lane) == (True, "stripe")
    assert [lane.name for lane in Stripe.lanes] == ["stripe"]


def test_amounts_are_never_floats() -> None:
    """A price of the SDK's own Decimals is written out as Stripe wrote it."""
    assert (
        msgspec.json.encode({"unit_amount_decimal": Decimal("19.990")}) == b'{"unit_amount_decimal":"19.990"}'
    )
