"""The two ways to the API: over HTTP to the server that holds the database, or inside this process.

Inside, the service is built and not started: nothing is advanced and no provider is called, so settings that only
providers need may be missing. What a command changes is worked by the next `onpaid serve`.
"""

from __future__ import annotations

import asyncio
import http.client
import secrets
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from onpaid import compose
from onpaid.cli import logs
from onpaid.cli.assembling import application, web_settings
from onpaid.cli.reach import Unreachable, secrets_of
from onpaid.settings import Settings

SECONDS = 30.0
Message = MutableMapping[str, Any]


class OverHttp:
    """Asks the running server."""

    def __init__(self, base: str, token: str) -> None:
        self._base = base
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        where = urlsplit(self._base)
        connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=SECONDS)
        try:
            connection.request(method, target, body, self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as bad:
            why = getattr(bad, "strerror", None) or type(bad).__name__
            raise Unreachable(
                f"the server at {self._base} does not answer ({why}): is it stopping? Try again"
            ) from None
        finally:
            connection.close()


class InProcess:
    """Asks an application in this process, on a loop of its own."""

    def __init__(self, runner: asyncio.Runner, app: Any, token: str) -> None:
        self._runner = runner
        self._app = app
        self._token = token

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Iterator[InProcess]:
        """Take the database's lock and build the service. Raises StoreUnusable, SettingsError."""
        logs.configure("warning", "text", secrets=secrets_of(settings))
        token = secrets.token_urlsafe(24)
        with asyncio.Runner() as runner:
            service = runner.run(compose.build(settings))
            try:
                runner.run(service.engine.open())  # it knows then which lanes are paused
                app = application(service, web_settings(settings, admin_token=token), _ready)
                yield cls(runner, app, token)
            finally:
                runner.run(service.stop())

    def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        """One request, without a socket."""
        return self._runner.run(self._send(method, target, body))

    async def _send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        path, _, query = target.partition("?")
        scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"localhost"),
                (b"authorization", f"Bearer {self._token}".encode()),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body or b"")).encode()),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("localhost", 80),
            "state": {},
        }
        status, parts = 500, []
        gone = asyncio.Event()
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": body or b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    gone.set()

        await self._app(scope, receive, send)
        return status, b"".join(parts)


async def _ready() -> list[str]:
    return []
