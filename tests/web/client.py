"""Asks an ASGI application in this process: one request, one whole answer, cookies kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.web.world import OPERATOR, VIEWER, World


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> Any:
        """The problem, checked for its shape."""
        assert self.header("content-type") == "application/problem+json", (self.status, self.body[:200])
        told = self.json
        assert told["status"] == self.status
        assert told["detail"].endswith((".", "?"))
        return told


@dataclass
class Client:
    """Somebody who asks. `token` is sent as a bearer's."""

    app: Any
    token: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Answer:
        return await self.ask("POST", path, **more)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
        form: dict[str, str] | None = None,
        data: Any = None,
        host: str = "testserver",
    ) -> Answer:
        given = {"host": host, **(headers or {})}
        if form is not None:
            body, given["content-type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        if data is not None:
            body, given["content-type"] = json.dumps(data).encode(), "application/json"
        if self.token is not None:
            given.setdefault("authorization", f"Bearer {self.token}")
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        chunks = [body] if isinstance(body, bytes) else list(body)
        if isinstance(body, bytes) and body:
            given.setdefault("content-length", str(len(body)))
        return await self._send(method, path, given, chunks)

    async def _send(self, method: str, path: str, headers: dict[str, str], chunks: list[bytes]) -> Answer:
        parts = urlsplit(path)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": _unquoted(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent: list[dict[str, Any]] = []
        waiting = list(chunks) or [b""]

        async def receive() -> dict[str, Any]:
            if not waiting:
                return {"type": "http.disconnect"}
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return self._answer(sent)

    def _answer(self, sent: list[dict[str, Any]]) -> Answer:
        if not sent:
            return Answer(0, [], b"")
        headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        for name, value in headers:
            if name == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    if morsel["max-age"] == "0" or not morsel.value:
                        self.cookies.pop(key, None)
                    else:
                        self.cookies[key] = morsel.value
        return Answer(sent[0]["status"], headers, b"".join(part.get("body", b"") for part in sent[1:]))


def _unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def nobody(world: World) -> Client:
    return Client(world.app())


def operator(world: World) -> Client:
    return Client(world.app(), OPERATOR)


def viewer(world: World) -> Client:
    return Client(world.app(), VIEWER)


async def logged_in(world: World, token: str = OPERATOR) -> Client:
    """A browser that typed this token into the form."""
    client = Client(world.app())
    form = await client.get("/login")
    answer = await client.post("/login", form={"csrf": csrf_in(form), "token": token, "next": "/console"})
    assert answer.status == 303, answer.text
    return client


def csrf_in(answer: Answer) -> str:
    """The token in the first form of a page."""
    return answer.text.partition('name="csrf" value="')[2].partition('"')[0]
