"""How many doubts the demo's operator may settle: as many as chance explains, and no more.

An act that nothing finds again, such as a mail or a message, leaves a doubt whenever its answer is lost and it never
took effect. The simulators' own figures say how often that is.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

MAIL: Final = "send receipt"
MESSAGE: Final = "send message"
CALL_RATE = 0.15
NEVER_DONE = 0.3
"""The simulators' own figures: how often a call is hit, and how often a lost one never took effect."""
CALL_FAULTS = frozenset({"429", "503", "slow", "commit-then-timeout", "late-landing"})
FIKENS_OWN = frozenset({"concurrent-call-refused"})
LOSING = frozenset({"503", "commit-then-timeout", "late-landing"})
DROPPED = "drop-webhook"
LOST_STATUS = 0.1
KILLED = "a killed service"
AT_ONCE: Final = {MAIL: 1, MESSAGE: 8}
"""How many such calls can be under way when the service is killed: as many as their lane lets through."""
_ANSWERED = re.compile(r"answered 5\d\d")


class Allowance:
    """How many doubts may be settled for each step and fault: six deviations above what chance yields.

    `acts` says how often each step is to be done in the whole demo. A message that did go out is told by its status,
    which can be lost too.
    """

    def __init__(self, acts: Mapping[str, int], faults: Collection[str]) -> None:
        self._most: dict[tuple[str, str], int] = {}
        for step, times in acts.items():
            on = (CALL_FAULTS | (FIKENS_OWN if step == MAIL else frozenset())).intersection(faults)
            for fault in LOSING.intersection(on):
                unknown = NEVER_DONE + (LOST_STATUS if step == MESSAGE and DROPPED in faults else 0)
                expected = times * CALL_RATE / len(on) * unknown
                self._most[step, fault] = math.floor(expected + 6 * math.sqrt(expected) + 4)
        self.used: Counter[tuple[str, str]] = Counter()
        self.kills = 0
        """How often the service was killed."""

    def most(self, step: str, fault: str) -> int:
        """How many doubts about this step this fault may leave to a person."""
        return self.kills * AT_ONCE.get(step, 0) if fault == KILLED else self._most.get((step, fault), 0)

    def take(self, step: str, fault: str) -> bool:
        """One more, if there is one left."""
        if self.used[step, fault] >= self.most(step, fault):
            return False
        self.used[step, fault] += 1
        return True

    def give_back(self, step: str, fault: str) -> None:
        """It was not needed after all."""
        self.used[step, fault] -= 1

    def fault_behind(self, step: str, note: str) -> str:
        """Which fault left an attempt with this note."""
        if "worker is gone" in note:
            return KILLED
        if _ANSWERED.search(note):
            return "503"
        return "commit-then-timeout" if self.most(step, "commit-then-timeout") else "late-landing"
