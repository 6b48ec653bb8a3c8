"""When many come at once: they wait for their turn, some are asked to come again, and webhooks go first."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from onpaid.web.crowd import (
    CROWD,
    CROWDED,
    MOST_CONNECTIONS,
    MOST_PROBES,
    OTHER_FILES,
    Crowd,
    mark,
    most_connections,
)
from tests.web.client import Answer, Client
from tests.web.world import SECRET, make_world


class Pages:
    """An application whose pages wait until they are told to go on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.append(scope["path"])
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def soon(happened: Callable[[], bool]) -> None:
    """Give way until it has happened."""
    for _ in range(1000):
        if happened():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not happen")


def asking(app: Any, *paths: str) -> list[asyncio.Task[Answer]]:
    client = Client(app)
    return [asyncio.create_task(client.get(path)) for path in paths]


async def answers(tasks: list[asyncio.Task[Answer]]) -> list[int]:
    return [each.status for each in await asyncio.gather(*tasks)]


async def test_one_begins_in_each_turn_and_others_come_between() -> None:
    pages = Pages()
    asked = asking(Crowd(pages, 256), *(f"/{n}" for n in range(40)))
    begun: list[int] = []
    while len(pages.begun) < 40:
        await asyncio.sleep(0)
        begun.append(len(pages.begun))
    steps = [after - before for before, after in zip([0, *begun], begun, strict=False)]
    assert max(steps) == 1
    assert pages.begun == [f"/{n}" for n in range(40)]
    pages.go_on.set()
    assert await answers(asked) == [200] * 40


async def test_too_many_are_asked_to_come_again_and_the_next_ones_are_welcome() -> None:
    pages = Pages()
    crowd = Crowd(pages, 3)
    inside = asking(crowd, *"abc")
    await soon(lambda: len(pages.begun) == 3)
    away = await Client(crowd).get("/d")
    assert away.problem["status"] == 503
    assert away.header("retry-after") == "5"
    pages.go_on.set()
    assert await answers(inside) == [200] * 3
    assert await answers(asking(crowd, *"efg")) == [200] * 3


@pytest.mark.parametrize("after", range(4))
async def test_who_goes_away_leaves_a_place(after: int) -> None:
    pages = Pages()
    crowd = Crowd(pages, 1)
    (gone,) = asking(crowd, "/gone")
    for _ in range(after):
        await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    pages.go_on.set()
    assert await answers(asking(crowd, "/next")) == [200]


async def test_an_application_that_breaks_leaves_its_place() -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("planted")

    crowd = Crowd(breaks, 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="planted"):
            await Client(crowd).get("/")


async def test_probes_have_a_room_of_their_own() -> None:
    pages = Pages()
    crowd = Crowd(pages, 0)
    assert (await Client(crowd).get("/console")).status == 503
    probes = asking(crowd, *["/readyz", "/healthz"] * (MOST_PROBES // 2))
    await soon(lambda: len(pages.begun) == MOST_PROBES)
    assert (await Client(crowd).get("/healthz")).status == 503
    pages.go_on.set()
    assert await answers(probes) == [200] * MOST_PROBES


def webhook(app: Any, ident: str) -> Awaitable[Answer]:
    return Client(app).post("/webhooks/stripe", headers={"x-secret": SECRET}, data={"id": ident})


async def test_webhooks_are_taken_while_nobody_else_is() -> None:
    app = make_world(most_at_once=0).app()
    for path in ("/login", "/track/x", "/console", "/api/orders", "/nothing"):
        away = await Client(app).get(path)
        assert away.problem["status"] == 503
        assert away.header("content-security-policy")
    assert [(await webhook(app, f"e{n}")).status for n in range(10)] == [200] * 10
    assert (await Client(app).get("/readyz")).status == 200


async def test_a_crowd_of_connections_is_thinned_out_but_not_of_webhooks() -> None:
    app = make_world().app()

    def among(connections: int) -> Any:
        async def marked(scope: Any, receive: Any, send: Any) -> None:
            mark(scope, connections)
            await app(scope, receive, send)

        return marked

    assert (await Client(among(CROWD - 1)).get("/login")).status == 200
    away = await Client(among(CROWD)).get("/login")
    assert (away.problem["status"], away.header("connection")) == (503, "close")
    assert (await webhook(among(CROWD), "e1")).status == 200
    assert (await Client(among(CROWD)).get("/healthz")).status == 200


def test_a_crowd_is_marked_beside_what_the_server_says() -> None:
    scope: dict[str, Any] = {"extensions": {"other": {}}}
    mark(scope, CROWD)
    assert set(scope["extensions"]) == {"other", CROWDED}


def test_files_are_asked_for_as_far_as_they_are_needed() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        most = most_connections()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert hard == before[1]
        assert most == min(MOST_CONNECTIONS, soft - OTHER_FILES)
        assert soft >= min(hard, MOST_CONNECTIONS + OTHER_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
