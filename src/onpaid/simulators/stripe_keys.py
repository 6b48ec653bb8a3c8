"""Idempotency keys as Stripe keeps them, for a day.

The first execution's status and body are kept, a 500 included, and given again to every repeat. Another body under
the key is a 400, a key whose first request still runs is a 409; a refusal before execution keeps nothing.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from onpaid.simulators.kit import Answer, Clock

KEY_LIFE: Final = 24 * 3600
LONGEST_KEY: Final = 255


@dataclass(slots=True)
class Kept:
    """What is known about one key; `answer` is None while its first request runs."""

    fingerprint: str
    since: float
    answer: Answer | None = None


def error(status: int, kind: str, message: str, code: str | None = None, param: str | None = None) -> Answer:
    """Stripe's error body."""
    inner = {"code": code, "message": message, "param": param, "type": kind}
    return Answer(status, {"error": {name: value for name, value in inner.items() if value is not None}})


class Refused(Exception):
    """A call that Stripe would refuse after having read it; `answer` is what it says."""

    def __init__(
        self, message: str, code: str | None = None, param: str | None = None, *, status: int = 400
    ) -> None:
        self.answer = error(status, "invalid_request_error", message, code, param)
        super().__init__(message)


def no_such(kind: str, ident: str, param: str | None = None) -> Refused:
    """There is no such object: a 404 where the path names it, a 400 where the parameter `param` does."""
    message = f"No such {kind}: '{ident}'"
    return Refused(message, "resource_missing", param or "id", status=400 if param else 404)


class IdempotencyKeys:
    """The keys of one account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, Kept] = {}

    def forget(self) -> None:
        self._kept.clear()

    def begin(self, key: str, fingerprint: str) -> Answer | None:
        """None where the request is to be executed; the key counts as running from now on."""
        if len(key) > LONGEST_KEY:
            return error(
                400, "idempotency_error", f"Idempotency keys may have at most {LONGEST_KEY} characters."
            )
        kept = self._kept.get(key)
        if kept is not None and self._clock.now() - kept.since < KEY_LIFE:
            return self._repeat(key, kept, fingerprint)
        self._kept[key] = Kept(fingerprint, self._clock.now())
        return None

    def _repeat(self, key: str, kept: Kept, fingerprint: str) -> Answer:
        if kept.answer is None:
            message = f"There is currently another in-progress request using this Idempotent Key ({key})."
            return error(409, "invalid_request_error", message, "idempotency_key_in_use")
        if kept.fingerprint != fingerprint:
            message = f"Keys for idempotent requests can only be used with the same parameters ({key})."
            return error(400, "idempotency_error", message)
        first = kept.answer
        return Answer(first.status, first.body, {**first.headers, "Idempotent-Replayed": "true"})

    def finish(self, key: str, answer: Answer) -> None:
        """Keep what the first execution answered."""
        kept = self._kept.get(key)
        if kept is not None and kept.answer is None:
            kept.answer = Answer(answer.status, deepcopy(answer.body), answer.headers)

    def abandon(self, key: str) -> None:
        """The request was never executed: the key is free again."""
        kept = self._kept.get(key)
        if kept is not None and kept.answer is None:
            del self._kept[key]
