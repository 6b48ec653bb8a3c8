"""Being logged in at Shiprocket: one token for all, renewed a day before its end, and calls that show it.

A login is no part of the act that needs it: it comes before, so that whatever goes wrong with it means that
nothing of the act was sent. One at a time logs in, the others wait for that. Credentials that were refused
are not shown again for ten minutes, since Shiprocket locks out who tries in a loop. The token is kept in
memory only.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from onpaid.acts import current_call
from onpaid.clock import Clock
from onpaid.errors import Doubtful, Refused, Unauthorised, Unavailable
from onpaid.providers import shiprocket_refusals as refusals
from onpaid.providers.answers import Answer, failure
from onpaid.providers.http import Http
from onpaid.providers.shiprocket_wire import decoded, mapping

API: Final = ("v1", "external")
DAY: Final = 86_400.0
USUAL_LIFE: Final = 10 * DAY
LONGEST_LIFE: Final = 400 * DAY
LONGEST_LOGIN: Final = 10.0
NOT_AGAIN_FOR: Final = 600.0
"""Seconds for which credentials that were refused are not shown again."""


_SENDABLE: Final = re.compile(r"[!-~]{1,4096}", re.ASCII)
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


class _TokenDied(Unavailable):
    """The token was not accepted: a new one may be."""


class Login:
    """Who we are there. `token` is asked before each request."""

    def __init__(self, http: Http, email: str, password: str, clock: Clock) -> None:
        self._http, self._email, self._password, self._clock = http, email, password, clock
        self._lock = asyncio.Lock()
        self._token, self._renew_at = "", 0.0
        self._refused, self._refused_until = "", 0.0
        self._rejected = 0

    async def token(self) -> str:
        """The token. Unavailable if there is none now, Unauthorised if our credentials are refused."""
        if self._good():
            return self._token
        limit = self._limit()
        try:
            async with asyncio.timeout(limit), self._lock:
                if not self._good():
                    await self._log_in()
                return self._token
        except TimeoutError:
            raise Unavailable(f"Shiprocket: no login within {limit:g} s, so nothing else was sent") from None

    def accepted(self) -> None:
        """A call with the token was let in."""
        self._rejected = 0

    def rejected(self, token: str, asked: str) -> Unavailable | Unauthorised:
        """What a 401 means: the token has died before its time. Twice in a row, it is not the token's age."""
        if hmac.compare_digest(token.encode(), self._token.encode()):
            self._token = ""
            self._rejected += 1
        if self._rejected > 1:
            return Unauthorised(
                f"{asked}: it lets us log in, and then refuses the token that it gave. To do: look whether "
                f"the API user may use the API (Settings, API); {refusals.RESUME}"
            )
        return _TokenDied(f"{asked}: our token was not accepted, so nothing was done; a new one is asked for")

    def _good(self) -> bool:
        return bool(self._token) and self._clock.monotonic() < self._renew_at

    def _limit(self) -> float:
        """Seconds for a login: of a call under way at most half of what is left: its act needs time too."""
        call = current_call.get()
        left = 2 * LONGEST_LOGIN if call is None else call.send_by - call.monotonic()
        return max(0.0, min(LONGEST_LOGIN, left / 2))

    async def _log_in(self) -> None:
        if self._clock.monotonic() < self._refused_until:
            raise Unauthorised(self._refused)
        answer = await self._ask()
        token = mapping(decoded(answer.body)).get("token")
        if answer.status == 200 and isinstance(token, str) and _SENDABLE.fullmatch(token):
            self._token, self._refused_until = token, 0.0
            self._renew_at = self._clock.monotonic() + renewed_after(token, self._clock.now() / 1000)
            return
        raise self._no_token(answer)

    async def _ask(self) -> Answer:
        url = "/".join((self._http.base, *API, "auth", "login"))
        body = _JSON.encode({"email": self._email, "password": self._password})
        sent_as, private = {"Content-Type": "application/json"}, (self._email, self._password)
        try:
            return await self._http.exchange("POST", url, sent_as, body, private)
        except Doubtful as lost:
            raise Unavailable(f"{lost}. It was only the login: nothing else was sent") from None

    def _no_token(self, answer: Answer) -> Unavailable | Unauthorised:
        if answer.status in (400, 401, 403, 422) or (answer.status == 200 and mapping(decoded(answer.body))):
            cure = (
                f"look at SHIPROCKET_EMAIL and SHIPROCKET_PASSWORD, those of an API user; {refusals.RESUME}"
            )
            why = refusals.FIREWALL if answer.status == 403 else f"no login: {answer.text()} To do: {cure}"
            self._refused = f"{answer.asked}: {why}"
            self._refused_until = self._clock.monotonic() + NOT_AGAIN_FOR
            return Unauthorised(self._refused)
        error = failure(answer) if answer.status >= 300 else None
        if isinstance(error, Unavailable):
            return error
        if isinstance(error, Refused):
            return Unauthorised(f"{error} To do: is SHIPROCKET_API_BASE right? {refusals.RESUME}")
        return Unavailable(f"{answer.asked}: no login now, so nothing else was sent. {answer.text()}")


class SignedIn:
    """Requests with the token. A read that meets a dead one is made again with another, a write never is."""

    def __init__(self, http: Http, login: Login) -> None:
        self._http, self._login = http, login

    async def get(
        self, *path: str, params: Mapping[str, str | int] | None = None, accept: Collection[int] = ()
    ) -> Answer:
        """Read."""
        query = f"?{urlencode(params)}" if params else ""
        return await self._read("GET", self._url(path) + query, None, accept)

    async def read(self, *path: str, json: object) -> Answer:
        """Read by a POST."""
        return await self._read("POST", self._url(path), _JSON.encode(json), ())

    async def post(
        self, *path: str, json: object, accept: Collection[int] = (), private: Iterable[str] = ()
    ) -> Answer:
        """Write: one request."""
        answer = await self._once("POST", self._url(path), _JSON.encode(json), private)
        return self._http.settled(answer, accept)

    async def _read(self, method: str, url: str, body: bytes | None, accept: Collection[int]) -> Answer:
        try:
            answer = await self._once(method, url, body)
        except _TokenDied:
            answer = await self._once(method, url, body)
        return self._http.settled(answer, accept)

    async def _once(self, method: str, url: str, body: bytes | None, private: Iterable[str] = ()) -> Answer:
        token = await self._login.token()
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await self._http.exchange(method, url, headers, body, (token, *private))
        if answer.status == 401:
            raise self._login.rejected(token, answer.asked)
        self._login.accepted()
        return answer

    def _url(self, path: Iterable[str]) -> str:
        return "/".join((self._http.base, *API, *(quote(part, safe="") for part in path)))


def renewed_after(token: str, now: float) -> float:
    """Seconds until the token is renewed: a day before its end, of a short life after its half.

    Its age is what it says of itself, so that our clock may differ. The signature is not checked: whoever
    could forge one could as well refuse us.
    """
    life = USUAL_LIFE
    with suppress(
        ValueError, IndexError, TypeError, KeyError, OverflowError, RecursionError, msgspec.MsgspecError
    ):
        part = token.split(".")[1]
        claims: Any = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        told = float(claims["exp"]) - float(claims.get("iat", now))
        life = told if 0 < told <= LONGEST_LIFE else life
    return max(life - DAY, life / 2)
