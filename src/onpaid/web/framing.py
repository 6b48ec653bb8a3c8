"""Is this one request, and how large may it be? Looked at before anything else, whatever server is in front.

The server's parser refuses what it cannot read; what two readers could read differently is refused here: a length
and chunks at once, two hosts, an upgrade, odd versions. Bodies are counted while they arrive: one that is too large is
answered before its end, and all that are unfinished together may hold so much memory and no more.
"""

from __future__ import annotations

import asyncio
import re

from onpaid.web.answers import Headers, Receive, Scope

VERSIONS = ("1.1", "1.0", "2", "3")
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]{1,260}")
_SAFE_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class TooLarge(Exception):
    """The body is larger than it may be."""


class TooSlow(Exception):
    """The body does not come to an end."""


class TooMuch(Exception):
    """Too many unfinished bodies are held at this moment."""


class Gone(Exception):
    """The sender went away, or its body broke off: nobody waits for an answer."""


def misframed(scope: Scope, head_limit: int) -> tuple[int, str] | None:
    """Why this request must not be read any further, or None."""
    headers: Headers = scope["headers"]
    if scope.get("http_version", "1.1") not in VERSIONS:
        return 505, "Speak HTTP/1.1 or newer."
    hosts = lengths = chunked = 0
    size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value):
                return 400, "The Host header names no host."
        elif name == b"content-length":
            lengths += 1
            if not value.isdigit() or len(value) > 18:
                return 400, "The Content-Length header is not a number."
        elif name == b"transfer-encoding":
            chunked += 1
            if value.strip().lower() != b"chunked":
                return 400, "The only transfer encoding that is understood is chunked."
        elif name == b"upgrade":
            return 400, "There is nothing to upgrade to: send the request without an Upgrade header."
    if size > head_limit:
        return 431, f"The headers are larger than {head_limit} bytes: send less of them."
    if hosts != 1:
        return 400, "A request needs exactly one Host header."
    if lengths > 1 or chunked > 1 or (lengths and chunked):
        return 400, "Content-Length and Transfer-Encoding contradict each other: send one of them, once."
    if chunked and scope.get("http_version") == "1.0":
        return 400, "HTTP/1.0 has no chunks: send a Content-Length."
    if scope["method"] not in _SAFE_METHODS:
        return 405, "This method is not known here."
    return None


def declared_length(headers: Headers) -> int:
    """What Content-Length says, or 0."""
    return next((int(value) for name, value in headers if name == b"content-length"), 0)


class Budget:
    """How many bytes of unfinished bodies may be held at once, whoever sends them. A body in one piece costs none."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, size: int) -> None:
        """Hold so much more. Raises TooMuch."""
        if size > self.left:
            raise TooMuch
        self.left -= size


async def read_body(receive: Receive, limit: int, patience: float, budget: Budget) -> bytes:
    """The whole body. Raises TooLarge as soon as it is, TooMuch, TooSlow past `patience`, Gone if it breaks off.

    What still arrives after that is read by the server and dropped, so that its sender sees the answer.
    """
    message = await receive()
    if message["type"] != "http.request":
        raise Gone
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise TooLarge
    if not message.get("more_body", False):
        return body
    chunks, size, held = [body], len(body), 0
    try:
        async with asyncio.timeout(patience):
            while True:
                budget.take(size - held)
                held = size
                message = await receive()
                if message["type"] != "http.request":
                    raise Gone
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise TooLarge
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise TooSlow from None
    finally:
        budget.left += held
