"""Between Lambda's events and an ASGI application: API Gateway's HTTP API (payload 2.0) and REST API, Function URLs.

The body reaches the application byte for byte, since signatures are checked on it; names of headers in lower case,
as ASGI wants them. An answer that is no text goes back in base64. Nothing of a request is logged here: a path may end
in a secret.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlencode

from onpaid.errors import InvalidInput

Scope = MutableMapping[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]
Event = Mapping[str, Any]
Pair = tuple[bytes, bytes]

TEXT: Final = ("text/", "application/json", "application/problem+json", "application/javascript")
SVG: Final = "image/svg+xml"


@dataclass(slots=True)
class Answer:
    """What the application said."""

    status: int = 500
    headers: list[Pair] = field(default_factory=list)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its ASGI scope and its whole body. `second` says that payload 2.0 is spoken."""

    scope: Scope
    body: bytes
    second: bool


def read_event(event: Event) -> Asked:
    """The request in an event. Raises InvalidInput for an event that is no request."""
    context = event.get("requestContext") or {}
    if "http" in context:
        http = context["http"]
        method, client = http["method"], http.get("sourceIp", "")
        path = _without_stage(event.get("rawPath") or http.get("path") or "/", context.get("stage", ""))
        query = event.get("rawQueryString", "")
        headers = list(_second_headers(event))
    elif "httpMethod" in event:
        method, path = event["httpMethod"], event.get("path") or "/"
        client = (context.get("identity") or {}).get("sourceIp", "")
        given = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
        query = urlencode(given, doseq=True)
        headers = list(_first_headers(event))
    else:
        raise InvalidInput("this event is no HTTP request")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": str(method).upper(),
        "scheme": "https",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": (client, 0),
        "server": (dict(headers).get(b"host", b"").decode("latin-1"), 443),
    }
    return Asked(scope, _body(event), "http" in context)


async def answer(app: App, asked: Asked) -> Answer:
    """What the application says to it. Raises what the application raises."""
    said, ended = Answer(), asyncio.Event()
    parts: list[bytes] = []
    messages = [{"type": "http.request", "body": asked.body, "more_body": False}]

    async def receive() -> Mapping[str, Any]:
        if messages:
            return messages.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            said.status = message["status"]
            said.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                ended.set()

    await app(asked.scope, receive, send)
    said.body = b"".join(parts)
    return said


def as_event(said: Answer, *, second: bool) -> dict[str, Any]:
    """The answer as API Gateway wants it: payload 2.0 has cookies of their own, the older one lists of values."""
    media = next((value for name, value in said.headers if name.lower() == b"content-type"), b"").decode()
    text = said.body.decode("utf-8", "replace") if _is_text(media) else ""
    binary = bool(said.body) and (not _is_text(media) or text.encode() != said.body)
    told: dict[str, Any] = {
        "statusCode": said.status,
        "body": base64.b64encode(said.body).decode() if binary else text,
        "isBase64Encoded": binary,
    }
    values: dict[str, list[str]] = {}
    for name, value in said.headers:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    if second:
        cookies = values.pop("set-cookie", [])
        told["headers"] = {name: ", ".join(each) for name, each in values.items()}
        return {**told, "cookies": cookies} if cookies else told
    return {**told, "headers": {}, "multiValueHeaders": values}


def _second_headers(event: Event) -> Iterator[Pair]:
    """Payload 2.0: several values of a name come as one, cookies apart from all others."""
    yield from _pairs((event.get("headers") or {}).items(), but="cookie" if event.get("cookies") else "")
    if event.get("cookies"):
        yield b"cookie", _bytes("; ".join(event["cookies"]))


def _first_headers(event: Event) -> Iterator[Pair]:
    """The older payload: lists of values where they are given, in the letters that the sender used."""
    several = event.get("multiValueHeaders")
    if several:
        yield from _pairs((name, value) for name, values in several.items() for value in values or ())
    else:
        yield from _pairs((event.get("headers") or {}).items())


def _pairs(given: Iterable[tuple[str, Any]], but: str = "") -> Iterator[Pair]:
    for name, value in given:
        if value is not None and name.lower() != but:
            yield name.lower().encode("latin-1", "replace"), _bytes(str(value))


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _without_stage(path: str, stage: str) -> str:
    """The path as it was posted to: a stage other than the default one stands before it."""
    if stage in ("", "$default"):
        return path
    return path.removeprefix(f"/{stage}") or "/" if f"{path}/".startswith(f"/{stage}/") else path


def _body(event: Event) -> bytes:
    body = event.get("body") or ""
    if not isinstance(body, str):
        raise InvalidInput("the event's body is no text")
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("the event's body is not the base64 that it says it is") from None


def _is_text(media: str) -> bool:
    return media.startswith((*TEXT, SVG))
