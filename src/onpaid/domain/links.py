"""Links that open one thing for whoever holds them, until they end: a customer's tracking page.

A link is `<subject>.<end>.<mac>`, each part in base64url: HMAC-SHA256 (128 bits kept) over purpose, subject and end. A
link for one purpose opens nothing of another. Wrong, altered and ended links are told apart for nobody.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence

from onpaid.clock import Instant

MAC_BYTES = 16
LONGEST = 400


class Links:
    """Makes and reads links under several secrets, newest first, so that one can be replaced."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Raises ValueError if there is no secret."""
        self._keys = [secret.encode() for secret in secrets if secret.strip()]
        if not self._keys:
            raise ValueError("links need a secret")

    def make(self, purpose: str, subject: str, ends: Instant) -> str:
        """The link text that opens `subject` until `ends` (whole seconds, rounded up)."""
        seconds = -(-ends // 1000)
        name, end = _text(subject.encode()), _text(_number(seconds))
        return f"{name}.{end}.{_text(_mac(self._keys[0], purpose, subject, seconds))}"

    def read(self, purpose: str, text: str, now: Instant) -> str | None:
        """What the link opens, or None if it opens nothing (any more)."""
        parts = text.split(".") if len(text) <= LONGEST and text.isascii() else []
        if len(parts) != 3:
            return None
        try:
            subject, end, mac = (_bytes(part) for part in parts)
            name, seconds = subject.decode(), int.from_bytes(end, "big")
        except (NotBase64, ValueError):
            return None
        fits = False
        for key in self._keys:
            fits |= hmac.compare_digest(_mac(key, purpose, name, seconds), mac)
        return name if fits and now <= seconds * 1000 else None


def _mac(key: bytes, purpose: str, subject: str, seconds: int) -> bytes:
    said = f"{purpose}\n{seconds}\n{subject}".encode()
    return hmac.digest(key, said, "sha256")[:MAC_BYTES]


def _number(seconds: int) -> bytes:
    return seconds.to_bytes(6, "big")


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(raw) != text:
        raise ValueError("one value has one spelling")
    return raw
