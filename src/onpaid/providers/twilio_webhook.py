"""Twilio's status callbacks about WhatsApp messages of ours.

What it is: a WebhookSource of the name `twilio`. Each status is a form of its own, sent to the address that
the message was sent with: its last part is our reference.
How a thing is found again: by that reference, and by MessageSid.
Its limits: none for the first status, in any order, fields are added at any time; so all fields that come
are signed for.
How it signs: X-Twilio-Signature is the base64 of HMAC-SHA1 under the account's auth token over the public
address and the sorted fields. A callback that names a shared key in X-Twilio-Webhooks-Signature-Settings is
signed with that key, and may use SHA-256. Proxies change what we see of the address, so it is put together
from the setting.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from onpaid.acts import LaneLimit
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.errors import BadSignature, InvalidInput
from onpaid.providers import twilio_wire as wire
from onpaid.providers.message_refs import decode_ref
from onpaid.providers.message_statuses import Status, account, envelope_of, judge_statuses, plain
from onpaid.providers.signatures import as_keys
from onpaid.providers.twilio_errors import failure

PROVIDER: Final = "twilio"
_ALGORITHMS: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_LONGEST_HEADER: Final = 512


@dataclass(frozen=True)
class Settings:
    """`status_callback` as in the client's settings; `shared_keys` are secrets of keys made for webhooks."""

    auth_tokens: tuple[str, ...] = field(default=(), repr=False)
    shared_keys: tuple[str, ...] = field(default=(), repr=False)
    status_callback: str = ""
    account_sid: str = ""
    live: bool = False

    def __post_init__(self) -> None:
        wire.checked_callback(self.status_callback, needed=bool(self.auth_tokens or self.shared_keys))


class TwilioWebhooks:
    """A WebhookSource."""

    name = "twilio"
    media: tuple[str, ...] = ("application/x-www-form-urlencoded",)
    event_id_header = ""
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._tokens, self._shared = as_keys(settings.auth_tokens), as_keys(settings.shared_keys)
        self._addresses = _with_and_without_port(
            wire.checked_callback(settings.status_callback, needed=False)
        )

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless a holder of one of our secrets sent these fields to this address."""
        named = headers.get("x-twilio-webhooks-signature-settings", "")
        keys = self._shared if named else self._tokens
        if not keys:
            raise BadSignature("no secret is configured for this way of signing, so this endpoint is closed")
        given = headers.get("x-twilio-signature")
        if not given:
            raise BadSignature("there is no X-Twilio-Signature header")
        if not (given + named).isascii() or len(given + named) > _LONGEST_HEADER:
            raise BadSignature("the signature header is malformed")
        algorithm = _ALGORITHMS.get(_algorithm(named))
        if algorithm is None:
            raise BadSignature(
                "the signature is of a kind that is not known here: use HMAC_SHA1 or HMAC_SHA256"
            )
        matched = False
        for signed in self._signed(body, token):
            for key in keys:
                expected = b64encode(hmac.digest(key, signed, algorithm))
                matched |= hmac.compare_digest(expected, given.encode())
        if not matched:
            raise BadSignature(
                "the signature matches none of our secrets: check the secret, and that the setting of the "
                "status callback is the public address"
            )

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope, with the reference that the address holds."""
        ref = decode_ref(token) if token else ""
        where = account(self.name, self.settings.account_sid, self.settings.live)
        statuses = _statuses(body, ref)
        return envelope_of(self.name, where, self.settings.live, statuses, body, other="message", ref=ref)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The status of the message."""
        statuses = _statuses(body, envelope.ref or "")
        why = "not the status of a message of ours: replies are not read here"
        return judge_statuses(PROVIDER, statuses, envelope.event_id, ignored=why)

    async def doctor(self) -> list[str]:
        """What is wrong with the settings, in sentences."""
        if not self._tokens and not self._shared:
            return ["Twilio: no auth token is set, so every status callback is refused."]
        if self.settings.status_callback.startswith("http:"):
            return ["Twilio: the status callback is not https, so statuses can be read on their way."]
        return []

    def _signed(self, body: bytes, token: str | None) -> list[bytes]:
        """What may have been signed: both ways of writing the address, each with all fields."""
        try:
            fields = "".join(name + value for name, value in sorted(set(wire.fields_of(body))))
        except InvalidInput as bad:
            raise BadSignature(str(bad)) from None
        end = f"/{token}" if token else ""
        return [(address + end + fields).encode("utf-8", "backslashreplace") for address in self._addresses]


def _algorithm(named: str) -> str:
    """What a settings header names: `key=<id>,algorithm=<name>`; SHA-1 where it names none."""
    pairs = (part.partition("=") for part in named.split(","))
    told = [value.strip().upper() for name, _, value in pairs if name.strip() == "algorithm"]
    return told[0] if told and told[0] else "HMAC_SHA1"


def _with_and_without_port(address: str) -> tuple[str, ...]:
    """The address with its port and without: Twilio signs either."""
    url = urlsplit(address)
    if not url.hostname:
        return ()
    port = url.port or (443 if url.scheme == "https" else 80)
    bare = url.netloc.rpartition(":")[0] if url.port else url.netloc
    return tuple(url._replace(netloc=netloc).geturl() for netloc in (bare, f"{bare}:{port}"))


def _statuses(body: bytes, ref: str) -> list[Status]:
    """The one status of a callback, if it tells one."""
    said = dict(wire.fields_of(body))
    word, sid = said.get("MessageStatus", ""), plain(said.get("MessageSid") or said.get("SmsSid"))
    if not word or not (sid or ref) or word in ("receiving", "received"):
        return []
    state, code, reason = wire.STATES.get(word), "", ""
    if state == "failed":
        code = plain(said.get("ErrorCode"))
        state, reason = failure(code, said.get("ErrorMessage") or said.get("ChannelStatusMessage") or word)
    return [Status(word, state, sid, ref, None, code, reason)]
