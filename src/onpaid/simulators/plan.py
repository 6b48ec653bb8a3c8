"""The fault plan: which faults are on, and what they do to one call or one webhook.

A call is known by provider, operation and a key of its own (an invoice's uuid, say), and its nth try; so the draw
does not depend on what else goes on. No call fails more than LONGEST_STREAK times in a row, and every fault that
is brought about is counted, and noted in a diary.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from onpaid.simulators.faults import parse
from onpaid.simulators.kit import Dice, Times

LONGEST_STREAK: Final = 3
NEVER_DONE_SHARE: Final = 0.3
WEBHOOK_RATE: Final = 0.3
DROP_RATE: Final = 0.1
CANCELED_SHARE: Final = 1 / 3
SUFFIX: Final = re.compile(r"-\d+$")
READ_FAULTS: Final = frozenset({"429", "503", "slow", "commit-then-timeout", "concurrent-call-refused"})
WRITE_FAULTS: Final = READ_FAULTS | {"late-landing"}
LARGEST_SKEW: Final = 200
FORGERIES: Final = ("wrong secret", "tampered body", "no signature", "too old", "too new")

Lands = Literal["now", "after", "never"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong with one call: how it is answered, and whether and when its effect lands."""

    fault: str
    reply: Literal["slow", "status", "hang", "reset"]
    lands: Lands
    status: int = 0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Mischief:
    """What goes wrong with one webhook."""

    hold: float = 0.0
    copies: int = 0
    together: bool = False
    twin: bool = False
    signer: Literal["newest", "old", "both"] = "newest"
    skew: int = 0
    forgery: str | None = None
    dropped: bool = False


class FaultPlan:
    """The faults that are on, drawn by seed and rate."""

    def __init__(self, times: Times, faults: str | Iterable[str] = "none", seed: int = 0) -> None:
        self.times = times
        self.set(faults, seed=seed)

    def set(
        self,
        faults: str | Iterable[str],
        *,
        seed: int = 0,
        rate: float | None = None,
        api_rate: float | None = None,
        drop_rate: float | None = None,
    ) -> None:
        """Turn these faults on and all others off, and start counting anew.

        `rate` is for webhooks, `drop_rate` for those that never come: a tenth, unless either is given.
        """
        self.active = parse(faults)
        self.seed = seed
        self.rate = WEBHOOK_RATE if rate is None else rate
        self.api_rate = self.rate / 2 if api_rate is None else api_rate
        self.drop_rate = (DROP_RATE if rate is None else rate) if drop_rate is None else drop_rate
        self.forget()

    def forget(self) -> None:
        """Keep the settings, and forget what was counted."""
        self.injected: Counter[str] = Counter()
        self.diary: deque[tuple[str, str, str, int, str]] = deque(maxlen=100_000)
        self._tries: Counter[tuple[str, str, str]] = Counter()
        self._streaks: Counter[tuple[str, str, str]] = Counter()
        self._canceled: set[str] = set()

    def _note(self, provider: str, operation: str, key: str, nth: int, fault: str) -> None:
        self.injected[fault] += 1
        self.diary.append((provider, operation, key, nth, fault))

    def for_call(self, provider: str, operation: str, key: str, *, writes: bool) -> Trouble | None:
        """What is to go wrong with the next try of this call, if anything."""
        call = (provider, operation, key)
        self._tries[call] += 1
        nth = self._tries[call]
        possible = self.active & (WRITE_FAULTS if writes else READ_FAULTS)
        if provider != "fiken":
            possible -= {"concurrent-call-refused"}
        dice = Dice(self.seed).at("call", *call, str(nth))
        if not possible or self._streaks[call] >= LONGEST_STREAK or not dice.chance("hit", self.api_rate):
            self._streaks[call] = 0
            return None
        fault = dice.pick("fault", sorted(possible))
        self._note(*call, nth, fault)
        self._streaks[call] = 0 if fault == "slow" else self._streaks[call] + 1
        return self._trouble(fault, provider, dice, writes=writes)

    def _trouble(self, fault: str, provider: str, dice: Dice, *, writes: bool) -> Trouble:
        times = self.times
        landing = dice.between("landing", 0, times.landing_longest)
        if fault in ("429", "concurrent-call-refused"):
            return Trouble(fault, "status", "never", status=429)
        if fault == "slow":
            return Trouble(
                fault, "slow", "now", after=dice.between("slow", times.slow_longest / 4, times.slow_longest)
            )
        if fault == "late-landing":
            return Trouble(fault, "reset", "after", after=times.late_landing)
        lands: Lands = "never"
        if writes and not dice.chance("never done", NEVER_DONE_SHARE):
            lands = dice.pick("lands", ("now", "after"))
        if fault == "503":
            if provider == "stripe" and writes and dice.chance("kept under the key", 0.3):
                lands = "never" if lands == "never" else "now"
                return Trouble(fault, "status", lands, status=500)
            return Trouble(fault, "status", lands, status=503, after=landing)
        return Trouble(fault, dice.pick("reply", ("hang", "reset")), lands, after=landing)

    def for_webhook(self, provider: str, name: str, *, secrets: int = 1, may_twin: bool = False) -> Mischief:
        """What is to go wrong with this webhook; `name` is one that the next run with this seed uses too."""
        dice = Dice(self.seed).at("webhook", provider, name)

        def hit(fault: str) -> bool:
            share = self.drop_rate if fault == "drop-webhook" else self.rate
            if fault not in self.active or not dice.chance(fault, share):
                return False
            self._note(provider, "webhook", name, 1, fault)
            return True

        hold = dice.between("held", 0, self.times.shuffle_longest) if hit("shuffle") else 0.0
        if hit("delay"):
            hold += dice.between("delayed", self.times.delay_longest / 4, self.times.delay_longest)
        copies, together, twin = 0, False, False
        if hit("duplicate"):
            ways = ("again", "at once", "twin") if may_twin else ("again", "at once")
            way = dice.pick("way", ways)
            together, twin = way == "at once", way == "twin"
            copies = 0 if twin else dice.whole("copies", 1, 4)
        return Mischief(
            hold=hold,
            copies=copies,
            together=together,
            twin=twin,
            signer=dice.pick("signer", ("old", "both")) if secrets > 1 and hit("old-secret") else "newest",
            skew=dice.whole("skew", -LARGEST_SKEW, LARGEST_SKEW) if hit("clock-skew") else 0,
            forgery=dice.pick("forgery", FORGERIES) if hit("bad-signature") else None,
            dropped=hit("drop-webhook"),
        )

    def same_second(self, payment: str) -> bool:
        """Whether all events of this payment carry the same second."""
        if "same-second" not in self.active:
            return False
        if not Dice(self.seed).at("payment", payment).chance("same-second", self.rate):
            return False
        self._note("stripe", "payment", payment, 1, "same-second")
        return True

    def canceled_before(self, order_id: str) -> bool:
        """Whether Shiprocket has a dead record of that id already: about a tenth, at the usual rate.

        An id is drawn once and keeps its lot. One with a suffix ("1001-2") is the way out, and is never hit.
        """
        if "canceled-200" not in self.active or SUFFIX.search(order_id):
            return False
        if not Dice(self.seed).at("shiprocket", order_id).chance("canceled-200", self.rate * CANCELED_SHARE):
            return False
        if order_id not in self._canceled:
            self._canceled.add(order_id)
            self._note("shiprocket", "order", order_id, 1, "canceled-200")
        return True
