"""What may befall a call to the outside world: planned by a test, or drawn by a seed.

A fate says three things: whether the request takes effect and when, and how the caller hears of it. The draw depends
on the seed, the operation, its key and the number of the try alone, so that it does not matter what else goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Lands = Literal["now", "late", "never"]
Reply = Literal["answer", "hang", "reset", "503", "429", "refuse", "unauthorised", "bug", "several"]


@dataclass(frozen=True)
class Fate:
    """One way in which a call can go."""

    name: str
    lands: Lands
    reply: Reply
    slow: bool = False


WELL = Fate("well", "now", "answer")
ALL = {
    fate.name: fate
    for fate in (
        WELL,
        Fate("slow", "now", "answer", slow=True),
        Fate("lost reply", "now", "hang"),
        Fate("lost request", "never", "hang"),
        Fate("late", "late", "hang"),
        Fate("reset", "now", "reset"),
        Fate("reset before", "never", "reset"),
        Fate("reset, late", "late", "reset"),
        Fate("429", "never", "429"),
        Fate("503 before", "never", "503"),
        Fate("503 after", "now", "503"),
        Fate("503, late", "late", "503"),
        Fate("refuse", "never", "refuse"),
        Fate("unauthorised", "never", "unauthorised"),
        Fate("bug", "now", "bug"),
        Fate("several", "never", "several"),
    )
}
DRAWN_FOR_ACTS = (
    "slow",
    "lost reply",
    "lost request",
    "late",
    "reset",
    "reset before",
    "reset, late",
    "429",
    "503 before",
    "503 after",
    "503, late",
)
DRAWN_FOR_READS = ("slow", "lost reply", "reset", "429", "503 before")
LONGEST_STREAK = 3


@dataclass
class Fates:
    """`plan` names the fates of an operation's calls in order; after them `share` of the calls are hit by chance."""

    plan: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seed: int = 0
    share: float = 0.0
    drawn: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rest = {operation: list(names) for operation, names in self.plan.items()}
        self._tries: Counter[tuple[str, str]] = Counter()
        self._streak: Counter[tuple[str, str]] = Counter()

    def draw(self, operation: str, key: str, *, reads: bool) -> Fate:
        """What befalls the next try of this call."""
        planned = self._rest.get(operation)
        if planned:
            return ALL[planned.pop(0)]
        if not self.share:
            return WELL
        call = (operation, key)
        self._tries[call] += 1
        dice = self.dice(operation, key, str(self._tries[call]))
        if self._streak[call] >= LONGEST_STREAK or dice.random() >= self.share:
            self._streak[call] = 0
            return WELL
        name = dice.choice(DRAWN_FOR_READS if reads else DRAWN_FOR_ACTS)
        self._streak[call] = 0 if name == "slow" else self._streak[call] + 1
        self.drawn[name] += 1
        return ALL[name]

    def dice(self, *names: str) -> Random:
        """Chance that depends on the seed and these names alone."""
        return Random("\x1f".join((str(self.seed), *names)))
