"""Konverzky, or any shop that speaks its contract `konverzky/1`: tells us of orders by webhook.

What it is: a source of webhooks of the types order_paid, product_paid and upsell_paid, each with the whole order.
How a thing is found again: it cannot be asked; an event without `webhook_id` is known by its meaning.
Its limits: it may send the same order many times; nobody knows how often it tries again after an error.
How it signs: a setting chooses `hmac` (X-Onpaid-Signature: t=...,v1=...), `header` (a secret in X-Onpaid-Secret or as
Authorization: Bearer) or `path` (a secret as the last part of the URL). Money never depends on what it says alone:
amount, currency and payment come from the payment provider, and the invoice has to add up to them.
"""

from __future__ import annotations

import hashlib
import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from onpaid.acts import LaneLimit
from onpaid.clock import Instant, as_instant
from onpaid.domain.events import Envelope, Judged, OrderReceived
from onpaid.errors import BadSignature, InvalidInput, Problem, SettingsError
from onpaid.providers import bodies
from onpaid.providers.konverzky_wire import Webhook, order_of
from onpaid.providers.signatures import Signer, as_keys, matches

PROCESSED = frozenset({"order_paid", "product_paid", "upsell_paid"})
LEAST_BITS = 128
_SHOP = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_WEBHOOK = msgspec.json.Decoder(Webhook)


@dataclass(frozen=True)
class Settings:
    """`secrets` are signing keys, header values or path tokens, whatever `mode` asks for; several may be valid."""

    mode: Literal["hmac", "header", "path"] = "hmac"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    shop: str = "konverzky"
    live: bool = False

    def __post_init__(self) -> None:
        if self.mode not in ("hmac", "header", "path"):
            raise SettingsError("konverzky: the mode must be hmac, header or path")
        if not _SHOP.fullmatch(self.shop):
            raise SettingsError(
                "konverzky: the shop's name may hold a-z, 0-9, - and _ only, such as konverzky"
            )
        if self.mode == "path" and any(
            strength(secret) < LEAST_BITS for secret in self.secrets if secret.strip()
        ):
            raise SettingsError(
                f"konverzky: a secret in a URL needs {LEAST_BITS} random bits. Make one with "
                'python -c "import secrets; print(secrets.token_urlsafe(24))"'
            )


def strength(token: str) -> int:
    """At most how many random bits a URL token can hold: none, if it cannot stand in a path or repeats itself."""
    letters = set(token)
    if not letters <= set(string.ascii_letters + string.digits + "-_") or len(letters) < 9:
        return 0
    alphabet = 64
    if letters <= set(string.hexdigits):
        alphabet = 16
    elif letters.isdisjoint(string.ascii_lowercase) or letters.isdisjoint(string.ascii_uppercase):
        alphabet = 36
    return math.floor(len(token) * math.log2(alphabet))


class Konverzky:
    """A WebhookSource."""

    name = "konverzky"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._signer = Signer(settings.secrets)
        self._keys = as_keys(settings.secrets)

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless the sender shows a secret, in the one way that is set."""
        if self.settings.mode == "hmac":
            self._signer.verify(headers.get("x-onpaid-signature"), body, now)
            return
        if not self._keys:
            raise BadSignature("no secret is configured, so this endpoint is closed")
        if self.settings.mode == "path":
            if not matches(token, self._keys):
                raise BadSignature("the last part of the URL is not the secret")
            return
        given = headers.get("x-onpaid-secret")
        if given is None:
            scheme, _, value = headers.get("authorization", "").partition(" ")
            given = value.strip() if scheme.lower() == "bearer" else None
        if not matches(given, self._keys):
            raise BadSignature("neither X-Onpaid-Secret nor Authorization: Bearer holds the secret")

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope; the whole order is looked at, so that its sender hears at once of what is wrong with it."""
        webhook = self._webhook(body)
        if webhook.webhook_type in PROCESSED:
            order = order_of(webhook, self.settings.shop, self.settings.live, "", now)
            meaning = f"{order.number} {order.digest}"
        else:
            meaning = hashlib.sha256(body).hexdigest()
        event_id = str(webhook.webhook_id or "").strip()
        if len(event_id) > 255 or not event_id.isprintable():
            raise InvalidInput("webhook_id must be at most 255 printable characters")
        if not event_id:
            # With the time, since an order may go back to an earlier state.
            known_by = f"{webhook.webhook_type} {webhook.created_at or ''} {meaning}"
            event_id = f"by-meaning-{hashlib.sha256(known_by.encode()).hexdigest()[:40]}"
        mode = "live" if self.settings.live else "test"
        return Envelope(
            source=self.name,
            account=f"konverzky/{self.settings.shop}/{mode}",
            event_id=event_id,
            type=webhook.webhook_type,
            live=self.settings.live,
            created_at=_created(webhook.created_at),
        )

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The order that the webhook tells of."""
        if envelope.type not in PROCESSED:
            return Judged(ignored=f"webhooks of type {envelope.type} do not tell of a paid order")
        try:
            return Judged(facts=(self._order(envelope, body, received_at),))
        except InvalidInput as bad:
            raise Problem(
                f"A stored order cannot be read: {bad}", category="order", facts={"event": envelope.event_id}
            ) from None

    async def doctor(self) -> list[str]:
        """What is wrong with the settings, in sentences."""
        if not self._keys:
            return ["Konverzky: no webhook secret is set, so every webhook is refused."]
        if any(len(key) < 16 for key in self._keys):
            return ["Konverzky: a webhook secret has less than 16 characters: make a longer one."]
        return []

    def _order(self, envelope: Envelope, body: bytes, received_at: Instant) -> OrderReceived:
        webhook = bodies.read(body, _WEBHOOK)
        order = order_of(webhook, self.settings.shop, envelope.live, envelope.event_id, received_at)
        return msgspec.structs.replace(order, told_at=envelope.created_at)

    def _webhook(self, body: bytes) -> Webhook:
        bodies.strict(body)
        webhook = bodies.read(body, _WEBHOOK)
        kind = webhook.webhook_type
        if not kind or len(kind) > 64 or not kind.isprintable():
            raise InvalidInput("webhook_type must be 1 to 64 printable characters, such as order_paid")
        return webhook


def _created(text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return as_instant(moment)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput("created_at must be a time with its offset, such as 2026-11-20T10:15:30Z")
