"""Signs webhooks, rightly and wrongly: `t=<seconds>,v1=<hex>` with HMAC-SHA256 over `<t>.<raw body>`.

Stripe and the shop's `hmac` mode sign alike; the shop can also send a secret in a header, or have it in its path.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from onpaid.simulators.plan import Mischief

OUT_OF_TOLERANCE: Final = 3600
WRONG_SECRET: Final = "not-the-secret"  # noqa: S105


def signature(secret: str, body: bytes, at: int) -> str:
    """The hex digest that one secret yields."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def signed_header(secrets: Sequence[str], body: bytes, at: int) -> str:
    """The header with one `v1` for each secret, in their order."""
    return ",".join((f"t={at}", *(f"v1={signature(secret, body, at)}" for secret in secrets)))


def secrets_in_use(secrets: Sequence[str], mischief: Mischief) -> Sequence[str]:
    """Which of the secrets, newest first, sign this time."""
    if mischief.signer == "old":
        return secrets[1:2]
    if mischief.signer == "both":
        return (secrets[1], secrets[0])
    return secrets[:1]


def forged_header(forgery: str, secrets: Sequence[str], genuine: bytes, forged: bytes, at: int) -> str | None:
    """A header that must not be believed for the body `forged`; None is no header at all."""
    if forgery == "no signature":
        return None
    if forgery == "tampered body":
        return signed_header(secrets[:1], genuine, at)
    if forgery == "too old":
        return signed_header(secrets[:1], forged, at - OUT_OF_TOLERANCE)
    if forgery == "too new":
        return signed_header(secrets[:1], forged, at + OUT_OF_TOLERANCE)
    return signed_header((WRONG_SECRET,), forged, at)
