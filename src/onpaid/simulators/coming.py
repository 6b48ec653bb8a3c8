"""People who come one after the other, so many of them at once: what the days of all shops have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol


class Sleeps(Protocol):
    """The part of a clock that is needed here."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...


async def come(
    count: int, each: Callable[[int], Awaitable[None]], clock: Sleeps, *, at_once: int, pause: float
) -> None:
    """Until all of them have come and gone. The next one comes after the `pause`, in seconds, once there is room."""
    room = asyncio.Semaphore(at_once)

    async def one(nth: int) -> None:
        try:
            await each(nth)
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        for nth in range(count):
            await room.acquire()
            group.create_task(one(nth))
            if pause > 0:
                await clock.sleep(pause)
