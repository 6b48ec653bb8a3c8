"""What a person may do to a run or a lane: retry, settle, cancel, pause, resume.

Each takes the run's lease first, by raising its number, so that no worker can act on what it knew before; each
names the attempt that the person saw, so that two answers to one question cannot both count.
"""

from __future__ import annotations

from typing import Any

import msgspec

from onpaid.engine.journal import LANES, RUNS, TICKETS, Attempt, LaneState, Run
from onpaid.engine.recorder import different_ticket
from onpaid.engine.runner import Engine
from onpaid.engine.tickets import lane_ticket
from onpaid.errors import Conflict, InvalidInput, NotPossible
from onpaid.store.port import Write
from onpaid.store.records import Versioned


class Operations:
    """The operator's hands."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def retry(self, run_id: str, *, by: str) -> Run:
        """Try a failed, sleeping or waiting run again now. A doubt is not retried: it is settled."""
        held = await self._idle(run_id)
        run = held.record
        if run.state in ("done", "cancelled"):
            raise NotPossible(f"{run_id} is {run.state}: there is nothing to try again")
        if run.state == "doubtful":
            raise NotPossible(f"{run_id} is in doubt: settle the step as done or not done instead")
        if run.state == "sleeping" and run.doubt is not None:
            raise NotPossible(f"{run_id} waits until no request can be in flight; it goes on by itself")
        run.state, run.due_at, run.wake, run.failures = "ready", self._engine.clock.now(), [], 0
        run.reason = f"tried again by {by}"
        await self._write(held, await self._close_tickets(run, f"tried again by {by}"))
        self._engine.bell.ring([run_id])
        return run

    async def settle(
        self, run_id: str, *, step: str, attempt: int, done: bool, result: Any = None, by: str
    ) -> Run:
        """Settle a doubt: the step was done (with this result), or was not and may be done again.

        `attempt` is the number of tries that the person saw. Raises NotPossible if another try came since, or if
        a request may still be in flight.
        """
        held = await self._idle(run_id)
        run, now = held.record, self._engine.clock.now()
        doubt = run.step(step)
        if doubt is None or doubt.state not in ("begun", "doubtful"):
            raise NotPossible(f"“{step}” of {run_id} is not in doubt")
        if doubt.settled:
            raise NotPossible(f"“{step}” of {run_id} was settled already")
        if doubt.tries != attempt:
            raise NotPossible(
                f"“{step}” has been tried {doubt.tries} times by now: look again before you settle it"
            )
        if doubt.state == "begun" or doubt.quiet_until > now:
            raise NotPossible("a request may still be in flight: settle it once the quiet period is over")
        if done and result is None:
            raise InvalidInput("say what the step's result is, for example --result '{\"invoice_id\": 42}'")
        if done:
            doubt.settled = msgspec.Raw(msgspec.json.encode(result))
        else:
            doubt.state, doubt.absent, doubt.refused = "failed", True, ""
        note = f"settled as {'done' if done else 'not done'} by {by}"
        number = doubt.attempts[-1].number + 1 if doubt.attempts else 1
        doubt.attempts.append(Attempt(number, now, "person", now, "done" if done else "absent", note))
        run.state, run.due_at, run.reason, run.wake, run.failures = "ready", now, note, [], 0
        await self._write(held, await self._close_tickets(run, note))
        self._engine.bell.ring([run_id])
        return run

    async def cancel(self, run_id: str, *, by: str, why: str = "") -> Run:
        """End a run without finishing it. A step in doubt must be settled first."""
        held = await self._idle(run_id)
        run = held.record
        if run.state in ("done", "cancelled"):
            raise NotPossible(f"{run_id} is {run.state} already")
        if run.doubt is not None:
            raise NotPossible(f"“{run.doubt.name}” is in doubt: settle it before you cancel the run")
        run.state, run.due_at, run.wake = "cancelled", None, []
        run.ended, run.reason = (
            self._engine.clock.now(),
            f"cancelled by {by}" + (f": {why[:200]}" if why else ""),
        )
        await self._write(held, await self._close_tickets(run, run.reason), wakes=[f"run:{run_id}"])
        return run

    async def close_ticket(self, ticket: str, *, by: str) -> None:
        """Put a ticket away that no run will close."""
        held = await TICKETS.get(self._engine.store, ticket)
        if held is None:
            raise NotPossible(f"there is no ticket {ticket}")
        record = held.record
        record.state, record.closed_at, record.closed_by = "closed", self._engine.clock.now(), by
        await self._engine.store.commit([TICKETS.update(record, held.version)])

    async def pause(self, lane: str, reason: str) -> None:
        """Let no call onto this lane until it is resumed."""
        self._known(lane)
        now = self._engine.clock.now()
        await self._engine.store.commit(
            [LANES.put(LaneState(lane, paused=True, reason=reason[:300], since=now))]
        )
        self._engine.workshop.lanes.pause(lane, reason)

    async def resume(self, lane: str, *, by: str) -> int:
        """Open a lane again, and wake every run that waits for it. Returns how many."""
        self._known(lane)
        engine, now = self._engine, self._engine.clock.now()
        writes: list[Write] = [LANES.put(LaneState(lane))]
        held = await TICKETS.get(engine.store, lane_ticket(lane))
        if held is not None and held.record.state == "open":
            record = held.record
            record.state, record.closed_at, record.closed_by = "closed", now, f"lane resumed by {by}"
            writes.append(TICKETS.update(record, held.version))
        await engine.store.commit(writes)
        engine.workshop.lanes.resume(lane)
        rung, cursor = 0, None
        while True:
            page = await RUNS.query(engine.store, "wake", f"lane:{lane}", after=cursor, limit=500)
            engine.bell.ring([run.id for run in page.items])
            rung, cursor = rung + len(page.items), page.cursor
            if cursor is None:
                return rung

    def _known(self, lane: str) -> None:
        if lane not in self._engine.workshop.lanes.names():
            known = ", ".join(self._engine.workshop.lanes.names())
            raise NotPossible(f"there is no lane {lane!r}; the lanes are {known}")

    async def _idle(self, run_id: str) -> Versioned[Run]:
        """The run, with its lease taken over by the operator. Raises NotPossible while a worker holds it."""
        held = await RUNS.get(self._engine.store, run_id)
        if held is None:
            raise NotPossible(f"there is no run {run_id}")
        now = self._engine.clock.now()
        if held.record.state == "running" and held.record.lease_until > now:
            raise NotPossible(f"{run_id} is running this moment: look again in a few seconds")
        held.record.lease_number += 1
        return held

    async def _close_tickets(self, run: Run, why: str) -> list[Write]:
        """A ticket about a different fact, a second payment say, outlives a retry: a person closes it by itself."""
        writes: list[Write] = []
        stays = "" if run.state == "cancelled" else different_ticket(run.id)
        for name in run.tickets[:50]:
            if name == stays:
                continue
            held = await TICKETS.get(self._engine.store, name)
            if held is not None and held.record.state == "open":
                ticket = held.record
                ticket.state, ticket.closed_at, ticket.closed_by = "closed", self._engine.clock.now(), why
                writes.append(TICKETS.update(ticket, held.version))
        return writes

    async def _write(self, held: Versioned[Run], more: list[Write], wakes: list[str] | None = None) -> None:
        try:
            await self._engine.recorder.record(
                [RUNS.update(held.record, held.version), *more], wakes=wakes or []
            )
        except Conflict:
            raise NotPossible(f"{held.record.id} changed while you decided: look again") from None
