"""What Twilio refuses a message with, by its own code; the same codes come in status callbacks as ErrorCode.

What every message would meet alike pauses the lane (Unauthorised) with a cure; a person who cannot be
reached is an answer and no error. A code that is not known here is left to the HTTP status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from onpaid.domain.messages import MessageState
from onpaid.errors import Doubtful, ProviderError, Unauthorised, Unavailable
from onpaid.providers import message_parts
from onpaid.providers.answers import Answer, retry_after
from onpaid.providers.masking import masked

_KEY = "check the account's SID and its auth token"
_SENDER = "check the sender: a WhatsApp number or messaging service of this account"
_TEMPLATE = (
    "compare the content template at Twilio (its SID, approval and variables) with our table of templates"
)
_SUSPENDED = "open Twilio's console: the account or its WhatsApp sender is suspended"

SET_UP: Final[Mapping[int, str]] = {
    20003: _KEY,
    20404: _KEY,
    20008: "use the live credentials: test credentials cannot send",
    20005: _SUSPENDED,
    30002: _SUSPENDED,
    63020: _SUSPENDED,
    63051: _SUSPENDED,
    21212: _SENDER,
    21603: _SENDER,
    21606: _SENDER,
    21659: _SENDER,
    21660: _SENDER,
    21701: _SENDER,
    21703: _SENDER,
    63001: _SENDER,
    63007: _SENDER,
    21609: "set the status callback to an address that Twilio can call",
    21655: _TEMPLATE,
    21656: _TEMPLATE,
    63016: _TEMPLATE,
    63027: _TEMPLATE,
    63028: _TEMPLATE,
    63040: _TEMPLATE,
    63041: _TEMPLATE,
    63042: _TEMPLATE,
}
BUSY: Final[Mapping[int, float]] = {
    14107: 5.0,
    20429: 5.0,
    21611: 60.0,
    30001: 60.0,
    63018: 5.0,
    63038: 3600.0,
}
"""Seconds to wait where Twilio names none."""
UNREACHABLE: Final[Mapping[int, str]] = {
    21211: "Twilio takes this for no phone number",
    21614: "Twilio takes this for no mobile number",
    21610: "the customer has opted out of messages",
    63003: "the number is not on WhatsApp",
    63015: "the number has not joined the sandbox",
    63024: "the number is not on WhatsApp, or cannot get this message",
    63032: "WhatsApp keeps this number out of such messages (an experiment of Meta's)",
    63033: "the customer has blocked this sender",
    63049: "WhatsApp held the message back: this person gets too many of its kind",
}


class _Body(msgspec.Struct):
    code: int = 0
    message: str = ""


def code_of(answer: Answer) -> int:
    """Twilio's code, or 0."""
    return _error_of(answer).code


def unreachable_reason(answer: Answer) -> str | None:
    """Why this person cannot be reached, if that is what the answer says."""
    return UNREACHABLE.get(code_of(answer)) if 400 <= answer.status < 500 else None


def explain(answer: Answer) -> ProviderError | None:
    """The error that an answer means which is no success; None where the status decides."""
    error = _error_of(answer)
    said = f"{answer.asked}: {masked(f'{error.code} {error.message}', answer.private)}"
    if error.code in SET_UP:
        return Unauthorised(f"{said} To do: {SET_UP[error.code]}; then resume the lane.")
    if error.code in BUSY:
        told = retry_after(answer.headers)
        return Unavailable(said, BUSY[error.code] if told is None else told)
    if answer.status >= 500:
        return Doubtful(f"{said} It may have been sent.", answered=True)
    return None


def failure(code: str, reason: str = "") -> tuple[MessageState, str]:
    """What became of a message that failed with this code."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 10 else 0
    known = UNREACHABLE.get(number) or message_parts.UNREACHABLE.get(number)
    return ("undeliverable", known) if known else ("failed", reason)


def _error_of(answer: Answer) -> _Body:
    try:
        return msgspec.json.decode(answer.body, type=_Body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _Body()
