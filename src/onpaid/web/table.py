"""The table of routes: each door with who may use it, what it takes and what it answers.

Routing, the OpenAPI document and the tests of access are all made from it, so that none of them can forget a door.
Around every handler stands the same frame: who asks, may they, did their form come from our page, and what becomes
of an error.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.app.delivery import Delivery
from onpaid.app.inbox import Inbox
from onpaid.app.proving import Prover
from onpaid.app.reconciling_shown import Reconciling
from onpaid.app.sales import Sales
from onpaid.app.views import Views
from onpaid.clock import Clock
from onpaid.domain.sessions import User
from onpaid.engine.operations import Operations
from onpaid.engine.runner import Engine
from onpaid.errors import (
    BadSignature,
    Conflict,
    InvalidInput,
    NotPossible,
    OnpaidError,
    StoreError,
    Unavailable,
)
from onpaid.web.access import CSRF_FIELD, CSRF_HEADER, NO_USER, NOBODY, Access, Caller, asking_user
from onpaid.web.answers import sentence_of
from onpaid.web.framing import Budget, Gone, TooLarge, TooMuch, TooSlow, read_body
from onpaid.web.parameters import Parameter, read_parameters
from onpaid.web.settings import Role, WebSettings
from onpaid.web.spent import is_spent

log = structlog.get_logger("onpaid.web")


class NotThere(OnpaidError):
    """What was asked for does not exist."""


class NotAllowed(OnpaidError):
    """Who asks may not do this."""


class WrongMedia(OnpaidError):
    """The body is of a type that is not read here."""


class NotLoggedIn(OnpaidError):
    """Nobody knows who asks."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers work with."""

    inbox: Inbox
    engine: Engine
    operations: Operations
    views: Views
    settings: WebSettings
    ready: Callable[[], Awaitable[list[str]]]
    access: Access
    budget: Budget
    delivery: Delivery | None = None
    sales: Sales | None = None
    reconciler: Reconciling | None = None
    prover: Prover | None = None

    @property
    def selling(self) -> Sales:
        """The story of billing. Raises NotThere where it is not set up."""
        if self.sales is None:
            raise NotThere("nothing is sold at Stripe from here: set BILLING_EVENTS, see docs/billing.md")
        return self.sales

    @property
    def deliveries(self) -> Delivery:
        """The story of delivery. Raises NotThere where it is not set up."""
        if self.delivery is None:
            raise NotThere("orders are not delivered from here: set RAZORPAY_KEY_ID, see docs/checkout.md")
        return self.delivery

    @property
    def clock(self) -> Clock:
        """The clock of the engine."""
        return self.engine.clock


@dataclass(slots=True)
class Ask:
    """One request, with who sent it."""

    parts: Parts
    request: Request
    caller: Caller
    given: dict[str, Any] = field(default_factory=dict)
    """The query's parameters, checked."""
    raw: bytes = b""
    form: dict[str, str] = field(default_factory=dict)
    user: User = NO_USER

    def named(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])


Handler = Callable[[Ask], Awaitable[Response]]
ErrorAnswer = Callable[[Ask, int, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Door:
    """One route. `face` says how errors are told: as problem+json, as a page of the console, or to a guest."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    who: Role | Literal["user"] | None
    says: str
    face: Literal["api", "page", "guest"] = "api"
    takes: tuple[Parameter, ...] = ()
    body: Any = None
    answers: Any = None
    media: str = "application/json"
    statuses: tuple[int, ...] = ()
    status: int = 200

    @property
    def open_path(self) -> str:
        """The path as OpenAPI writes it."""
        return re.sub(r"\{(\w+):\w+\}", r"{\1}", self.path)

    @property
    def name(self) -> str:
        """What the operation is called."""
        words = re.sub(r"[^a-z]+", " ", self.open_path.lower()).split()
        return "_".join([self.method.lower(), *(words or ["root"])])


def page_door(
    method: Literal["GET", "POST"],
    path: str,
    handler: Handler,
    who: Role | None,
    says: str,
    *,
    takes: tuple[Parameter, ...] = (),
    statuses: tuple[int, ...] = (),
) -> Door:
    """A door whose answers, and errors, are pages."""
    return Door(
        method, path, handler, who, says, face="page", takes=takes, media="text/html", statuses=statuses
    )


def route_of(door: Door, parts: Parts, tell_error: ErrorAnswer) -> Route:
    """The door as Starlette knows it, framed."""

    async def endpoint(request: Request) -> Response:
        ask = Ask(parts, request, parts.access.caller(request))
        try:
            session = ask.caller.session
            if session is not None and await is_spent(parts.engine.store, session):
                ask.caller = NOBODY
            await _admit(door, ask)
            if door.method == "POST":
                await _take_body(door, ask)
                _check_origin(door, ask)
            ask.given = read_parameters(door.takes, request.query_params, strict=door.face == "api")
            return await door.handler(ask)
        except Gone:
            return Response(status_code=400)
        except Exception as error:
            status, detail = _told(error)
            if status == 500:
                log.exception("a request broke", route=door.path)
            return await tell_error(ask, status, detail)

    return Route(door.path, endpoint, methods=[door.method])


def _told(error: Exception) -> tuple[int, str]:
    """Status and sentence of an error."""
    for kind, status in (
        (NotLoggedIn, 401),
        (NotAllowed, 403),
        (NotThere, 404),
        (WrongMedia, 415),
        (InvalidInput, 400),
        (NotPossible, 409),
        (BadSignature, 401),
        (Unavailable, 503),
    ):
        if isinstance(error, kind):
            return status, sentence_of(str(error))
    if isinstance(error, TooLarge):
        return 413, "The body is too large."
    if isinstance(error, TooSlow):
        return 408, "The body did not come to an end in time."
    if isinstance(error, Conflict):
        return 409, "It changed at the same moment: look again."
    if isinstance(error, TooMuch):
        return 503, "Too many large requests at once: try again in a few seconds."
    if isinstance(error, StoreError):
        return 503, "The store cannot be reached just now: try again in a few seconds."
    return 500, "A fault in onpaid stopped this; the log has the details."


async def _admit(door: Door, ask: Ask) -> None:
    if door.who is None:
        return
    if door.who == "user":
        ask.user = await asking_user(ask.request, ask.caller, ask.parts.selling.tokens)
    elif ask.caller.role is None:
        raise NotLoggedIn("Say who you are: log in, or send Authorization: Bearer with a token")
    elif door.who == "operator" and not ask.caller.acts:
        raise NotAllowed("Viewers may look, operators may act: use the operator's token")


async def _take_body(door: Door, ask: Ask) -> None:
    settings, request = ask.parts.settings, ask.request
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    patience = settings.body_patience.total_seconds()
    raw = await read_body(request.receive, settings.form_limit, patience, ask.parts.budget)
    if door.face == "page":
        if raw and media != "application/x-www-form-urlencoded":
            raise WrongMedia("send the form as application/x-www-form-urlencoded")
        try:
            ask.form = dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=50))
        except ValueError:
            raise InvalidInput("the form cannot be read") from None
        return
    if raw and media != "application/json":
        raise WrongMedia("send the body as Content-Type: application/json")
    ask.raw = raw


def _check_origin(door: Door, ask: Ask) -> None:
    """A browser's session acts only through a form of ours. A bearer token is sent by nobody unknowingly."""
    if door.who is None or ask.caller.session is None:
        return
    given = ask.form.get(CSRF_FIELD) or ask.request.headers.get(CSRF_HEADER, "")
    if not ask.parts.access.csrf_fits(ask.caller.session, given):
        raise NotAllowed("This form did not come from a page of this session: load the page again, then act")
