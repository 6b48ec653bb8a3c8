"""Who asks? A bearer token (scripts) or a session cookie (browsers), each for the viewer or the operator.

Tokens are compared in constant time. A session is signed, not stored: it ends after its life, when its role's token
changes, or when it is logged out of. A login link holds a key that is signed for this one purpose, lives minutes, and
works once. What works no more is remembered here, and in the store for other processes (`spent.py`). The token against forged requests is derived from the session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import HTTPConnection

from onpaid.clock import Clock, Instant
from onpaid.domain.sessions import User
from onpaid.web.rates import Rates
from onpaid.web.settings import Role, WebSettings

ROLES: tuple[Role, ...] = ("operator", "viewer")
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"
MOST_SPENT = 10_000


class Ticket(msgspec.Struct, frozen=True):
    """What is signed: for whom, which one, until when."""

    role: Role
    number: str
    until: Instant


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how they came. `role` None is nobody."""

    role: Role | None = None
    session: Ticket | None = None

    @property
    def acts(self) -> bool:
        """Whether they may change anything, and see names."""
        return self.role == "operator"

    @property
    def by(self) -> str:
        """How journals name them."""
        return f"the {self.role or 'nobody'} ({'API' if self.session is None else 'console'})"


NOBODY = Caller()
NO_USER = User("")


class Access:
    """Knows tokens, sessions and links."""

    def __init__(self, settings: WebSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._spent: dict[str, Instant] = {}
        self.checkouts = Rates(
            clock.monotonic, each=settings.checkouts_each, together=settings.checkouts_together
        )
        """How often nobody in particular may open a checkout."""
        self.cookie = "__Host-onpaid" if settings.https else "onpaid_session"

    def caller(self, request: HTTPConnection) -> Caller:
        """Who sent this request: a bearer token goes before a cookie."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if given:
            return Caller(self.role_of(given.strip())) if scheme.lower() == "bearer" else NOBODY
        session = self._read(request.cookies.get(self.cookie, ""), "session")
        return Caller(session.role, session) if session is not None else NOBODY

    def role_of(self, token: str) -> Role | None:
        """The role that a token opens. Both are compared, so that the time tells nothing."""
        shown = token.encode("utf-8", "backslashreplace")
        found: Role | None = None
        for role in ROLES:
            known = self._settings.token_of(role).encode()
            if hmac.compare_digest(shown, known) and known and found is None:
                found = role
        return found

    def open_session(self, role: Role) -> str:
        """The value of a cookie that lets its bearer in as `role`."""
        until = self._clock.now() + round(self._settings.session_life.total_seconds() * 1000)
        return _sign(self._settings, "session", Ticket(role, secrets.token_urlsafe(18), until))

    def close_session(self, session: Ticket) -> None:
        """Let this session in no more."""
        self._spend(session)

    def redeem(self, key: str) -> Ticket | None:
        """What a login link opens: once, as far as this process knows."""
        ticket = self._read(key, "login link")
        if ticket is not None:
            self._spend(ticket)
        return ticket

    def csrf(self, session: Ticket) -> str:
        """What a form of this session must carry."""
        secret = self._settings.session_secret.encode()
        return hmac.digest(secret, f"csrf {session.number}".encode(), "sha256").hex()[:40]

    def csrf_fits(self, session: Ticket, given: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf(session).encode(), given.encode("utf-8", "backslashreplace"))

    def _read(self, signed: str, purpose: Literal["session", "login link"]) -> Ticket | None:
        """The ticket in a signed text, if it is ours, for this purpose, still valid and not spent."""
        if not signed or len(signed) > 1000:
            return None
        for role in ROLES:
            if not self._settings.token_of(role):
                continue
            try:
                ticket = msgspec.convert(_serializer(self._settings, purpose, role).loads(signed), Ticket)
            except (BadData, msgspec.ValidationError, ValueError):
                continue
            if ticket.role == role and ticket.until > self._clock.now() and ticket.number not in self._spent:
                return ticket
        return None

    def _spend(self, ticket: Ticket) -> None:
        now = self._clock.now()
        if len(self._spent) >= MOST_SPENT:
            self._spent = {number: until for number, until in self._spent.items() if until > now}
        self._spent[ticket.number] = ticket.until


async def asking_user(request: HTTPConnection, caller: Caller, tokens: Any) -> User:
    """The user whose own token a request bears: `tokens` checks it. Whoever bears a token of ours is no user."""
    given = "" if caller.role is not None else request.headers.get("authorization", "")
    user: User = await tokens.user_of(given)
    return user


def make_login_link(settings: WebSettings, role: Role, now: Instant) -> str:
    """An address that logs a browser in once, within minutes. Whoever has it can do what `role` can."""
    until = now + round(settings.link_life.total_seconds() * 1000)
    key = _sign(settings, "login link", Ticket(role, secrets.token_urlsafe(18), until))
    return f"{settings.public_url.rstrip('/')}/login?key={quote(key)}"


def _sign(settings: WebSettings, purpose: str, ticket: Ticket) -> str:
    signed: Any = _serializer(settings, purpose, ticket.role).dumps(msgspec.to_builtins(ticket))
    return str(signed)


def _serializer(settings: WebSettings, purpose: str, role: Role) -> URLSafeSerializer:
    """Bound to the role's token: whoever changes it ends the sessions that it opened."""
    token = hashlib.sha256(settings.token_of(role).encode()).hexdigest()
    return URLSafeSerializer(
        settings.session_secret,
        salt=f"onpaid {purpose} {role} {token}",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
