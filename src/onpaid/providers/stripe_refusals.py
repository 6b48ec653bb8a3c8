"""What Stripe's refusals mean beyond their status: by the code or the type in their body.

resource_missing            there is no such thing: some look-ups take that for an answer
lock_timeout                something else holds the object: no proof that nothing was done
idempotency_key_in_use      an earlier try is still under way: the same key again will tell how it ended
idempotency_error           our key was used for another body: of what that try made nothing is known
"""

from __future__ import annotations

import msgspec

from onpaid.errors import Doubtful, ProviderError, Refused
from onpaid.providers.answers import Answer


class _Error(msgspec.Struct):
    code: str | None = None
    type: str | None = None


class _Errors(msgspec.Struct):
    error: _Error


class Missing(Refused):
    """There is no such thing. A Refused to the outside."""


def explain(answer: Answer) -> ProviderError | None:
    """The error that a refusal means, None where its status says enough."""
    try:
        error = msgspec.json.decode(answer.body, type=_Errors).error
    except msgspec.MsgspecError:
        return None
    if answer.status == 429 and error.code == "lock_timeout":
        return Doubtful(f"{answer.asked}: another request holds the object", answered=True)
    if answer.status == 409 and error.code == "idempotency_key_in_use":
        return Doubtful(f"{answer.asked}: the same request is still under way")
    if answer.status == 400 and error.type == "idempotency_error":
        return Doubtful(f"{answer.asked}: our key was used for another request", answered=True)
    if answer.status in (400, 404) and error.code == "resource_missing":
        return Missing(f"{answer.asked}: {answer.text()}")
    return None
