"""The delivering service's worker frozen past its lease at each of its writes, while a second one takes over.

    frozen_deliveries()      {"told": 120, "wrong": 0, "examples": []}

The scenes judge themselves: their checks ask the outside world's books.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from onpaid.engine.testing import Ending, Process, VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from tests.flows.delivery_scenes import TELLINGS, Telling
from tests.flows.market import DELIVERY_FLOWS
from tests.flows.stage import FLOWS
from tests.simulation.frozen import FREEZE, PACE, FreezingStore, Wrap
from tests.simulation.simulate import quiet
from tests.simulation.verdict import all_runs, all_tickets

LONGEST = timedelta(days=30)


def same(given: Any) -> Any:
    """Nothing is replaced."""
    return given


async def _freeze(telling: Telling, nth: int, after: bool, wrap: Wrap) -> tuple[int, str]:
    memory, clock, scene = MemoryStore(), VirtualClock(), telling.scene()
    if scene.before is not None:
        await scene.before(memory)
    freezing = FreezingStore(memory, nth, after=after)
    first, second = (
        Process(
            wrap(store),
            (*FLOWS, *DELIVERY_FLOWS),
            scene.guests(store, clock),
            clock,
            name=name,
            lanes=scene.lanes,
            pace=PACE,
            sole=False,
        )
        for name, store in (("first", freezing), ("second", memory))
    )
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    lives = [asyncio.create_task(first.live(at_most=LONGEST))]
    recording = asyncio.create_task(first.engine.recorder.record(facts=scene.facts))
    await asyncio.sleep(60)
    lives.append(asyncio.create_task(second.live(at_most=LONGEST)))
    await asyncio.gather(*lives, recording)
    await asyncio.sleep(2 * FREEZE.total_seconds())
    await second.live(at_most=LONGEST)
    try:
        scene.check(Ending(await all_runs(memory), await all_tickets(memory), freezing.commits))
    except AssertionError as wrong:
        return freezing.commits, str(wrong).partition("\n")[0] or repr(wrong)
    return freezing.commits, ""


def frozen_deliveries(tellings: Sequence[Telling] = TELLINGS, wrap: Wrap = same) -> dict[str, Any]:
    """Freeze each scene's first worker before and after each of its writes: how many ended otherwise than they must."""
    found: dict[str, Any] = {"told": 0, "wrong": 0, "examples": []}
    with quiet():
        for telling in tellings:
            nth, writes = 1, 1
            while nth <= writes:
                for after in (False, True):
                    commits, wrong = run_virtually(
                        lambda t=telling, n=nth, a=after: _freeze(t, n, a, wrap)  # type: ignore[misc]
                    )
                    writes = max(writes, commits)
                    found["told"] += 1
                    if wrong:
                        found["wrong"] += 1
                        where = f"{'after' if after else 'before'} write {nth}"
                        found["examples"].append(f"{telling.name}, {where}: {wrong}")
                nth += 1
    return found
