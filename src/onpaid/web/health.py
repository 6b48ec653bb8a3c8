"""Is it alive, is it ready, how is it doing: for load balancers, probes and Prometheus.

`/healthz` and `/readyz` are open to everybody, `/readyz` names what is missing only to whoever has a token;
`/metrics` needs the viewer's token, since a proxy in front makes everybody look local.
"""

from __future__ import annotations

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from onpaid.errors import OnpaidError, StoreError
from onpaid.web.answers import json_answer
from onpaid.web.table import Ask, Door

log = structlog.get_logger("onpaid.web")


class Alive(msgspec.Struct, frozen=True):
    """That the process answers."""

    alive: bool
    version: str


class Ready(msgspec.Struct, frozen=True):
    """Whether events can be kept, and what is missing, in sentences."""

    ready: bool
    missing: list[str] = []


async def healthz(ask: Ask) -> Response:
    return json_answer(Alive(True, ask.parts.settings.version))


async def readyz(ask: Ask) -> Response:
    missing: list[str] = []
    try:
        await ask.parts.engine.store.ping()
    except StoreError as error:
        missing.append(f"The store cannot be written: {error}.")
    try:
        missing.extend(await ask.parts.ready())
    except OnpaidError as error:
        missing.append(str(error))
    except Exception:
        log.exception("readiness could not be told")
        missing.append("A fault in onpaid: readiness cannot be told; the log has the details.")
    shown = missing if ask.caller.role is not None else []
    return json_answer(Ready(not missing, shown), 503 if missing else 200)


async def metrics(ask: Ask) -> Response:
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


DOORS = (
    Door("GET", "/healthz", healthz, None, "Whether the process answers.", answers=Alive),
    Door(
        "GET",
        "/readyz",
        readyz,
        None,
        "Whether events can be kept; what is missing is named to whoever has a token.",
        answers=Ready,
        statuses=(503,),
    ),
    Door("GET", "/metrics", metrics, "viewer", "Figures for Prometheus.", media="text/plain"),
)
