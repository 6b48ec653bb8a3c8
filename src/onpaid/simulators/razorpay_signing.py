"""Razorpay's two signatures, both hex HMAC-SHA256: a webhook's over its raw body, checkout's over two ids.

They take different secrets: the webhook's own, and the API key's. Neither has a time in it, so a forgery
cannot be too old; in place of that it is signed with the API key's secret, or bears text that is no
signature at all.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from onpaid.simulators.plan import Mischief
from onpaid.simulators.signing import WRONG_SECRET, secrets_in_use

GIBBERISH: Final = "señal"


def signature(secret: str, message: bytes) -> str:
    """The hex digest that one secret yields."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def handler_signature(key_secret: str, order_id: str, payment_id: str) -> str:
    """What checkout hands to the browser after a payment that succeeded."""
    return signature(key_secret, f"{order_id}|{payment_id}".encode())


def signing_secret(secrets: Sequence[str], mischief: Mischief) -> str:
    """The one secret that signs this time: there is one signature only, so "both" is the old one."""
    return secrets_in_use(secrets, mischief)[0]


def forged_signature(
    forgery: str, secrets: Sequence[str], key_secret: str, genuine: bytes, forged: bytes
) -> str | None:
    """A signature that must not be believed for the body `forged`; None is none at all."""
    if forgery == "no signature":
        return None
    if forgery == "tampered body":
        return signature(secrets[0], genuine)
    if forgery == "too old":
        return signature(key_secret, forged)
    if forgery == "too new":
        return GIBBERISH
    return signature(WRONG_SECRET, forged)
