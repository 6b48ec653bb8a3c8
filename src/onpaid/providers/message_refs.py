"""Our reference of a message on its way through other people's fields and addresses.

A reference ("onpaid:shop/2045861230417:order_confirmation") holds characters that a path segment may not,
that some fields refuse, and that proxies decode on the way. So it goes as base64url without padding, which
nothing touches and which can be undone. What comes back in a field may be somebody else's: only what is
surely ours is taken for ours.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from onpaid.errors import InvalidInput

LONGEST: Final = 400
OURS: Final = "onpaid:"
"""How each reference of ours begins."""


def encode_ref(ref: str) -> str:
    """The reference as letters, digits, - and _ only."""
    return urlsafe_b64encode(ref.encode()).decode().rstrip("=")


def decode_ref(text: str) -> str:
    """The reference that was encoded so. Raises InvalidInput."""
    try:
        if text.isascii() and 0 < len(text) <= LONGEST:
            ref = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            if ref.isprintable() and encode_ref(ref) == text:
                return ref
    except (binascii.Error, ValueError):
        pass
    raise InvalidInput("the last part of the address is no reference of ours: was the address changed?")


def our_ref(given: str) -> str:
    """The reference, encoded or plain, in a field that may hold something else; nothing if it is not ours."""
    try:
        ref = given if given.startswith(OURS) else decode_ref(given)
    except InvalidInput:
        return ""
    return ref if ref.startswith(OURS) else ""
