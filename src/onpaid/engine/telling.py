"""A run in the hands of a worker: its lease, its writes, and the ways in which it lets go.

Every write demands the version that was read. Where another wrote in between (a fact joined), the lease number
tells whether the run is still ours: if so their part is taken over and the write repeated, if not `LeaseLost`.
A finished step's result is written together with what comes next; between the two there are only rules, no waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
import structlog

from onpaid.clock import Clock, Instant
from onpaid.engine.journal import HOLDS, RUNS, TICKETS, Joined, LaneHold, Run, RunState, Ticket
from onpaid.engine.pace import Pace
from onpaid.engine.recorder import Recorder, different_fact, different_ticket
from onpaid.errors import Conflict, StoreUnavailable, StoreUnknown
from onpaid.metrics import RUNS as RUNS_ENDED
from onpaid.store.port import Write

log = structlog.get_logger("onpaid.engine")


class Parked(BaseException):
    """The telling stops here; the journal says when it goes on. Not an Exception: no flow may catch it."""


class LeaseLost(BaseException):
    """Another worker holds the run now: nothing that we know of it may be written."""


class Telling:
    """One worker's hold on one run."""

    def __init__(self, run: Run, version: int, recorder: Recorder, clock: Clock, pace: Pace) -> None:
        self.run = run
        self.recorder = recorder
        self.clock = clock
        self.pace = pace
        self._version = version
        self._lease = run.lease_number
        self.unwritten = False
        self._writing = False
        """A write was begun, and none was made since: what we hold may say more than what stands written."""

    async def write(
        self,
        more: Sequence[Write] = (),
        *,
        wakes: Sequence[str] = (),
        tickets: Sequence[Ticket] = (),
        facts: Sequence[Any] = (),
    ) -> None:
        """Commit the run as it is now, with `more`. Raises Conflict if a condition of `more` fails, LeaseLost."""
        for ticket in tickets:
            if ticket.run == self.run.id and ticket.id not in self.run.tickets:
                self.run.tickets.append(ticket.id)
        patience, self._writing = 0, True
        while True:
            try:
                await self.recorder.record(
                    [RUNS.update(self.run, self._version), *more],
                    wakes=wakes,
                    tickets=tickets,
                    facts=facts,
                    event=f"run:{self.run.id}" if facts else "",
                )
            except Conflict as conflict:
                if ("run", self.run.id) not in conflict.keys:
                    raise
                await self._merge()
            except StoreUnknown:
                log.warning("commit unknown: letting go", run=self.run.id)
                raise LeaseLost from None
            except StoreUnavailable as error:
                # What we hold may be the answer of an act: keep it as long as the lease is ours.
                patience += 1
                if self.clock.now() > self.run.lease_until or patience > 200:
                    raise LeaseLost from error
                await self.clock.sleep(min(1.0, 0.05 * patience))
            else:
                self._version += 1
                self.unwritten = self._writing = False
                return

    async def _merge(self) -> None:
        held = await RUNS.get(self.recorder.store, self.run.id)
        if (
            held is None
            or held.record.lease_number != self._lease
            or held.record.state in ("done", "cancelled")
        ):
            raise LeaseLost
        self.run.joined = held.record.joined
        for ticket in held.record.tickets:
            if ticket not in self.run.tickets:
                self.run.tickets.append(ticket)
        self._version = held.version
        if self._unjudged() is None or self.run.state == "running":
            return
        if self.run.state == "done":
            raise Conflict([("joined", self.run.id)])
        self.run.state, self.run.due_at = "ready", self.clock.now()

    async def flush(self) -> None:
        """Write what is not written yet: before any wait."""
        if self.unwritten:
            await self.write()

    def _unjudged(self) -> Joined | None:
        return next((joined for joined in self.run.joined if joined.verdict == "different"), None)

    def judge_joined(self) -> tuple[bool, list[Joined]]:
        """Judge the facts that joined since. Returns whether the telling starts anew from one of them, and those
        that contradict what was already done."""
        against: list[Joined] = []
        anew = False
        for joined in self.run.joined:
            if joined.verdict != "different" or not joined.fact:
                continue
            if self.run.acted() or not self._corrects(joined):
                joined.verdict = "ticket"
                against.append(joined)
            else:
                joined.verdict = "adopted"
                self.run.fact, self.run.steps, self.run.wake, anew = joined.fact, [], [], True
        return anew, against

    def _corrects(self, joined: Joined) -> bool:
        """Whether a further fact speaks of what the first one does: a second payment, say, never replaces the first."""
        flow = self.recorder.flows.named(self.run.flow)
        return flow is None or flow.corrects(
            *(msgspec.json.decode(raw, type=flow.on) for raw in (self.run.fact, joined.fact))
        )

    async def park(
        self,
        state: RunState,
        due_at: Instant,
        reason: str,
        *,
        wake: Sequence[str] = (),
        more: Sequence[Write] = (),
        tickets: Sequence[Ticket] = (),
    ) -> NoReturn:
        """Let the run go until `due_at`. Raises Parked; or Conflict if a condition of `more` fails."""
        run = self.run
        run.state, run.due_at, run.reason, run.wake = state, due_at, reason, list(wake)
        try:
            await self.write(more, tickets=tickets)
        except Conflict:
            self.resume_holding()
            raise
        if run.state == "ready":
            self.recorder.bell.ring([run.id])
        else:
            self.recorder.bell.ring_in(run.id, max(0, due_at - self.clock.now()) / 1000)
        raise Parked

    def resume_holding(self) -> None:
        """After a park that did not happen: the run is still ours."""
        self.run.state, self.run.due_at, self.run.reason, self.run.wake = (
            "running",
            self.run.lease_until,
            "",
            [],
        )

    async def fail(
        self, ticket: Ticket, *, keep_waiting: Sequence[str] = (), more: Sequence[Write] = ()
    ) -> NoReturn:
        """Stop with a ticket until a person retries, or one of `keep_waiting` arrives after all.

        Raises Parked; or Conflict if a condition of `more` fails.
        """
        run = self.run
        run.state, run.due_at, run.reason, run.wake = "failed", None, ticket.title, list(keep_waiting)
        try:
            await self.write(more, tickets=[ticket])
        except Conflict:
            self.resume_holding()
            raise
        RUNS_ENDED.labels(run.flow, "failed").inc()
        log.warning("run failed", run=run.id, ticket=ticket.id, why=ticket.title)
        if run.due_at is not None:
            self.recorder.bell.ring([run.id])
        raise Parked

    async def end(self) -> None:
        """The story is told: done, its tickets closed, and who waits for it is woken.

        A fact that contradicts what was done opens a ticket that stays.
        """
        run, now = self.run, self.clock.now()
        while True:
            anew, against = self.judge_joined()
            if anew:
                await self.park("ready", now, "told anew: a further fact arrived before anything was done")
            contradictions = [different_fact(run, j.event, now) for j in against]
            closed = await self._closed_tickets(now)
            run.state, run.due_at, run.reason, run.wake, run.ended = "done", None, "", [], now
            try:
                await self.write(closed, wakes=[f"run:{run.id}"], tickets=contradictions)
            except Conflict:
                self.resume_holding()
                continue
            RUNS_ENDED.labels(run.flow, "done").inc()
            return

    async def _closed_tickets(self, now: Instant) -> list[Write]:
        closed: list[Write] = []
        stays = different_ticket(self.run.id)
        for held_id in self.run.tickets[:50]:
            if held_id == stays:
                continue
            held = await TICKETS.get(self.recorder.store, held_id)
            if held is not None and held.record.state == "open":
                ticket = held.record
                ticket.state, ticket.closed_at, ticket.closed_by = "closed", now, "the run was done"
                closed.append(TICKETS.update(ticket, held.version))
        return closed

    async def release(self) -> None:
        """Let go in the middle, because the service is stopping: what is in doubt stays in doubt.

        A write that was broken off would have written more than the run: to write the run alone would be to say that
        a step is done whose effects nobody wrote. So nothing is written then; the lease's end brings the run back.
        """
        if self._writing:
            return
        run, now = self.run, self.clock.now()
        doubt = run.doubt
        run.state, run.due_at, run.reason = "ready", now, "handed back: the service is stopping"
        if doubt is not None and doubt.quiet_until > now:
            run.state, run.due_at = "sleeping", doubt.quiet_until
        await self.write()

    def lane_hold(self, lane: str, until: Instant) -> Write:
        """That a call on a strict lane may be in flight until then: written before it leaves."""
        return HOLDS.put(LaneHold(lane, until))
