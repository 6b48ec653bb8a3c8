"""Stripe's REST API over the account: keys checked, forms decoded, parameters refused, idempotency keys kept.

Objects come in the current shape whatever version is asked for; the version named in the request is echoed.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators import stripe_objects as shape
from onpaid.simulators.door import Door, render
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.plan import Trouble
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_api_sales import SalesCalls
from onpaid.simulators.stripe_form import BadParameter, decode
from onpaid.simulators.stripe_keys import Refused, error
from onpaid.simulators.stripe_lists import expanded, missing, page
from onpaid.simulators.stripe_values import metadata
from onpaid.simulators.world import Simulators

VERSION: Final = re.compile(r"^20\d\d-\d\d-\d\d(\.[a-z]+)?$")
ACCOUNT: Final = {"id": "acct_simulated", "object": "account", "country": "NO", "default_currency": "nok"}
Act = Callable[[Json, str], Answer]


async def _unrecognised(request: Request) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path.removeprefix('/stripe')})."
    return render(error(404, "invalid_request_error", message))


class StripeApi:
    """The routes under `/stripe/v1`."""

    def __init__(self, simulators: Simulators) -> None:
        self._all = simulators
        self._stripe: Stripe = simulators.stripe
        self._keys = simulators.stripe.keys
        self._requests = 0
        times = simulators.settings.times
        self._door = Door("stripe", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        one, stripe = self._one, self._stripe
        table: list[tuple[str, str, str, Act]] = [
            ("GET", "/customers", "GET /v1/customers", self._list(lambda: stripe.customers, "email")),
            ("POST", "/customers", "POST /v1/customers", self._create_customer),
            (
                "GET",
                "/customers/{id}",
                "GET /v1/customers/{customer}",
                one("customer", lambda: stripe.customers),
            ),
            ("POST", "/customers/{id}", "POST /v1/customers/{customer}", self._change_customer),
            ("DELETE", "/customers/{id}", "DELETE /v1/customers/{customer}", self._delete_customer),
            (
                "GET",
                "/charges",
                "GET /v1/charges",
                self._list(lambda: stripe.charges, "customer", "payment_intent"),
            ),
            ("GET", "/charges/{id}", "GET /v1/charges/{charge}", one("charge", lambda: stripe.charges)),
            (
                "GET",
                "/payment_intents",
                "GET /v1/payment_intents",
                self._list(lambda: stripe.intents, "customer"),
            ),
            (
                "GET",
                "/payment_intents/{id}",
                "GET /v1/payment_intents/{intent}",
                one("payment_intent", self._intents),
            ),
            (
                "GET",
                "/refunds",
                "GET /v1/refunds",
                self._list(lambda: stripe.refunds, "charge", "payment_intent"),
            ),
            ("POST", "/refunds", "POST /v1/refunds", self._refund),
            ("GET", "/balance", "GET /v1/balance", lambda _params, _id: Answer(200, self._balance())),
            ("GET", "/account", "GET /v1/account", lambda _params, _id: Answer(200, ACCOUNT)),
            *SalesCalls(self._all).rows(),
        ]
        known = [
            Route(f"/stripe/v1{path}", self._endpoint(operation, act), methods=[method])
            for method, path, operation, act in table
        ]
        return [*known, Route("/stripe/v1/{rest:path}", _unrecognised, methods=["GET", "POST", "DELETE"])]

    def _endpoint(self, operation: str, act: Act) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            response = await self._handle(request, operation, act)
            self._requests += 1
            response.headers["Request-Id"] = f"req_{self._requests:014d}"
            for name in ("Stripe-Version", "Idempotency-Key"):
                if name in request.headers:
                    response.headers[name] = request.headers[name]
            return response

        return endpoint

    async def _handle(self, request: Request, operation: str, act: Act) -> Response:
        if request.headers.get("authorization") != f"Bearer {self._all.settings.stripe_key}":
            return render(error(401, "invalid_request_error", "Invalid API Key provided: sk_****"))
        version = request.headers.get("stripe-version", shape.API_VERSION)
        if VERSION.match(version) is None:
            return render(error(400, "invalid_request_error", f"Invalid Stripe API version: {version}"))
        raw = (await request.body()).decode() if request.method == "POST" else request.url.query
        ident = request.path_params.get("id", "")
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, strict_parsing=bool(raw))
            params = self._all.stripe_params.check(operation, decode(pairs))
        except BadParameter as bad:
            return render(error(400, "invalid_request_error", str(bad), bad.code, bad.param))
        except ValueError as bad:
            return render(error(400, "invalid_request_error", f"Invalid request: {bad}"))
        writes = request.method != "GET"
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is not None:
            fingerprint = f"{request.url.path} {json.dumps(params, sort_keys=True)}"
            early = self._keys.begin(key, fingerprint)
            if early is not None:
                return render(early)

        def effect(trouble: Trouble | None) -> Answer:
            self._all.sales.tick()
            try:
                answer = expanded(act(params, ident), params, self._all.sales)
            except Refused as refused:
                answer = refused.answer
            if key is not None:
                kept = self._broken(trouble) if trouble is not None and trouble.status == 500 else answer
                self._keys.finish(key, kept)
            return answer

        def undone(trouble: Trouble) -> None:
            if key is not None and trouble.status == 500:
                self._keys.finish(key, self._broken(trouble))
            elif key is not None:
                self._keys.abandon(key)

        name = key or f"{request.url.path}?{raw}"
        return await self._door.answer(
            request, operation, name, effect, writes=writes, refusal=self._broken, undone=undone
        )

    def _broken(self, trouble: Trouble) -> Answer:
        if trouble.status == 429:
            limited = error(
                429, "invalid_request_error", "Too many requests hit the API too quickly.", "rate_limit"
            )
            retry = str(self._all.settings.times.retry_after)
            return Answer(429, limited.body, {"Retry-After": retry, "Stripe-Should-Retry": "true"})
        return error(trouble.status, "api_error", "An error occurred on our side. Sorry!")

    def _intents(self) -> dict[str, Json]:
        return self._stripe.intents

    def _one(self, kind: str, found: Callable[[], dict[str, Json]]) -> Act:
        def act(_params: Json, ident: str) -> Answer:
            if ident not in found():
                return missing(kind, ident)
            return Answer(200, found()[ident])

        return act

    def _list(self, found: Callable[[], dict[str, Json]], *filters: str) -> Act:
        def act(params: Json, _ident: str) -> Answer:
            kept = [
                each
                for each in found().values()
                if all(each.get(f) == params.get(f, each.get(f)) for f in filters)
            ]
            return page([each for each in kept if not each.get("deleted")], params)

        return act

    def _create_customer(self, params: Json, _ident: str) -> Answer:
        told = metadata({}, params.get("metadata"))
        return Answer(200, self._stripe.add_customer({**params, "metadata": told}))

    def _change_customer(self, params: Json, ident: str) -> Answer:
        known = self._stripe.customers.get(ident)
        if known is None or known.get("deleted"):
            return missing("customer", ident)
        told = metadata(known["metadata"], params.get("metadata"))
        changes = {
            name: value or None for name, value in params.items() if name in known and name != "metadata"
        }
        if changes.get("address"):
            changes["address"] = shape.address(changes["address"])
        known.update(changes, metadata=told)
        return Answer(200, known)

    def _delete_customer(self, _params: Json, ident: str) -> Answer:
        if ident not in self._stripe.customers:
            return missing("customer", ident)
        self._stripe.customers[ident] = shape.deleted_customer(ident)
        return Answer(200, self._stripe.customers[ident])

    def _refund(self, params: Json, _ident: str) -> Answer:
        about = params.get("charge") or params.get("payment_intent") or ""
        try:
            amount = int(params["amount"]) if "amount" in params else None
            told = metadata({}, params.get("metadata"))
            return Answer(200, self._stripe.refund(about, amount, params.get("reason"), metadata=told))
        except KeyError:
            return missing("charge", about)
        except ValueError as bad:
            return error(400, "invalid_request_error", str(bad), param="amount")

    def _balance(self) -> Json:
        return {"object": "balance", "available": [], "pending": [], "livemode": self._stripe.livemode}
