"""The service behind its web application, from the first byte to the last: what `onpaid serve` runs.

Runs are advanced before the first connection is taken, and stopped before the last is let go: a webhook that comes
meanwhile is kept, acknowledged, and worked by the next process. Stopping ends within seconds, whatever hangs.
Connections are guarded before the application sees a request: how long a head may be, and how long it may take.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import re
import secrets
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from onpaid.compose import Service
from onpaid.errors import SettingsError
from onpaid.store.sqlite import SqliteStore
from onpaid.web.crowd import mark, most_connections

log = structlog.get_logger("onpaid.server")

LARGEST_HEAD = 32 * 1024
HEAD_SECONDS = 10.0
REQUEST_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 30
BACKLOG = 2048
LAST_ANSWERS_SECONDS = 1
"""How long requests under way may still take once the runs have come to rest."""
LONGEST_STOP_SECONDS = 12.0
"""Stopping takes less than ten; beyond this the process ends whatever hangs."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{4,64}")
Message = MutableMapping[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]
Web = Callable[["Server"], App]


class Guarded(HttpToolsProtocol):
    """One connection, whose requests have an end: a head may be so long, and a request may take so long."""

    _head = 0
    _reading_head = True
    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._within(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._reading_head:
            self._head += len(data)
        super().data_received(data)
        # The parser keeps an unfinished header to itself, and there is no end to that: so its bytes are counted here.
        # What a finished head may hold is the application's to say.
        if self._reading_head and self._head > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._within(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        self._reading_head, self._head = False, 0
        self._within(REQUEST_SECONDS)
        mark(cast(Message, self.scope), len(self.connections))
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reading_head = True
        self._within(None)

    def _within(self, seconds: float | None) -> None:
        """Hang up after so many seconds, unless asked again before."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if seconds is not None:
            self._alarm = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


def numbered(app: App) -> App:
    """Give every request an id: the sender's if it sent a sensible one. It is in each log line, and in the answer."""

    async def call(scope: Message, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        ident = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8).encode()
        structlog.contextvars.bind_contextvars(request_id=ident.decode())

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", ident)]
            await send(message)

        await app(scope, receive, told)

    return call


class Server:
    """One service on one port. `web` makes the application; it is handed this server, for `ready`."""

    def __init__(self, service: Service, web: Web, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.service = service
        self.host, self.port = host, port
        self.stopping = False
        self._accepting = False
        self._app = numbered(web(self))
        self._uvicorn: uvicorn.Server | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches it, without a slash at the end."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - read, not bound
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    async def ready(self) -> list[str]:
        """Why no work should be sent here, in sentences; empty while everything is taken."""
        if self.stopping:
            return ["The service is stopping: send work to the next one."]
        return [] if self._accepting else ["The service is starting."]

    async def start(self) -> str:
        """Advance runs, then take connections. Returns the address. Raises SettingsError for one not to be had."""
        try:
            for guest in self.service.guests.values():
                warm = getattr(guest, "warm", None)
                if warm is not None:
                    await asyncio.to_thread(warm)
            await self.service.start()
            server = await self._listen()
        except BaseException:
            await self.service.stop()
            raise
        self.port = server.servers[0].sockets[0].getsockname()[1]
        self._uvicorn, self._ticking = server, asyncio.create_task(server.main_loop())
        self._accepting = True
        if isinstance(self.service.store, SqliteStore):
            self.service.store.announce(self.url)
        return self.url

    async def _listen(self) -> uvicorn.Server:
        config = uvicorn.Config(
            self._app,
            host=self.host,
            port=self.port,
            http=Guarded,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            limit_concurrency=most_connections(),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        try:
            # The loop makes the socket, which turns Nagle's algorithm off. On a socket that is handed in it stays
            # on, and an answer takes 40 ms.
            await server.startup()
        except SystemExit:
            raise SettingsError(
                f"{self.host}:{self.port} cannot be listened on: it is taken, or not ours. Set ONPAID_PORT (0 takes "
                "a free one) or ONPAID_HOST"
            ) from None
        return server

    async def stop(self) -> None:
        """Say so at /readyz, bring runs to a rest or hand them back, finish answering, let go of everything."""
        self.stopping = True
        if isinstance(self.service.store, SqliteStore):
            with contextlib.suppress(OSError):
                self.service.store.announce("")
        await self.service.runtime.stop()
        server, ticking = self._uvicorn, self._ticking
        self._uvicorn = self._ticking = None
        if server is not None and ticking is not None:
            server.should_exit = True
            await ticking
            await server.shutdown()
        await self.service.stop()

    async def run(self, *, also_until: asyncio.Event | None = None) -> None:
        """Serve until SIGTERM or SIGINT (or the event). A second signal ends the process at once."""
        loop = asyncio.get_running_loop()
        stopped = also_until or asyncio.Event()

        def asked(name: str) -> None:
            if stopped.is_set():
                # As safe as a crash, which the journal is made for.
                log.warning("ended at once: a second signal came", signal=name)
                os._exit(130)
            log.info("stopping", signal=name)
            stopped.set()

        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, functools.partial(asked, each.name))
        try:
            url = await self.start()
            log.info("serving", url=url)
            await stopped.wait()
            late = loop.call_later(LONGEST_STOP_SECONDS, _give_up)
            await self.stop()
            late.cancel()
        finally:
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(each)
        log.info("stopped")


def _give_up() -> None:
    """Something that was to be closed hangs: end as a crash would, which the journal is made for."""
    log.error("did not come to a rest in time: ended as it is")
    os._exit(1)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop's where it is installed, for that is twice as fast."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop  # type: ignore[no-any-return, unused-ignore]
