"""`crash_everywhere`: a scene told once for each write, dying before it and after it, with and without redelivery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.acts import LaneLimit
from onpaid.engine.flow import Flow
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.pace import Pace
from onpaid.engine.testing.process import Died, MortalStore, Process
from onpaid.engine.testing.virtual import VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store


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
    optional: frozenset[str] = frozenset()
    """Steps that a telling may leave out, since it depends on the time (of a journaled result) whether they come."""


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

    def steps_of(run: Run) -> list[str]:
        return [step.name for step in run.steps if step.name not in calm.optional]

    transcript = {run.id: steps_of(run) for run in ending.runs}
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
                names = steps_of(run)
                whole = transcript.get(run.id, names)
                # A run whose step a crash left in doubt for good has told a part of the same story.
                if names != (whole[: len(names)] if run.state == "doubtful" else whole):
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
