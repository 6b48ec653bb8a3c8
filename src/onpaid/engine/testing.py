"""For the tests of flows: virtual time, a process that can die at any write, and `crash_everywhere`.

Nothing sleeps: the loop's clock jumps to the next thing that is due. Nothing is patched: the store that dies is a
store, the clock that jumps is a clock. Providers are whatever the test hands in; they survive the crash, as life does.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import msgspec

from onpaid.acts import LaneLimit
from onpaid.clock import Instant
from onpaid.engine.bell import Bell, Silence
from onpaid.engine.flow import Flow, Flows
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.pace import Pace
from onpaid.engine.runner import Engine
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Page, Store, Stored, Write

T = TypeVar("T")

START: Instant = 1_767_225_600_000
"""2026-01-01T00:00Z, where virtual time begins."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))

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


def run_virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


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

    def ring(self, runs: Iterable[str]) -> None:
        for run in runs:
            self._process.hear(run)

    def ring_in(self, run: str, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds + 0.001, self._process.hear, run)


@dataclass
class Ending:
    """How a world stood in the end."""

    runs: list[Run]
    tickets: list[Ticket]
    writes: int

    def run(self, flow: str) -> Run:
        """The only run of a flow."""
        (found,) = [run for run in self.runs if run.flow == flow]
        return found


@dataclass
class Scene:
    """A world that flows act in. `guests` makes fresh clients for each process; what they act on survives it."""

    flows: Sequence[Flow]
    facts: Sequence[msgspec.Struct]
    guests: Callable[[Store, VirtualClock], Mapping[str, Any]]
    check: Callable[[Ending], None]
    lanes: Sequence[LaneLimit] = ()
    pace: Pace = field(default_factory=Pace)
    before: Callable[[Store], Awaitable[None]] | None = None
    at_most: timedelta = timedelta(days=30)


async def play(
    scene: Scene, *, crashes: Sequence[tuple[int, bool]] = (), redeliver: bool = False, ringing: bool = True
) -> Ending:
    """Tell a scene with a crash at each of these writes (number within its process, after it or before)."""
    store, clock = MemoryStore(), VirtualClock()
    if scene.before is not None:
        await scene.before(store)
    told: set[int] = set()
    writes = 0
    for life in range(len(crashes) + 1):
        dies_at, after = crashes[life] if life < len(crashes) else (None, False)
        mortal = MortalStore(store, dies_at=dies_at, after=after)
        process = Process(
            mortal,
            scene.flows,
            scene.guests(mortal, clock),
            clock,
            name=f"life {life}",
            lanes=scene.lanes,
            pace=scene.pace,
            ringing=ringing,
            seed=life,
        )
        for number, fact in enumerate(scene.facts):
            if number in told and not redeliver:
                continue
            try:
                await process.engine.recorder.record(facts=[fact], event=f"event {number}")
                told.add(number)
            except Died:
                if after and await RUNS.get(store, _first_run(scene, fact)) is not None and not redeliver:
                    told.add(number)
                break
        await process.live(at_most=scene.at_most)
        await process.kill()
        writes = mortal.writes
        if not mortal.dead.is_set() and life < len(crashes):
            break
    runs = [run for name in {f.name for f in scene.flows} for run in await _all_runs(store, name)]
    tickets = (await TICKETS.query(store, "state", "open", limit=1000)).items
    return Ending(runs, tickets, writes)


def _first_run(scene: Scene, fact: msgspec.Struct) -> str:
    return next(flow.run_id(fact) for flow in scene.flows if flow.on is type(fact))


async def _all_runs(store: Store, flow: str) -> list[Run]:
    found: list[Run] = []
    for state in ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled"):
        found.extend((await RUNS.query(store, "flow-state", f"{flow}:{state}", limit=1000)).items)
    return found


def crash_everywhere(make: Callable[[], Scene], *, twice: bool = False, most: int = 2000) -> int:
    """Tell a scene once for each write, dying before it and after it, with and without redelivery; then check.

    The steps told must be the same as without a crash. `twice` adds a second crash at each write of the second
    life. Returns how many tellings there were; at least one is always without a crash.
    """
    calm = make()
    ending = run_virtually(lambda: play(calm))
    calm.check(ending)
    transcript = {run.id: [step.name for step in run.steps] for run in ending.runs}
    told = 1

    def once_more(crashes: Sequence[tuple[int, bool]], redeliver: bool) -> Ending:
        nonlocal told
        told += 1
        if told > most:
            raise AssertionError(f"more than {most} tellings: is there no end to this flow?")
        scene = make()
        end = run_virtually(lambda: play(scene, crashes=crashes, redeliver=redeliver))
        where = ", ".join(f"{'after' if after else 'before'} write {number}" for number, after in crashes)
        try:
            scene.check(end)
            for run in end.runs:
                names = [step.name for step in run.steps]
                if names != transcript.get(run.id, names):
                    raise AssertionError(f"told {names} instead of {transcript[run.id]}")
        except AssertionError as error:
            raise AssertionError(f"crash {where}, redelivered: {redeliver}: {error}") from error
        return end

    for number in range(1, ending.writes + 1):
        for after in (False, True):
            for redeliver in (False, True):
                second = once_more([(number, after)], redeliver)
                if twice and redeliver:
                    for again in range(1, second.writes + 1):
                        once_more([(number, after), (again, True)], redeliver)
    return told
