"""Sessions over HTTP: only a user's own token opens them, and what is told of a refusal helps nobody who attacks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import jsonschema
import pytest
from starlette.applications import Starlette

from onpaid.app.sales import Sales
from onpaid.app.tokens import TokenRules, Tokens
from onpaid.engine.testing import START
from onpaid.web.access import Access
from onpaid.web.app import doors_of, tell_problem
from onpaid.web.framing import Budget
from onpaid.web.openapi import document
from onpaid.web.pages import Pages
from onpaid.web.sessions import DOORS
from onpaid.web.settings import WebSettings
from onpaid.web.table import Parts, route_of
from tests.app.forged_tokens import AUDIENCE, ISSUER, SECRET, by_hand, hs
from tests.flows.kiosk import SHOP, Kiosk, at_kiosk
from tests.web.client import Answer, Client, csrf_in, logged_in
from tests.web.world import OPERATOR, VIEWER, World, make_world

PATHS = ("/stripe/payment-intent", "/api/checkout/sessions")
BODY = {"priceId": "course-1", "successUrl": f"{SHOP}/thanks", "cancelUrl": f"{SHOP}/cart"}
BROWSER = "https://page.example"


def claims(user: str = "u-1", **more: Any) -> dict[str, Any]:
    return {"userId": user, "aud": AUDIENCE, "iss": ISSUER, "exp": START // 1000 + 10**8, **more}


def app_of(kiosk: Kiosk, settings: WebSettings | None = None) -> Starlette:
    """The doors of sessions alone, in the frame of every door."""
    settings = settings or WebSettings(admin_token=OPERATOR, viewer_token=VIEWER)
    rules = TokenRules(secrets=(SECRET,), audience=AUDIENCE, issuer=ISSUER, live=True)
    tokens: Any = Tokens(rules, kiosk.clock)
    nothing: Any = None
    sales = Sales(kiosk.desk, tokens, *[nothing] * 7)
    access, budget = Access(settings, kiosk.clock), Budget(settings.bodies_limit)
    engine = kiosk.process.engine
    parts = Parts(nothing, engine, nothing, nothing, settings, nothing, access, budget, sales=sales)
    return Starlette(routes=[route_of(door, parts, tell_problem) for door in DOORS])


def served(
    story: Callable[[Client, Kiosk], Awaitable[None]], fates: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Tell a story of a user's page."""

    async def main(kiosk: Kiosk) -> None:
        await story(Client(app_of(kiosk), hs(claims())), kiosk)

    at_kiosk(main, fates=fates)


async def ask(client: Client, path: str = PATHS[0], key: str = "", **changed: Any) -> Answer:
    headers = {"idempotency-key": key} if key else {}
    return await client.post(path, data={**BODY, **changed}, headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_a_user_gets_a_page_and_later_the_payment(path: str) -> None:
    async def story(client: Client, kiosk: Kiosk) -> None:
        answer = await ask(client, path)
        assert answer.status == 200
        assert answer.json == {
            "checkoutUrl": "https://checkout.example/cs_1",
            "paymentIntentId": None,
            "customerId": "cus_1",
            "sessionId": "cs_1",
        }
        kiosk.box.pay("cs_1", "pi_7")
        seen = await client.get("/api/checkout/sessions/cs_1")
        assert seen.json == {
            "sessionId": "cs_1",
            "state": "paid",
            "paymentIntentId": "pi_7",
            "customerId": "cus_1",
            "orderNumber": None,
        }

    served(story)


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        OPERATOR,
        VIEWER,
        "..",
        by_hand({"alg": "none"}, claims()),
        hs(claims(exp=1)),
        hs(claims(aud="other")),
    ],
)
@pytest.mark.parametrize("path", [*PATHS, "/api/checkout/sessions/cs_1"])
def test_whoever_is_no_user_learns_nothing(token: str | None, path: str) -> None:
    async def story(client: Client, kiosk: Kiosk) -> None:
        other = Client(client.app, token)
        answer = await (other.get(path) if path.endswith("cs_1") else ask(other, path))
        assert answer.status == 401
        assert answer.header("www-authenticate") == "Bearer"
        assert answer.problem["detail"] == "Send Authorization: Bearer with a valid token of the user."
        assert kiosk.box.calls.total() == 0

    served(story)


async def test_a_users_token_opens_no_other_door(world: World) -> None:
    """Nor does it act as an operator's, whatever role it claims: to those doors it is a wrong token."""
    user = Client(world.app(), hs(claims(role="operator")))
    for door in doors_of(Pages("UTC", "", "0")):
        if door.who in ("viewer", "operator") and door.face == "api":
            path = door.open_path.replace("{", "").replace("}", "")
            assert (await user.ask(door.method, path)).status == 401, door.path


async def test_a_session_of_the_console_is_no_user(market: World) -> None:
    client = await logged_in(market)
    csrf = csrf_in(await client.get("/console"))

    async def story(kiosk: Kiosk) -> None:
        other = Client(app_of(kiosk), cookies=client.cookies)
        answer = await other.post(PATHS[0], data=BODY, headers={"x-csrf-token": csrf})
        assert answer.status == 401

    await asyncio.to_thread(at_kiosk, story)


def test_a_token_that_is_also_the_operators_is_no_users() -> None:
    """Should somebody choose a token of a user as the operator's, it is the operator's alone."""

    async def story(client: Client, kiosk: Kiosk) -> None:
        own = hs(claims())
        settings = WebSettings(admin_token=own, viewer_token=VIEWER)
        assert (await ask(Client(app_of(kiosk, settings), own))).status == 401
        assert (await ask(Client(app_of(kiosk, settings), hs(claims("u-2"))))).status == 200

    served(story)


def test_another_users_session_is_not_there() -> None:
    async def story(client: Client, kiosk: Kiosk) -> None:
        await ask(client)
        other = Client(client.app, hs(claims("u-2")))
        for path in ("cs_1", "cs_2", "..", "x" * 256, "%00"):
            assert (await other.get(f"/api/checkout/sessions/{path}")).problem["status"] == 404

    served(story)


def test_what_is_wrong_is_told_in_a_sentence() -> None:
    async def story(client: Client, kiosk: Kiosk) -> None:
        evil = await ask(client, successUrl="https://evil.example/")
        assert "CHECKOUT_RETURN_ORIGINS" in evil.problem["detail"]
        assert (evil.status, (await ask(client, priceId="nothing")).status) == (400, 400)
        assert (await client.post(PATHS[0], body=b"{}")).status == 415
        assert (await ask(client, key="k")).status == 200
        assert (await ask(client, key="k")).json["sessionId"] == "cs_1"
        assert (await ask(client, key="k", quantity=2)).problem["status"] == 409
        assert (await ask(client, key="k" * 201)).problem["status"] == 400
        assert len(kiosk.box.sessions) == 1

    served(story)


def test_a_refusal_at_stripe_is_a_bad_gateway_and_silence_is_come_again() -> None:
    async def refused(client: Client, kiosk: Kiosk) -> None:
        assert (await ask(client, key="k")).problem["status"] == 502

    served(refused, {"create_session": ["refuse"]})

    async def silent(client: Client, kiosk: Kiosk) -> None:
        answer = await ask(client, key="k")
        assert (answer.problem["status"], answer.header("retry-after")) == (503, "5")
        await kiosk.rest()
        assert (await ask(client, key="k")).json["sessionId"] == "cs_1"

    served(silent, {"create_session": ["lost reply"]})


@pytest.mark.parametrize("path", [*PATHS, "/api/checkout/sessions/cs_1"])
async def test_only_pages_that_were_named_may_call_from_a_browser(path: str) -> None:
    method = "GET" if path.endswith("cs_1") else "POST"
    wanted = {
        "origin": BROWSER,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }
    shop = Client(make_world(checkout_origins=(BROWSER,)).app())
    answer = await shop.ask("OPTIONS", path, headers=wanted)
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == BROWSER
    assert "authorization" in answer.header("access-control-allow-headers").lower()
    assert not answer.header("access-control-allow-credentials")
    stranger = await shop.ask("OPTIONS", path, headers={**wanted, "origin": "https://evil.example"})
    assert not stranger.header("access-control-allow-origin")


def test_the_document_tells_users_from_operators() -> None:
    told = document(doors_of(Pages("UTC", "", "0")), (), WebSettings())
    for path in PATHS:
        assert told["paths"][path]["post"]["security"] == [{"user": []}]
        assert "403" not in told["paths"][path]["post"]["responses"]
    assert told["paths"]["/api/orders"]["get"]["security"] == [{"token": []}]
    assert set(told["components"]["securitySchemes"]) == {"token", "user"}
    asked = told["components"]["schemas"]["SessionAsked"]
    jsonschema.validate(BODY, asked)
    answer = told["components"]["schemas"]["SessionOpened"]
    jsonschema.validate(
        {"checkoutUrl": "https://x", "paymentIntentId": None, "customerId": "cus_1", "sessionId": "cs_1"},
        answer,
    )
