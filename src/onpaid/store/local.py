"""What a local act answers: a value and the writes that make it true, or "not yet" and what to wait for.

The engine commits the writes of `Done` in the same batch as the step's result, and the conditions of `NotYet` in
the same batch that parks the run, so that nothing can slip in between the look and the wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from onpaid.store.port import Check, Write

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """It can be done now: `value` is true once `writes` are committed; who waits for `wakes` is woken with them, and
    what `facts` start is started with them."""

    value: T
    writes: tuple[Write, ...] = ()
    wakes: tuple[str, ...] = ()
    facts: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class NotYet:
    """It cannot be done yet.

    `things` are the names whose storing wakes the run ("order:konverzky/1001"); `checks` say what was seen, so
    that parking fails if it has changed since; `why` is shown to the operator; `kind` and `facts` are
    for the ticket, should patience end.
    """

    things: tuple[str, ...]
    checks: tuple[Check, ...]
    why: str
    kind: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


Local = Done[T] | NotYet
