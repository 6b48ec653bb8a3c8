"""Razorpay's REST API over the account, and the paths by which tests and the demo pay, fail and give back.

Refusals are 400, a wrong key is 401 with the same code; a 429 does not say when to come again, and some
server errors have no body at all. Orders take no idempotency key, refunds do.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators import razorpay_lists as lists
from onpaid.simulators import razorpay_rules as rules
from onpaid.simulators import razorpay_shapes as shape
from onpaid.simulators.door import Door, render
from onpaid.simulators.kit import Answer, Dice, Json
from onpaid.simulators.plan import Trouble
from onpaid.simulators.razorpay import Razorpay
from onpaid.simulators.razorpay_rules import Wrong
from onpaid.simulators.switches import switch_routes, unless_down
from onpaid.simulators.world import Simulators

REFUND_KEY: Final = "x-refund-idempotency"
METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
Act = Callable[[str, Json], Json]
"""What a call does with the id in its path and its body or query."""


class RazorpayApi:
    """The routes under `/razorpay`."""

    def __init__(self, simulators: Simulators) -> None:
        self._state: Razorpay = simulators.razorpay
        self._plan, self._settings = simulators.plan, simulators.settings
        times = simulators.settings.times
        self._door = Door("razorpay", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        state = self._state
        table: list[tuple[str, str, str, Act]] = [
            (
                "POST",
                "/orders",
                "create order",
                lambda _id, given: state.create_order(rules.new_order(given)),
            ),
            ("GET", "/orders", "list orders", self._orders),
            ("GET", "/orders/{id}", "get order", self._order),
            ("PATCH", "/orders/{id}", "change order", self._change_order),
            ("GET", "/orders/{id}/payments", "list payments of order", self._payments_of_order),
            ("GET", "/payments", "list payments", lambda _id, q: lists.page(state.payments.values(), q)),
            ("GET", "/payments/{id}", "get payment", self._payment),
            ("POST", "/payments/{id}/capture", "capture", self._capture),
            ("POST", "/payments/{id}/refund", "refund", self._refund),
            ("GET", "/payments/{id}/refunds", "list refunds of payment", self._refunds_of_payment),
            ("GET", "/refunds", "list refunds", lambda _id, q: lists.page(state.refunds.values(), q)),
            ("GET", "/refunds/{id}", "get refund", self._get_refund),
        ]
        known = [
            Route(
                f"/razorpay/v1{path}",
                unless_down(state, self._endpoint(operation, act)),
                methods=[method],
            )
            for method, path, operation, act in table
        ]
        unknown = Route("/razorpay/v1/{rest:path}", unless_down(state, self._unknown), methods=METHODS)
        steering = [
            Route("/razorpay/_payments", _steered(self._pay), methods=["POST"]),
            Route("/razorpay/_refunds", _steered(self._give_back), methods=["POST"]),
            Route("/razorpay/_events/resend", _steered(self._resend), methods=["POST"]),
        ]
        return [*switch_routes("razorpay", state), *steering, *known, unknown]

    def _endpoint(self, operation: str, act: Act) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            refused = self._stranger(request)
            if refused is not None:
                return render(refused)
            raw = await request.body()
            try:
                given = _read(raw) if request.method != "GET" else dict(request.query_params)
            except Wrong as wrong:
                return render(_refusal(wrong))
            return await self._answer(request, operation, act, given, raw)

        return endpoint

    async def _answer(self, request: Request, operation: str, act: Act, given: Json, raw: bytes) -> Response:
        ident = str(request.path_params.get("id", ""))
        key = request.headers.get(REFUND_KEY) if operation == "refund" else None
        if key is not None:
            self._state.given_back.now()
            fingerprint = f"{ident} {json.dumps(given, sort_keys=True)}"
            early = self._state.keys.begin(key, fingerprint)
            if early is not None:
                return render(early)

        def effect(_trouble: Trouble | None) -> Answer:
            answer = _acted(act, ident, given)
            if key is not None:
                self._state.keys.finish(key, answer)
            return answer

        def undone(_trouble: Trouble) -> None:
            if key is not None:
                self._state.keys.abandon(key)

        name = key or f"{request.url.path}?{request.url.query}{raw.decode(errors='replace')}"

        def refusal(trouble: Trouble) -> Answer:
            return self._broken(trouble, name)

        writes = request.method != "GET"
        return await self._door.answer(
            request, operation, name, effect, writes=writes, refusal=refusal, undone=undone
        )

    def _stranger(self, request: Request) -> Answer | None:
        """Who has no right key is refused before anything is read."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return shape.error(401, "Please provide your api key for authentication purposes.")
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            given = b""
        right = f"{self._settings.razorpay_key_id}:{self._settings.razorpay_key_secret}"
        return (
            None if hmac.compare_digest(given, right.encode()) else shape.error(401, "Authentication failed")
        )

    def _broken(self, trouble: Trouble, name: str) -> Answer:
        if trouble.status == 429:
            return shape.error(429, "Too many requests. Please try again after some time.")
        dice = Dice(self._plan.seed).at("razorpay", name, str(trouble.after))
        if dice.chance("nothing is said", 0.3):
            return Answer(trouble.status)
        return shape.error(trouble.status, "The server encountered an error.", code="SERVER_ERROR")

    async def _unknown(self, request: Request) -> Response:
        return render(
            self._stranger(request) or shape.error(404, "The requested URL was not found on the server.")
        )

    def _orders(self, _id: str, params: Json) -> Json:
        return lists.orders(self._state.orders, self._state.payments, params)

    def _order(self, ident: str, params: Json) -> Json:
        rules.only(params, ())
        return _found(self._state.orders, ident)

    def _change_order(self, ident: str, given: Json) -> Json:
        order = _found(self._state.orders, ident)
        rules.only(given, {"notes"})
        rules.notes(given)
        order["notes"] = given.get("notes") or []
        return order

    def _payments_of_order(self, ident: str, params: Json) -> Json:
        order = self._order(ident, params)
        return shape.collection(self._state.payments_of(order["id"]))

    def _payment(self, ident: str, params: Json) -> Json:
        rules.only(params, ())
        return _found(self._state.payments, ident)

    def _capture(self, ident: str, given: Json) -> Json:
        _found(self._state.payments, ident)
        return self._state.capture(ident, *rules.new_capture(given))

    def _refund(self, ident: str, given: Json) -> Json:
        payment = _found(self._state.payments, ident)
        wanted = rules.new_refund(given, payment["currency"])
        return self._state.refund(ident, **wanted)

    def _refunds_of_payment(self, ident: str, params: Json) -> Json:
        payment = _found(self._state.payments, ident)
        mine = [each for each in self._state.refunds.values() if each["payment_id"] == payment["id"]]
        return lists.page(mine, params)

    def _get_refund(self, ident: str, params: Json) -> Json:
        rules.only(params, ())
        return _found(self._state.refunds, ident)

    def _pay(self, given: Json) -> Json:
        """Pay, or with `fails` a reason fail; with `payment_id`, let that one come in late."""
        if "payment_id" in given:
            return self._state.recover(given.pop("payment_id"), **given)
        order_id, reason = given.pop("order_id", None), given.pop("fails", None)
        if reason is not None:
            return self._state.fail(order_id, reason=reason, **given)
        return self._state.pay(order_id, **given)

    def _give_back(self, given: Json) -> Json:
        return self._state.refund(given.pop("payment_id"), given.pop("amount", None), **given)

    def _resend(self, given: Json) -> Json:
        self._state.teller.resend(given["event"])
        return {"sent": given["event"]}


def _read(raw: bytes) -> Json:
    try:
        given = json.loads(raw or b"{}")
    except ValueError:
        raise Wrong("The body is not JSON.") from None
    if not isinstance(given, dict):
        raise Wrong("The body must be a JSON object.")
    return given


def _found(table: dict[str, Json], ident: str) -> Json:
    rules.known_id(ident)
    if ident not in table:
        raise Wrong("The id provided does not exist")
    return table[ident]


def _refusal(wrong: Wrong) -> Answer:
    return shape.error(400, str(wrong), wrong.field)


def _acted(act: Act, ident: str, given: Json) -> Answer:
    try:
        return Answer(200, act(ident, dict(given)))
    except Wrong as wrong:
        return _refusal(wrong)


def _steered(act: Callable[[Json], Json]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(act(_read(await request.body())), 201)
        except KeyError as missing:
            return JSONResponse({"error": f"there is no {missing}"}, 404)
        except (ValueError, TypeError) as bad:
            return JSONResponse({"error": str(bad)}, 400)

    return endpoint
