"""Every route by every kind of visitor, made from the table of routes: a new route fails until it is listed here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from onpaid.web.app import doors_of
from onpaid.web.pages import Pages
from tests.web.client import Answer, Client, csrf_in, logged_in, nobody, operator, viewer
from tests.web.deliveries import link_to, number_of
from tests.web.selling import ASKED, OTHERS_SESSION, SESSION, user
from tests.web.selling import EVENT as TOLD
from tests.web.world import OPERATOR, VIEWER, World

DOUBT = "invoice_payment:stripe/default/test/pi_3Q10041bK"
FAILED = "invoice_payment:stripe/default/test/pi_3Q10040bK"
EVENT = "stripe/default/test/evt_1Q100441"
PRICES = "id,product,product_name,amount,currency\ncourse-2,course,A course,599,NOK"


@dataclass(frozen=True)
class Visit:
    """How a route is asked well, and what nobody, the viewer and the operator get.

    In a path, `<held>` is the number of the order that is an example of it, `<link>` a customer's link.
    """

    path: str
    nobody: int
    viewer: int
    operator: int
    form: dict[str, str] | None = None
    data: dict[str, Any] | None = None


OPEN, READ, ACT = (200, 200, 200), (401, 200, 200), (401, 403, 200)
PAGE, BUTTON = (303, 200, 200), (303, 403, 303)

VISITS: dict[str, Visit] = {
    "GET /healthz": Visit("/healthz", *OPEN),
    "GET /readyz": Visit("/readyz", *OPEN),
    "GET /metrics": Visit("/metrics", *READ),
    "GET /openapi.json": Visit("/openapi.json", *OPEN),
    "GET /assets/{name}": Visit("/assets/none.css", 404, 404, 404),
    "GET /api/orders": Visit("/api/orders", *READ),
    "GET /api/orders/{number}": Visit("/api/orders/10044", *READ),
    "GET /api/events": Visit("/api/events", *READ),
    "GET /api/events/{key}": Visit(f"/api/events/{EVENT}", *READ),
    "GET /api/runs": Visit("/api/runs", *READ),
    "GET /api/runs/{id}": Visit(f"/api/runs/{DOUBT}", *READ),
    "GET /api/tickets": Visit("/api/tickets", *READ),
    "GET /api/tickets/{id}": Visit("/api/tickets/none", 401, 404, 404),
    "GET /api/lanes": Visit("/api/lanes", *READ),
    "POST /api/runs/{id}/retry": Visit(f"/api/runs/{FAILED}/retry", *ACT),
    "POST /api/runs/{id}/settle": Visit(f"/api/runs/{DOUBT}/settle", 401, 403, 400),
    "POST /api/runs/{id}/cancel": Visit(f"/api/runs/{FAILED}/cancel", *ACT),
    "POST /api/tickets/{id}/close": Visit("/api/tickets/none/close", 401, 403, 404),
    "POST /api/events/{key}/replay": Visit("/api/events/none/replay", 401, 403, 404),
    "POST /api/lanes/{name}/pause": Visit("/api/lanes/fiken/pause", *ACT),
    "POST /api/lanes/{name}/resume": Visit("/api/lanes/fiken/resume", *ACT),
    "GET /": Visit("/", 303, 303, 303),
    "GET /login": Visit("/login", *OPEN),
    "POST /login": Visit("/login", 403, 403, 403, {"token": OPERATOR}),
    "POST /logout": Visit("/logout", 303, 303, 303),
    "GET /console": Visit("/console", *PAGE),
    "GET /console/orders/{key}": Visit("/console/orders/konverzky/10044", *PAGE),
    "GET /console/problems": Visit("/console/problems", *PAGE),
    "GET /console/events": Visit("/console/events", *PAGE),
    "GET /console/events/{key}": Visit(f"/console/events/{EVENT}", *PAGE),
    "GET /console/runs/{key}": Visit(f"/console/runs/{DOUBT}", *PAGE),
    "GET /console/lanes": Visit("/console/lanes", *PAGE),
    "POST /console/runs/retry": Visit("/console/runs/retry", *BUTTON, {"run": FAILED}),
    "POST /console/runs/settle": Visit(
        "/console/runs/settle",
        *BUTTON,
        {"run": DOUBT, "step": "send receipt", "attempt": "1", "outcome": "not-done"},
    ),
    "POST /console/runs/cancel": Visit("/console/runs/cancel", *BUTTON, {"run": FAILED}),
    "POST /console/tickets/close": Visit("/console/tickets/close", 303, 403, 409, {"ticket": "none"}),
    "POST /console/events/replay": Visit("/console/events/replay", *BUTTON, {"event": EVENT}),
    "POST /console/lanes/pause": Visit("/console/lanes/pause", *BUTTON, {"lane": "fiken"}),
    "POST /console/lanes/resume": Visit("/console/lanes/resume", *BUTTON, {"lane": "fiken"}),
    "POST /payment/create-order": Visit("/payment/create-order", 400, 400, 400),
    "POST /api/checkout/orders": Visit("/api/checkout/orders", 400, 400, 400),
    "POST /payment/verify": Visit("/payment/verify", 400, 400, 400),
    "GET /api/checkout/products": Visit("/api/checkout/products", *OPEN),
    "POST /stripe/payment-intent": Visit("/stripe/payment-intent", 401, 401, 401),
    "POST /api/checkout/sessions": Visit("/api/checkout/sessions", 401, 401, 401),
    "GET /api/checkout/sessions/{id}": Visit("/api/checkout/sessions/cs_1", 401, 401, 401),
    "GET /track/{link}": Visit("/track/<link>", *OPEN),
    "GET /track": Visit("/track", 404, 404, 404),
    "GET /api/orders/{number}/tracking": Visit("/api/orders/<on its way>/tracking", *READ),
    "GET /api/shipments": Visit("/api/shipments", *READ),
    "GET /api/products": Visit("/api/products", *READ),
    "GET /api/prices": Visit("/api/prices", *READ),
    "POST /api/prices/import": Visit("/api/prices/import", *ACT, data={"text": PRICES}),
    "POST /api/catalogue/sync": Visit("/api/catalogue/sync", *ACT, data={}),
    "GET /api/customers/{id}/entitlements": Visit("/api/customers/u-1/entitlements", *READ),
    "GET /api/sellers": Visit("/api/sellers", *READ),
    "POST /api/orders/{number}/decide": Visit("/api/orders/<held>/decide", *ACT, data={"choice": "refund"}),
    "POST /api/orders/{number}/ship": Visit("/api/orders/<dry run>/ship", *ACT),
    "POST /api/orders/{number}/cancel-shipment": Visit("/api/orders/<waiting>/cancel-shipment", *ACT),
    "POST /api/shipments/ship-dry-runs": Visit("/api/shipments/ship-dry-runs", *ACT),
    "POST /api/products/import": Visit(
        "/api/products/import", *ACT, data={"text": "id,name,price\nmug,Mug,99"}
    ),
    "POST /api/products/{id}/stock": Visit("/api/products/case/stock", *ACT, data={"left": 7}),
    "GET /console/products": Visit("/console/products", *PAGE),
    "POST /console/products/stock": Visit(
        "/console/products/stock", *BUTTON, {"product": "case", "left": "7"}
    ),
    "POST /console/products/import": Visit(
        "/console/products/import", *BUTTON, {"text": "id,name,price\nmug,Mug,99"}
    ),
    "POST /console/orders/decide": Visit(
        "/console/orders/decide", *BUTTON, {"order": "<held>", "choice": "ship"}
    ),
    "POST /console/orders/ship": Visit("/console/orders/ship", *BUTTON, {"order": "<stopped>"}),
    "POST /console/orders/cancel-shipment": Visit(
        "/console/orders/cancel-shipment", *BUTTON, {"order": "<waiting>"}
    ),
    "GET /api/billing-events": Visit("/api/billing-events", *READ),
    "GET /api/billing-events/{id}": Visit(f"/api/billing-events/{TOLD}", *READ),
    "GET /api/subscribers": Visit("/api/subscribers", *READ),
    "POST /api/subscribers": Visit("/api/subscribers", *ACT, data={"url": "https://a.example.org/"}),
    "GET /api/subscribers/{id}": Visit("/api/subscribers/sbr_1", *READ),
    "GET /api/subscribers/{id}/deliveries": Visit("/api/subscribers/sbr_1/deliveries", *READ),
    "POST /api/subscribers/{id}/pause": Visit("/api/subscribers/sbr_1/pause", *ACT),
    "POST /api/subscribers/{id}/resume": Visit("/api/subscribers/sbr_1/resume", *ACT),
    "POST /api/subscribers/{id}/remove": Visit("/api/subscribers/sbr_1/remove", *ACT),
    "POST /api/subscribers/{id}/test": Visit("/api/subscribers/sbr_1/test", *ACT),
    "POST /api/subscribers/{id}/replay": Visit(
        "/api/subscribers/sbr_1/replay", *ACT, data={"since": "2026-11-20"}
    ),
    "GET /console/billing": Visit("/console/billing", *PAGE),
    "GET /console/billing/events/{id}": Visit(f"/console/billing/events/{TOLD}", *PAGE),
    "GET /console/billing/subscribers/{id}": Visit("/console/billing/subscribers/sbr_1", *PAGE),
    "POST /console/billing/pause": Visit("/console/billing/pause", *BUTTON, {"subscriber": "sbr_1"}),
    "POST /console/billing/resume": Visit("/console/billing/resume", *BUTTON, {"subscriber": "sbr_1"}),
    "POST /api/reconcile": Visit("/api/reconcile", 401, 403, 202, data={}),
    "GET /api/reconciliations": Visit("/api/reconciliations", *READ),
    "GET /api/reconciliations/{id}": Visit("/api/reconciliations/rec_1", *READ),
    "GET /console/reconciliation": Visit("/console/reconciliation", *PAGE),
    "GET /console/reconciliation/{id}": Visit("/console/reconciliation/rec_1", *PAGE),
    "POST /console/reconciliation/start": Visit("/console/reconciliation/start", *BUTTON, {}),
    "GET /api/proof": Visit("/api/proof", *READ),
    "GET /api/proofs": Visit("/api/proofs", *READ),
    "POST /api/proofs": Visit("/api/proofs", 401, 403, 202, data={}),
    "GET /api/proofs/{id}": Visit("/api/proofs/proof_1", *READ),
    "POST /api/proofs/{id}/go-on": Visit("/api/proofs/proof_1/go-on", *ACT, data={}),
    "GET /api/proofs/{id}/orders": Visit("/api/proofs/proof_1/orders", *READ),
    "GET /console/proof": Visit("/console/proof", *PAGE),
    "GET /console/proof/{id}": Visit("/console/proof/proof_1", *PAGE),
    "POST /console/proof": Visit("/console/proof", *BUTTON, {}),
}
DOORS = {f"{door.method} {door.open_path}": door for door in doors_of(Pages("UTC", "", "0"))}


def test_every_route_is_listed() -> None:
    assert sorted(DOORS) == sorted(VISITS)


def filled(text: str) -> str:
    """The text with what stands in angle brackets filled in."""
    text = text.replace("<link>", link_to("on its way"))
    return re.sub("<([a-z ]+)>", lambda found: number_of(found[1]), text)


async def visit(client: Client, name: str, **more: str) -> Answer:
    place = VISITS[name]
    method = name.split(" ")[0]
    form = None if place.form is None and not more else {**(place.form or {}), **more}
    if form is not None:
        form = None if DOORS[name].face == "api" else {key: filled(value) for key, value in form.items()}
    return await client.ask(method, filled(place.path), form=form, data=place.data)


@pytest.mark.parametrize("name", VISITS)
class TestEveryRoute:
    async def test_nobody(self, market: World, name: str) -> None:
        answer = await visit(nobody(market), name)
        assert answer.status == VISITS[name].nobody, answer.text[:300]
        if answer.status == 303 and name != "GET /":
            assert answer.header("location").startswith("/login")

    async def test_viewer(self, market: World, name: str) -> None:
        assert (await visit(viewer(market), name)).status == VISITS[name].viewer

    async def test_operator(self, market: World, name: str) -> None:
        assert (await visit(operator(market), name)).status == VISITS[name].operator

    async def test_a_wrong_token_is_nobody(self, market: World, name: str) -> None:
        answer = await visit(Client(market.app(), OPERATOR[:-1]), name)
        assert answer.status == VISITS[name].nobody

    async def test_a_session_acts_only_through_a_form_of_its_own(self, market: World, name: str) -> None:
        if not name.startswith("POST") or DOORS[name].who in (None, "user"):
            return
        client = await logged_in(market)
        other = await logged_in(market)
        for given in ({}, {"csrf": ""}, {"csrf": "x" * 40}, {"csrf": csrf_in(await other.get("/console"))}):
            assert (await visit(client, name, **given)).status == 403
        if DOORS[name].face == "page":
            mine = await visit(client, name, csrf=csrf_in(await client.get("/console")))
            assert mine.status == VISITS[name].operator

    async def test_a_viewers_session_acts_not_at_all(self, market: World, name: str) -> None:
        if not name.startswith("POST") or DOORS[name].who in (None, "user") or name == "POST /logout":
            return
        client = await logged_in(market, VIEWER)
        csrf = csrf_in(await client.get("/console"))
        assert (await visit(client, name, csrf=csrf)).status == 403


async def test_the_api_takes_a_session_with_its_token_in_a_header(market: World) -> None:
    client = await logged_in(market)
    csrf = csrf_in(await client.get("/console"))
    path = f"/api/runs/{FAILED}/retry"
    assert (await client.post(path)).status == 403
    assert (await client.post(path, headers={"x-csrf-token": csrf})).status == 200


async def test_what_is_not_there_is_told_alike_to_everybody(market: World) -> None:
    for client in (nobody(market), viewer(market), operator(market)):
        assert (await client.get("/nowhere")).problem["status"] == 404
        assert (await client.ask("DELETE", "/api/orders")).problem["status"] == 405


@pytest.mark.parametrize("path", ["/stripe/payment-intent", "/api/checkout/sessions"])
async def test_a_user_opens_sessions_and_sees_no_others(market: World, path: str) -> None:
    mine = user(market)
    asked = await mine.post(path, data=ASKED)
    assert (asked.status, "Stripe has not answered yet" in asked.problem["detail"]) == (503, True)
    assert (await mine.get(f"/api/checkout/sessions/{SESSION}")).json["state"] == "expired"
    assert (await mine.get(f"/api/checkout/sessions/{OTHERS_SESSION}")).status == 404
    assert (await user(market, "u-2").get(f"/api/checkout/sessions/{SESSION}")).status == 404


@pytest.mark.parametrize(
    "name", sorted(name for name, door in DOORS.items() if door.who in ("viewer", "operator"))
)
async def test_a_users_own_token_opens_nothing_of_ours(market: World, name: str) -> None:
    assert (await visit(user(market), name)).status == VISITS[name].nobody


async def test_where_nothing_is_sold_its_routes_say_what_to_set(world: World) -> None:
    for path in ("/api/billing-events", "/api/subscribers", "/api/prices", "/api/customers/u-1/entitlements"):
        answer = await operator(world).get(path)
        assert (answer.status, "BILLING_EVENTS" in answer.problem["detail"]) == (404, True)
    assert (await user(world).post("/stripe/payment-intent", data=ASKED)).status == 404
