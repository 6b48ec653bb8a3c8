"""Requests for a session: what was asked under which reference, so that a repeated request gets the first one's session.

A user's Idempotency-Key belongs to one request of this user for ever; another user's same key is another one. A request
without a key has a reference of its own.
"""

from __future__ import annotations

import hashlib

import msgspec

from onpaid.clock import Instant
from onpaid.errors import InvalidInput
from onpaid.store.port import Insert, Store
from onpaid.store.records import Kind

LONGEST_KEY = 200


class SessionRequest(msgspec.Struct, frozen=True):
    """Who asked for a session under this reference; `digest` is of what was asked."""

    reference: str
    user: str
    digest: str
    at: Instant


REQUESTS = Kind("session-request", SessionRequest, key=lambda each: each.reference)


class SessionRequests:
    """The requests of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def under(self, reference: str) -> SessionRequest | None:
        """The request of this reference, or None."""
        held = await REQUESTS.get(self._store, reference)
        return None if held is None else held.record

    def kept(self, request: SessionRequest) -> Insert:
        """The write that keeps a request; it fails if the reference is taken."""
        return REQUESTS.insert(request)


def reference_of(user: str, key: str) -> str:
    """The reference that a user's Idempotency-Key stands for. Raises InvalidInput for what is no key."""
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise InvalidInput(f"an Idempotency-Key has at most {LONGEST_KEY} printable ASCII characters")
    # Both parts have their length before them, so that no two pairs are one text.
    said = f"{len(user)}:{user}{len(key)}:{key}"
    return f"osk_{hashlib.sha256(said.encode()).hexdigest()[:40]}"


def digest_of(asked: msgspec.Struct) -> str:
    """What was asked, as it is compared."""
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()
