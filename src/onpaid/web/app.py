"""The web face as one ASGI callable: webhooks first, everything else through the table of routes.

Every request is looked at for its framing before anything reads it. Everything but webhooks waits for its turn
(`crowd.py`), and every answer but a webhook's carries the headers that keep browsers honest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import quote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.app.delivery import Delivery
from onpaid.app.forgeries import Forgeries
from onpaid.app.inbox import Inbox
from onpaid.app.proving import Prover
from onpaid.app.reconciling_shown import Reconciling
from onpaid.app.sales import Sales
from onpaid.app.views import Views
from onpaid.engine.operations import Operations
from onpaid.engine.runner import Engine
from onpaid.web import (
    api,
    api_acts,
    api_billing,
    api_catalogue,
    api_delivery,
    api_goods,
    api_reconciling,
    api_subscribers,
    checkout,
    health,
    proving,
    sessions,
    tracking,
)
from onpaid.web.access import Access
from onpaid.web.answers import App, Message, Receive, Scope, Send, problem, send_problem
from onpaid.web.assets import assets
from onpaid.web.console import Console
from onpaid.web.console_acts import ConsoleActs
from onpaid.web.console_billing import ConsoleBilling
from onpaid.web.console_delivery import ConsoleDelivery
from onpaid.web.console_proving import ConsoleProving
from onpaid.web.console_reconciling import ConsoleReconciling
from onpaid.web.crowd import Crowd
from onpaid.web.framing import Budget, misframed
from onpaid.web.login import Login
from onpaid.web.openapi import document
from onpaid.web.pages import Pages
from onpaid.web.settings import WebSettings
from onpaid.web.table import Ask, Door, ErrorAnswer, Parts, route_of
from onpaid.web.webhooks import Handshake, Webhooks

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ALWAYS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)
NO_STORE = (b"cache-control", b"no-store")
FOR_EVER = "public, max-age=31536000, immutable"
HSTS = (b"strict-transport-security", b"max-age=31536000")


def create_app(
    *,
    inbox: Inbox,
    engine: Engine,
    operations: Operations,
    views: Views,
    settings: WebSettings,
    ready: Callable[[], Awaitable[list[str]]],
    delivery: Delivery | None = None,
    forgeries: Forgeries | None = None,
    handshakes: Mapping[str, Handshake] | None = None,
    sales: Sales | None = None,
    reconciler: Reconciling | None = None,
    prover: Prover | None = None,
) -> App:
    """The application. `ready` names, in sentences, what keeps the service from working; what may be None is only
    there where its story is told."""
    access, budget = Access(settings, engine.clock), Budget(settings.bodies_limit)
    parts = Parts(
        inbox, engine, operations, views, settings, ready, access, budget, delivery, sales, reconciler, prover
    )
    pages = Pages(settings.time_zone, settings.root, settings.version)
    doors = doors_of(pages)
    described = msgspec.json.encode(document(doors, sorted(inbox.sources), settings))
    routed = Crowd(_routed(doors, parts, pages, described), settings.most_at_once)
    webhooks = Webhooks(inbox, settings, engine.clock, forgeries, handshakes)
    open_to_browsers = CORSMiddleware(
        routed,
        allow_origins=settings.checkout_origins,
        allow_methods=("GET", "POST"),
        allow_headers=("authorization", "content-type", "idempotency-key"),
        expose_headers=("retry-after",),
    )
    more = (*ALWAYS, HSTS) if settings.https else ALWAYS

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await routed(scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        wrong = misframed(scope, settings.head_limit)
        if wrong is not None:
            await send_problem(send, *wrong, [(b"connection", b"close")])
        elif webhooks.takes(scope["path"]):
            await webhooks(scope, receive, send)
        elif settings.checkout_origins and _for_shops(scope["path"]):
            await open_to_browsers(scope, receive, _with_headers(send, more))
        else:
            await routed(scope, receive, _with_headers(send, more))

    return app


def _for_shops(path: str) -> bool:
    """Whether a shop's own page may call this from a customer's browser."""
    return path in checkout.PATHS or any(
        known.fullmatch(path) is not None for known in (sessions.PATHS, tracking.API_PATH)
    )


def doors_of(pages: Pages) -> tuple[Door, ...]:
    """Every route that is not a webhook, in the order in which they are tried."""
    return (
        *health.DOORS,
        *api_acts.DOORS,
        *checkout.DOORS,
        *sessions.DOORS,
        *tracking.Tracking(pages).doors(),
        *api_delivery.DOORS,
        *api_goods.DOORS,
        *api_billing.DOORS,
        *api_subscribers.DOORS,
        *api_catalogue.DOORS,
        *proving.DOORS,
        *api_reconciling.DOORS,
        *api.DOORS,
        *Login(pages).doors(),
        *ConsoleActs(pages).doors(),
        *ConsoleDelivery(pages).doors(),
        *ConsoleBilling(pages).doors(),
        *ConsoleProving(pages).doors(),
        *ConsoleReconciling(pages).doors(),
        *Console(pages).doors(),
        Door("GET", "/openapi.json", _no_handler, None, "This document."),
        Door("GET", "/assets/{name}", _no_handler, None, "Style and script.", media="*/*", statuses=(404,)),
    )


def _routed(doors: Sequence[Door], parts: Parts, pages: Pages, described: bytes) -> App:
    async def openapi(request: Request) -> Response:
        return Response(described, media_type="application/json")

    async def asset(request: Request) -> Response:
        found = assets().get(request.path_params["name"])
        if found is None:
            return problem(404, "There is no such file.")
        return Response(found.content, headers={"content-type": found.media, "cache-control": FOR_EVER})

    own = {"/openapi.json": openapi, "/assets/{name}": asset}
    told = {"api": tell_problem, "page": _page_teller(pages), "guest": tracking.Tracking(pages).trouble}
    routes = [
        Route(door.path, own[door.path], methods=["GET"])
        if door.path in own
        else route_of(door, parts, told[door.face])
        for door in doors
    ]

    async def not_routed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if request.url.path.startswith("/console") and status == 404:
            return await told["page"](
                Ask(parts, request, parts.access.caller(request)), 404, "There is no such page."
            )
        sentences = {404: "There is nothing at this address.", 405: "This address does not take that method."}
        return problem(status, sentences.get(status, "This request cannot be answered."), headers)

    # A trailing slash is part of a key (`/console/orders/?key=`), so nothing is redirected for one.
    app = Starlette(routes=routes, exception_handlers={HTTPException: not_routed})
    app.router.redirect_slashes = False
    return app


async def tell_problem(ask: Ask, status: int, detail: str) -> Response:
    """An error as problem+json."""
    return problem(status, detail, {"www-authenticate": "Bearer"} if status == 401 else None)


def _page_teller(pages: Pages) -> ErrorAnswer:
    async def tell(ask: Ask, status: int, detail: str) -> Response:
        if status == 401:
            wanted = f"?next={quote(ask.request.url.path)}" if ask.request.method == "GET" else ""
            return pages.to(f"/login{wanted}")
        content = pages.render("error.html", status=status, detail=detail, me=ask.caller)
        headers = {"retry-after": "5"} if status == 503 else {}
        return Response(content, status, headers, media_type="text/html; charset=utf-8")

    return tell


def _with_headers(send: Send, more: Sequence[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append(NO_STORE)
            message = {**message, "headers": [*headers, *more]}
        await send(message)

    return sending


async def _no_handler(ask: Ask) -> Response:
    raise AssertionError("answered without a frame")
