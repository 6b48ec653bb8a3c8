"""Ticks: the demo calls the function that EventBridge would, each minute of the compressed clock, and sometimes twice,
late, or with new processes in between.

A late tick is one whose clock is ahead: all functions are told to look at a clock that goes ahead, once, and never
back. An hour of compressed time is skipped, or what the signatures of webhooks allow, which are made in the present.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final

from onpaid.cli.demo.aws_faults import Dice
from onpaid.cli.demo.aws_functions import DOORS, TICK, Functions
from onpaid.cli.demo.aws_stack import Stack
from onpaid.cli.demo.stage import ChildEnded

MINUTE: Final = 60.0
HOUR: Final = 3600.0
SIGNED_AHEAD: Final = 60.0
"""Seconds by which a service's clock may be wrong: signatures hold five minutes, a fault skews them
by 200 s, and a cold start takes some."""
SKIPPED: Final = 4
"""How many ticks are left out before the late one."""
BROKEN_AFTER: Final = 40
"""How many ticks in a row may fail before the day is given up: faults break some, nothing breaks all."""


class Ticking:
    """Calls the tick until it is stopped. `may_be_late` says whether an hour may be skipped now."""

    def __init__(self, stack: Stack, dice: Dice, functions: Functions, factor: float) -> None:
        self._stack = stack
        self._dice = dice
        self._functions = functions
        self._factor = factor
        self._task: asyncio.Task[None] | None = None
        self._failed = 0
        self._last = ""
        self.may_be_late = False
        self.ahead = 0.0
        """How far the clocks go ahead, in seconds."""

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._tick_on())

    async def stop(self) -> None:
        """No more ticks. One that is under way ends first."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._task

    def check(self) -> None:
        """Raise ChildEnded if the ticks have ended or all fail."""
        if self._task is not None and self._task.done():
            raise ChildEnded(f"the demo's clock stopped: {self._task.exception()!r}")
        if self._failed >= BROKEN_AFTER:
            raise ChildEnded(f"{self._failed} ticks failed in a row. The last one said: {self._last}")

    async def _tick_on(self) -> None:
        every = MINUTE / self._factor
        while True:
            await asyncio.sleep(every)
            await self._functions.maybe_replace()
            if self.may_be_late and not self.ahead and self._dice.falls("late-tick"):
                await asyncio.sleep(every * SKIPPED)
                await self._go_ahead()
            times = 2 if self._dice.falls("two-ticks") else 1
            await asyncio.gather(*(self._tick() for _ in range(times)))

    async def _go_ahead(self) -> None:
        self.ahead = min(HOUR / self._factor, SIGNED_AHEAD)
        told = {"ONPAID_CLOCK_AHEAD": f"{self.ahead:.0f}s"}
        await asyncio.to_thread(self._stack.tell, dict.fromkeys(DOORS, told))

    async def _tick(self) -> None:
        said = await asyncio.to_thread(self._invoke)
        self._failed = self._failed + 1 if said else 0
        self._last = said or self._last

    def _invoke(self) -> str:
        """Invoke it and wait. What went wrong, or nothing."""
        functions = self._stack.emulator.client("lambda", read_timeout=70, retries={"total_max_attempts": 1})
        told = functions.invoke(
            FunctionName=self._stack.functions[TICK], Payload=json.dumps({"schedule": "tick"}).encode()
        )
        return told["Payload"].read().decode()[:600] if told.get("FunctionError") else ""
