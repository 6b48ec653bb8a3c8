"""Each flow's scene on a fleet, its workers killed, timed out or frozen at each boundary between two steps.

    killed(SCENES)       before and after each write, bells and facts told again or not
    timed_out(SCENES)    at each moment between two writes, warned (the time limit is near) and unwarned
    frozen(SCENES)       for twenty minutes at each write of a worker, while others take over

Each gives {"told": 240, "wrong": 0, "examples": []}: the scenes judge themselves by the outside world's books, and the
steps told must be those of a telling in which nothing happens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onpaid.engine.journal import Run
from onpaid.engine.testing import Ending, Scene, VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from tests.flows.delivery_scenes import TELLINGS
from tests.flows.delivery_scenes import TROUBLED as TROUBLED_TELLINGS
from tests.flows.scenes import STORIES, TROUBLED
from tests.flows.world import World
from tests.simulation.fleet import NEVER, WORK, Fleet, Skies
from tests.simulation.fleet_queue import VISIBILITY
from tests.simulation.fleet_sandbox import FREEZE, Fate
from tests.simulation.lives import Parts, Trade
from tests.simulation.simulate import NEVER_MOVES, quiet
from tests.simulation.verdict import all_runs, all_tickets

SCENES: Sequence[tuple[str, Callable[[], Scene]]] = tuple(
    (each.name, each.scene) for each in (*STORIES, *TELLINGS)
)
"""Every flow of both stories, in a world that behaves."""
TROUBLED_SCENES: Sequence[tuple[str, Callable[[], Scene]]] = tuple(
    (each.name, each.scene) for each in (*TROUBLED, *TROUBLED_TELLINGS)
)
"""The same in a world that does not."""
PATIENCE = 45.0
"""Seconds after which a sender tells again."""
DEAD: tuple[Fate, Fate] = ("die before", "die after")
COLD: tuple[Fate, Fate] = ("freeze before", "freeze after")


@dataclass(frozen=True)
class Plan:
    """What happens at which write (counted over the fleet from 1), and how long invocations of `work` have."""

    at: Mapping[int, Fate] = field(default_factory=dict)
    workers_only: bool = False
    limits: Sequence[tuple[float, float]] = ()
    again: bool = False
    """Whether facts are told twice, and messages of dead workers come again. Else only the tick finds their runs."""
    rest: float = VISIBILITY


@dataclass
class Told:
    """How a telling ended: its writes, and when each invocation of `work` wrote."""

    ending: Ending
    wrote: Sequence[tuple[int, float]]
    steps: Mapping[str, Sequence[str]]


async def tell(scene: Scene, plan: Plan, parts: Parts | None = None, store: Any = None) -> Told:
    """Tell a scene on a fleet, until nothing moves any more."""
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    store, clock = MemoryStore() if store is None else store, VirtualClock()
    if scene.before is not None:
        await scene.before(store)
    every = scene.pace.tick.total_seconds()
    trade = Trade(scene.flows, lambda _world, road, clock: dict(scene.guests(road, clock)), dict, scene.lanes)
    skies = Skies(workers=3, tick=max(60.0, every))
    fleet = Fleet(store, World(), clock, replace(parts or Parts(), pace=scene.pace), skies, 0, trade)
    fleet.limits, fleet.queue.redelivers = list(plan.limits), plan.again
    writes = 0

    def fated(kind: str) -> Fate:
        nonlocal writes
        writes += kind == "work" or not plan.workers_only
        return plan.at.get(writes, "") if kind == "work" or not plan.workers_only else ""

    fleet.fated = fated
    working = asyncio.get_running_loop().create_task(fleet.works())
    await clock.sleep(0)
    for number, fact in enumerate(scene.facts):
        for copy in range(1 + plan.again):
            await clock.sleep(copy * PATIENCE)
            while not await fleet.web(
                lambda web, fact=fact, n=number: web.engine.recorder.record(facts=[fact], event=f"event {n}")  # type: ignore[misc]
            ):
                await clock.sleep(PATIENCE)
    end = clock.monotonic() + scene.at_most.total_seconds()
    while clock.monotonic() < end and await moves(store):
        await clock.sleep(max(30.0, every))
    await clock.sleep(plan.rest)
    assert not working.done(), working.exception()
    working.cancel()
    runs = await all_runs(store)
    return Told(
        Ending(runs, await all_tickets(store), writes),
        fleet.wrote,
        {run.id: _steps(scene, run) for run in runs},
    )


async def moves(store: Any) -> bool:
    """Whether any run is not at rest."""
    for state in NEVER_MOVES:
        if await store.count("run", "state", state, at_most=1):
            return True
    return False


def _steps(scene: Scene, run: Run) -> list[str]:
    return [step.name for step in run.steps if step.name not in scene.optional]


def _wrong(scene: Scene, told: Told, calm: Told) -> str:
    """What is not as it must be; empty if all is well."""
    try:
        scene.check(told.ending)
    except AssertionError as wrong:
        return str(wrong).partition("\n")[0] or repr(wrong)
    for run in told.ending.runs:
        steps, whole = told.steps[run.id], calm.steps.get(run.id, told.steps[run.id])
        # A run whose step stays in doubt for good has told a part of the same story.
        if steps != (whole[: len(steps)] if run.state == "doubtful" else whole):
            return f"{run.id} told {steps} instead of {whole}"
    return ""


class Tally:
    """Tells scenes by plans, and counts."""

    def __init__(
        self, name: str, make: Callable[[], Scene], found: dict[str, Any], parts: Parts | None
    ) -> None:
        self._name, self._make, self._found, self._parts = name, make, found, parts
        self._calm: dict[bool, Told] = {}

    def calm(self, again: bool = False, workers_only: bool = False) -> Told:
        """The telling in which nothing happens."""
        if again not in self._calm:
            self._calm[again] = self._tell(Plan(again=again, workers_only=workers_only), self._make())
        return self._calm[again]

    def _tell(self, plan: Plan, scene: Scene) -> Told:
        return run_virtually(lambda: tell(scene, plan, self._parts))

    def tell(self, plan: Plan, how: str) -> Told:
        """One telling, judged."""
        scene = self._make()
        told = self._tell(plan, scene)
        self._found["told"] += 1
        wrong = _wrong(scene, told, self.calm(plan.again, plan.workers_only))
        if wrong:
            self._found["wrong"] += 1
            self._found["examples"].append(f"{self._name}, {how}: {wrong}")
        return told


@contextlib.contextmanager
def _tallies(
    scenes: Sequence[tuple[str, Callable[[], Scene]]], parts: Parts | None
) -> Iterator[tuple[dict[str, Any], list[Tally]]]:
    found: dict[str, Any] = {"told": 0, "wrong": 0, "examples": []}
    with quiet():
        yield found, [Tally(name, make, found, parts) for name, make in scenes]


def killed(
    scenes: Sequence[tuple[str, Callable[[], Scene]]] = SCENES,
    *,
    twice: bool = False,
    parts: Parts | None = None,
) -> dict[str, Any]:
    """Whoever makes the nth write dies, before it or after it; `twice`: and another one at each write after that."""
    with _tallies(scenes, parts) as (found, tallies):
        for tally in tallies:
            for again in (True,) if twice else (False, True):
                for nth in range(1, tally.calm(again).ending.writes + 1):
                    for fate in DEAD:
                        told = tally.tell(
                            Plan({nth: fate}, again=again), f"{fate} write {nth}, again: {again}"
                        )
                        for second in range(nth + 1, told.ending.writes + 1) if twice else ():
                            plan = Plan({nth: fate, second: "die after"}, again=again)
                            tally.tell(plan, f"{fate} write {nth}, then after write {second}")
    return found


def timed_out(
    scenes: Sequence[tuple[str, Callable[[], Scene]]] = SCENES, *, parts: Parts | None = None
) -> dict[str, Any]:
    """Each invocation ends between each two writes: cut off, or with a time limit that lets no further step begin
    there, or that breaks a call off there."""
    with _tallies(scenes, parts) as (found, tallies):
        for tally in tallies:
            for nth, at in _moments(tally.calm().wrote):
                before = [(WORK, NEVER)] * (nth - 1)
                for limit in ((WORK, at), (2 * at, NEVER), (4 / 3 * at, NEVER)):
                    for again in (False, True):
                        plan = Plan(limits=[*before, limit], again=again)
                        tally.tell(plan, f"invocation {nth} had {limit}, again: {again}")
    return found


def _moments(wrote: Sequence[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """Between each two writes of an invocation, and after its last one."""
    for (nth, at), (following, then) in zip(wrote, [*wrote[1:], (0, 0.0)], strict=True):
        yield nth, (at + then) / 2 if following == nth else at + 0.02


def frozen(
    scenes: Sequence[tuple[str, Callable[[], Scene]]] = SCENES, *, parts: Parts | None = None
) -> dict[str, Any]:
    """A worker freezes past its lease at its nth write, before it or after it, and thaws after others took over.

    Either all of it stands still; or the write alone hangs, and at its time limit the worker breaks it off.
    """
    with _tallies(scenes, parts) as (found, tallies):
        for tally in tallies:
            for nth in range(1, tally.calm(True, workers_only=True).ending.writes + 1):
                for fate in COLD:
                    for limit in (WORK, NEVER):
                        limits = [(limit, NEVER)] * 4
                        plan = Plan(
                            {nth: fate}, workers_only=True, limits=limits, again=True, rest=2 * FREEZE
                        )
                        tally.tell(plan, f"{fate} write {nth}, with {limit:g} s")
    return found
