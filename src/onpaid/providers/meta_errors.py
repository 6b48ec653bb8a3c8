"""What Meta's Graph API refuses a message with, by its own code: what to do, wait, doubt, or tell as an
answer.

Neither the HTTP status nor the title is to be relied on; the code is. What every message would meet alike
pauses the lane (Unauthorised) with a cure; a person who cannot be reached is an answer and no error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.answers import Answer, retry_after
from onpaid.providers.masking import masked
from onpaid.providers.message_parts import UNREACHABLE

_TOKEN = "make a new access token of a system user, permission whatsapp_business_messaging"  # noqa: S105
_PERMISSION = (
    "give the token's system user the WhatsApp account and the permission whatsapp_business_messaging"
)
_TEMPLATE = (
    "compare the template in WhatsApp Manager (name, language, variables, state) with our table of templates"
)
_ACCOUNT = "see the account's state in WhatsApp Manager, and appeal there"
_LOCKED = "open WhatsApp Manager: the account is restricted or locked"

SET_UP: Final[Mapping[int, str]] = {
    0: _TOKEN,
    190: _TOKEN,
    3: _PERMISSION,
    10: _PERMISSION,
    131005: _PERMISSION,
    368: _ACCOUNT,
    131048: _ACCOUNT,
    131031: _LOCKED,
    131042: "put the payment method of the WhatsApp account in order",
    131037: "have the number's display name approved in WhatsApp Manager",
    131045: "register the number again in WhatsApp Manager",
    133010: "register the number with the Cloud API",
    132000: _TEMPLATE,
    132001: _TEMPLATE,
    132007: _TEMPLATE,
    132012: _TEMPLATE,
    132015: "the template is paused for its quality: edit it, or name another one in our table of templates",
    132016: "the template is disabled for good: make another one, and name it in our table of templates",
}
BUSY: Final[Mapping[int, float]] = {
    4: 60.0,
    80007: 60.0,
    130429: 5.0,
    131056: 6.0,
    131057: 300.0,
}
"""Seconds to wait where Meta names none; 131056 is its pair rate, one in six seconds to one person."""
UNKNOWN_OUTCOME: Final = frozenset({1, 2, 131000, 131016})
_NO_SUCH_OBJECT = 33


class _Error(msgspec.Struct):
    code: int = -1
    message: str = ""
    error_subcode: int | None = None
    error_data: Any = None


class _Body(msgspec.Struct):
    error: _Error | None = None


def code_of(answer: Answer) -> int | None:
    """Meta's code, if the answer holds an error."""
    error = _error_of(answer)
    return None if error is None else error.code


def unreachable_reason(answer: Answer) -> str | None:
    """Why this person cannot be reached, if that is what the answer says."""
    return UNREACHABLE.get(code_of(answer) or -1)


def explain(answer: Answer) -> ProviderError | None:
    """The error that an answer of Meta's means; None for a code that is not known: the status decides."""
    error = _error_of(answer)
    if error is None:
        return None
    said = f"{answer.asked}: {_told(error, answer)}"
    cure = SET_UP.get(error.code) or (_PERMISSION if 200 <= error.code <= 299 else None)
    unsupported = error.error_subcode == _NO_SUCH_OBJECT or "unsupported" in error.message.lower()
    if error.code == 100 and unsupported:
        cure = "check the phone number's id (not the number itself), and that the token may use it"
    if cure is not None:
        return Unauthorised(f"{said} To do: {cure}; then resume the lane.")
    if error.code in BUSY:
        told = retry_after(answer.headers)
        return Unavailable(said, BUSY[error.code] if told is None else told)
    if error.code in UNKNOWN_OUTCOME:
        return Doubtful(f"{said} It may have been sent.", answered=True)
    if error.code in (100, 131008, 131009, 131047, 131051, 132005, 132018):
        return Refused(f"{said} To do: correct the template's entry in our table; then retry the run.")
    if 200 <= answer.status < 300:
        return Doubtful(f"{said} It is not known whether it was sent.", answered=True)
    return None


def _error_of(answer: Answer) -> _Error | None:
    try:
        return msgspec.json.decode(answer.body, type=_Body).error
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _told(error: _Error, answer: Answer) -> str:
    data = error.error_data
    details = data.get("details", "") if isinstance(data, dict) else ""
    return masked(f"{error.code} {error.message} {details}", answer.private)
