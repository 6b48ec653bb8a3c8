"""The names of the faults, and a sentence for each.

A fault set is written `all`, `none`, or names separated by commas; `all` may stand beside further names. The
controls are never part of `all`: a service that is right cannot come through them by itself, and a test that uses
one has to see the damage.
"""

from collections.abc import Iterable
from typing import Final

FAULTS: Final[dict[str, str]] = {
    "duplicate": "a webhook is delivered several times, one after the other or all at once, or a second event object "
    "with another id tells the same fact",
    "shuffle": "webhooks are held back a moment, so that later ones overtake earlier ones",
    "delay": "a webhook arrives seconds late",
    "commit-then-timeout": "the answer to a call is lost, by a hang or a reset; mostly the call took effect, before "
    "or shortly after, and sometimes it never did",
    "429": "a call is refused for its rate, without effect, with Retry-After",
    "503": "a call is answered by a server error: without effect, after it, or shortly before it; Stripe may keep a "
    "500 under the idempotency key",
    "slow": "the answer to a call takes long, and the effect happens at the end",
    "old-secret": "a webhook is signed with the secret before the newest, alone or beside the newest",
    "bad-signature": "a forged webhook is sent in addition, and has to be refused",
    "same-second": "all events of a payment carry the same second",
    "concurrent-call-refused": "Fiken answers 429 as though another call were running, without Retry-After",
    "clock-skew": "the time in a webhook's signature is up to 200 seconds off, either way, and still valid",
    "canceled-200": "Shiprocket answers the creation of an order with 200 and a dead record of the same id, that "
    "somebody cancelled before; a live one needs another id",
    "drop-webhook": "a webhook is never delivered, only the list of events knows of it",
    "late-landing": "a lost call takes effect long after any sane quiet period",
}

CONTROLS: Final = frozenset({"drop-webhook", "late-landing"})
ALL: Final = frozenset(FAULTS) - CONTROLS


class UnknownFault(ValueError):
    """A fault was named that does not exist; the message lists those that do."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(names)
        known = ", ".join(sorted(FAULTS))
        super().__init__(f"unknown fault: {', '.join(self.names)}. Known: all, none, {known}")


def parse(wanted: str | Iterable[str]) -> frozenset[str]:
    """The set of faults that `wanted` names; UnknownFault if a name is unknown."""
    words = wanted.split(",") if isinstance(wanted, str) else list(wanted)
    names = {word.strip() for word in words if word.strip()}
    chosen: set[str] = set()
    if "all" in names:
        chosen |= ALL
    rest = names - {"all", "none"}
    if rest - FAULTS.keys():
        raise UnknownFault(rest - FAULTS.keys())
    return frozenset(chosen | rest)
