"""What a method that acts outside says of itself, and what a look-up may answer.

The engine derives the class of an act from what the method has (never from a name):

    repeatable        a read: repeat it
    key_life          the service takes an idempotency key, which lives this long
    find= (in a step) it can be looked up by our reference, `settles` after the request can no longer be in flight
    local             a write to our own store, committed together with the step's result
    none of these     once: never repeated, a person or a later fact settles a doubt
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Act:
    """What the engine must know of a method before it may call it. Durations are uncompressed."""

    lane: str | None = None
    timeout: timedelta = timedelta(seconds=20)
    repeatable: bool = False
    local: bool = False
    key_life: timedelta | None = None
    look_first: bool = False
    settles: timedelta | None = timedelta(seconds=30)
    """The service's longest processing plus the lag of its index; None: not known, so silence proves nothing."""
    claim: Callable[[Any], str] | None = None
    """Names the outside thing in a result ("fiken:invoice:42"), so that no two steps can own it."""


def act(
    *,
    lane: str | None = None,
    timeout: timedelta = timedelta(seconds=20),
    repeatable: bool = False,
    local: bool = False,
    key_life: timedelta | None = None,
    look_first: bool = False,
    settles: timedelta | None = timedelta(seconds=30),
    claim: Callable[[Any], str] | None = None,
) -> Callable[[F], F]:
    """Declare a method as an act. See `Act`."""
    declared = Act(lane, timeout, repeatable, local, key_life, look_first, settles, claim)

    def mark(method: F) -> F:
        method.__act__ = declared  # type: ignore[attr-defined]
        return method

    return mark


def act_of(method: Callable[..., Any]) -> Act:
    """The declaration of `method`; a method that declares nothing is an act of class once."""
    declared = getattr(method, "__act__", None)
    return declared if isinstance(declared, Act) else Act()


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """The thing exists: exactly one, with our reference, amount and currency."""

    value: T


@dataclass(frozen=True, slots=True)
class Absent:
    """A complete answer: the thing does not exist."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """The answer proves nothing: several hits, a stranger, an incomplete list. `why` is for the operator.

    `final` says that looking again will not help: a person must.
    """

    why: str
    final: bool = False


Finding = Found[T] | Absent | Unsure
"""What a look-up answers. A failed look-up raises a ProviderError instead."""


@dataclass(frozen=True, slots=True)
class Call:
    """The attempt under way, as the provider's client sees it."""

    key: str
    """The idempotency key of this attempt, derived from run, step and number."""
    send_by: float
    """On `monotonic`: a request that would leave later must not leave."""
    timeout: float
    """Seconds in total, retries included; the client has no retries of its own."""
    monotonic: Callable[[], float]

    def may_send(self) -> bool:
        """Whether a request may still leave. Asked immediately before each write."""
        return self.monotonic() < self.send_by


current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
"""Set by the engine around each call of an act; None where a method is called by hand (doctor, tests)."""


@dataclass(frozen=True, slots=True)
class LaneLimit:
    """How hard a provider may be called: so many calls at once, so many a second.

    A `strict` lane is one whose provider punishes a call too many: that a call is in flight is then stored before
    it leaves, so that a process started after a crash waits for its end.
    """

    name: str
    at_once: int = 16
    per_second: float | None = None
    strict: bool = False
