"""MSG91's reports about WhatsApp messages of ours.

What it is: a WebhookSource of the name `msg91`. The fields of a report are chosen in MSG91's panel, where
two spellings of them are offered; both are read. Needed are `requestId` or `CRQID`, and the status.
How a thing is found again: by `CRQID`, which is our reference if the send took it, and by `requestId`.
Its limits: one report for each recipient and status; some values are JSON in a string.
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

PROVIDER: Final = "msg91"
_STATES: Final[Mapping[str, MessageState]] = {
    "submitted": "accepted",
    "accepted": "accepted",
    "queued": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "rejected": "failed",
    "undelivered": "failed",
}
_BODY = msgspec.json.Decoder(Any)


@dataclass(frozen=True)
class Settings:
    """`tokens` are secrets for the last part of the address; `number` is the integrated number."""

    tokens: tuple[str, ...] = field(default=(), repr=False)
    number: str = ""
    live: bool = False


class Msg91Webhooks:
    """A WebhookSource."""

    name = "msg91"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._tokens = PathTokens("MSG91", settings.tokens)

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless the address ends in one of our secrets."""
        self._tokens.verify(token)

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope. The token is a secret and is not kept."""
        where = account(self.name, self.settings.number, self.settings.live)
        return envelope_of(self.name, where, self.settings.live, _statuses(body), body, other="other")

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The status of the message."""
        why = "tells of no message of ours: it is inbound, or lacks requestId, CRQID or the status"
        return judge_statuses(PROVIDER, _statuses(body), envelope.event_id, ignored=why)

    async def doctor(self) -> list[str]:
        """What is wrong with the settings, in sentences."""
        return self._tokens.complaints()


def _statuses(body: bytes) -> list[Status]:
    bodies.strict(body)
    told: Any = bodies.read(body, _BODY)
    reports: list[Any] = told if isinstance(told, list) else [told]
    if not all(isinstance(report, dict) for report in reports):
        raise InvalidInput("the body must be a JSON object, as set up in MSG91's panel")
    return [status for report in reports if (status := _status(report)) is not None]


def _status(report: Mapping[str, Any]) -> Status | None:
    """One report, in whatever spelling: names count without their case and underscores."""
    said = {name.replace("_", "").lower(): value for name, value in report.items()}
    word = first(said, "status", "eventname", "event").lower()
    provider_id, ref = first(said, "requestid"), our_ref(first(said, "crqid"))
    inbound = first(said, "direction").lower() in ("inbound", "0")
    if inbound or not word or not (provider_id or ref):
        return None
    state, code, reason = _STATES.get(word), "", ""
    if state == "failed":
        state, code, reason = failed("", words_in(said, "failurereason", "reason"))
    at = moment(first(said, "updatedat", "statusupdatedat", "timestamp"))
    return Status(word, state, provider_id, ref, at, code, reason)
