"""Fixtures: `start` runs simulators on a free port, `receiver` takes their webhooks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from onpaid.simulators import Settings, Simulators, serve
from tests.simulators.kit import QUICK, TARGET, Client, Receiver, Start


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts simulators with these settings; they stop with the test."""
    running: list[Client] = []

    async def begin(clock: Any = None, *, target: str | None = None, **settings: Any) -> Client:
        made = Settings(**{"times": QUICK, "target": TARGET, **settings})
        if target is not None:
            made = replace(made, target=replace(made.target, base=target))
        served = await serve(Simulators(made, clock))
        client = Client(served, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)))
        running.append(client)
        return client

    yield begin
    for client in running:
        await client.session.close()
        await client.served.stop()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A target for webhooks."""
    made = Receiver()
    app = Starlette(routes=[Route("/{rest:path}", made.take, methods=["POST"])])
    served = await serve(app=app)
    made.base = served.base
    yield made
    await served.stop()
