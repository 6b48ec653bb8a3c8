"""How the application is put on a socket: uvicorn with httptools, never h11, and two patiences that it lacks.

h11 lets a request carry both a length and chunks, and takes what follows for a second request. httptools refuses
that, but takes headers of any size for any time; here a head that grows too large or does not end is refused while
it arrives. Access logs are off: a path may hold a token.
"""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from onpaid.web.answers import problem_body

HEAD_LIMIT = 32 << 10
HEAD_PATIENCE = 15.0
"""Seconds from a connection, or from the first byte of a request, to the end of its headers."""
KEEP_ALIVE = 75
SHUTDOWN = 5


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head = False
    _head_size = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._head_timer = self.loop.call_later(HEAD_PATIENCE, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head, self._head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._head_size += len(data)
        if self._head_size > HEAD_LIMIT:
            self._refuse(431, "The headers are too large.")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_PATIENCE, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(408, "The headers did not come to an end in time.")

    def _refuse(self, status: int, detail: str) -> None:
        body = problem_body(status, detail)
        head = (
            f"HTTP/1.1 {status} Refused\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def make_server(app: Any, *, host: str = "127.0.0.1", port: int = 8080) -> uvicorn.Server:
    """A server for the application; `await server.serve()` runs it until it is told to stop."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=GuardedProtocol,
            loop="uvloop",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            backlog=2048,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=SHUTDOWN,
        )
    )
