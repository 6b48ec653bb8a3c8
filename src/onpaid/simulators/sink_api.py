"""The doors of the subscribers: `POST /_sink/{name}` takes a billing event, and is as unreliable as the faults say.

`PUT /_sink/{name}/_state` tells a sink how to answer and which secrets it knows; `GET /_sink/{name}` shows its book.
"""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators.door import Door, NoReply, render
from onpaid.simulators.kit import Answer
from onpaid.simulators.sink import Unsigned, check
from onpaid.simulators.world import Simulators


class SinkApi:
    """The routes under `/_sink`."""

    def __init__(self, simulators: Simulators) -> None:
        self._sinks = simulators.sinks
        self._clock = simulators.clock
        self._door = Door(
            "sink", simulators.plan, simulators.clock, simulators.settings.times, simulators.landing
        )

    def routes(self) -> list[Route]:
        return [
            Route("/_sink/{name}", self._take, methods=["POST"]),
            Route("/_sink/{name}", self._show, methods=["GET"]),
            Route("/_sink/{name}/_state", self._state, methods=["GET", "PUT"]),
        ]

    async def _show(self, request: Request) -> Response:
        shown = self._sinks.rows().get(request.path_params["name"])
        if shown is None:
            return JSONResponse({"error": "nobody ever named this sink"}, 404)
        return JSONResponse(shown)

    async def _state(self, request: Request) -> Response:
        sink = self._sinks.sink(request.path_params["name"])
        try:
            if request.method == "PUT":
                wanted = json.loads(await request.body())
                if not isinstance(wanted, dict):
                    raise ValueError("the body must be a JSON object")
                sink.turn(wanted)
        except ValueError as bad:
            return JSONResponse({"error": str(bad)}, 400)
        return JSONResponse(sink.shown())

    async def _take(self, request: Request) -> Response:
        name, raw = request.path_params["name"], await request.body()
        sink = self._sinks.sink(name)
        sink.attempts += 1
        said = sink.says()
        if said == "timeout":
            sink.refused["timeout"] += 1
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return NoReply()
        if isinstance(said, int) and not 200 <= said < 300:
            sink.refused[str(said)] += 1
            return render(Answer(said, {"error": "as I was told"}))
        try:
            ident = check(sink.secrets, request.headers, raw, self._clock.now())
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise Unsigned("the body is no object")
        except Unsigned as bad:
            sink.unsigned += 1
            return render(Answer(401, {"error": str(bad)}))
        except ValueError:
            sink.unsigned += 1
            return render(Answer(400, {"error": "the body is not JSON"}))

        def effect(_trouble: object) -> Answer:
            sink.take(ident, body)
            return Answer(int(said))

        return await self._door.answer(
            request,
            "POST /_sink",
            f"{name} {ident}",
            effect,
            writes=True,
            refusal=lambda trouble: Answer(trouble.status, {"error": "not now"}),
        )
