"""A service as AWS runs it, in virtual time: functions in sandboxes that share a table and a queue, and nothing else.

Webhooks come in at `web`, SQS hands batches to several `work` at once, `tick` comes each minute, or late, or twice.
It stands where a `Service` stands, so that the same days and the same verdicts judge it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any

from onpaid.engine.testing import VirtualClock
from onpaid.errors import StoreError
from onpaid.store.port import Store
from tests.flows.world import World
from tests.simulation.fleet_queue import Held, Inline, Manners, Sqs
from tests.simulation.fleet_sandbox import Fate, Killed, Remaining, Road, Sandbox, knowing
from tests.simulation.lives import INVOICES, Parts, Service, Trade, Weather

WEB, WORK, TICK = 25.0, 120.0, 55.0
"""Time limits of the functions, in seconds."""
LAST_WORD = 1.5
HAND = 900.0
NEVER = 1e9


@dataclass(frozen=True)
class Skies(Weather):
    """How rough it is for a fleet. All but the last two are shares."""

    twice: float = 0.0
    """Messages that come again although they were done with; `refused` are batches of rings, `throttled` words of the
    table that are not taken."""
    refused: float = 0.0
    throttled: float = 0.0
    killed: float = 0.0
    """Invocations that end in mid-step, without a warning."""
    short: float = 0.0
    """Invocations that begin near their time limit."""
    cold: float = 0.0
    """Invocations that find no warm sandbox although there was one."""
    frozen: float = 0.0
    """Writes at which a sandbox freezes for twenty minutes; `late_ticks` come an hour late."""
    late_ticks: float = 0.0
    two_ticks: float = 0.0
    workers: int = 4
    tick: float = 60.0


def rough(share: float) -> Skies:
    """Everything at once, as rough as this share of faults."""
    return Skies(
        calls=share,
        rings_lost=share / 2,
        commits=share / 8,
        between_crashes=round(12 / share) if share else 0,
        twice=share / 2,
        refused=share / 4,
        throttled=share / 40,
        killed=share / 6,
        short=share / 4,
        cold=share / 2,
        frozen=share / 200,
        late_ticks=share / 20,
        two_ticks=share / 2,
    )


class Fleet(Service):
    """All sandboxes of all functions. `limits` and `fated` are for who plans what goes wrong."""

    def __init__(
        self,
        store: Store,
        world: World,
        clock: VirtualClock,
        parts: Parts,
        weather: Weather,
        seed: int,
        trade: Trade = INVOICES,
    ) -> None:
        super().__init__(store, world, clock, parts, weather, seed, trade)
        self._skies = weather if isinstance(weather, Skies) else Skies(**vars(weather))
        self.queue = Sqs(seed, self._manners)
        self.limits: list[tuple[float, float]] = []
        """Of the next invocations of `work`: what they are told, and when they are killed."""
        self.fated: Callable[[str], Fate] | None = None
        self.wrote: list[tuple[int, float]] = []
        """Each write of `work`: in which of its invocations, and how long after its beginning."""
        self._idle: dict[str, list[Sandbox]] = defaultdict(list)
        self._made = self._worked = self._working = 0
        self._free = asyncio.Event()
        self._invocations: set[asyncio.Task[None]] = set()
        # What lands outside is told by the outside, and outlives the sandbox that asked for it.
        landed = world.landed
        world.landed = lambda: Context().run(landed)

    async def live(self) -> None:
        """Work for ever, with somebody at hand for what people do."""
        await asyncio.gather(self.works(), self._hands())

    async def works(self) -> None:
        """Queue and clock invoke the functions, for ever."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Inline())
        loop.set_task_factory(knowing)
        await asyncio.gather(self._polls(), self._ticks())

    async def receive(self, source: str, headers: Mapping[str, str], body: bytes) -> bool:
        return await self.web(lambda sandbox: sandbox.inbox.receive(source, headers, body))

    async def web(self, do: Callable[[Sandbox], Awaitable[Any]]) -> bool:
        """One request. Whether it was answered with 2xx; raises what the core raises."""
        sandbox = self._sandbox("web")

        async def job(remaining: Remaining) -> None:
            async with sandbox.bell.ringing(), asyncio.timeout(max(0.1, remaining() - LAST_WORD)):
                await do(sandbox)

        try:
            await self._invoke(sandbox, job, *self._limit(WEB))
        except (Killed, TimeoutError):
            return False
        return True

    async def _invoke(
        self, sandbox: Sandbox, job: Callable[[Remaining], Awaitable[Any]], limit: float, cut: float
    ) -> Any:
        try:
            told = await sandbox.invoke(job, limit, cut)
        except Killed:
            self.crashes += 1
            raise
        finally:
            if not sandbox.mortal.dead.is_set():
                self._idle[sandbox.kind].append(sandbox)
        return told

    def _sandbox(self, kind: str) -> Sandbox:
        """A warm one if there is one, or a cold one that remembers nothing."""
        idle = self._idle[kind]
        if idle and (self.calm or self._dice.random() >= self._skies.cold):
            return idle.pop(self._dice.randrange(len(idle)))
        self._made += 1
        name = f"{kind} {self._made}"
        dice = Random(f"{self._seed} {name}")
        road = Road(
            self.store,
            kind,
            self.fated or self._chance(dice),
            dice,
            lambda: 0.0 if self.calm else self._skies.throttled,
        )
        return Sandbox(name, kind, road, self._world, self._clock, self._parts, self._trade, self.queue)

    def _manners(self) -> Manners:
        skies = self._skies
        return Manners() if self.calm else Manners(skies.twice, skies.refused, skies.rings_lost)

    def _chance(self, dice: Random) -> Callable[[str], Fate]:
        skies = self._skies

        def fated(_kind: str) -> Fate:
            if self.calm:
                return ""
            if skies.between_crashes and dice.random() < 1 / skies.between_crashes:
                return dice.choice(("die before", "die after"))
            if dice.random() < skies.frozen:
                return dice.choice(("freeze before", "freeze after"))
            if dice.random() < 2 * skies.throttled:
                return dice.choice(("throttled", "lost", "unheard"))
            return ""

        return fated

    def _limit(self, limit: float) -> tuple[float, float]:
        dice, skies, cut = self._dice, self._skies, NEVER
        if not self.calm and dice.random() < skies.killed:
            cut = dice.uniform(0.0, 20.0)
        if not self.calm and dice.random() < skies.short:
            limit = min(limit, dice.uniform(2.0, 60.0))
        return limit, cut

    async def _polls(self) -> None:
        while True:
            await self.queue.wait()
            while self._working >= self._skies.workers:
                self._free.clear()
                await self._free.wait()
            batch = self.queue.take()
            if batch:
                self._working += 1
                self._spawn(self._work(batch))

    async def _work(self, batch: list[Held]) -> None:
        sandbox = self._sandbox("work")
        self._worked += 1
        nth, began, before = self._worked, self._clock.monotonic(), len(sandbox.mortal.wrote)
        event = {"Records": [{"messageId": each.id, "body": each.body} for each in batch]}

        async def job(remaining: Remaining) -> dict[str, Any]:
            async with sandbox.bell.ringing():
                return await sandbox.work.answer(event, remaining)

        try:
            limit = self.limits.pop(0) if self.limits else self._limit(WORK)
            told = await self._invoke(sandbox, job, *limit)
            failed = frozenset(each["itemIdentifier"] for each in told["batchItemFailures"])
            self.queue.done_with(batch, failed)
        except (Killed, StoreError):
            self.queue.died_with(batch)
        finally:
            self.wrote += [(nth, at - began) for at in sandbox.mortal.wrote[before:]]
            self._working -= 1
            self._free.set()

    async def _ticks(self) -> None:
        while True:
            late = not self.calm and self._dice.random() < self._skies.late_ticks
            await self._clock.sleep(3600.0 if late else self._skies.tick)
            for _ in range(1 + (not self.calm and self._dice.random() < self._skies.two_ticks)):
                self._spawn(self._tick())

    async def _tick(self) -> None:
        sandbox = self._sandbox("tick")

        async def job(remaining: Remaining) -> None:
            async with sandbox.bell.ringing():
                await sandbox.schedules.run({"schedule": "tick"}, remaining)

        with contextlib.suppress(Killed, StoreError):
            await self._invoke(sandbox, job, *self._limit(TICK))

    async def _hands(self) -> None:
        """A sandbox of `web` for what is done beside webhooks: clicks of customers, words of operators."""
        while True:
            sandbox = self._sandbox("hand")

            async def job(_remaining: Remaining, sandbox: Sandbox = sandbox) -> None:
                async with sandbox.bell.ringing():
                    self.life = sandbox  # type: ignore[assignment]
                    await asyncio.Event().wait()

            with contextlib.suppress(Killed, StoreError):
                await self._invoke(
                    sandbox, job, NEVER, NEVER if self.calm or not self._skies.killed else HAND
                )
            self.life = None
            await self._clock.sleep(self._dice.uniform(0.1, 20))

    def _spawn(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._invocations.add(task)
        task.add_done_callback(self._invocations.discard)
