"""The function behind API Gateway: whichever way a request comes, it is the same webhook, page or call."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from onpaid.cli.assembling import web_settings
from onpaid.errors import StoreUnavailable
from onpaid.web.access import make_login_link
from tests.app.post import charge, signed, stripe_event
from tests.runtime_aws.cloud import ADMIN, Cloud
from tests.runtime_aws.events import Event, function_url, http_api, rest_api


def webhook(cloud: Cloud, event: str = "evt_1") -> tuple[bytes, dict[str, str]]:
    """A charge that succeeded, and what signs it."""
    cloud.exists("pi_1", 19_900, "1001")
    body = stripe_event("charge.succeeded", charge("pi_1", 19_900, "1001"), event)
    return body, signed("stripe", body, cloud.now())


def told(said: dict[str, Any]) -> Any:
    """The JSON of an answer."""
    body = base64.b64decode(said["body"]) if said["isBase64Encoded"] else said["body"]
    return json.loads(body)


WAYS = {
    "HTTP API": lambda body, headers: http_api("/webhooks/stripe", body, headers),
    "HTTP API, base64": lambda body, headers: http_api("/webhooks/stripe", body, headers, encoded=True),
    "HTTP API, a stage": lambda body, headers: http_api("/webhooks/stripe", body, headers, stage="prod"),
    "HTTP API, the requirement's path": lambda body, headers: http_api("/stripe/webhook", body, headers),
    "Function URL": lambda body, headers: function_url("/webhooks/stripe", body, headers),
    "REST API": lambda body, headers: rest_api("/webhooks/stripe", body, headers),
    "REST API, base64": lambda body, headers: rest_api("/webhooks/stripe", body, headers, encoded=True),
    "REST API, odd letters": lambda body, headers: rest_api(
        "/webhooks/stripe", body, {name.title(): value for name, value in headers.items()}
    ),
    "by hand": lambda body, headers: {"body": body.decode(), "headers": headers},
    "by hand, with a path": lambda body, headers: {
        "body": body.decode(),
        "headers": headers,
        "path": "/webhooks/stripe",
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_web_signed(way: str) -> None:
    """A signed webhook is kept, and its run rung for, byte for byte as it was sent."""
    cloud = Cloud()
    said = cloud.function().web(WAYS[way](*webhook(cloud)))
    assert said["statusCode"] == 200
    assert told(said)["verdict"] == "routed"
    assert list(cloud.runs()) == [cloud.line.runs[0]]


@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_is_not_what_was_signed_is_refused(way: str) -> None:
    cloud = Cloud()
    body, headers = webhook(cloud)
    said = cloud.function().web(WAYS[way](body.replace(b"19900", b"19901"), headers))
    assert said["statusCode"] == 401
    assert not [run for run in cloud.runs() if run.startswith("invoice_payment")]
    (ticket,) = cloud.tickets()
    assert ticket.facts["requests"] == "1"


def test_the_same_webhook_twice_is_one_event_and_one_run() -> None:
    cloud = Cloud()
    event = cloud.paid()
    verdicts = [told(cloud.function().web(event))["verdict"] for _ in range(3)]
    assert verdicts == ["routed", "duplicate", "duplicate"]
    assert len(cloud.runs()) == len(cloud.line.runs) == 1


def test_forged_webhooks_of_many_sandboxes_are_one_ticket_that_counts_them_all() -> None:
    cloud = Cloud()
    body, _ = webhook(cloud)
    functions = [cloud.function() for _ in range(3)]
    for _ in range(4):
        for function in functions:
            assert (
                function.web(http_api("/webhooks/stripe", body, {"stripe-signature": "t=1,v1=00"}))[
                    "statusCode"
                ]
                == 401
            )
    (ticket,) = cloud.tickets()
    assert ticket.facts["requests"] == "12"


def test_a_webhook_that_cannot_be_kept_is_503_and_one_that_cannot_be_rung_for_is_200() -> None:
    cloud = Cloud()
    function = cloud.function()
    cloud.line.broken = True
    assert function.web(cloud.paid())["statusCode"] == 200
    assert cloud.line.runs == []
    cloud.line.broken = False
    assert cloud.function().tick()["rung"] == 1, "the tick finds it"

    async def fails(*_: object) -> None:
        raise StoreUnavailable("throttled")

    cloud.store.commit = fails  # type: ignore[method-assign]
    said = function.web(cloud.paid("1002", "pi_2", "evt_2"))
    assert said["statusCode"] == 503
    assert said["headers"]["retry-after"]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({}, 400),
        ({"dryRun": True}, 400),
        ({"body": {"a": 1}, "path": "/nowhere"}, 404),
        ({"body": "%%%", "isBase64Encoded": True}, 400),
        ({"body": "{}", "headers": {"stripe-signature": "t=1,v1=00"}}, 401),
        (http_api("/nowhere", method="GET"), 404),
        (http_api("/webhooks/stripe", method="GET"), 405),
        (http_api("/webhooks/stripe", b"x" * ((1 << 20) + 1)), 413),
        (http_api("/webhooks/stripe", b"{}", {"content-type": "text/plain"}), 415),
        (http_api("/webhooks/stripe", b"{}", {"content-length": "2, 3"}), 400),
        (http_api("/healthz", method="GET"), 200),
        (rest_api("/healthz", method="GET"), 200),
        (http_api("/readyz", method="GET"), 200),
    ],
)
def test_odd_and_plain_requests(event: Event, status: int) -> None:
    assert Cloud().function().web(event)["statusCode"] == status


def test_an_event_that_is_only_a_body_goes_where_the_environment_says() -> None:
    cloud = Cloud(ONPAID_BARE_PATH="/webhooks/konverzky")
    ordered = cloud.ordered()
    said = cloud.function().web({"body": ordered["body"], "headers": ordered["headers"]})
    assert (said["statusCode"], told(said)["verdict"]) == (200, "routed")


def test_a_cart_that_is_only_a_body_is_a_cart_where_orders_are_delivered() -> None:
    delivers = {
        "RAZORPAY_KEY_ID": "rzp_test_1",
        "RAZORPAY_KEY_SECRET": "a-key-secret-of-razorpay",
        "RAZORPAY_WEBHOOK_SECRET": "a-webhook-secret-of-razorpay",
    }
    cart = (
        '{"amount":1500,"notes":{"customerId":"cst_1","items":"[{\\"id\\":\\"prod_1\\",\\"quantity\\":1}]"}}'
    )
    said = Cloud(**delivers).function().web({"body": cart})
    assert said["statusCode"] == 400
    assert "prod_1" in told(said)["detail"] or "name" in told(said)["detail"], "the checkout judged it"


def test_a_test_is_answered_as_the_doctor_would_without_secrets() -> None:
    cloud = Cloud(FIKEN_API_TOKEN="ssm:/fiken", ONPAID_PUBLIC_URL="")
    cloud.secrets["/fiken"] = "the-token-itself"
    said = cloud.function().web({"test": True})
    says = " ".join(finding["says"] for finding in said["findings"])
    assert said["ok"] is False
    assert "INVOICE_VAT_RULES is not set" in says
    assert "ONPAID_PUBLIC_URL is not set" in says
    assert "The work queue can be asked" in says
    assert "Ledger was not asked" in says
    assert "ONPAID_SESSION_SECRET" not in says
    assert "the-token-itself" not in json.dumps(said)
    assert ADMIN not in json.dumps(said)


def test_a_test_says_why_there_is_no_service() -> None:
    cloud = Cloud(FIKEN_API_TOKEN="ssm:/fiken")
    said = cloud.function().web({"test": True})
    assert said["ok"] is False
    assert "FIKEN_API_TOKEN: ssm:/fiken cannot be read" in said["findings"][0]["says"]
    assert cloud.function().web(http_api("/healthz", method="GET"))["statusCode"] == 503


def test_nobody_is_tested_over_http() -> None:
    said = Cloud().function().web({**http_api("/", method="GET"), "test": True})
    assert said["statusCode"] in (303, 404)


def test_who_logs_in_at_one_sandbox_is_known_at_another_until_they_log_out() -> None:
    cloud = Cloud()
    form = cloud.function().web(http_api("/login", method="GET"))
    before = form["cookies"][0].partition(";")[0]
    csrf = form["body"].partition('name="csrf" value="')[2].partition('"')[0]
    asked = urlencode({"token": ADMIN, "csrf": csrf}).encode()
    plain = {"content-type": "application/x-www-form-urlencoded"}
    entered = cloud.function().web(http_api("/login", asked, plain, cookies=[before], encoded=True))
    assert entered["statusCode"] == 303
    cookie = entered["cookies"][0].partition(";")[0]
    looking = http_api("/console", method="GET", cookies=["other=1", cookie])
    page = cloud.function().web(looking)
    assert (page["statusCode"], page["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    csrf = page["body"].partition('name="csrf" value="')[2].partition('"')[0]
    leaving = http_api("/logout", urlencode({"csrf": csrf}).encode(), plain, cookies=[cookie], encoded=True)
    other = cloud.function()
    assert other.web(looking)["statusCode"] == 200
    assert cloud.function().web(leaving)["statusCode"] == 303
    assert other.web(looking)["statusCode"] == 303, (
        "a sandbox that saw nothing of it sends to the login as well"
    )


def test_a_login_link_works_once_whichever_sandbox_sees_it() -> None:
    cloud = Cloud()
    function = cloud.function()
    function.web(http_api("/healthz", method="GET"))
    house = cloud.houses[0]
    settings = replace(web_settings(house.settings), session_secret=house.session_secret)
    link = urlsplit(make_login_link(settings, "operator", cloud.now()))
    asked = http_api("/login", method="GET", query=link.query)
    assert cloud.function().web(asked)["statusCode"] == 303
    assert cloud.function().web(asked)["statusCode"] == 401
    assert function.web(asked)["statusCode"] == 401


def test_the_request_has_the_id_of_its_invocation() -> None:
    said = Cloud().function().web(http_api("/healthz", method="GET"))
    assert said["headers"]["x-request-id"] == "8f507cfc-xmpl-4697-b07a-000000000001"
