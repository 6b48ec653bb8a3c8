"""What services answer, and what it means: the one table from a status to an answer or an error.

    2xx, or what the caller says it understands     the answer
    401, 403, 301, 307, 308                         Unauthorised: every call would fare the same
    429                                             Unavailable: documented to have done nothing
    5xx, 408, 409, 423, 425, 302, 303, unreadable   Doubtful: it may have happened
    any other 4xx                                   Refused

A 302 or 303 is how some servers answer a write that they took, so it is in doubt and not "moved".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.masking import masked

T = TypeVar("T")

LONGEST_WAIT = 24 * 3600.0
_IN_DOUBT = frozenset({302, 303, 408, 409, 423, 425})
_MOVED = frozenset({301, 307, 308})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: status, headers with lower-case names, and the whole body.

    `asked` is what was asked, fit for a person ("Fiken answered 400 to POST /companies/shop/invoices"); `private`
    are words that must not be repeated.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    asked: str = "the service answered"
    private: frozenset[str] = field(default=frozenset(), repr=False)

    def read(self, kind: type[T]) -> T:
        """The JSON body as `kind`. Doubtful if it is something else: a success that cannot be read proves nothing."""
        told = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if told != "application/json" and not told.endswith("+json"):
            raise Doubtful(f"{self.asked}, with {masked(told)} instead of JSON", answered=True)
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as bad:
            why = masked(str(bad), self.private)
        raise Doubtful(f"{self.asked}, with JSON that cannot be read: {why}", answered=True)

    def text(self) -> str:
        """What the service said, fit to be repeated."""
        return masked(self.body[:8000].decode("utf-8", "replace"), self.private)


Explain = Callable[[Answer], ProviderError | None]
"""A provider's own reading of an answer that is no success; None leaves it to the table."""


def failure(answer: Answer) -> ProviderError:
    """The error that an answer means which is no success."""
    status, asked = answer.status, answer.asked
    if status == 429:
        return Unavailable(f"{asked}: too many requests", retry_after(answer.headers))
    if status in (401, 403):
        return Unauthorised(f"{asked}: our key is not accepted, or may not do this. {answer.text()}")
    if status in _MOVED:
        return Unauthorised(f"{asked}: a redirect, which is never followed. Is the base address right?")
    if status in _IN_DOUBT or not 400 <= status < 500:
        says = "nothing is known" if " to GET " in asked else "it may have happened"
        return Doubtful(f"{asked}: {says}. {answer.text()}", answered=True)
    return Refused(f"{asked}: {answer.text()}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, told as a number or as a date; the latter against the answer's own `Date`: no clock is read."""
    said = headers.get("retry-after", "").strip()
    seconds: float | None = None
    if said.isascii() and said.isdigit() and len(said) < 10:
        seconds = float(said)
    else:
        with suppress(ValueError, TypeError, KeyError, OverflowError):
            seconds = (parsedate_to_datetime(said) - parsedate_to_datetime(headers["date"])).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT)
