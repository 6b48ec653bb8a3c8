"""The bell: tells the runtime that a run is due. It carries a name and nothing else.

Losing every ring loses nothing: the store remembers, and the tick finds what is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Bell(Protocol):
    """Rings for runs."""

    def ring(self, runs: Iterable[str]) -> None:
        """These runs are due now."""
        ...

    def ring_in(self, run: str, seconds: float) -> None:
        """This run will be due then. A courtesy: the tick would find it a little later."""
        ...


class Silence:
    """A bell whose every ring is lost: the tick alone brings everything home."""

    def ring(self, runs: Iterable[str]) -> None:
        return None

    def ring_in(self, run: str, seconds: float) -> None:
        return None
