"""Recording: what was learnt, the runs that it starts or joins, and the runs that it wakes, in one commit.

`record` composes the caller's own writes with run rows and wake-ups. It assumes that runs are new and that nobody
waits, which is so for almost every event and costs no read; where a condition fails it reads and composes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from onpaid.clock import Clock
from onpaid.engine.bell import Bell
from onpaid.engine.flow import Flow, Flows
from onpaid.engine.journal import ENDED, RUNS, SIGNALS, TICKETS, Joined, Run, Signal, Ticket
from onpaid.engine.tickets import new_ticket, ticket_id
from onpaid.errors import Conflict, StoreUnavailable
from onpaid.store.port import Store, Write
from onpaid.store.records import Versioned

TRIES = 50
MOST_JOINED_KEPT = 50
FORGOTTEN = 86_400_000
"""Milliseconds: a ticket that was closed so long ago is filed anew when it opens again; sooner, whoever closed it
(by trying again, say) still knows."""
MOST_WOKEN = 40
"""Runs woken in one batch; the others of a long queue follow in batches of their own."""


class Recorder:
    """The one way in which facts reach the store and runs come to be."""

    def __init__(self, store: Store, flows: Flows, clock: Clock, bell: Bell, generation: int = 0) -> None:
        self.store = store
        self.flows = flows
        self.clock = clock
        self.bell = bell
        self.generation = generation

    async def record(
        self,
        writes: Sequence[Write] = (),
        *,
        facts: Sequence[msgspec.Struct] = (),
        event: str = "",
        wakes: Sequence[str] = (),
        tickets: Sequence[Ticket] = (),
    ) -> list[str]:
        """Commit `writes`, start or join the runs of `facts`, wake who waits for `wakes`, open `tickets`.

        Returns the runs that the facts belong to. Raises Conflict if one of the caller's own conditions fails, and
        what the store raises.
        """
        own = {(write.kind, write.key) for write in writes}
        there: set[tuple[str, str]] = set()
        for _ in range(TRIES):
            draft = _Draft(self, there)
            runs = [run for fact in facts for run in await draft.start_or_join(fact, event)]
            for thing in wakes:
                await draft.wake(thing)
            for ticket in tickets:
                await draft.open(ticket)
            batch = [*writes, *draft.writes()]
            if not batch:
                return runs
            try:
                await self.store.commit(batch)
            except Conflict as conflict:
                if any(key in own for key in conflict.keys):
                    raise
                there.update(conflict.keys)
                continue
            self.bell.ring(draft.rung)
            if draft.still_waiting:
                # What they wait for is stored. Should we die here, their timers look again.
                await self.record(wakes=draft.still_waiting)
            return runs
        raise StoreUnavailable("too many others wrote the same records at once: try again")

    def new_run(self, flow: Flow, fact: Any) -> Run:
        """A run that has not begun."""
        now = self.clock.now()
        return Run(
            id=flow.run_id(fact),
            flow=flow.name,
            fact=msgspec.Raw(msgspec.json.encode(fact)),
            started=now,
            due_at=now,
            about=flow.about(fact),
            generation=self.generation,
        )


class _Draft:
    """One composition of a batch. `there` names the records whose presence an earlier try met."""

    def __init__(self, recorder: Recorder, there: set[tuple[str, str]]) -> None:
        self._recorder = recorder
        self._store = recorder.store
        self._there = there
        self._now = recorder.clock.now()
        self._new: dict[str, Run] = {}
        self._changed: dict[str, Versioned[Run]] = {}
        self._rest: list[Write] = []
        self.rung: list[str] = []
        self.still_waiting: list[str] = []

    def writes(self) -> list[Write]:
        changed = [RUNS.update(held.record, held.version) for held in self._changed.values()]
        return [*self._rest, *(RUNS.insert(run) for run in self._new.values()), *changed]

    async def start_or_join(self, fact: msgspec.Struct, event: str) -> list[str]:
        named = []
        for flow in self._recorder.flows.on(fact):
            run_id = flow.run_id(fact)
            named.append(run_id)
            held = await self._held(run_id) if ("run", run_id) in self._there else None
            if held is not None:
                await self._join(flow, fact, event, held)
            elif run_id not in self._new:
                self._new[run_id] = self._recorder.new_run(flow, fact)
                self.rung.append(run_id)
        return named

    async def wake(self, thing: str) -> None:
        held = await SIGNALS.get(self._store, thing) if ("signal", thing) in self._there else None
        if held is None or not held.record.waiters:
            self._rest.append(SIGNALS.check(thing, None if held is None else held.version))
            return
        now, later = held.record.waiters[:MOST_WOKEN], held.record.waiters[MOST_WOKEN:]
        if later:
            self.still_waiting.append(thing)
        for run_id in now:
            waiter = await self._held(run_id)
            if waiter is None or waiter.record.state in ENDED:
                continue
            run = waiter.record
            if thing in run.wake:
                run.state, run.due_at, run.wake, run.reason = "ready", self._now, [], f"{thing} arrived"
                self._change(waiter)
            elif run_id not in self._changed:
                # It is looking this moment. Should it park before we commit, we must read it again and wake it.
                self._rest.append(RUNS.check(run_id, waiter.version))
        self._rest.append(SIGNALS.update(Signal(thing, later), held.version))

    async def open(self, ticket: Ticket) -> None:
        """Open a ticket, or count it once more; and start what a ticket starts."""
        held = await TICKETS.get(self._store, ticket.id)
        if held is not None:
            old = held.record
            again = msgspec.structs.replace(ticket, opened_at=old.opened_at, times=old.times + 1)
            self._rest.append(TICKETS.update(again, held.version))
            if old.state == "closed" and self._now - (old.closed_at or 0) > FORGOTTEN:
                await self._file(again)
            return
        self._rest.append(TICKETS.insert(ticket))
        await self._file(ticket)

    async def _file(self, ticket: Ticket) -> None:
        filing = self._recorder.flows.on(ticket)
        if ticket.run is not None and any(ticket.run.startswith(f"{flow.name}:") for flow in filing):
            # A ticket about the filing of tickets is kept here and filed nowhere: else it would never end.
            return
        for flow in filing:
            run = self._recorder.new_run(flow, ticket)
            if await RUNS.get(self._store, run.id) is None:
                self._new[run.id] = run
                self.rung.append(run.id)

    async def _held(self, run_id: str) -> Versioned[Run] | None:
        return self._changed.get(run_id) or await RUNS.get(self._store, run_id)

    def _change(self, held: Versioned[Run]) -> None:
        self._changed[held.record.id] = held
        if held.record.state == "ready":
            self.rung.append(held.record.id)

    async def _join(self, flow: Flow, fact: Any, event: str, held: Versioned[Run]) -> None:
        """A further fact under the same key. It says the same, or the run must judge it, or a person must."""
        run = held.record
        if event and any(joined.event == event for joined in run.joined):
            return
        raws = [run.fact, *(joined.fact for joined in run.joined if joined.fact)]
        if any(flow.same(msgspec.json.decode(raw, type=flow.on), fact) for raw in raws):
            run.joined.append(Joined(self._now, "same", event))
            same = [joined for joined in run.joined if joined.verdict == "same"]
            if len(same) > MOST_JOINED_KEPT:
                run.joined.remove(same[0])
            self._change(held)
            return
        raw = msgspec.Raw(msgspec.json.encode(fact))
        if run.state in ENDED:
            run.joined.append(Joined(self._now, "ticket", event, raw))
            ticket = different_fact(run, event, self._now)
            run.tickets = [*run.tickets, ticket.id] if ticket.id not in run.tickets else run.tickets
            await self.open(ticket)
        else:
            run.joined.append(Joined(self._now, "different", event, raw))
            if run.state != "running":
                run.state, run.due_at, run.reason = "ready", self._now, "a further fact arrived"
        self._change(held)


DIFFERENT = "a different fact"


def different_ticket(run_id: str) -> str:
    """The id of that ticket: a person closes it, the run's end does not. It may be money that somebody paid twice."""
    return ticket_id(run_id, DIFFERENT)


def different_fact(run: Run, event: str, now: int) -> Ticket:
    """The ticket for a fact that contradicts what a run has already acted upon."""
    return new_ticket(
        run,
        cause=DIFFERENT,
        title="This was reported differently after the work on it had begun: compare the two and correct by hand",
        category="payment",
        now=now,
        facts={"event": event, "run": run.id},
    )
