"""The call itself: the lane first, then `begun` with its deadline, then the request, and the attempt's entry.

Before `begun` is written nothing has left; after its deadline nothing may leave. So whoever finds `begun` knows
until when a request can be in flight.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any, NoReturn

import structlog

from onpaid.acts import Act, Call, act_of
from onpaid.clock import Instant
from onpaid.engine.holding import let_next_in, take_turn
from onpaid.engine.journal import LANES, MOST_ATTEMPTS_KEPT, TICKETS, Attempt, LaneState, Step
from onpaid.engine.lanes import DEFAULT, Lanes
from onpaid.engine.sending import sent
from onpaid.engine.telling import Telling
from onpaid.engine.tickets import DOES_NOT_ANSWER, REFUSES_US, new_ticket, ticket_id
from onpaid.errors import StoreError, Unauthorised
from onpaid.metrics import STEPS
from onpaid.store.port import Write

log = structlog.get_logger("onpaid.engine")


@dataclass(slots=True)
class Workshop:
    """What steps share in one process."""

    lanes: Lanes
    random: Random
    quiet: dict[tuple[str, str], float] = field(default_factory=dict)
    """On the monotonic clock, per run and step: nobody looks or acts before, even if the wall clock jumps."""
    stopping: bool = False
    shared: bool = False
    """Other processes work on the same store: a strict lane lets in one call of all of them."""


class OutsideCall:
    """How one method is called for one step of a telling."""

    def __init__(
        self,
        telling: Telling,
        workshop: Workshop,
        name: str,
        doing: Callable[..., Any],
        args: tuple[Any, ...],
        find: Callable[..., Any] | None,
    ) -> None:
        self._telling = telling
        self._shop = workshop
        self._name = name
        self._doing = doing
        self._args = args
        self._find = find
        self._act: Act = act_of(doing)
        self._pace = telling.pace
        self._clock = telling.clock

    async def _call_on_lane(
        self, step: Step, doing: Callable[..., Any], act: Act, attempt: Attempt, *, begun: bool
    ) -> Any:
        """Call with the lane held, the deadline set, and (for an act) `begun` written first."""
        lanes, telling, pace = self._shop.lanes, self._telling, self._pace
        why = lanes.paused(act.lane)
        if why is not None:
            step.attempts.remove(attempt)
            due = self._clock.now() + pace.ms(pace.paused_look)
            await telling.park(
                "waiting",
                due,
                f"the lane {act.lane or DEFAULT} is paused: {why}",
                wake=[f"lane:{act.lane or DEFAULT}"],
            )
        wait = lanes.enter(act.lane, telling.run.id)
        if wait is None:
            step.attempts.remove(attempt)
            due = self._clock.now() + pace.ms(pace.look_again)
            await telling.park("waiting", due, f"waits for its turn at {act.lane}")
        try:
            if wait > 0:
                await telling.flush()
                await self._clock.sleep(wait)
            timeout = pace.seconds(act.timeout)
            # Both ends are taken before `begun` is written: a worker that freezes from here on sends nothing late.
            send_by = self._clock.monotonic() + timeout
            in_flight_until: Instant = self._clock.now() + round(timeout * 1000)
            if self._shop.shared and lanes.strict(act.lane):
                step.attempts.remove(attempt)
                await take_turn(telling, act.lane or "", in_flight_until)
                step.attempts.append(attempt)
            await self._write_begun(step, act, attempt, in_flight_until, begun=begun and step.kind != "read")
            call = Call(self._key(step), send_by, timeout, self._clock.monotonic)

            async def let_go() -> None:
                if self._shop.shared and lanes.strict(act.lane):
                    await let_next_in(telling, act.lane or "")

            answer = await sent(lambda: doing(*self._args), call, lanes, act.lane, let_go)
            if lanes.worked(act.lane):
                await self._trouble_is_over(act.lane or DEFAULT)
            return answer
        finally:
            lanes.leave(act.lane)

    async def _trouble_is_over(self, lane: str) -> None:
        """Close the ticket that said that this provider does not answer. Should that fail, a person closes it."""
        store, now = self._telling.recorder.store, self._clock.now()
        held = await TICKETS.get(store, ticket_id(f"lane:{lane}", DOES_NOT_ANSWER))
        if held is not None and held.record.state == "open":
            ticket = held.record
            ticket.state, ticket.closed_at, ticket.closed_by = "closed", now, "it answers again"
            with suppress(StoreError):
                await store.commit([TICKETS.update(ticket, held.version)])

    async def _write_begun(
        self, step: Step, act: Act, attempt: Attempt, until: Instant, *, begun: bool
    ) -> None:
        telling, strict = self._telling, self._shop.lanes.strict(act.lane)
        attempt.at = self._clock.now()
        if begun:
            step.state, step.holder, step.in_flight_until = "begun", telling.run.lease_number, until
            step.tries += 1
            step.absent = False
            if step.first_sent is None:
                step.first_sent = attempt.at
        if not begun and not strict:
            return
        lease_needed = until + self._pace.ms(self._pace.margin)
        if telling.run.lease_until < lease_needed:
            telling.run.lease_until = telling.run.due_at = lease_needed + self._pace.ms(self._pace.lease)
        alone = strict and not self._shop.shared
        more: list[Write] = [telling.lane_hold(act.lane or "", until)] if alone else []
        await telling.write(more)

    def _key(self, step: Step) -> str:
        """The idempotency key of this attempt: the same for a repeat, never random."""
        suffix = "" if step.key_number == 1 else f":{step.key_number}"
        return f"{self._telling.run.id}/{step.name}{suffix}".replace(" ", "-")

    def _attempt(self, step: Step, what: Any) -> Attempt:
        number = step.attempts[-1].number + 1 if step.attempts else 1
        attempt = Attempt(number=number, at=self._clock.now(), what=what)
        step.attempts.append(attempt)
        if len(step.attempts) > MOST_ATTEMPTS_KEPT:
            del step.attempts[10]
        return attempt

    def _close(self, attempt: Attempt, outcome: str, note: str) -> None:
        attempt.ended, attempt.outcome, attempt.note = self._clock.now(), outcome, note[:300]
        _counter(getattr(self._doing, "__qualname__", self._name), outcome).inc()

    async def _pause_lane(self, step: Step, act: Act, attempt: Attempt, error: Unauthorised) -> NoReturn:
        """Our credentials are refused: every run would fail alike, so the lane stops, with one ticket for all."""
        self._close(attempt, "refused", str(error))
        if step.state == "begun":
            step.state = "failed"
        lane = act.lane or DEFAULT
        now = self._clock.now()
        self._shop.lanes.pause(lane, str(error))
        log.error("a lane is paused: our credentials are refused", lane=lane, error=str(error))
        ticket = new_ticket(
            None,
            subject=f"lane:{lane}",
            cause=REFUSES_US,
            title=f"{lane} refuses our credentials or configuration, so its lane is paused: "
            f"mend the setting, restart the service, then `onpaid lanes resume {lane}`",
            category="settings",
            severity="critical",
            now=now,
            facts={"error": str(error), "lane": lane},
        )
        state = LaneState(lane, paused=True, reason=str(error)[:300], since=now)
        due = now + self._pace.ms(self._pace.paused_look)
        await self._telling.park(
            "waiting",
            due,
            f"the lane {lane} is paused",
            wake=[f"lane:{lane}"],
            more=[LANES.put(state)],
            tickets=[ticket],
        )


@lru_cache(maxsize=1024)
def _counter(name: str, outcome: str) -> Any:
    return STEPS.labels(name, outcome)
