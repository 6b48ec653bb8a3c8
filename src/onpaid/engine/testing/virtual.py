"""Virtual time: a loop whose clock jumps to the next thing that is due, and the clock that reads it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from onpaid.clock import Instant

T = TypeVar("T")

START: Instant = 1_767_225_600_000
"""2026-01-01T00:00Z, where virtual time begins."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))
        # Where a year of seconds is a float, the next timer may be nearer than the loop can tell apart from now.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Let time pass at once."""
        self._virtual += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is left to happen, and something still waits")
        self._loop.jump(timeout)
        return ready


class VirtualClock:
    """The clock of a virtual loop. `step` moves the wall clock alone, as an operator or NTP does."""

    def __init__(self) -> None:
        self._stepped = 0

    def now(self) -> Instant:
        return START + self._stepped + round(asyncio.get_running_loop().time() * 1000)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def step(self, by: timedelta) -> None:
        """Move the wall clock, forward or back."""
        self._stepped += round(by.total_seconds() * 1000)


MOST_ROUNDS = 1000


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        # Who is cancelled may begin something else in its last moment, as a process that is rung for does.
        for _ in range(MOST_ROUNDS):
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if not left:
                break
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
