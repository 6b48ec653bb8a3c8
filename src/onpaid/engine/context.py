"""What a flow may do: `ctx.step`, `ctx.wait_for`, `ctx.sleep`, `ctx.call`. Between these there are only rules.

A flow is told from its beginning each time it goes on; what is done answers from the journal, by name. A telling
that names a step twice, or does something new while something old was not met, has diverged and stops.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast, overload

import msgspec

from onpaid.acts import act_of
from onpaid.clock import as_datetime
from onpaid.engine.calling import Workshop
from onpaid.engine.journal import NOTHING, RUNS, SIGNALS, Signal, Step
from onpaid.engine.patience import OrNone
from onpaid.engine.shapes import answer_type, encode
from onpaid.engine.stepping import OutsideAct
from onpaid.engine.telling import Telling
from onpaid.engine.tickets import problem_ticket
from onpaid.errors import Conflict, Diverged, Problem
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Write

T = TypeVar("T")
Doing = Callable[..., Coroutine[Any, Any, T]]

DAYS = timedelta(days=2)


class Context:
    """The hands of a flow."""

    def __init__(self, telling: Telling, workshop: Workshop) -> None:
        self._telling = telling
        self._workshop = workshop
        self._met: set[str] = set()

    @property
    def run_id(self) -> str:
        """The run's id, from which ids of outside things are derived."""
        return self._telling.run.id

    @property
    def started(self) -> datetime:
        """When the run started, in UTC: the only time that a flow knows."""
        return as_datetime(self._telling.run.started)

    @overload
    async def step(self, name: str, doing: Doing[Done[T] | NotYet], *args: Any) -> T: ...

    @overload
    async def step(
        self, name: str, doing: Doing[T], *args: Any, find: Callable[..., Any] | None = None
    ) -> T: ...

    async def step(
        self, name: str, doing: Doing[Any], *args: Any, find: Callable[..., Any] | None = None
    ) -> Any:
        """Do a named act once, whatever happens, and return its result.

        `find` looks for what an earlier try may have done. What class of act this is follows from the method's own
        declaration, see `onpaid.acts`.
        """
        step = self._meet(name)
        if step is not None and step.state == "done":
            return self._result(step, answer_type(doing))
        if act_of(doing).local:
            return await self._local(name, step, doing, args)
        outside = OutsideAct(self._telling, self._workshop, name, doing, args, find)
        return await outside.carry_out(step)

    async def wait_for(
        self,
        name: str,
        look: Callable[..., Coroutine[Any, Any, Local[T]]],
        *args: Any,
        at_most: timedelta = DAYS,
        every: timedelta = timedelta(seconds=30),
        giving_up: Callable[[NotYet], Problem] | None = None,
    ) -> T:
        """Wait until `look` has an answer, and return it. Wakes at once when what it waits for is stored.

        Looks again `every` so often in case. Past `at_most` the run fails with the ticket that `giving_up` makes,
        and goes on by itself if the thing comes after all.
        """
        step = self._meet(name)
        if step is not None and step.state == "done":
            return cast(T, self._result(step, answer_type(look)))
        step = step or self._begin(name, look, "wait")
        while True:
            found = await look(*args)
            if not isinstance(found, NotYet):
                self._finish(step, found.value)
                if not found.writes and not found.wakes and not found.facts:
                    self._telling.unwritten = True
                    return found.value
                step.wrote = True
                try:
                    await self._telling.write(found.writes, wakes=found.wakes, facts=found.facts)
                except Conflict:
                    self._reopen(step)
                    continue
                return found.value
            await self._park_for(step, found, at_most, every, giving_up)

    async def wait_at_most(
        self,
        name: str,
        look: Callable[..., Coroutine[Any, Any, Local[T]]],
        *args: Any,
        at_most: timedelta,
        every: timedelta = timedelta(hours=1),
    ) -> T | None:
        """As `wait_for`, but the end of patience is an answer: None."""
        return await self.wait_for(
            name, OrNone(look, self._until(name, at_most)), *args, at_most=at_most, every=every
        )

    async def sleep(self, name: str, duration: timedelta) -> None:
        """Let `duration` pass."""
        step = self._meet(name)
        if step is not None and step.state == "done":
            return
        now = self._telling.clock.now()
        if step is None:
            step = self._begin(name, self.sleep, "sleep")
            step.until = now + self._telling.pace.ms(duration)
        if now >= (step.until or 0):
            self._finish(step, None)
            self._telling.unwritten = True
            return
        await self._telling.park("sleeping", step.until or now, name)

    async def call(self, name: str, fact: msgspec.Struct, answer: type[T]) -> T:
        """The result of the flow that this type of fact starts: told once, however many ask for it."""
        step = self._meet(name)
        if step is not None and step.state == "done":
            return cast(T, self._result(step, answer))
        (flow,) = self._telling.recorder.flows.on(fact)
        step = step or self._begin(name, flow.tell, "call")
        child_id = flow.run_id(fact)
        step.input = encode(name, child_id)
        store = self._telling.recorder.store
        while True:
            child = await RUNS.get(store, child_id)
            if child is not None and child.record.state == "done":
                step.state, step.result = "done", child.record.result
                self._telling.unwritten = True
                return cast(T, self._result(step, answer))
            if child is not None and child.record.state == "cancelled":
                raise Problem(
                    f"{child_id} was cancelled, and this run needs its result",
                    category="internal",
                    facts={"needed": child_id},
                )
            try:
                if child is None:
                    await store.commit([RUNS.insert(self._telling.recorder.new_run(flow, fact))])
                    self._telling.recorder.bell.ring([child_id])
                    continue
                thing = f"run:{child_id}"
                more = [RUNS.check(child_id, child.version), *await self._wait_on([thing])]
                due = self._telling.clock.now() + self._telling.pace.ms(self._telling.pace.paused_look)
                await self._telling.park("waiting", due, f"waits for {child_id}", wake=[thing], more=more)
            except Conflict:
                continue

    def _meet(self, name: str) -> Step | None:
        if name in self._met:
            raise Diverged(f"the step {name!r} is named twice in one telling")
        self._met.add(name)
        step = self._telling.run.step(name)
        if step is None:
            missed = [old.name for old in self._telling.run.steps if old.name not in self._met]
            if missed:
                raise Diverged(
                    f"{name!r} comes before {', '.join(map(repr, missed))}, which the journal already holds"
                )
        return step

    def _begin(self, name: str, doing: Callable[..., Any], kind: Any) -> Step:
        step = Step(name=name, act=getattr(doing, "__qualname__", name), kind=kind)
        self._telling.run.steps.append(step)
        return step

    def _result(self, step: Step, type_: Any) -> Any:
        return msgspec.json.decode(step.result, type=type_) if step.result else None

    def _finish(self, step: Step, value: Any) -> None:
        step.state, step.result = "done", encode(step.name, value)

    def _reopen(self, step: Step) -> None:
        step.state, step.result, step.wrote = "begun", NOTHING, False

    async def _local(
        self, name: str, step: Step | None, doing: Callable[..., Any], args: tuple[Any, ...]
    ) -> Any:
        step = step or self._begin(name, doing, "local")
        while True:
            found: Local[Any] = await doing(*args)
            if isinstance(found, NotYet):
                raise Problem(found.why, category="internal", facts={"step": name})
            self._finish(step, found.value)
            try:
                await self._telling.write(found.writes, wakes=found.wakes, facts=found.facts)
            except Conflict:
                self._reopen(step)
                continue
            return found.value

    def _until(self, name: str, at_most: timedelta) -> Callable[[], bool]:
        def past() -> bool:
            step = self._telling.run.step(name)
            return step is not None and step.until is not None and self._telling.clock.now() >= step.until

        return past

    async def _park_for(
        self,
        step: Step,
        found: NotYet,
        at_most: timedelta,
        every: timedelta,
        giving_up: Callable[[NotYet], Problem] | None,
    ) -> None:
        telling, now = self._telling, self._telling.clock.now()
        if step.until is None:
            step.until = now + telling.pace.ms(at_most)
        try:
            more = [*found.checks, *await self._wait_on(found.things)]
            if now < step.until:
                due = min(now + telling.pace.ms(every), step.until)
                await telling.park("waiting", due, found.why, wake=found.things, more=more)
            problem = giving_up(found) if giving_up else Problem(f"gave up: {found.why}", category="order")
            step.until = None
            ticket = problem_ticket(telling.run, problem, f"{step.name}: gave up", now)
            await telling.fail(ticket, keep_waiting=found.things, more=more)
        except Conflict:
            return

    async def _wait_on(self, things: Any) -> list[Write]:
        """Register this run with the signals of `things`."""
        store, run_id = self._telling.recorder.store, self._telling.run.id
        writes: list[Write] = []
        for thing in things:
            held = await SIGNALS.get(store, thing)
            if held is None:
                writes.append(SIGNALS.insert(Signal(thing, [run_id])))
            elif run_id in held.record.waiters:
                writes.append(SIGNALS.check(thing, held.version))
            else:
                writes.append(SIGNALS.update(Signal(thing, [*held.record.waiters, run_id]), held.version))
        return writes
