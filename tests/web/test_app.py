"""The application around its routes: what is not HTTP, what breaks, and what is too slow or too large."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from onpaid.domain.events import Envelope
from onpaid.web.framing import Budget, TooMuch, TooSlow, read_body
from onpaid.web.pages import as_json, took
from tests.web.client import logged_in, nobody, operator
from tests.web.kept import ACCOUNT, event_write
from tests.web.world import NOON, SECRET, World, make_world


async def test_a_server_may_tell_of_its_life(world: World) -> None:
    said: list[Any] = []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        said.append(message["type"])

    await world.app()({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_socket_that_wants_to_stay_open_is_closed(world: World) -> None:
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        said.append(message)

    await world.app()({"type": "websocket", "path": "/"}, receive, send)
    assert said == [{"type": "websocket.close", "code": 1008}]


async def test_a_fault_is_a_page_or_a_problem_without_its_reasons(world: World) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("a secret detail")

    world.views.orders = broken  # type: ignore[method-assign]
    page = await (await logged_in(world)).get("/console")
    assert (page.status, "Something broke" in page.text) == (500, True)
    told = await operator(world).get("/api/orders")
    assert "the log has the details" in told.problem["detail"]
    assert "secret" not in page.text + told.text


async def test_a_page_that_is_not_there(world: World) -> None:
    client = await logged_in(world)
    for path in ("/console/nowhere", "/console/orders/konverzky/0", "/console/runs/none"):
        answer = await client.get(path)
        assert (answer.status, "Not here" in answer.text) == (404, True)


async def test_a_body_that_does_not_end_is_given_up() -> None:
    world = make_world(body_patience=timedelta(0))
    parts = [{"type": "http.request", "body": b"{", "more_body": True}]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"x"), (b"content-type", b"application/json"), (b"x-secret", SECRET.encode())]
    scope = {"type": "http", "method": "POST", "path": "/webhooks/stripe", "headers": headers}
    await world.app()(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_a_budget_is_given_back() -> None:
    budget = Budget(10)

    async def receive() -> Any:
        return parts.pop(0) if parts else await asyncio.Event().wait()

    for pieces, error in (([b"x" * 6, b"x" * 6, b""], TooMuch), ([b"x"], TooSlow)):
        parts = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        with pytest.raises(error):
            await read_body(receive, 100, 0 if error is TooSlow else 5, budget)
        assert budget.left == 10


async def test_an_event_that_is_too_large_or_odd_is_only_measured(world: World) -> None:
    large = Envelope("stripe", ACCOUNT, "evt_large", "x", True)
    await world.store.commit([event_write(large, NOON, {"x": "y" * 200_000}, "ignored", reason="so")])
    page = await operator(world).get(f"/console/events/{ACCOUNT}/evt_large")
    assert "too large to show" in page.text


@pytest.mark.parametrize(
    ("ms", "told"),
    [
        (None, ""),
        (7, "7 ms"),
        (1500, "1.5 s"),
        (65_000, "65 s"),
        (120_000, "2 min"),
        (7_200_000, "2 h"),
        (259_200_000, "3 days"),
    ],
)
def test_durations_are_as_precise_as_they_matter(ms: int | None, told: str) -> None:
    assert took(ms) == told


def test_json_is_coloured_and_safe() -> None:
    shown = as_json({"a<b": "x</pre>\"'&", "n": 1.5, "none": None, "list": [True]})
    assert "<pre>" not in shown
    assert "</pre>" not in shown
    assert '<span class="key">&#34;a&lt;b&#34;</span>' in shown
    assert '<span class="lit">1.5</span>' in shown


async def test_nobodys_script_gets_into_a_page(world: World) -> None:
    answer = await operator(world).get("/console?q=%3Cscript%3Ealert(1)%3C/script%3E&state=failed")
    assert "<script>alert" not in answer.text
    login = await nobody(world).get("/login?next=/console%22%3E%3Cscript%3E")
    assert "<script>" not in login.text
