"""A step whose outcome is not known: what may be done to learn it, and who is asked if nothing can.

Nobody looks or acts while a request may still be in flight or unindexed. A look answers found, absent or unsure;
only a complete answer past the service's own lag is an absence.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

import msgspec

from onpaid.acts import Absent, Found, Unsure, act_of
from onpaid.engine.calling import OutsideCall
from onpaid.engine.journal import CLAIMS, NOTHING, Attempt, Claim, Run, Step, Ticket
from onpaid.engine.shapes import answer_type, encode
from onpaid.engine.tickets import DOES_NOT_ANSWER, new_ticket, ticket_id
from onpaid.errors import Conflict, Doubtful, ProviderError, Refused, Unauthorised, Unavailable

KEY_MARGIN = timedelta(hours=1)


class Doubts(OutsideCall):
    """The part of an outside act that deals with not knowing."""

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
            if step.tries:
                # Sent again and again, and each time neither answered nor done: somebody must hear of it.
                self._telling.run.failures += 1
                tickets = self._failing(step, self._telling.run, Doubtful("it never takes effect"))
                if tickets:
                    await self._telling.write(tickets=tickets)
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
        tickets = self._failing(step, run, error)
        await self._telling.park("sleeping", due, f"{step.name}: {error}", tickets=tickets)

    def _failing(self, step: Step, run: Run, error: ProviderError) -> list[Ticket]:
        """The ticket for what keeps failing: one for a provider that answers nobody, however many runs wait for it;
        one for the run, later, if others get through meanwhile."""
        most, lane, lanes = self._pace.tries_before_ticket, self._act.lane, self._shop.lanes
        if run.failures not in (most, 2 * most):
            return []
        now, facts = self._clock.now(), {"step": step.name, "error": str(error)}
        flow = self._telling.recorder.flows.named(run.flow)
        category = flow.category if flow else "provider"
        if lane is not None and lanes.dead(lane, most):
            lanes.trouble(lane)
            return [
                new_ticket(
                    None,
                    subject=f"lane:{lane}",
                    cause=DOES_NOT_ANSWER,
                    title=f"{lane} does not answer, or fails every call. What waits for it is kept, and goes on by itself",
                    category=category,
                    now=now,
                    facts={**facts, "lane": lane},
                )
            ]
        if run.failures == most and lane is not None:
            return []
        return [
            new_ticket(
                run,
                cause=f"{step.name}: keeps failing",
                title=f"“{step.name}” has failed {run.failures} times in a row; it is still being tried",
                category=category,
                severity="medium",
                now=now,
                facts=facts,
            )
        ]
