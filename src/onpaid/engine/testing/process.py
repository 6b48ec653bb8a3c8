"""A life of the service in virtual time, and the store through which it can die at any write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from onpaid.acts import LaneLimit
from onpaid.engine.bell import Bell, Silence
from onpaid.engine.flow import Flow, Flows
from onpaid.engine.pace import Pace
from onpaid.engine.runner import Engine
from onpaid.engine.testing.virtual import VirtualClock
from onpaid.store.port import Document, Page, Store, Stored, Write


class Died(BaseException):
    """The process is gone. Nothing in it may catch this."""


class MortalStore:
    """A store as one process sees it. At the chosen write the process dies: before it, or just after it."""

    def __init__(self, store: Store, *, dies_at: int | None = None, after: bool = False) -> None:
        self._store = store
        self._dies_at = dies_at
        self._after = after
        self.writes = 0
        self.dead = asyncio.Event()

    async def _alive(self) -> None:
        if self.dead.is_set():
            raise Died

    async def get(self, kind: str, key: str) -> Stored | None:
        await self._alive()
        return await self._store.get(kind, key)

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        await self._alive()
        return await self._store.get_many(kind, keys)

    async def commit(self, writes: Sequence[Write]) -> None:
        await self._alive()
        self.writes += 1
        if self.writes == self._dies_at:
            if self._after:
                await self._store.commit(writes)
            self.dead.set()
            raise Died
        await self._store.commit(writes)

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        await self._alive()
        return await self._store.documents(after, limit=limit)

    async def load(self, documents: Sequence[Document]) -> None:
        """Who dies before the end of it has loaded a part: loading is not all or nothing."""
        await self._alive()
        self.writes += 1
        if self.writes == self._dies_at:
            await self._store.load(documents if self._after else documents[: len(documents) // 2])
            self.dead.set()
            raise Died
        await self._store.load(documents)

    async def query(self, kind: str, index: str, value: str, **bounds: Any) -> Page:
        await self._alive()
        return await self._store.query(kind, index, value, **bounds)

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        await self._alive()
        return await self._store.count(kind, index, value, at_most=at_most)

    async def ping(self) -> None:
        await self._alive()

    async def close(self) -> None:
        return None


class Process:
    """One life of the service, in virtual time: an engine and the loop around it."""

    def __init__(
        self,
        store: Store,
        flows: Iterable[Flow],
        guests: Mapping[str, Any],
        clock: VirtualClock,
        *,
        name: str = "process",
        pace: Pace | None = None,
        lanes: Sequence[LaneLimit] = (),
        seed: int = 0,
        ringing: bool = True,
        generation: int = 0,
        sole: bool = True,
    ) -> None:
        self.store = store
        self.clock = clock
        self._rung: dict[str, None] = {}
        self._bell: Bell = _DirectBell(self) if ringing else Silence()
        self.engine = Engine(
            store,
            Flows(flows, guests),
            clock=clock,
            bell=self._bell,
            random=Random(seed),
            owner=name,
            pace=pace,
            lanes=lanes,
            generation=generation,
            sole=sole,
        )
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def hear(self, run: str) -> None:
        """Begin to advance a run, now."""
        if run in self._tasks:
            self._again.add(run)
            return
        task = asyncio.get_running_loop().create_task(self._advance(run))
        self._tasks[run] = task

    async def _advance(self, run: str) -> None:
        try:
            with suppress(Died):
                await self.engine.advance(run)
        finally:
            self._tasks.pop(run, None)
            if run in self._again:
                self._again.discard(run)
                self.hear(run)

    async def live(self, *, at_most: timedelta = timedelta(days=30)) -> None:
        """Go on until nothing is left to do, or the process dies."""
        with suppress(Died):
            await self.engine.open()
            for run in await self.engine.orphans():
                self.hear(run)
            loop = asyncio.get_running_loop()
            end = loop.time() + at_most.total_seconds()
            while loop.time() < end and not self._died():
                for run in await self.engine.due():
                    self.hear(run)
                if not self._tasks and not await self._moving():
                    return
                await self.clock.sleep(self.engine.pace.seconds(self.engine.pace.tick))

    async def _moving(self) -> bool:
        for state in ("ready", "running", "waiting", "sleeping"):
            if await self.store.count("run", "state", state, at_most=1):
                return True
        return False

    def _died(self) -> bool:
        return isinstance(self.store, MortalStore) and self.store.dead.is_set()

    async def kill(self) -> None:
        """End it without a chance to tidy up: its store refuses every further word."""
        if isinstance(self.store, MortalStore):
            self.store.dead.set()
        tasks = list(self._tasks.values())
        self._again.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _DirectBell:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def ring(self, runs: Iterable[str]) -> None:
        for run in runs:
            self._process.hear(run)

    def ring_in(self, run: str, seconds: float) -> None:
        old = self._timers.pop(run, None)
        if old is not None:
            old.cancel()
        loop = asyncio.get_running_loop()
        self._timers[run] = loop.call_later(seconds + 0.001, self._process.hear, run)
