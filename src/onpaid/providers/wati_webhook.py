"""WATI's webhooks about WhatsApp messages of ours.

What it is: a WebhookSource of the name `wati`. The panel offers each event twice; the spellings with `_v2`
hold the id that our send was answered with, the others do not and are passed over.
How a thing is found again: by `localMessageId`; by our reference where `broadcastName` repeats it, which is
not documented.
Its limits: in any order; replies of customers come on the same address.
How it signs: not at all. The last part of its address is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from onpaid.acts import LaneLimit
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.messages import MessageState
from onpaid.errors import InvalidInput
from onpaid.providers import bodies
from onpaid.providers.message_refs import our_ref
from onpaid.providers.message_statuses import (
    PathTokens,
    Status,
    account,
    envelope_of,
    failed,
    first,
    judge_statuses,
    moment,
    words_in,
)

PROVIDER: Final = "wati"
_STATES: Final[Mapping[str, MessageState]] = {
    "templatemessagesent": "sent",
    "sentmessagedelivered": "delivered",
    "sentmessageread": "read",
    "sentmessagereplied": "read",
    "templatemessagefailed": "failed",
}
_BODY = msgspec.json.Decoder(Any)


@dataclass(frozen=True)
class Settings:
    """`tokens` are secrets for the last part of the address; `tenant` is our name at WATI."""

    tokens: tuple[str, ...] = field(default=(), repr=False)
    tenant: str = ""
    live: bool = False


class WatiWebhooks:
    """A WebhookSource."""

    name = "wati"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._tokens = PathTokens("WATI", settings.tokens)

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless the address ends in one of our secrets."""
        self._tokens.verify(token)

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope. The token is a secret and is not kept."""
        where = account(self.name, self.settings.tenant, self.settings.live)
        return envelope_of(self.name, where, self.settings.live, _statuses(body), body, other="other")

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The status of the message."""
        why = "tells of no message of ours: a customer's, or has no localMessageId (choose the _v2 events)"
        return judge_statuses(PROVIDER, _statuses(body), envelope.event_id, ignored=why)

    async def doctor(self) -> list[str]:
        """What is wrong with the settings, in sentences."""
        return self._tokens.complaints()


def _statuses(body: bytes) -> list[Status]:
    """The one status of an event, if it tells one of ours."""
    bodies.strict(body)
    said = bodies.read(body, _BODY)
    if not isinstance(said, dict):
        raise InvalidInput("the body must be a JSON object with eventType")
    event = first(said, "eventType")
    word = event.lower().removesuffix("_v2")
    provider_id, ref = first(said, "localMessageId"), our_ref(first(said, "broadcastName"))
    if word not in _STATES or not (provider_id or ref):
        return []
    state, code, reason = _STATES[word], "", ""
    if state == "failed":
        state, code, reason = failed(
            first(said, "failedCode"), words_in(said, "failedDetail", "failedReason")
        )
    at = moment(first(said, "timestamp")) or moment(first(said, "created"))
    return [Status(word, state, provider_id, ref, at, code, reason)]
