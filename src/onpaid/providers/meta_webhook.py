"""Meta's webhooks about WhatsApp messages: statuses of ours, replies of customers, news of the account.

What it is: a WebhookSource of the name `whatsapp`. One delivery holds several entries, changes and statuses.
How a thing is found again: a status bears Meta's message id, and our reference in
`biz_opaque_callback_data`.
Its limits: at least once, in any order, `delivered` may never come; what is not answered with 200 comes
again for days.
How it signs: X-Hub-Signature-256 is HMAC-SHA256 over the raw body with the app's secret (neither the access
token nor the verify token). The address is confirmed first, by a GET that `handshake` answers.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from onpaid.acts import LaneLimit
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.messages import MessageState
from onpaid.errors import BadSignature, Problem
from onpaid.providers import bodies
from onpaid.providers.message_statuses import (
    Status,
    account,
    envelope_of,
    failed,
    judge_statuses,
    moment,
    plain,
)
from onpaid.providers.signatures import as_keys, matches

PROVIDER: Final = "meta"
_OBJECT = "whatsapp_business_account"
_SCHEME = "sha256="
_HEX_LENGTH = 64
_LONGEST_CHALLENGE = 256
_STATES: Final[Mapping[str, MessageState]] = {
    "accepted": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
}


@dataclass(frozen=True)
class Settings:
    """Several secrets may be valid at once. With `phone_number_id`, other numbers' statuses are not ours."""

    app_secrets: tuple[str, ...] = field(default=(), repr=False)
    verify_tokens: tuple[str, ...] = field(default=(), repr=False)
    phone_number_id: str = ""
    live: bool = False


class _Error(msgspec.Struct):
    code: int | str = ""
    title: str = ""
    error_data: Any = None


class _Status(msgspec.Struct):
    id: str = ""
    status: str = ""
    timestamp: str | int = ""
    biz_opaque_callback_data: str | None = None
    errors: list[_Error] | None = None


class _Metadata(msgspec.Struct):
    phone_number_id: str = ""


class _Value(msgspec.Struct):
    metadata: _Metadata | None = None
    statuses: list[_Status] | None = None
    messages: list[Any] | None = None


class _Change(msgspec.Struct):
    field: str = ""
    value: msgspec.Raw = msgspec.Raw(b"{}")


class _Entry(msgspec.Struct):
    changes: list[_Change] = []


class _Delivery(msgspec.Struct):
    object: str = ""
    entry: list[_Entry] = []


_DELIVERY = msgspec.json.Decoder(_Delivery)
_VALUE = msgspec.json.Decoder(_Value)


class MetaWebhooks:
    """A WebhookSource."""

    name = "whatsapp"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._keys = as_keys(settings.app_secrets)

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless one of the app's secrets signed the body."""
        if not self._keys:
            raise BadSignature("no secret is configured, so this endpoint is closed")
        header = headers.get("x-hub-signature-256")
        if not header:
            raise BadSignature("there is no X-Hub-Signature-256 header")
        if (
            not header.isascii()
            or not header.startswith(_SCHEME)
            or len(header) != len(_SCHEME) + _HEX_LENGTH
        ):
            raise BadSignature(
                "the X-Hub-Signature-256 header is malformed: it should read sha256=<64 hex digits>"
            )
        given, matched = header.removeprefix(_SCHEME).encode(), False
        for key in self._keys:
            matched |= hmac.compare_digest(hmac.digest(key, body, "sha256").hex().encode(), given)
        if not matched:
            raise BadSignature(
                "the signature matches none of our app secrets: check the secret, and send the body unaltered"
            )

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope. What cannot be read further down is kept all the same, and looked at by a person."""
        bodies.strict(body)
        delivery = bodies.read(body, _DELIVERY)
        where = account(self.name, self.settings.phone_number_id, self.settings.live)
        try:
            statuses, replies = self._told(delivery)
            other = "message" if replies else "account"
        except msgspec.MsgspecError:
            statuses, other = [], "unreadable"
        return envelope_of(self.name, where, self.settings.live, statuses, body, other=other)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The statuses of our messages."""
        try:
            statuses, replies = self._told(bodies.read(body, _DELIVERY))
        except msgspec.MsgspecError as bad:
            raise Problem(
                f"A status of WhatsApp messages cannot be read: {str(bad)[:160]}",
                category="message",
                facts={"event": envelope.event_id},
            ) from None
        why = "a customer's message: nobody reads them here" if replies else "tells of no message of ours"
        return judge_statuses(PROVIDER, statuses, envelope.event_id, ignored=why)

    async def doctor(self) -> list[str]:
        """What is wrong with the settings, in sentences."""
        found = []
        if not self._keys:
            found.append("WhatsApp: no app secret is set, so every webhook is refused.")
        if not as_keys(self.settings.verify_tokens):
            found.append("WhatsApp: no verify token is set, so Meta cannot confirm the webhook's address.")
        return found

    def _told(self, delivery: _Delivery) -> tuple[list[Status], bool]:
        """All statuses of our number, and whether there are customers' messages."""
        statuses: list[Status] = []
        replies = False
        changes = [
            change for entry in delivery.entry for change in entry.changes if change.field == "messages"
        ]
        for change in changes if delivery.object == _OBJECT else ():
            value = _VALUE.decode(change.value)
            ours = self.settings.phone_number_id
            if ours and value.metadata is not None and value.metadata.phone_number_id != ours:
                continue
            statuses += [_status(one) for one in value.statuses or () if plain(one.id)]
            replies = replies or bool(value.messages)
        return statuses, replies


def handshake(query: Mapping[str, str], verify_tokens: Iterable[str]) -> str | None:
    """What to answer, as plain text, to the GET by which Meta confirms the address; None is a 403. `query` is
    the decoded query, with dots in its names."""
    challenge = query.get("hub.challenge", "")
    known = matches(query.get("hub.verify_token"), as_keys(verify_tokens))
    fine = challenge.isascii() and challenge.isalnum() and len(challenge) <= _LONGEST_CHALLENGE
    return challenge if known and fine and query.get("hub.mode") == "subscribe" else None


def _status(told: _Status) -> Status:
    state, code, reason = _STATES.get(told.status), "", ""
    if told.status == "failed":
        error = (told.errors or [_Error()])[0]
        details = error.error_data.get("details") if isinstance(error.error_data, dict) else None
        state, code, reason = failed(plain(error.code), details if isinstance(details, str) else error.title)
    return Status(
        word=told.status,
        state=state,
        provider_id=plain(told.id),
        ref=plain(told.biz_opaque_callback_data),
        at=moment(str(told.timestamp)),
        code=code,
        reason=reason,
    )
