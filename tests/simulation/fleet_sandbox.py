"""One sandbox of a function, and the way from it to the shared table: invoked, frozen, killed, forgotten.

It is made of the real parts: engine, inbox, `SqsBell`, `Work` and `Tick`. Whoever kills it ends all that runs in it at
once; what it had sent before lands nevertheless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Literal, TypeVar

from onpaid.app.keeping import Keeping
from onpaid.engine.flow import Flows
from onpaid.engine.operations import Operations
from onpaid.engine.runner import Engine
from onpaid.engine.testing import Died, MortalStore, VirtualClock
from onpaid.errors import StoreUnavailable, StoreUnknown
from onpaid.runtime.aws import SqsBell, SqsQueue
from onpaid.runtime.aws_tick import TICK, Schedules, Tick
from onpaid.runtime.aws_work import Work, longest_call
from onpaid.store.port import Store, Write
from tests.simulation.fleet_queue import Sqs
from tests.simulation.lives import Parts, Trade

T = TypeVar("T")
Remaining = Callable[[], float]
Fate = Literal["", "die before", "die after", "freeze before", "freeze after", "throttled", "lost", "unheard"]
"""What befalls a write. The last three: not taken; taken, and the answer lost; the request lost."""
Fated = Callable[[str], Fate]
"""Asked at each write, by the kind of the function that writes."""

HERE: ContextVar[Sandbox | None] = ContextVar("HERE", default=None)
FREEZE = 1200.0
LEFT = 2.0
"""Seconds that what an invocation left behind may take to end."""


def knowing(loop: asyncio.AbstractEventLoop, what: Any, context: Context | None = None) -> asyncio.Task[Any]:
    """Make a task that its sandbox knows: a task factory."""
    task: asyncio.Task[Any] = asyncio.Task(what, loop=loop, context=context)
    here = HERE.get() if context is None else context.get(HERE)
    if here is not None:
        here.tasks[task] = None
        task.add_done_callback(lambda done: here.tasks.pop(done, None))
    return task


class Killed(Exception):
    """The invocation never answers: its sandbox is gone."""


class Road(MortalStore):
    """The store as one sandbox sees it: some milliseconds away, throttled now and then, gone when the sandbox is."""

    def __init__(
        self, store: Store, kind: str, fated: Fated, dice: Random, throttled: Callable[[], float]
    ) -> None:
        super().__init__(store)
        self._kind, self._fated, self._dice, self._throttled = kind, fated, dice, throttled
        self.frozen_until = 0.0
        self.wrote: list[float] = []

    async def _alive(self) -> None:
        await super()._alive()
        await asyncio.sleep(self._dice.uniform(0.001, 0.012))
        await super()._alive()
        if self._dice.random() < self._throttled():
            raise StoreUnavailable("the table is throttled")

    async def commit(self, writes: Sequence[Write]) -> None:
        if self.dead.is_set():
            raise Died
        self.writes += 1
        self.wrote.append(asyncio.get_running_loop().time())
        fate = self._fated(self._kind)
        await self._befalls(fate, "before")
        if fate in ("throttled", "unheard"):
            raise StoreUnavailable("throttled") if fate == "throttled" else StoreUnknown("no answer came")
        await asyncio.sleep(self._dice.uniform(0.001, 0.012))
        if self.dead.is_set():
            raise Died
        await self._store.commit(writes)
        if fate == "lost":
            raise StoreUnknown("the answer was lost")
        await self._befalls(fate, "after")
        await asyncio.sleep(self._dice.uniform(0.001, 0.012))

    async def _befalls(self, fate: Fate, when: str) -> None:
        if fate == f"die {when}":
            self.dead.set()
            raise Died
        if fate == f"freeze {when}":
            self.frozen_until = asyncio.get_running_loop().time() + FREEZE
            await asyncio.sleep(FREEZE)


class Sandbox:
    """A place where one function runs, one invocation after the other. It looks like a `Life` to whoever needs one."""

    def __init__(
        self,
        name: str,
        kind: str,
        road: Road,
        world: Any,
        clock: VirtualClock,
        parts: Parts,
        trade: Trade,
        queue: Sqs,
    ) -> None:
        self.name, self.kind, self.mortal = name, kind, road
        self.store = parts.store(road)
        self.clock = parts.clock(clock)
        self.given = given = parts.guests(trade.guests(world, self.store, self.clock))
        sqs = SqsQueue("https://queue", client=queue.client(kind, road.dead.is_set))
        self.bell = SqsBell(sqs)
        self.engine = parts.engine(
            Engine(
                self.store,
                Flows(parts.flows or trade.flows, given),
                clock=self.clock,
                bell=self.bell,
                random=Random(name),
                owner=name,
                pace=parts.pace,
                lanes=trade.lanes,
                sole=False,
            )
        )
        delivered = [given.get(each) for each in ("checkout_records", "shipments", "messages")]
        keeping = Keeping(self.engine.store, given["orders"], given["payments"], *delivered)
        self.inbox = parts.inbox(self.engine.recorder, keeping, parts.sources(trade.sources()), self.clock)
        self.operations = Operations(self.engine)
        self.work = Work(self.engine, self.bell, longest=longest_call(given.values()))
        tick = Tick(self.engine, self.bell, sqs, self.clock, (), lambda figures: None)
        self.schedules = Schedules()
        self.schedules.register(TICK, tick.tick)
        self.invocations = 0
        self.tasks: dict[asyncio.Task[Any], None] = {}
        """What runs in here, in the order of its beginning."""

    async def invoke(self, job: Callable[[Remaining], Awaitable[T]], limit: float, cut: float) -> T:
        """One invocation. It is told of `limit` seconds; the platform kills it after `cut`, or after the limit.

        Raises Killed, and whatever the job raises.
        """
        loop, context = asyncio.get_running_loop(), copy_context()
        context.run(HERE.set, self)
        began = loop.time()
        task = loop.create_task(self._begun(job, lambda: began + limit - loop.time()), context=context)
        death = loop.create_task(self.mortal.dead.wait())
        end = began + min(limit, cut)
        while not (task.done() or death.done()) and loop.time() < end:
            await asyncio.wait((task, death), timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            if self.mortal.frozen_until > began:
                # Nobody ends what is frozen: thawed, it has all its time again.
                end = max(end, self.mortal.frozen_until + limit)
        death.cancel()
        if task.done() and not self.mortal.dead.is_set():
            await self._rest()
            return task.result()
        await self.kill()
        raise Killed

    async def _begun(self, job: Callable[[Remaining], Awaitable[T]], remaining: Remaining) -> T:
        self.invocations += 1
        if self.invocations == 1:
            await self.engine.open()
        else:
            await self.engine.look_at_lanes()
        return await job(remaining)

    async def _rest(self) -> None:
        """Between invocations nothing runs: what is left may end, and is cancelled then."""
        for cancelled in (False, True):
            for task in (left := list(self.tasks)):
                if cancelled:
                    task.cancel()
            if left:
                await asyncio.wait(left, timeout=LEFT)

    async def kill(self) -> None:
        """Without a chance to tidy up: the store refuses every further word, and nothing runs on."""
        self.mortal.dead.set()
        while left := list(self.tasks):
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
