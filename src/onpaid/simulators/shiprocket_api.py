"""Shiprocket's REST API over the account, and the two paths that tests and the demo steer it by.

Success is told by what is in a body, hardly by its status. A 429 does not say when to come again. While the
account is `down`, every connection is reset.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators import shiprocket_lists as lists
from onpaid.simulators import shiprocket_shapes as shape
from onpaid.simulators.door import Door, NoReply, render
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.plan import Trouble
from onpaid.simulators.shiprocket import NOT_SERVED, Shiprocket
from onpaid.simulators.shiprocket_checks import Refused, invalid, listed, refused
from onpaid.simulators.shiprocket_shipment import Shipment, india
from onpaid.simulators.world import Simulators

BASE: Final = "/shiprocket/v1/external"
MOST_TRACKED: Final = 50
LARGEST_PAGE: Final = 100
SWITCHES: Final = ("wallet_empty", "down")
Act = Callable[[Request, Json], Answer]
Steer = Callable[[Json], Json]


class ShiprocketApi:
    """The routes under `/shiprocket`."""

    def __init__(self, simulators: Simulators) -> None:
        self._state: Shiprocket = simulators.shiprocket
        self._clock = simulators.clock
        times = simulators.settings.times
        self._door = Door("shiprocket", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        state, settings = self._state, self._state.settings
        table: list[tuple[str, str, str, bool, Act]] = [
            ("POST", "/auth/login", "log in", False, _told(state.sessions.log_in)),
            ("POST", "/orders/create/adhoc", "create order", True, _told(state.create)),
            ("GET", "/orders", "list orders", False, self._orders),
            ("GET", "/orders/show/{id:int}", "get order", False, self._order),
            ("POST", "/orders/cancel", "cancel orders", True, self._cancel),
            ("POST", "/orders/cancel/shipment/awbs", "cancel shipments", True, _told(state.cancel_awbs)),
            ("GET", "/shipments/{id:int}", "get shipment", False, self._shipment),
            ("POST", "/courier/assign/awb", "assign AWB", True, _told(state.assign)),
            ("POST", "/courier/generate/pickup", "request pickup", True, _told(state.request_pickup)),
            ("GET", "/courier/serviceability", "ask couriers", False, self._serviceability),
            ("GET", "/courier/serviceability/", "ask couriers", False, self._serviceability),
            ("GET", "/courier/track/awb/{awb}", "track", False, self._track),
            ("POST", "/courier/track/awbs", "track many", False, self._track_many),
            (
                "GET",
                "/settings/company/pickup",
                "list pickups",
                False,
                _fixed(lists.pickup_addresses(settings)),
            ),
            ("GET", "/channels", "list channels", False, _fixed(lists.channels(settings))),
        ]
        known = [
            Route(BASE + path, self._endpoint(operation, act, writes=writes), methods=[method])
            for method, path, operation, writes, act in table
        ]
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        unknown = Route(
            BASE + "/{rest:path}", self._endpoint("unknown", _unknown, writes=False), methods=methods
        )
        return [
            Route("/shiprocket/_scans", _steered(self._scan), methods=["POST"]),
            Route("/shiprocket/_state", _steered(self._switch), methods=["PUT"]),
            *known,
            unknown,
        ]

    def _endpoint(self, operation: str, act: Act, *, writes: bool) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            if self._state.down:
                return NoReply()
            body = _read(await request.body()) if request.method != "GET" else {}
            try:
                if operation != "log in":
                    self._state.sessions.check(request.headers.get("authorization"))
            except Refused as refusal:
                return render(Answer(refusal.status, refusal.body))

            def effect(_trouble: Trouble | None) -> Answer:
                try:
                    return act(request, body)
                except Refused as refusal:
                    return Answer(refusal.status, refusal.body)

            key = _key(request, body)
            return await self._door.answer(request, operation, key, effect, writes=writes, refusal=_broken)

        return endpoint

    def _orders(self, request: Request, _body: Json) -> Answer:
        query, state = request.query_params, self._state
        number, size = _whole(query.get("page"), 1), _whole(query.get("per_page"), 15)
        first, last = _day(query.get("from"), date.min), _day(query.get("to"), date.max)
        rows = [
            shape.shown_order(each, awb=state.records.indexed_awb(each))
            for each in state.records.search(query.get("search", ""))
            if first <= india(each.made).date() <= last
        ]
        return Answer(200, lists.page(rows, number, min(size, LARGEST_PAGE)))

    def _order(self, request: Request, _body: Json) -> Answer:
        """An order alone. Here `shipments` is one object and no list."""
        found = self._state.records.by_order.get(int(request.path_params["id"]))
        if found is None:
            raise refused(404, "Order not found.")
        shown = shape.shown_order(found, awb=found.awb)
        return Answer(200, {"data": {**shown, "shipments": shown["shipments"][0]}})

    def _shipment(self, request: Request, _body: Json) -> Answer:
        found: Shipment | None = self._state.records.shipments.get(int(request.path_params["id"]))
        return Answer(200, {} if found is None else {"data": shape.shown_shipment(found)})

    def _cancel(self, _request: Request, body: Json) -> Answer:
        said = self._state.cancel(body)
        return Answer(204) if said is None else Answer(200, said)

    def _serviceability(self, request: Request, _body: Json) -> Answer:
        query = request.query_params
        needed = ["pickup_postcode", "delivery_postcode"]
        if not query.get("order_id"):
            needed += ["weight", "cod"]
        missing = {name: [f"The {name} field is required."] for name in needed if not query.get(name)}
        if missing:
            raise invalid(missing)
        ident = query.get("order_id")
        unknown = ident is not None and (
            not ident.isdecimal() or int(ident) not in self._state.records.by_order
        )
        if unknown or query["delivery_postcode"].startswith(NOT_SERVED):
            return Answer(
                200, {"status": 404, "message": "Courier service is not available for this pincode"}
            )
        return Answer(200, lists.serving(self._clock.now(), cod=query.get("cod") == "1"))

    def _track(self, request: Request, _body: Json) -> Answer:
        return Answer(200, self._tracked(request.path_params["awb"]))

    def _track_many(self, _request: Request, body: Json) -> Answer:
        return Answer(200, {awb: self._tracked(awb) for awb in listed(body, "awbs", MOST_TRACKED)})

    def _tracked(self, awb: str) -> Json:
        return self._state.tracking.data(self._state.records.by_awb.get(awb))

    def _scan(self, body: Json) -> Json:
        """Move a parcel on, or let it move alone where no status is named."""
        awb, status = str(body.get("awb")), body.get("status")
        if status is None:
            self._state.follow(awb)
            return {"awb": awb, "follows": True}
        moved = self._state.advance(awb, str(status))
        return {"awb": awb, "order_id": moved.number, "status": moved.status.label}

    def _switch(self, body: Json) -> Json:
        """Turn `wallet_empty` and `down` on and off."""
        if body.keys() - set(SWITCHES) or not all(isinstance(value, bool) for value in body.values()):
            raise ValueError(f"only {' and '.join(SWITCHES)} can be set, to true or false")
        for name, value in body.items():
            setattr(self._state, name, value)
        return {name: getattr(self._state, name) for name in SWITCHES}


def _told(act: Callable[[Json], Json]) -> Act:
    return lambda _request, body: Answer(200, act(body))


def _fixed(body: Json) -> Act:
    return lambda _request, _body: Answer(200, body)


def _unknown(_request: Request, _body: Json) -> Answer:
    return Answer(404, {"message": "404 Not Found", "status_code": 404})


def _broken(trouble: Trouble) -> Answer:
    said = "Too Many Requests" if trouble.status == 429 else "Service Unavailable"
    return Answer(trouble.status, {"message": said, "status_code": trouble.status})


def _read(raw: bytes) -> Json:
    """What cannot be read counts as empty, and is then refused for what is missing."""
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _key(request: Request, body: Json) -> str:
    """A name for the call that the next run with the same seed gives it too."""
    for name in ("order_id", "shipment_id", "ids", "awbs", "email"):
        if body.get(name):
            return str(body[name])
    return f"{request.url.path}?{request.url.query}"


def _whole(given: str | None, otherwise: int) -> int:
    return int(given) if given is not None and given.isdecimal() and int(given) > 0 else otherwise


def _day(given: str | None, otherwise: date) -> date:
    try:
        return date.fromisoformat(given) if given else otherwise
    except ValueError:
        raise invalid({"from": ["The date does not match the format Y-m-d."]}) from None


def _steered(act: Steer) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise ValueError("the body must be a JSON object")
            return JSONResponse(act(body))
        except KeyError as missing:
            return JSONResponse({"error": f"there is no {missing}"}, 404)
        except ValueError as bad:
            return JSONResponse({"error": str(bad)}, 400)

    return endpoint
