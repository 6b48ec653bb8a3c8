"""One process: a bell that rings in memory, workers that answer it, and a tick that finds what was not rung.

Stopping takes no new run, lets those under way finish for a while, then hands them back; it ends within seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

import structlog

from onpaid.clock import Clock
from onpaid.engine.runner import Engine
from onpaid.errors import StoreError
from onpaid.runtime.chores import Chore

log = structlog.get_logger("onpaid.runtime")

SOON = 900.0
"""Seconds: a ring that lies further ahead is left to the tick."""


class AsyncBell:
    """Rings in memory. Ringing twice for a run that nobody answered yet is ringing once."""

    def __init__(self) -> None:
        self._rung: deque[str] = deque()
        self._waiting: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._heard = asyncio.Event()

    def ring(self, runs: Iterable[str]) -> None:
        for run in runs:
            if run not in self._waiting:
                self._waiting.add(run)
                self._rung.append(run)
        if self._rung:
            self._heard.set()

    def ring_in(self, run: str, seconds: float) -> None:
        if seconds > SOON:
            return
        old = self._timers.pop(run, None)
        if old is not None:
            old.cancel()
        self._timers[run] = asyncio.get_running_loop().call_later(seconds + 0.001, self._ring_timer, run)

    def _ring_timer(self, run: str) -> None:
        self._timers.pop(run, None)
        self.ring([run])

    async def next(self) -> str:
        """The next run that was rung for."""
        while not self._rung:
            self._heard.clear()
            await self._heard.wait()
        run = self._rung.popleft()
        self._waiting.discard(run)
        return run

    def forget(self) -> None:
        """Cancel what would ring later."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


class EmbeddedRuntime:
    """Advances runs until told to stop."""

    def __init__(
        self,
        engine: Engine,
        bell: AsyncBell,
        clock: Clock,
        *,
        at_once: int = 128,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._chores = tuple(chores)
        self._engine = engine
        self._bell = bell
        self._clock = clock
        self._places = asyncio.Semaphore(at_once)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what the last process left, and begin."""
        await self._engine.open()
        self._bell.ring(await self._engine.orphans())
        self._loops = [asyncio.create_task(self._answer()), asyncio.create_task(self._tick())]
        self._loops += [asyncio.create_task(self._again_and_again(chore)) for chore in self._chores]

    async def stop(self) -> None:
        """Take no new run, let those under way come to a rest, hand the others back."""
        self._engine.workshop.stopping = True
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._bell.forget()
        tasks = list(self._under_way.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._engine.pace.shutdown.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def busy(self) -> int:
        """How many runs are under way this moment."""
        return len(self._under_way)

    async def _answer(self) -> None:
        while True:
            run = await self._bell.next()
            if run in self._under_way:
                self._again.add(run)
                continue
            await self._places.acquire()
            task = asyncio.create_task(self._advance(run))
            self._under_way[run] = task

    async def _advance(self, run: str) -> None:
        try:
            await self._engine.advance(run)
        except StoreError as error:
            log.warning("store failed; the tick will come back", run=run, error=str(error))
        except Exception:
            log.exception("advancing broke; the lease's end will bring it back", run=run)
        finally:
            self._places.release()
            self._under_way.pop(run, None)
            if run in self._again:
                self._again.discard(run)
                self._bell.ring([run])

    async def _again_and_again(self, chore: Chore) -> None:
        while True:
            await self._clock.sleep(max(0.05, self._engine.pace.seconds(chore.every)))
            try:
                await chore.do()
            except StoreError as error:
                log.warning("a chore could not use the store", chore=chore.name, error=str(error))
            except Exception:
                log.exception("a chore broke; it is tried again", chore=chore.name)

    async def _tick(self) -> None:
        while True:
            try:
                due = [run for run in await self._engine.due() if run not in self._under_way]
                self._bell.ring(due)
            except StoreError as error:
                log.warning("the tick could not read the store", error=str(error))
            await self._clock.sleep(max(0.02, self._engine.pace.seconds(self._engine.pace.tick)))
