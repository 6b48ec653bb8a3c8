"""One outside act: begin, do, record; in doubt, look.

The journal says `begun` before a request leaves and what came of it after. A step found begun by a worker that did
not begin it, or left in doubt by its call, has an unknown outcome. What follows depends on the class of the act:

    read   repeat
    key    repeat under the same key while it lives; after a stored answer or its death, look, then the next key
    find   wait until no request can be in flight, look, adopt what is found or act again
    once   never repeat: a ticket, and a person or a later fact settles it
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from types import GenericAlias
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

import msgspec
import structlog

from onpaid.acts import Absent, Act, Call, Found, Unsure, act_of, current_call
from onpaid.clock import Instant
from onpaid.engine.journal import (
    CLAIMS,
    LANES,
    MOST_ATTEMPTS_KEPT,
    NOTHING,
    Attempt,
    Claim,
    LaneState,
    Step,
    StepClass,
)
from onpaid.engine.lanes import DEFAULT, Lanes
from onpaid.engine.telling import LeaseLost, Telling
from onpaid.engine.tickets import new_ticket, ticket_id
from onpaid.errors import Conflict, Doubtful, Problem, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.metrics import STEPS
from onpaid.store.port import Write

log = structlog.get_logger("onpaid.engine")

LARGEST = 256_000
KEY_MARGIN = timedelta(hours=1)


@dataclass(slots=True)
class Workshop:
    """What steps share in one process."""

    lanes: Lanes
    random: Random
    quiet: dict[tuple[str, str], float] = field(default_factory=dict)
    """On the monotonic clock, per run and step: nobody looks or acts before, even if the wall clock jumps."""
    stopping: bool = False


def encode(name: str, value: Any) -> msgspec.Raw:
    """A step's input or result as JSON. Raises Problem if it is too large for a journal."""
    raw = msgspec.json.encode(value)
    if len(raw) > LARGEST:
        raise Problem(
            f"the step {name!r} yields {len(raw)} bytes: a journal holds ids and facts, not documents",
            category="internal",
        )
    return msgspec.Raw(raw)


def answer_type(doing: Callable[..., Any]) -> Any:
    """What a method answers, for reading it back: its return annotation, freed of Local, Done or Finding."""
    given = getattr(doing, "answers", None)
    if given is not None:
        return given
    hints = get_type_hints(getattr(doing, "__func__", doing))
    answer = hints.get("return", Any)
    for part in (answer, *get_args(answer)):
        if getattr(get_origin(part), "__name__", "") == "Done":
            return get_args(part)[0]
    return answer


def input_types(doing: Callable[..., Any], count: int) -> Any:
    """The types of a method's positional parameters, as one tuple type."""
    function = getattr(doing, "__func__", doing)
    hints = get_type_hints(function)
    names = [n for n in function.__code__.co_varnames[: function.__code__.co_argcount] if n != "self"]
    return GenericAlias(tuple, tuple(hints.get(name, Any) for name in names[:count]))


class OutsideAct:
    """One named act of a telling."""

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

    async def carry_out(self, step: Step | None) -> Any:
        """The act's result, now or in a later telling. Raises what stops a run."""
        if step is None:
            act_name = getattr(self._doing, "__qualname__", self._name)
            step = Step(
                self._name, act_name, self._class(), state="failed", input=encode(self._name, self._args)
            )
            self._telling.run.steps.append(step)
        elif step.input:
            self._args = msgspec.json.decode(step.input, type=input_types(self._doing, len(self._args)))
        while step.state != "done":
            if step.kind != "read" and step.state in ("begun", "doubtful"):
                await self._settle_doubt(step)
            elif step.kind != "read" and not step.absent and self._look_before(step):
                await self._look(step)
            elif self._forgotten(step):
                await self._ask_a_person(step, "the store was restored from a backup made before it")
            else:
                await self._try(step)
        return msgspec.json.decode(step.result or b"null", type=answer_type(self._doing))

    def _class(self) -> StepClass:
        if self._act.repeatable:
            return "read"
        if self._act.key_life is not None:
            return "key"
        return "find" if self._find is not None else "once"

    def _look_before(self, step: Step) -> bool:
        """Whether to look before acting: the method asks for it, or the store was restored from a backup."""
        if self._find is None:
            return False
        restored = self._telling.recorder.generation > 0 and step.tries == 0
        return self._act.look_first or restored

    def _forgotten(self, step: Step) -> bool:
        """Whether a restored store may have forgotten that this was done: it cannot be looked up."""
        older = self._telling.run.generation < self._telling.recorder.generation
        return older and step.kind == "once" and step.tries == 0 and not step.absent

    # -- doubt ---------------------------------------------------------------------------------------------------

    async def _settle_doubt(self, step: Step) -> None:
        """Come nearer to knowing: returns with the step done, or free to be tried again; or parks."""
        if step.settled:
            await self._take_settlement(step, step.settled)
            return
        await self._serve_quiet_period(step)
        if step.kind == "key" and self._key_lives(step):
            if not step.answered:
                step.state = "failed"
                return
            if self._find is None and step.tries < self._pace.tries_before_ticket:
                step.state = "failed"
                return
        if self._find is None:
            await self._ask_a_person(step, "the service offers no way to look it up")
        await self._look(step)

    async def _take_settlement(self, step: Step, settled: msgspec.Raw) -> None:
        step.settled = NOTHING
        try:
            value = msgspec.json.decode(settled, type=answer_type(self._doing))
        except msgspec.DecodeError as error:
            await self._ask_a_person(step, f"the result that was given does not fit: {error}")
        await self._done(step, self._attempt(step, "person"), value, "settled")

    async def _serve_quiet_period(self, step: Step) -> None:
        """Nobody looks or acts while a request may still be in flight or unindexed. A takeover serves it whole."""
        now, run = self._clock.now(), self._telling.run
        if step.state == "begun" and step.holder != run.lease_number:
            if step.attempts and step.attempts[-1].ended is None:
                step.attempts[-1].ended, step.attempts[-1].outcome = now, "unknown"
                step.attempts[-1].note = "its worker is gone: nobody knows whether it happened"
            quiet = self._pace.ms(self._act.timeout) + self._settling() if step.kind != "key" else 0
            self._be_quiet(step, quiet)
            step.state = "doubtful"
        rest = self._shop.quiet.get((run.id, step.name), 0.0) - self._clock.monotonic()
        due = max(step.quiet_until, now + round(rest * 1000) if rest > 0 else 0)
        if due > now:
            await self._telling.park(
                "sleeping", due, f"{step.name}: waiting until no request can be in flight"
            )

    def _settling(self) -> int:
        return self._pace.ms((self._act.settles or timedelta(seconds=30)) + self._pace.margin)

    def _be_quiet(self, step: Step, ms: int) -> None:
        step.quiet_until = self._clock.now() + ms
        self._shop.quiet[(self._telling.run.id, step.name)] = self._clock.monotonic() + ms / 1000

    def _key_lives(self, step: Step) -> bool:
        life = self._act.key_life or timedelta()
        return step.first_sent is None or self._clock.now() < step.first_sent + self._pace.ms(
            life - KEY_MARGIN
        )

    async def _look(self, step: Step) -> None:
        """Ask the provider whether an earlier try happened."""
        find = self._find
        if find is None:
            raise AssertionError("a look needs a way to look")
        attempt = self._attempt(step, "look")
        try:
            finding = await self._call_on_lane(step, find, act_of(find), attempt, begun=False)
        except Unauthorised as error:
            await self._pause_lane(step, act_of(find), attempt, error)
        except Refused as error:
            self._close(attempt, "refused", str(error))
            raise Refused(f"{step.name}: the look was refused: {error}") from error
        except ProviderError as error:
            self._close(attempt, "unavailable", str(error))
            await self._later(step, error, doubtful=step.state in ("begun", "doubtful"))
        if isinstance(finding, Found):
            await self._done(step, attempt, finding.value, "found")
        elif isinstance(finding, Absent) and (step.tries == 0 or self._act.settles is not None):
            self._close(attempt, "absent", "")
            if step.kind == "key" and step.state in ("begun", "doubtful"):
                step.key_number, step.first_sent, step.answered = step.key_number + 1, None, False
            step.state, step.absent, step.looks = "failed", True, 0
            if step.refused:
                refused, step.refused = step.refused, ""
                raise Refused(f"{step.name}: {refused}")
        elif step.tries == 0 and not (isinstance(finding, Unsure) and finding.final):
            # Nothing was ever sent: silence is what is to be expected.
            self._close(attempt, "absent", "")
            step.state, step.absent = "failed", True
        else:
            why = finding.why if isinstance(finding, Unsure) else "an absence proves nothing here"
            self._close(attempt, "unsure", why)
            await self._unsure(step, why, final=isinstance(finding, Unsure) and finding.final)

    async def _unsure(self, step: Step, why: str, *, final: bool) -> NoReturn:
        step.looks += 1
        step.state = "doubtful"
        if final or step.looks >= self._pace.looks_before_ticket:
            await self._ask_a_person(step, why)
        due = self._clock.now() + self._pace.ms(self._pace.look_again) * step.looks
        await self._telling.park("sleeping", due, f"{step.name}: looks again ({why})")

    async def _ask_a_person(self, step: Step, why: str) -> NoReturn:
        """One ticket for each attempt in doubt. Where there is a way to look, it goes on looking, rarely."""
        step.state = "doubtful"
        now, run = self._clock.now(), self._telling.run
        title = (
            f"Did “{step.name}” happen? It was sent, no clear answer came, and {why}. "
            "Look at the provider, then settle it as done or not done"
        )
        cause = f"{step.name}: doubt about attempt {step.tries}"
        tickets = []
        if ticket_id(run.id, cause) not in run.tickets:
            facts = {"step": step.name, "act": step.act, "attempt": step.tries, "why": why}
            tickets.append(new_ticket(run, cause=cause, title=title, category="doubt", now=now, facts=facts))
        await self._telling.park(
            "doubtful", now + self._pace.ms(self._pace.doubt_look), title, tickets=tickets
        )

    # -- trying --------------------------------------------------------------------------------------------------

    async def _try(self, step: Step) -> None:
        """One attempt: lane, `begun`, the call, and what came of it."""
        if self._shop.stopping:
            await self._telling.park("ready", self._clock.now(), "handed back: the service is stopping")
        attempt = self._attempt(step, "act")
        try:
            result = await self._call_on_lane(step, self._doing, self._act, attempt, begun=True)
        except Unauthorised as error:
            await self._pause_lane(step, self._act, attempt, error)
        except Refused as error:
            self._close(attempt, "refused", str(error))
            if step.kind == "read" or step.tries < 2 or self._find is None:
                step.state = "failed"
                raise Refused(f"{step.name}: {error}") from error
            # A refusal of a repeat ("already exists") is believed only after another look.
            step.state, step.refused = "doubtful", str(error)[:300]
            self._be_quiet(step, self._settling())
        except Unavailable as error:
            self._close(attempt, "unavailable", str(error))
            step.state = "failed"
            await self._later(step, error)
        except ProviderError as error:
            await self._in_doubt(step, attempt, error)
        except asyncio.CancelledError:
            self._close(attempt, "doubtful", "cancelled while under way")
            if step.kind != "read":
                self._mark_doubtful(step)
            raise
        except (LeaseLost, Problem, Conflict):
            raise
        except Exception as error:  # a provider's client broke: what it sent may have happened
            log.exception("provider client broke", run=self._telling.run.id, step=step.name)
            await self._in_doubt(step, attempt, Doubtful(f"{type(error).__name__}: the client broke"))
        else:
            await self._done(step, attempt, result, "done")

    async def _in_doubt(self, step: Step, attempt: Attempt, error: ProviderError) -> None:
        self._close(attempt, "doubtful", str(error))
        if step.kind == "read":
            step.state = "failed"
            await self._later(step, error)
        step.answered = isinstance(error, Doubtful) and error.answered
        self._mark_doubtful(step)
        if step.kind == "key":
            await self._later(step, error, doubtful=True)

    def _mark_doubtful(self, step: Step) -> None:
        step.state, step.absent = "doubtful", False
        if step.kind in ("find", "once") or step.answered:
            rest = max(0, step.in_flight_until - self._clock.now())
            self._be_quiet(step, rest + self._settling())

    async def _done(self, step: Step, attempt: Attempt, result: Any, outcome: str) -> None:
        """Record a result, made or found; what it names outside is ours from now on."""
        now, run = self._clock.now(), self._telling.run
        step.result = encode(step.name, result)
        self._close(attempt, outcome, "")
        step.state, run.failures = "done", 0
        self._shop.quiet.pop((run.id, step.name), None)
        self._telling.unwritten = True
        if self._act.claim is None or result is None:
            return
        key = self._act.claim(result)
        owner = f"{run.id}/{step.name}"
        try:
            await self._telling.write([CLAIMS.insert(Claim(key, owner, now))])
        except Conflict:
            held = await CLAIMS.get(self._telling.recorder.store, key)
            if held is not None and held.record.owner == owner:
                await self._telling.write()
                return
            step.state, step.result = "doubtful", NOTHING
            other = held.record.owner if held else "another"
            await self._ask_a_person(step, f"what was {outcome}, {key}, belongs to {other}")

    async def _later(self, step: Step, error: ProviderError, *, doubtful: bool = False) -> NoReturn:
        """Sleep with backoff; past a number of failures tell a person, and go on."""
        run = self._telling.run
        run.failures += 1
        if doubtful:
            step.state = "doubtful"
        asked = error.retry_after if isinstance(error, Unavailable) else None
        due = self._clock.now() + self._pace.backoff(run.failures, self._shop.random, asked)
        tickets = []
        if run.failures == self._pace.tries_before_ticket:
            tickets.append(
                new_ticket(
                    run,
                    cause=f"{step.name}: keeps failing",
                    title=f"“{step.name}” has failed {run.failures} times in a row; it is still being tried",
                    category="provider",
                    severity="medium",
                    now=self._clock.now(),
                    facts={"step": step.name, "error": str(error)},
                )
            )
        await self._telling.park("sleeping", due, f"{step.name}: {error}", tickets=tickets)

    async def _pause_lane(self, step: Step, act: Act, attempt: Attempt, error: Unauthorised) -> NoReturn:
        """Our credentials are refused: every run would fail alike, so the lane stops, with one ticket for all."""
        self._close(attempt, "refused", str(error))
        if step.state == "begun":
            step.state = "failed"
        lane = act.lane or DEFAULT
        now = self._clock.now()
        self._shop.lanes.pause(lane, str(error))
        ticket = new_ticket(
            None,
            subject=f"lane:{lane}",
            cause="refused our credentials",
            title=f"{lane} refuses our credentials or configuration, so its lane is paused: "
            f"mend the setting, then `onpaid lanes resume {lane}`",
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

    # -- the call ------------------------------------------------------------------------------------------------

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
            await self._write_begun(step, act, attempt, in_flight_until, begun=begun and step.kind != "read")
            call = Call(self._key(step), send_by, timeout, self._clock.monotonic)
            token = current_call.set(call)
            try:
                async with asyncio.timeout(max(0.0, send_by - self._clock.monotonic())):
                    return await doing(*self._args)
            except TimeoutError:
                raise Doubtful(f"no answer within {timeout:g} s") from None
            finally:
                current_call.reset(token)
        finally:
            lanes.leave(act.lane)

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
        more: list[Write] = [telling.lane_hold(act.lane or "", until)] if strict else []
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
        STEPS.labels(getattr(self._doing, "__qualname__", self._name), outcome).inc()
