"""The way out: the HTTP client under every provider. Whatever happens becomes an answer or one error of four.

Statuses are judged in `answers.py`; here it is decided what a failure without an answer means: Unavailable if nothing
was sent, else Doubtful. That is not guessed from the kind of failure: the client notes when bytes are about to leave,
and asks `Call.may_send` at that very moment. There is no hidden retry (aiohttp would repeat a GET or a DELETE whose
kept connection turned out dead), no redirect, no cookie, no other host than the base's, no answer beyond a limit.

Each request has the call's whole timeout, so an act that writes makes one request; only reads may make several.
Reads are mapped as writes are: the engine knows which calls it may repeat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from socket import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from onpaid.acts import Call, current_call
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unavailable
from onpaid.providers.addresses import checked_base, socket_to
from onpaid.providers.answers import Answer, Explain, failure
from onpaid.providers.masking import masked

if TYPE_CHECKING:
    import aiohttp

DEFAULT_TIMEOUT = 20.0
LARGEST_ANSWER = 4 * 1024 * 1024
MOST_CONNECTIONS = 64
KEPT_ALIVE = 4.0
"""Seconds that an idle connection is kept: shorter than servers do (five at least), so that none is cut off just as a
request leaves, which would make a doubt out of nothing."""

_JSON = msgspec.json.Encoder(decimal_format="number")


class _TooLate(Exception):
    """The send-by time is over. Not an aiohttp error, so that nothing in there handles it."""


class _Gone(Exception):
    """A connection broke. Not an aiohttp error, so that the request is not sent again."""


@dataclass(slots=True)
class _Attempt:
    """One request on its way out. `call` is None where no engine watches."""

    call: Call | None
    leaving: bool = False
    body_left: bool = False
    late: bool = False

    def leave(self, *, body: bool) -> None:
        """Asked immediately before bytes are written: headers, which aiohttp holds back until the body, then the body."""
        if not self.body_left and self.call is not None and not self.call.may_send():
            self.late = True
            raise _TooLate
        self.leaving = True
        self.body_left = self.body_left or body


class Http:
    """A client for one service. `base` is a setting; `headers` go with every request and hold secrets. `cut` leaves
    unread what an answer has beyond `largest`, or broke off, instead of a doubt: for whom only the status counts."""

    def __init__(
        self,
        service: str,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        explain: Explain = lambda answer: None,
        timeout: float = DEFAULT_TIMEOUT,
        largest: int = LARGEST_ANSWER,
        cut: bool = False,
        socket_factory: Callable[[tuple[Any, ...]], socket] = socket_to,
    ) -> None:
        self.service = service
        self.base = checked_base(base, service)
        secret = dict(headers or {})
        if not all(
            value.isascii() and value.isprintable() and value == value.strip() for value in secret.values()
        ):
            raise SettingsError(f"{service}: the key holds a line break or another odd character")
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "onpaid",
            **secret,
        }
        self._secrets = frozenset(value.split()[-1] for value in secret.values() if value)
        self._explain, self._timeout, self._largest, self._cut = explain, timeout, largest, cut
        self._session: aiohttp.ClientSession | None = None
        self._socket_factory = socket_factory

    async def get(
        self,
        *path: str | int,
        params: Mapping[str, str | int | bool] | None = None,
        accept: Collection[int] = (),
        private: Iterable[str] = (),
    ) -> Answer:
        """Read. `path` comes in segments, each of which is quoted; `accept` are statuses beside 2xx."""
        query = {name: str(v).lower() if isinstance(v, bool) else v for name, v in (params or {}).items()}
        url = self._url(path) + ("?" + urlencode(query) if query else "")
        return self.settled(await self.exchange("GET", url, private=private), accept)

    async def post(
        self,
        *path: str | int,
        json: object,
        accept: Collection[int] = (),
        private: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Write `json`; decimals go out as plain numbers. Words in `private` are kept out of errors."""
        url, body = self._url(path), _JSON.encode(json)
        more = {"Content-Type": "application/json", **(headers or {})}
        answer = await self.exchange("POST", url, more, body, private)
        return self.settled(answer, accept)

    def settled(self, answer: Answer, accept: Collection[int] = ()) -> Answer:
        """The answer if it is a success, else the error that it means is raised."""
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer
        raise self._explain(answer) or failure(answer)

    async def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        private: Iterable[str] = (),
    ) -> Answer:
        """One request, and its answer whatever the status, within the seconds that the current call has."""
        path = urlsplit(url).path
        if not f"{url}/".startswith(f"{self.base}/") or not {".", ".."}.isdisjoint(path.split("/")):
            raise Refused(f"{self.service}: a request that leads away from {self.base} was stopped")
        what = f"{method} {path}"
        call = current_call.get()
        attempt = _Attempt(call)
        session = self._session or self._open()
        import aiohttp
        from yarl import URL

        try:
            async with session.request(
                method,
                URL(url, encoded=True),
                headers={**self._headers, **(headers or {})},
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=call.timeout if call else self._timeout),
                trace_request_ctx=attempt,
            ) as reply:
                asked = f"{self.service} answered {reply.status} to {what}{_request_id(reply.headers)}"
                said = await self._body(reply, asked)
                told = {name.lower(): value for name, value in reply.headers.items()}
                hidden = self._secrets.union(word for word in private if word)
                return Answer(reply.status, told, said, asked, hidden)
        except (aiohttp.ClientError, TimeoutError, OSError, _Gone, _TooLate) as bad:
            error = self._lost(attempt, what, bad)
        raise error  # outside the handler, since aiohttp's errors hold the request, and so our key

    def _lost(self, attempt: _Attempt, what: str, bad: Exception) -> ProviderError:
        if attempt.late:
            return Unavailable(f"{self.service}: the time to send {what} had run out, so nothing was sent")
        # Only the system's own words: aiohttp's others quote the address with its query, or what was received.
        told = masked(str(bad)) if isinstance(bad, (OSError, _Gone)) else ""
        why = told or ("no answer in time" if isinstance(bad, TimeoutError) else type(bad).__name__)
        if attempt.leaving:
            return Doubtful(f"{self.service}: {what} was sent, and the answer is lost: {why}")
        return Unavailable(f"{self.service} cannot be reached, so {what} was not sent: {why}")

    async def _body(self, reply: aiohttp.ClientResponse, asked: str) -> bytes:
        import aiohttp

        parts: list[bytes] = []
        size = 0
        try:
            async for part in reply.content.iter_any():
                size += len(part)
                if size > self._largest:
                    reply.close()
                    if self._cut:
                        break
                    raise Doubtful(f"{asked}, with more than {self._largest} bytes", answered=True)
                parts.append(part)
        except aiohttp.ClientPayloadError:
            if not self._cut:
                raise
        return b"".join(parts)

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        async def headers_leave(_session: object, attempt: _Attempt, _params: object) -> None:
            attempt.leave(body=False)

        async def body_leaves(_session: object, attempt: _Attempt, _params: object) -> None:
            attempt.leave(body=True)

        def attempt_of(trace_request_ctx: _Attempt) -> _Attempt:
            return trace_request_ctx

        # Both are named as though the bytes were gone; they are called just before, and a test holds them to that.
        trace = aiohttp.TraceConfig(trace_config_ctx_factory=attempt_of)  # type: ignore[arg-type]
        trace.on_request_headers_sent.append(headers_leave)  # type: ignore[arg-type]
        trace.on_request_chunk_sent.append(body_leaves)  # type: ignore[arg-type]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MOST_CONNECTIONS, keepalive_timeout=KEPT_ALIVE, socket_factory=self._socket_factory
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
            middlewares=(_once,),
        )
        return self._session

    def _url(self, path: Iterable[str | int]) -> str:
        parts = [str(part) for part in path]
        if any(part in ("", ".", "..") for part in parts):
            raise Refused(f"{self.service}: {'/'.join(parts)!r} is no path to ask for")
        return "/".join((self.base, *(quote(part, safe="") for part in parts)))

    async def close(self) -> None:
        """Let go of all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _once(
    request: aiohttp.ClientRequest, send: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
) -> aiohttp.ClientResponse:
    """Turn the two errors after which aiohttp sends an idempotent request again into one after which it does not."""
    import aiohttp

    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as bad:
        gone = _Gone(str(bad) or type(bad).__name__)
    raise gone


def _request_id(headers: Mapping[str, str]) -> str:
    """The service's own name for the request, which its support asks for."""
    name = headers.get("Request-Id", "")
    return f" ({name})" if name.replace("_", "").isalnum() and len(name) <= 64 else ""


def warm() -> None:
    """Import what is otherwise imported by the first request, which takes a tenth of a second or two."""
    import aiohttp  # noqa: F401
