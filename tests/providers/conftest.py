"""Fixtures: a call under way, and the simulators on a port of their own."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from onpaid.acts import Call, current_call
from onpaid.simulators import Served, Settings, Simulators, Times, create_app, serve
from onpaid.simulators.door import cut

QUICK = Times(answer=0, slow_longest=0.01, landing_longest=0.01, hang_longest=5)


@contextmanager
def within(
    timeout: float = 5.0, *, send_by: float = 1.0, monotonic: Callable[[], float] = lambda: 0.0
) -> Iterator[Call]:
    """As though the engine called: so many seconds, and a time by which to send."""
    call = Call("key", send_by, timeout, monotonic)
    token = current_call.set(call)
    try:
        yield call
    finally:
        current_call.reset(token)


class Lossy:
    """Around the simulators: lets a write happen and loses its answer, where `lose` says how."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lose: str | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.lose is None or scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return

        async def unheard(_message: Any) -> None:
            return

        await self.app(scope, receive, unheard)
        if self.lose == "reset":
            cut(scope)
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"busy"})


@pytest.fixture
async def simulate() -> AsyncIterator[Callable[..., Any]]:
    """Starts simulators with these settings; they stop with the test. `start.losing` is by the base's address."""
    running: list[Served] = []
    losing: dict[str, Lossy] = {}

    async def start(**settings: Any) -> Served:
        simulators = Simulators(replace(Settings(times=QUICK), **settings))
        lossy = Lossy(create_app(simulators))
        running.append(await serve(simulators, app=lossy))
        losing[running[-1].base] = lossy
        return running[-1]

    start.losing = losing  # type: ignore[attr-defined]
    yield start
    for served in running:
        await served.stop()
