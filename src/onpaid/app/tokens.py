"""Who asks, by the bearer token of a user: a JWT that the user's own service signed.

A token chooses nothing: its algorithm is that of the key which fits, the key comes from our settings, and what else
its header wants is refused. Every refusal is the same error to whoever sent the token; the log has the reason, and
never the token. See docs/decisions/0041-bearer-tokens.md.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog

from onpaid.app.token_keys import LONGEST_KID, KeySet, ReadKeys, checked_secrets
from onpaid.clock import Clock
from onpaid.domain.sessions import User
from onpaid.errors import BadSignature, InvalidInput, SettingsError
from onpaid.providers import bodies
from onpaid.settings import Settings

log = structlog.get_logger("onpaid.tokens")

LARGEST: Final = 8 * 1024
LEEWAY: Final = 30
"""Seconds that two clocks may differ."""
LONGEST_USER: Final = 200
LONGEST_ROLE: Final = 100
LONGEST_EMAIL: Final = 254
ALGORITHMS: Final = ("HS256", "RS256", "ES256")
TYPES: Final = frozenset({"jwt", "at+jwt"})
WANTS: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "cty"})
"""What a header may not bring along: keys, addresses of keys, and other ways to read the token."""
KINDS: Final = ("token_use", "token_type", "tokenType", "type", "typ")
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(
    rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])"
)
"""Plain addresses. Stripe makes no customer with one that it takes for wrong, and then the user could never pay."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class TokenRefused(BadSignature):
    """The token is not believed. The sentence is always the same."""

    def __init__(self) -> None:
        super().__init__("send Authorization: Bearer with a valid token of the user")


class _No(Exception):
    """Why a token is refused, for the log."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What tokens must be like. `secrets` are those of HS256, newest first; `live` says that real money is meant."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    audience: str = ""
    issuer: str = ""
    user_claims: tuple[str, ...] = ("userId", "sub")
    role_claim: str = "role"
    email_claim: str = "email"
    live: bool = False


def token_rules(settings: Settings, *, live: bool) -> TokenRules:
    """The rules that the settings give."""
    return TokenRules(
        secrets=settings["JWT_ACCESS_TOKEN_SECRET"],
        audience=settings["JWT_AUDIENCE"] or "",
        issuer=settings["JWT_ISSUER"] or "",
        user_claims=tuple(settings["JWT_USER_CLAIM"].split()),
        role_claim=settings["JWT_ROLE_CLAIM"],
        email_claim=settings["JWT_EMAIL_CLAIM"],
        live=live,
    )


class Tokens:
    """Checks bearer tokens. Without a secret and without public keys, every token is refused."""

    def __init__(self, rules: TokenRules, clock: Clock, read_keys: ReadKeys | None = None) -> None:
        """Raises SettingsError for secrets that are none, and for what real money needs and is not set."""
        self._rules = rules
        self._clock = clock
        self._secrets = checked_secrets(rules.secrets, live=rules.live)
        self._keys = None if read_keys is None else KeySet(read_keys, clock)
        self.closed = not self._secrets and self._keys is None
        missing = [
            name
            for name, value in (("JWT_AUDIENCE", rules.audience), ("JWT_ISSUER", rules.issuer))
            if not value
        ]
        if rules.live and missing and not self.closed:
            raise SettingsError(
                f"{' and '.join(missing)} must be set with a live key of Stripe's: else a token that was made for "
                "another service would be good here"
            )

    async def user_of(self, authorization: str) -> User:
        """The user whose token a request's Authorization header bears. Raises TokenRefused, Unavailable."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            log.warning("the token of a user was refused", why="there is none, or it is this service's own")
            raise TokenRefused
        return await self.verify(token)

    async def verify(self, token: str) -> User:
        """The user that a token speaks for. Raises TokenRefused; Unavailable while there are no keys to check it by."""
        from jwt.exceptions import PyJWTError

        try:
            return self._user(self._timely(await self._signed(token)))
        except _No as no:
            why = str(no)
        except (InvalidInput, msgspec.DecodeError, PyJWTError, ValueError, UnicodeError) as bad:
            why = f"it cannot be read: {type(bad).__name__}"
        log.warning("the token of a user was refused", why=why)
        raise TokenRefused

    async def _signed(self, token: str) -> dict[str, Any]:
        """The claims, once the signature is checked."""
        if self.closed:
            raise _No("neither JWT_ACCESS_TOKEN_SECRET nor JWT_JWKS is set")
        if len(token) > LARGEST:
            raise _No("it is too large")
        if _SHAPE.fullmatch(token) is None:
            raise _No("it is not three parts of base64url")
        from jwt.utils import base64url_decode

        header = _json_object(base64url_decode(token.partition(".")[0].encode()))
        algorithm, kid = _read_header(header)
        if algorithm == "HS256":
            payload = self._by_secret(token)
        else:
            key = None if self._keys is None else await self._keys.key(algorithm, kid)
            payload = None if key is None else _opened(token, key, algorithm)
        if payload is None:
            raise _No("no key of ours fits its signature")
        return _json_object(payload)

    def _by_secret(self, token: str) -> bytes | None:
        # Every secret is tried, so that the time does not tell which one fitted.
        fitting = [_opened(token, secret, "HS256") for secret in self._secrets]
        return next((payload for payload in fitting if payload is not None), None)

    def _timely(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims, if they are for us and for now."""
        now, rules = self._clock.now() / 1000, self._rules
        if "exp" not in claims or now >= _seconds(claims, "exp") + LEEWAY:
            raise _No("it has expired, or does not say when it will (exp)")
        for name in ("nbf", "iat"):
            if name in claims and now < _seconds(claims, name) - LEEWAY:
                raise _No(f"it is not valid yet ({name})")
        if rules.issuer and claims.get("iss") != rules.issuer:
            raise _No("somebody else issued it (iss)")
        audience = claims.get("aud")
        if rules.audience and rules.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _No("it is for somebody else (aud)")
        if any(str(claims.get(name, "")).lower().startswith("refresh") for name in KINDS):
            raise _No("it is a refresh token")
        return claims

    def _user(self, claims: dict[str, Any]) -> User:
        rules = self._rules
        given = next((claims[name] for name in rules.user_claims if name in claims), None)
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        ident = _plain(given, LONGEST_USER)
        if not ident:
            raise _No("it names no user")
        email = _plain(claims.get(rules.email_claim), LONGEST_EMAIL)
        role = _plain(claims.get(rules.role_claim), LONGEST_ROLE)
        return User(ident, role, email if _EMAIL.fullmatch(email) else "")


def _read_header(header: dict[str, Any]) -> tuple[str, str | None]:
    """Algorithm and key name of a header that wants nothing else."""
    if not WANTS.isdisjoint(header):
        raise _No("its header brings a key, or wants to be read in another way")
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if algorithm not in ALGORITHMS:
        raise _No("its algorithm is not taken")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise _No("it is a token of another type")
    if "kid" in header and (not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID):
        raise _No("its key has no proper name")
    return algorithm, kid


def _opened(token: str, key: Any, algorithm: str) -> bytes | None:
    """What is signed, if this key signed it under this algorithm and no other."""
    from jwt.api_jws import PyJWS
    from jwt.exceptions import PyJWTError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about short secrets, which `doctor` tells of
        try:
            payload: bytes = PyJWS(algorithms=[algorithm]).decode(token, key, algorithms=[algorithm])
        except PyJWTError:
            return None
    return payload


def _json_object(text: bytes) -> dict[str, Any]:
    """A JSON object that every reader reads alike: no name twice, no NaN. Raises InvalidInput."""
    bodies.strict(text)
    found = msgspec.json.decode(text)
    if not isinstance(found, dict):
        raise _No("a part of it is no JSON object")
    return found


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _No(f"{name} is no point in time")
    return value


def _plain(value: Any, longest: int) -> str:
    """A claim that is a short text which can be shown and compared; empty if it is something else."""
    fits = isinstance(value, str) and len(value) <= longest and value.isprintable() and value == value.strip()
    return str(value) if fits else ""
