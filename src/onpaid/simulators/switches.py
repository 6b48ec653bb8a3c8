"""Switches by which a whole service is broken on purpose, beside the faults that hit one call or webhook.

`PUT /<service>/_state` turns them, `GET` shows them. `down` cuts the connection of every call before it is
read. Like the faults they stay as they are when what happened is forgotten.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators.door import NoReply
from onpaid.simulators.kit import Json

Endpoint = Callable[[Request], Awaitable[Response]]


class Switches:
    """The part of a service's state that is turned by hand: booleans, named in SWITCHES."""

    SWITCHES: ClassVar[tuple[str, ...]] = ("down",)
    down: bool = False

    def switches(self) -> Json:
        """How they stand."""
        return {name: getattr(self, name) for name in self.SWITCHES}

    def turn(self, wanted: Mapping[str, Any]) -> None:
        """Turn those named, all or none; ValueError for an unknown name and for what is no boolean."""
        for name, value in wanted.items():
            if name not in self.SWITCHES:
                raise ValueError(f"there is no switch {name!r}, only {', '.join(self.SWITCHES)}")
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false")
        for name, value in wanted.items():
            setattr(self, name, value)


def switch_routes(service: str, state: Switches) -> list[Route]:
    """`GET` and `PUT /<service>/_state`."""

    async def show(_request: Request) -> Response:
        return JSONResponse(state.switches())

    async def turn(request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            if not isinstance(wanted, dict):
                raise ValueError("the body must be a JSON object")
            state.turn(wanted)
        except ValueError as bad:
            return JSONResponse({"error": str(bad)}, 400)
        return JSONResponse(state.switches())

    path = f"/{service}/_state"
    return [Route(path, show, methods=["GET"]), Route(path, turn, methods=["PUT"])]


def unless_down(state: Switches, endpoint: Endpoint) -> Endpoint:
    """The endpoint, or a cut connection while the service is down."""

    async def guarded(request: Request) -> Response:
        return NoReply() if state.down else await endpoint(request)

    return guarded
