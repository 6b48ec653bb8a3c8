"""Those who subscribe to billing events: what each believes, how it answers, and what it got.

Signatures are checked as Standard Webhooks says, with code of its own. A sink can be told to answer with an error,
or not at all, for a while; what it took, how often and in which order, is for the ledger.
"""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from onpaid.simulators.kit import Json

TOLERANCE: Final = 300
BEGINS: Final = "whsec_"
FIRST_SECRET: Final = BEGINS + base64.b64encode(b"a simulated subscriber's secret.").decode()
HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Unsigned(Exception):
    """A webhook that no subscriber should believe."""


@dataclass(slots=True)
class Sink:
    """One subscriber. `answer` is what it says for the next `times` webhooks, or for good where that is None."""

    secrets: tuple[str, ...] = (FIRST_SECRET,)
    answer: int | str = 200
    times: int | None = None
    got: list[Json] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    unsigned: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def turn(self, wanted: Mapping[str, Any]) -> None:
        """Set how it answers, all or nothing; ValueError for what it does not know."""
        unknown = wanted.keys() - {"answer", "times", "secrets"}
        if unknown:
            raise ValueError(f"a sink has no {', '.join(sorted(unknown))}")
        answer, times = wanted.get("answer", self.answer), wanted.get("times")
        if answer != "timeout" and not (isinstance(answer, int) and 200 <= answer <= 599):
            raise ValueError('answer must be a status from 200 to 599, or "timeout"')
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise ValueError("times must be a whole number from 1, or null")
        secrets = wanted.get("secrets", list(self.secrets))
        if not isinstance(secrets, list) or not secrets:
            raise ValueError("secrets must be a list, newest first")
        for secret in secrets:
            _key(secret)
        self.answer, self.times, self.secrets = answer, times, tuple(secrets)

    def says(self) -> int | str:
        """What it answers this time."""
        said = self.answer
        if said != 200 and self.times is not None:
            self.times -= 1
            if not self.times:
                self.answer, self.times = 200, None
        return said

    def shown(self) -> Json:
        return {"answer": self.answer, "times": self.times, "secrets": len(self.secrets)}

    def take(self, ident: str, body: Json) -> None:
        """Keep what came; a repeat is only counted."""
        self.seen[ident] += 1
        if self.seen[ident] == 1:
            self.got.append({"id": ident, "body": body})


def _key(secret: Any) -> bytes:
    if not isinstance(secret, str) or not secret.startswith(BEGINS):
        raise ValueError(f"a secret begins with {BEGINS}")
    return base64.b64decode(secret.removeprefix(BEGINS), validate=True)


def check(secrets: tuple[str, ...], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The message's id; Unsigned if it is not to be believed."""
    ident, stamp, signatures = (headers.get(name, "") for name in HEADERS)
    if not ident or not stamp or not signatures:
        raise Unsigned("a header is missing")
    if not stamp.isdecimal() or abs(now - int(stamp)) > TOLERANCE:
        raise Unsigned("the time is out of tolerance")
    signed = f"{ident}.{stamp}.".encode() + body
    good = {
        base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    }
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and any(hmac.compare_digest(value.encode(), each.encode()) for each in good):
            return ident
    raise Unsigned("no signature fits")


class Sinks:
    """All subscribers; one is there as soon as it is named."""

    def __init__(self) -> None:
        self.all: dict[str, Sink] = {}

    def sink(self, name: str) -> Sink:
        """The subscriber of this name."""
        return self.all.setdefault(name, Sink())

    def forget(self) -> None:
        """Forget what came; how they answer, and their secrets, stay."""
        for name, sink in self.all.items():
            self.all[name] = Sink(sink.secrets, sink.answer, sink.times)

    def rows(self) -> dict[str, Json]:
        """What each took, in the order of first arrival, and how often each came."""
        return {
            name: {
                "attempts": sink.attempts,
                "unsigned": sink.unsigned,
                "refused": dict(sink.refused),
                "events": [{**row, "times": sink.seen[row["id"]]} for row in sink.got],
            }
            for name, sink in self.all.items()
        }
