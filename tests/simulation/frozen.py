"""A worker that freezes past its lease, at each of its writes, while a second one on the same store takes over.

One process keeps every other away from its file, so this can only happen to services that share a store on purpose;
the lease, its number and the deadline of sending are what then stands between a thawed worker and a second invoice.

    frozen()      {"told": 92, "double": 0, "lost": 0, "doubts": 4}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from onpaid.engine.pace import Pace
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store, Write
from tests.flows.fates import Fates
from tests.flows.scenes import STORIES, Story
from tests.flows.stage import FLOWS
from tests.flows.world import LANES, World
from tests.simulation.simulate import quiet
from tests.simulation.verdict import all_runs, all_tickets

FREEZE = timedelta(minutes=20)
PACE = Pace(tick=timedelta(seconds=5))


class FreezingStore:
    """A store as a worker sees it that freezes once: just before its nth commit, or just after it."""

    def __init__(self, store: Store, nth: int, *, after: bool) -> None:
        self._store, self._nth, self._after = store, nth, after
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, writes: Sequence[Write]) -> None:
        self.commits += 1
        now = self.commits == self._nth
        if now and not self._after:
            await asyncio.sleep(FREEZE.total_seconds())
        await self._store.commit(writes)
        if now and self._after:
            await asyncio.sleep(FREEZE.total_seconds())


Wrap = Callable[[Any], Any]


async def _freeze(
    story: Story, nth: int, after: bool, wrap: Wrap, guests: Wrap
) -> tuple[World, MemoryStore, int]:
    memory, clock, world = MemoryStore(), VirtualClock(), World(Fates(story.fates))
    scene = story.scene(world)
    if scene.before is not None:
        await scene.before(memory)
    freezing = FreezingStore(memory, nth, after=after)
    first, second = (
        Process(
            wrap(store),
            FLOWS,
            guests(scene.guests(store, clock)),
            clock,
            name=name,
            lanes=LANES,
            pace=PACE,
            sole=False,
        )
        for name, store in (("first", freezing), ("second", memory))
    )
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    lives = [asyncio.create_task(first.live(at_most=timedelta(hours=12)))]
    recording = asyncio.create_task(first.engine.recorder.record(facts=scene.facts))
    await asyncio.sleep(60)
    lives.append(asyncio.create_task(second.live(at_most=timedelta(hours=12))))
    await asyncio.gather(*lives, recording)
    await asyncio.sleep(2 * FREEZE.total_seconds())
    await second.live(at_most=timedelta(hours=12))
    return world, memory, freezing.commits


def frozen(
    stories: Sequence[Story] = (STORIES[0],),
    wrap: Wrap = lambda store: store,
    guests: Wrap = lambda given: given,
) -> dict[str, Any]:
    """Freeze each story's first worker at each of its writes: what was doubled or lost, over all tellings."""
    found: dict[str, Any] = {"told": 0, "double": 0, "lost": 0, "doubts": 0, "examples": []}
    with quiet():
        for story in stories:
            nth, writes = 1, 1
            while nth <= writes:
                for after in (False, True):
                    told = run_virtually(lambda s=story, n=nth, a=after: _judged(s, n, a, wrap, guests))  # type: ignore[misc]
                    writes = max(writes, told.pop("writes"))
                    found["told"] += 1
                    for name, count in told.items():
                        found[name] += count
                    if told["double"] or told["lost"]:
                        found["examples"].append(
                            f"{story.name}, {'after' if after else 'before'} write {nth}: {told}"
                        )
                nth += 1
    return found


async def _judged(story: Story, nth: int, after: bool, wrap: Wrap, guests: Wrap) -> dict[str, int]:
    world, memory, writes = await _freeze(story, nth, after, wrap, guests)
    runs, tickets = await all_runs(memory), await all_tickets(memory)
    doubts = sum(run.state == "doubtful" for run in runs)
    double = max(0, len(world.contacts) - 1) + max(0, len(world.invoices) - 1) + max(0, world.mails - 1)
    double += max(0, len(world.tickets) - len({ticket.id for ticket in world.tickets}))
    ticketed = {ticket.run for ticket in tickets}
    ended = [run for run in runs if run.state == "done" or run.id in ticketed]
    lost = len(runs) - len(ended)
    return {"writes": writes, "double": double, "lost": lost, "doubts": doubts}
