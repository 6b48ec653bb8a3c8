"""What may go wrong between the functions and AWS, by name, and the dice that decide when it does.

Each fault has dice of its own, so that naming one more changes nothing about the others. One early opportunity, chosen
by the seed, is always taken: a fault that was asked for happens even on a short day.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from onpaid.simulators import UnknownFault
from onpaid.simulators import parse as parse_simulated


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault: what it does, how often it hits what it can hit, and within how many chances it surely does once.
    `most` caps it per hundred orders, rounded up."""

    does: str
    share: float
    first: int
    most: int = 1_000_000


FAULTS: Final[dict[str, Kind]] = {
    "throttle": Kind("the table refuses a call for its rate, without effect", 0.02, 20),
    "conflict": Kind("the table refuses a transaction that meets another one", 0.03, 20),
    "answer-lost": Kind("a call to the table took effect, and is answered by a server error", 0.008, 60),
    "cut": Kind("the connection to the table breaks, before or after the call took effect", 0.008, 60),
    "slow-store": Kind("the table takes a second or two to answer", 0.008, 60),
    "sqs-twice": Kind("the queue delivers a message twice", 0.15, 3),
    "sqs-shuffle": Kind("the queue delivers later messages first", 0.3, 3),
    "lost-bell": Kind("a message that the queue has taken is never delivered", 0.1, 6),
    "batch-partial": Kind("one record of a batch meets a table that is down for it", 0.06, 8),
    "lambda-killed": Kind("a function's process is killed while it writes", 0.004, 60, most=25),
    "lambda-timeout": Kind("a function hangs until its time limit kills it", 0.002, 90, most=10),
    "cold-start": Kind("the functions' processes are replaced by new ones", 0.05, 4, most=20),
    "late-tick": Kind("no tick for a while, then one whose clock is an hour ahead", 0.03, 8),
    "two-ticks": Kind("the same tick is delivered twice, at once", 0.2, 3),
}
"""The faults of the emulated stack. The simulators' own come on top."""
ALL: Final = frozenset(FAULTS)


def parse(wanted: str) -> tuple[frozenset[str], frozenset[str]]:
    """The simulators' faults and those of the emulated stack that `wanted` names. Raises UnknownFault."""
    names = {word.strip() for word in wanted.split(",") if word.strip()}
    try:
        simulated = parse_simulated(names - ALL)
    except UnknownFault as unknown:
        raise UnknownEither(unknown.names) from None
    return simulated, (ALL if "all" in names else frozenset()) | (names & ALL)


class UnknownEither(UnknownFault):
    """A fault was named that neither the simulators nor the emulated stack know."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names)
        self.args = (f"{self.args[0]}. For --target aws-emulator also: {', '.join(sorted(FAULTS))}",)


class Dice:
    """Decides, by the seed, which opportunities are taken. `hits` counts those that were."""

    def __init__(self, faults: Iterable[str] = (), *, seed: int = 0, orders: int = 100) -> None:
        self.faults = frozenset(faults)
        self.hits: Counter[str] = Counter()
        self._chances: Counter[str] = Counter()
        self._random = {name: random.Random(f"aws:{seed}:{name}") for name in sorted(self.faults)}  # noqa: S311 - a game
        self._surely = {name: each.randrange(FAULTS[name].first) + 1 for name, each in self._random.items()}
        self._most = {name: -(-FAULTS[name].most * orders // 100) for name in self.faults}

    def falls(self, name: str) -> bool:
        """Whether this opportunity is taken."""
        if name not in self.faults:
            return False
        self._chances[name] += 1
        low = self._random[name].random() < FAULTS[name].share
        if self.hits[name] >= self._most[name] or not (low or self._chances[name] == self._surely[name]):
            return False
        self.hits[name] += 1
        return True

    def either(self, name: str) -> bool:
        """One of two ways in which a fault can show."""
        return self._random[name].random() < 0.5

    def between(self, name: str, least: float, most: float) -> float:
        """How much, for example of seconds."""
        return self._random[name].uniform(least, most)
