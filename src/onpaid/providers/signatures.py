"""Who sent this? Secrets compared in constant time, and the scheme `t=<unix seconds>,v1=<hex>[,v1=<hex>...]`.

`v1` is HMAC-SHA256 over `<t>.<raw body>`. Several secrets may be valid at once, so that one can be replaced without
an outage, and any `v1` may match any of them. The time may differ by TOLERANCE both ways. No secret, or an empty one,
opens nothing. Whatever the header holds, the only exception is BadSignature; an item that is no `name=value` spoils
all of it, other schemes than `v1` are passed over.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from onpaid.clock import Instant
from onpaid.errors import BadSignature

TOLERANCE = 300
"""Seconds, both ways."""
LONGEST_HEADER = 4096
_HEX_LENGTH = 64


class Signer:
    """Checks signed bodies under any of several secrets."""

    def __init__(self, secrets: Iterable[str], tolerance: int = TOLERANCE) -> None:
        self._keys = as_keys(secrets)
        self._tolerance = tolerance

    def verify(self, header: str | None, body: bytes, now: Instant) -> None:
        """Raise BadSignature unless `header` proves that a holder of a secret sent `body` just now."""
        if not self._keys:
            raise BadSignature("no secret is configured, so this endpoint is closed")
        stamp, given = _parse(header)
        if abs(now // 1000 - int(stamp)) > self._tolerance:
            raise BadSignature(
                f"the signature's time is more than {self._tolerance} seconds off: compare the clocks"
            )
        signed = stamp + b"." + body
        matched = False
        for key in self._keys:
            expected = hmac.digest(key, signed, "sha256").hex().encode()
            for signature in given:
                matched |= hmac.compare_digest(expected, signature)
        if not matched:
            raise BadSignature(
                "the signature matches none of our secrets: check the secret, and send the body unaltered"
            )

    def header(self, body: bytes, now: Instant) -> str:
        """The header that the newest (first) secret yields: for relays and tests."""
        stamp = str(now // 1000).encode()
        return f"t={stamp.decode()},v1={hmac.digest(self._keys[0], stamp + b'.' + body, 'sha256').hex()}"


def _parse(header: str | None) -> tuple[bytes, list[bytes]]:
    if not header:
        raise BadSignature("there is no signature header")
    if len(header) > LONGEST_HEADER or not header.isascii():
        raise BadSignature("the signature header is malformed")
    stamp, given = b"", []
    for item in header.encode().split(b","):
        name, equals, value = item.partition(b"=")
        odd = (name == b"t" and stamp) or (name == b"v1" and len(value) != _HEX_LENGTH)
        if not equals or not value or odd:
            raise BadSignature("the signature header is malformed: it should read t=<seconds>,v1=<hex>")
        if name == b"t":
            stamp = value
        elif name == b"v1":
            given.append(value)
    if not stamp.isdigit() or len(stamp) > 12 or not given:
        raise BadSignature("the signature header is malformed: it should read t=<seconds>,v1=<hex>")
    return stamp, given


def matches(given: str | None, keys: Sequence[bytes]) -> bool:
    """Whether `given` is one of the secrets, told in a time that does not depend on where they differ."""
    shown = (given or "").encode("utf-8", "backslashreplace")
    matched = False
    for key in keys:
        matched |= hmac.compare_digest(shown, key)
    return matched


def as_keys(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """The secrets as bytes, without blank ones."""
    return tuple(secret.encode() for secret in secrets if secret.strip())
