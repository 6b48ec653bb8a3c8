"""What status webhooks of message services have in common: their events, their facts, and tokens in a path.

A service has no event ids, so an event is known by what it tells: (provider, message, status). Then the same
told again is the same event, however its sender wrapped it. A status word that nobody knows changes nothing
and is no error.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from onpaid.clock import Instant, as_instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.messages import MessageState, MessageTold
from onpaid.errors import BadSignature, SettingsError
from onpaid.providers.masking import masked
from onpaid.providers.message_parts import UNREACHABLE, kind_of
from onpaid.providers.signatures import as_keys, matches

LONGEST_ID: Final = 255
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,128}", re.ASCII)
_CODE = re.compile(r"\W{0,2}(\d{6})(?!\d)", re.ASCII)
_WORD = re.compile(r"[a-z_]{1,32}", re.ASCII)


class Status(msgspec.Struct, frozen=True):
    """One status of one message, as its service words it. `state` is None for a word that means no change."""

    word: str
    state: MessageState | None
    provider_id: str = ""
    ref: str = ""
    at: Instant | None = None
    code: str = ""
    reason: str = ""


def account(source: str, name: str, live: bool) -> str:
    """Source, account and mode, as ids are unique within them."""
    return f"{source}/{name or 'default'}/{'live' if live else 'test'}"


def envelope_of(
    source: str, where: str, live: bool, statuses: Sequence[Status], body: bytes, *, other: str, ref: str = ""
) -> Envelope:
    """The envelope of a delivery that tells `statuses`, or something else, of type `other`."""
    words = {status.word if _WORD.fullmatch(status.word) else "unknown" for status in statuses}
    if statuses:
        kind = f"status.{words.pop()}" if len(words) == 1 else "statuses"
        told = sorted((one.provider_id or one.ref, one.word) for one in statuses)
        mark = msgspec.json.encode([source, told])
    else:
        kind, mark = other, body
    times = [status.at for status in statuses if status.at is not None]
    return Envelope(
        source=source,
        account=where,
        event_id=f"{kind.rpartition('.')[2]}-{hashlib.sha256(mark).hexdigest()[:40]}",
        type=kind,
        live=live,
        created_at=max(times, default=None),
        ref=ref or None,
    )


def judge_statuses(provider: str, statuses: Iterable[Status], event: str, *, ignored: str) -> Judged:
    """The facts; where there are none, why."""
    told = list(statuses)
    facts = tuple(
        MessageTold(
            provider, one.state, one.provider_id, one.ref, one.at, one.code, masked(one.reason), event
        )
        for one in told
        if one.state is not None and (one.provider_id or one.ref)
    )
    if facts:
        return Judged(facts=facts)
    words = sorted({masked(one.word)[:32] for one in told if one.state is None})
    return Judged(ignored=f"the status {', '.join(words)} changes nothing here" if words else ignored)


def failed(code: str, reason: str = "") -> tuple[MessageState, str, str]:
    """What a failure means, with its code and reason: given up, or never to be reached. `code` is WhatsApp's;
    some services put it before their words instead, and some have words only."""
    begins = _CODE.match(reason)
    code = code or (begins[1] if begins else "")
    known = UNREACHABLE.get(int(code)) if code.isascii() and code.isdigit() and len(code) < 10 else None
    if known:
        return "undeliverable", code, known
    if not code and kind_of(reason) == "unreachable":
        return "undeliverable", code, reason
    return "failed", code, reason


def plain(given: object) -> str:
    """An id or a reference of theirs as text: short and printable, else nothing."""
    text = str(given) if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
    text = text.strip()
    return text if text.isprintable() and len(text) <= LONGEST_ID else ""


def first(said: Mapping[str, object], *names: str) -> str:
    """The first of these fields that says something."""
    return next((text for name in names if (text := plain(said.get(name)))), "")


def words_in(said: Mapping[str, object], *names: str) -> str:
    """The first of these fields that holds words, for people; how many is not limited here."""
    found = (said.get(name) for name in names)
    return next((text.strip() for text in found if isinstance(text, str) and text.strip()), "")


def moment(text: str) -> Instant | None:
    """A time, told in seconds since 1970 or in ISO 8601 with its offset; None if it is neither."""
    if text.isascii() and text.isdigit():
        return int(text) * 1000 if len(text) <= 11 else None
    try:
        told = datetime.fromisoformat(text)
        return as_instant(told) if told.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


class PathTokens:
    """Secrets in a path, for services that sign nothing. Several may be valid; none opens nothing."""

    def __init__(self, service: str, tokens: Iterable[str]) -> None:
        self._service = service
        self._keys = as_keys(tokens)
        if not all(_TOKEN.fullmatch(key.decode()) for key in self._keys):
            raise SettingsError(
                f"{service}: a secret in a URL needs 22 to 128 letters, digits, - or _. Make one with "
                'python -c "import secrets; print(secrets.token_urlsafe(24))"'
            )

    def verify(self, token: str | None) -> None:
        """Raise BadSignature unless the last part of the URL is one of the secrets."""
        if not self._keys:
            raise BadSignature("no secret is configured, so this endpoint is closed")
        if not matches(token, self._keys):
            raise BadSignature("the last part of the URL is not the secret")

    def complaints(self) -> list[str]:
        """What the doctor says."""
        return [] if self._keys else [f"{self._service}: no path token is set, so every webhook is refused."]
