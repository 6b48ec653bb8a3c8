"""The server in this process: limits on a connection, and stopping while something is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from onpaid import server as module
from onpaid.compose import build
from onpaid.server import LARGEST_HEAD, Server
from onpaid.settings import Settings
from onpaid.web import crowd
from tests.cli.kit import settings_of

Start = Callable[..., Awaitable[Server]]


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body, then says hello."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a server with this application."""
    running: list[Server] = []

    async def begin(app: Any = hello, **how: Any) -> Server:
        service = await build(Settings(settings_of(tmp_path)))
        made = Server(service, lambda _server: app, **how)
        await made.start()
        running.append(made)
        return made

    yield begin
    for each in running:
        await each.stop()


async def exchange(server: Server, sent: bytes) -> bytes:
    """Send these bytes; everything that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    said = b""
    try:
        async with asyncio.timeout(20):
            said = await reader.read(-1)
    finally:
        writer.close()
    return said


GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


async def test_a_request_is_answered_and_numbered(start: Start) -> None:
    server = await start()
    said = await exchange(server, GET + b"\r\n")
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert b"x-request-id: " in said
    assert b"server:" not in said.lower()
    odd = await exchange(server, GET + b"X-Request-Id: not one of ours\r\n\r\n")
    assert b"not one of ours" not in odd


async def test_a_head_without_an_end_is_cut_off(start: Start) -> None:
    said = await exchange(await start(), GET + b"X-Long: " + b"a" * (LARGEST_HEAD))
    assert said.startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_does_not_come_is_not_waited_for(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.05)
    server = await start()
    assert await exchange(server, b"") == b""
    assert await exchange(server, b"GET / HTTP/1.1\r\nHost:") == b""


async def test_a_body_that_does_not_come_is_not_waited_for(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.05)
    assert await exchange(await start(), GET + b"Content-Length: 10\r\n\r\n123") == b""


async def test_one_connection_serves_several_requests(start: Start) -> None:
    server = await start()
    kept = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n" + b"a" * 40_000
    said = await exchange(server, kept + kept + GET + b"\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 3


async def test_the_application_is_told_of_a_crowd(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "CROWD", 3)
    seen: list[bool] = []

    async def looks(scope: Any, receive: Any, send: Any) -> None:
        seen.append(crowd.CROWDED in scope.get("extensions", {}))
        await hello(scope, receive, send)

    server = await start(looks)
    others = []
    for _ in range(3):
        await exchange(server, GET + b"\r\n")
        others.append(await asyncio.open_connection("127.0.0.1", server.port))
    for _, writer in others:
        writer.close()
    assert seen == [False, False, True]


async def test_stopping_says_so_and_finishes_what_is_under_way(start: Start) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ready: list[list[str]] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await go_on.wait()
        ready.append(await server.ready())
        await hello(scope, receive, send)

    server = await start(slow)
    assert await server.ready() == []
    asked = asyncio.create_task(exchange(server, GET + b"\r\n"))
    await begun.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)  # let it begin
    assert server.stopping
    go_on.set()
    assert (await asked).endswith(b"hello")
    await stopping
    assert ready == [["The service is stopping: send work to the next one."]]


async def test_what_never_answers_is_given_up(start: Start) -> None:
    begun = asyncio.Event()

    async def never(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    server = await start(never)
    asked = asyncio.create_task(exchange(server, GET + b"\r\n"))
    await begun.wait()
    async with asyncio.timeout(10):
        await server.stop()
    asked.cancel()


async def test_the_address_is_one_that_can_be_called(start: Start) -> None:
    server = await start(host="0.0.0.0")
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert (await exchange(server, GET + b"\r\n")).endswith(b"hello")
