"""`advance(run)`: take this run as far as it can go now. Safe to call at any time, any number of times.

Both runtimes are loops around it. `tick` names what is due, so that a lost bell loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import Random

import msgspec
import structlog

from onpaid.acts import LaneLimit
from onpaid.clock import Clock
from onpaid.engine.bell import Bell
from onpaid.engine.calling import Workshop
from onpaid.engine.context import Context
from onpaid.engine.flow import Flows
from onpaid.engine.journal import HOLDS, LANES, NOBODY_ACTS, NOTHING, OUTSIDE, RUNS, TICKETS, Run, Ticket
from onpaid.engine.lanes import Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.recorder import Recorder, different_fact
from onpaid.engine.shapes import encode
from onpaid.engine.telling import LeaseLost, Parked, Telling
from onpaid.engine.tickets import DOES_NOT_ANSWER, new_ticket, problem_ticket, ticket_id
from onpaid.errors import Conflict, Diverged, Problem, Refused, StoreError
from onpaid.store.port import Store

log = structlog.get_logger("onpaid.engine")

MOST_DUE = 500


class Engine:
    """Flows, a store, a clock: everything that advancing a run needs."""

    def __init__(
        self,
        store: Store,
        flows: Flows,
        *,
        clock: Clock,
        bell: Bell,
        random: Random,
        owner: str,
        pace: Pace | None = None,
        lanes: Iterable[LaneLimit] = (),
        lift_lanes: bool = False,
        generation: int = 0,
        sole: bool = True,
    ) -> None:
        """`owner` names this process; `sole` says that a lock keeps every other process out, so that a lease of
        another owner is a dead one's."""
        self.store = store
        self.flows = flows
        self.clock = clock
        self.pace = pace or Pace()
        self.bell = bell
        self.owner = owner
        self.recorder = Recorder(store, flows, clock, bell, generation)
        lanes_here = Lanes(lanes, clock, self.pace, bell, lifted=lift_lanes)
        self.workshop = Workshop(lanes_here, random, shared=not sole)
        self._sole = sole

    async def open(self) -> None:
        """Take up what the last process left: paused lanes, and calls that may still be in flight."""
        await self.look_at_lanes()
        now = self.clock.now()
        for lane in self.workshop.lanes.names() if self._sole else ():
            hold = await HOLDS.get(self.store, lane)
            if hold is not None and hold.record.in_flight_until > now:
                # A clock that jumped must not shut a lane for long: no call outlasts a lease.
                rest = min(hold.record.in_flight_until - now, self.pace.ms(self.pace.lease))
                self.workshop.lanes.shut(lane, rest / 1000)

    async def look_at_lanes(self) -> None:
        """Take over which lanes are paused or in trouble: where processes share a store, another may have said so."""
        lanes = self.workshop.lanes
        told = {lane.name: lane for lane in (await LANES.query(self.store, "all", "", limit=1000)).items}
        for name in {*lanes.names(), *told}:
            state = told.get(name)
            if state is not None and state.paused:
                lanes.pause(name, state.reason)
            elif lanes.paused(name) is not None:
                lanes.resume(name)
        names = lanes.names()
        tickets = [ticket_id(f"lane:{name}", DOES_NOT_ANSWER) for name in names]
        for name, ticket in zip(names, await TICKETS.get_many(self.store, tickets), strict=True):
            if ticket is not None and ticket.state == "open":
                lanes.trouble(name)

    async def due(self) -> list[str]:
        """The runs that are due now, oldest first: what the tick rings for."""
        page = await RUNS.query(
            self.store, "due", "", sort_to=self.clock.now(), newest_first=False, limit=MOST_DUE
        )
        return [run.id for run in page.items]

    async def orphans(self) -> list[str]:
        """Runs that a process which is gone was holding. Only where a lock keeps others out."""
        if not self._sole:
            return []
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await RUNS.query(self.store, "state", "running", after=cursor, limit=MOST_DUE)
            found.extend(run.id for run in page.items if run.lease_owner != self.owner)
            cursor = page.cursor
            if cursor is None:
                return found

    async def advance(self, run_id: str) -> None:
        """Take this run as far as it can go now. Raises StoreError if it cannot be read; the tick will find it."""
        telling = await self._claim(run_id)
        if telling is None:
            return
        try:
            await self._tell(telling)
        except (Parked, LeaseLost):
            return
        except asyncio.CancelledError:
            await asyncio.shield(_letting_go(telling.release))
            raise

    async def _claim(self, run_id: str) -> Telling | None:
        for _ in range(5):
            held = await RUNS.get(self.store, run_id)
            if held is None or not self._may_take(held.record):
                return None
            run, now = held.record, self.clock.now()
            run.state, run.wake, run.reason = "running", [], ""
            run.lease_owner, run.lease_number = self.owner, run.lease_number + 1
            run.lease_until = run.due_at = now + self.pace.ms(self.pace.lease)
            try:
                await self.store.commit([RUNS.update(run, held.version)])
            except Conflict:
                continue
            return Telling(run, held.version + 1, self.recorder, self.clock, self.pace)
        return None

    def _may_take(self, run: Run) -> bool:
        now = self.clock.now()
        if run.state in NOBODY_ACTS:
            return False
        if run.state == "running":
            longest = 4 * self.pace.ms(self.pace.lease)
            foreign = self._sole and run.lease_owner != self.owner
            return foreign or run.lease_until <= now or run.lease_until - now > longest
        return run.state in ("waiting", "ready") or run.due_at is None or run.due_at <= now

    async def _tell(self, telling: Telling) -> None:
        run = telling.run
        flow = self.flows.named(run.flow)
        try:
            if flow is None:
                raise Diverged(f"this version has no flow named {run.flow}: was it rolled back?")
            _, against = telling.judge_joined()
            if against:
                ticket = different_fact(run, against[0].event, self.clock.now())
                await telling.fail(ticket)
            context = Context(telling, self.workshop)
            fact = msgspec.json.decode(run.fact, type=flow.on)
            result = await flow.tell(context, fact, **self.flows.guests(flow.name))
            unsettled = [step.name for step in run.steps if step.kind in OUTSIDE and step.state != "done"]
            if unsettled:
                raise Diverged(
                    f"the telling ended without {', '.join(unsettled)}, which the journal holds as begun"
                )
            run.result = NOTHING if result is None else encode("result", result)
            await telling.end()
        except Exception as error:  # noqa: BLE001 - whatever stops a telling becomes one ticket
            if isinstance(error, StoreError):
                # Nothing is known to be wrong with the run: let go, the lease's end brings it back.
                log.warning("store failed under a run", run=run.id, error=str(error))
                await _letting_go(telling.release)
                return
            await telling.fail(self._ticket_for(run, error))

    def _ticket_for(self, run: Run, error: Exception) -> Ticket:
        now = self.clock.now()
        last = run.steps[-1].name if run.steps else "start"
        if isinstance(error, Problem):
            return problem_ticket(run, error, f"{last}: {error.category}", now)
        if isinstance(error, Refused):
            flow = self.flows.named(run.flow)
            title, category = f"Refused: {error}", flow.category if flow else "provider"
            severity = "high"
        elif isinstance(error, Diverged):
            title, category, severity = (
                f"The flow no longer matches its journal: {error}",
                "internal",
                "critical",
            )
        else:
            log.exception("a flow broke", run=run.id, exc_info=error)
            title = f"A fault in onpaid stopped this run ({type(error).__name__}); the log has the details"
            category, severity = "internal", "critical"
        facts = {"step": last, "flow": run.flow}
        return new_ticket(
            run,
            cause=f"{last}: {type(error).__name__}",
            title=title,
            category=category,
            severity=severity,
            now=now,
            facts=facts,
        )


async def _letting_go(release: Callable[[], object]) -> None:
    try:
        await release()  # type: ignore[misc]
    except (Parked, LeaseLost, StoreError):
        return
