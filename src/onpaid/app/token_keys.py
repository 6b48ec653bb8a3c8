"""The keys that bearer tokens are checked with: secrets for HS256, and a set of public keys for RS256 and ES256.

A key belongs to one algorithm, whatever a token says: secrets are never public keys, public keys never secrets. A
token's `kid` is looked up in the map that was read, and nowhere else. The set is read again after an hour, and for a
`kid` that it lacks at most once a minute, by one reader at a time; a day after the last reading it is worth nothing.
What reads keys is imported with the first one: it is large, and a cold start on Lambda should not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from onpaid.clock import Clock
from onpaid.errors import InvalidInput, OnpaidError, SettingsError, Unavailable
from onpaid.providers import bodies

log = structlog.get_logger("onpaid.tokens")

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = RSAPublicKey | EllipticCurvePublicKey
ReadKeys = Callable[[], Awaitable[bytes]]
"""Reads the set of public keys (a JWKS, RFC 7517) from where it is kept. Raises OnpaidError."""

SHORTEST_SECRET: Final = 32
"""Bytes: a shorter one than the digest can be guessed from a single token (RFC 7518, section 3.2)."""
SMALLEST_RSA: Final = 2048
MOST_KEYS: Final = 100
LONGEST_KID: Final = 200
FRESH: Final = 3600.0
AGAIN: Final = 60.0
END: Final = 86_400.0


class _Jwk(msgspec.Struct):
    kty: str = ""
    kid: str = ""
    use: str = "sig"
    alg: str = ""
    crv: str = ""
    n: str = ""
    e: str = ""
    x: str = ""
    y: str = ""
    d: Any = None
    key_ops: tuple[str, ...] = ("verify",)


class _Jwks(msgspec.Struct):
    keys: list[msgspec.Raw]


_JWKS = msgspec.json.Decoder(_Jwks)
_JWK = msgspec.json.Decoder(_Jwk)


def looks_public(secret: str) -> bool:
    """Whether a secret is in truth a key of another kind: PEM, a key of ssh's, a JWK."""
    text = secret.strip()
    return "-----" in text or text.startswith(("ssh-", "ecdsa-", "{")) or '"kty"' in text


def checked_secrets(given: Sequence[str], *, live: bool) -> tuple[bytes, ...]:
    """The secrets as bytes, newest first. Raises SettingsError for what is no secret, or too short for real money."""
    secrets = tuple(secret.encode() for secret in given if secret.strip())
    if any(looks_public(secret) for secret in given):
        raise SettingsError(
            "JWT_ACCESS_TOKEN_SECRET holds a key in PEM or JWK, which others know: put public keys into JWT_JWKS"
        )
    if live and any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise SettingsError(
            f"JWT_ACCESS_TOKEN_SECRET has a secret of less than {SHORTEST_SECRET} bytes, with a live key of Stripe's: "
            "make a longer one (a blank or a comma in it makes two secrets of one)"
        )
    return secrets


def read_key_set(body: bytes) -> dict[str, list[tuple[str, PublicKey]]]:
    """Algorithm to its keys with their names. What is no public key for signatures is passed over. Raises InvalidInput."""
    bodies.strict(body)
    given = bodies.read(body, _JWKS).keys
    if len(given) > MOST_KEYS:
        raise InvalidInput(f"the set has more than {MOST_KEYS} keys")
    found: dict[str, list[tuple[str, PublicKey]]] = {"RS256": [], "ES256": []}
    for told in given:
        try:
            jwk = _JWK.decode(told)
        except msgspec.ValidationError:
            continue
        algorithm, key = _public(jwk)
        if key is not None and jwk.alg in ("", algorithm):
            if jwk.kid and any(name == jwk.kid for name, _ in found[algorithm]):
                raise InvalidInput("two keys of the set have the same kid")
            found[algorithm].append((jwk.kid, key))
    return found


def _public(jwk: _Jwk) -> tuple[str, PublicKey | None]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm
    from jwt.exceptions import PyJWTError

    if jwk.d is not None or jwk.use != "sig" or "verify" not in jwk.key_ops or len(jwk.kid) > LONGEST_KID:
        return "", None
    try:
        if jwk.kty == "RSA":
            rsa = RSAAlgorithm.from_jwk({"kty": "RSA", "n": jwk.n, "e": jwk.e})
            fits = isinstance(rsa, RSAPublicKey) and rsa.key_size >= SMALLEST_RSA
            return "RS256", rsa if fits else None  # type: ignore[return-value]
        if jwk.kty == "EC" and jwk.crv == "P-256":
            curve = ECAlgorithm.from_jwk({"kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y})
            fits = isinstance(curve, EllipticCurvePublicKey) and isinstance(curve.curve, SECP256R1)
            return "ES256", curve if fits else None  # type: ignore[return-value]
    except (PyJWTError, ValueError, TypeError):
        return "", None
    return "", None


class KeySet:
    """Public keys that are kept elsewhere, and change there."""

    def __init__(self, read: ReadKeys, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._keys: Mapping[str, list[tuple[str, PublicKey]]] | None = None
        self._read_at = 0.0
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()

    async def key(self, algorithm: str, kid: str | None) -> PublicKey | None:
        """The key for this algorithm by its name, or the only one if the token names none; None if there is no such.

        Raises Unavailable while there are no keys to look in.
        """
        if self._keys is None or self._age() >= FRESH:
            await self._renew()
        found = self._find(algorithm, kid)
        if found is None and kid is not None:
            await self._renew()
            found = self._find(algorithm, kid)
        return found

    def _find(self, algorithm: str, kid: str | None) -> PublicKey | None:
        if self._keys is None or self._age() >= END:
            raise Unavailable("the keys that tokens are checked with cannot be read just now")
        keys = self._keys.get(algorithm, [])
        if kid is None:
            return keys[0][1] if len(keys) == 1 else None
        return next((key for name, key in keys if name == kid), None)

    def _age(self) -> float:
        return self._clock.monotonic() - self._read_at

    async def _renew(self) -> None:
        """Read the set, unless that was tried within a minute; who comes meanwhile waits for the same reading."""
        async with self._reading:
            if self._tried_at is not None and self._clock.monotonic() - self._tried_at < AGAIN:
                return
            try:
                self._keys = read_key_set(await self._read())
                self._read_at = self._clock.monotonic()
            except OnpaidError as bad:
                log.warning("the keys of tokens could not be read", why=str(bad), kept=self._keys is not None)
            finally:
                self._tried_at = self._clock.monotonic()
