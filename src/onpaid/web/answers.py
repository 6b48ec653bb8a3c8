"""Answers as ASGI messages and as Starlette responses: JSON, and problems as `application/problem+json`.

A problem is a sentence with a next step. It never quotes what went wrong inside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PROBLEM = b"application/problem+json"
COME_AGAIN = 5
"""Seconds after which a sender is asked to try again."""


class ProblemDetails(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457). `detail` is a sentence with a next step."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"


def sentence_of(text: str) -> str:
    """An error's text as a sentence. A run's id or a field's name at its beginning keeps its letters."""
    word = text.partition(" ")[0]
    named = ":" in word or word[1:] != word[1:].lower()
    return (text[:1] if named else text[:1].upper()) + text[1:] + ("" if text.endswith((".", "?")) else ".")


def problem_body(status: int, detail: str) -> bytes:
    """The JSON of a problem."""
    return msgspec.json.encode(ProblemDetails(HTTPStatus(status).phrase, status, detail))


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A problem as a response."""
    given = dict(headers or {})
    if status == 503:
        given.setdefault("retry-after", str(COME_AGAIN))
    return Response(problem_body(status, detail), status, given, media_type="application/problem+json")


def json_answer(value: Any, status: int = 200) -> Response:
    """A struct as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def send_raw(
    send: Send, status: int, body: bytes, media: bytes = b"application/json", more: Headers | None = None
) -> None:
    """One whole answer, without Starlette in between."""
    headers = [(b"content-type", media), (b"content-length", b"%d" % len(body)), *(more or ())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, status: int, detail: str, more: Headers | None = None) -> None:
    """One whole problem, without Starlette in between."""
    await send_raw(send, status, problem_body(status, detail), PROBLEM, more)
