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
from typing import Any

import msgspec
import structlog

from onpaid.engine.doubts import Doubts
from onpaid.engine.journal import Attempt, Step, StepClass
from onpaid.engine.shapes import answer_type, encode, input_types
from onpaid.engine.telling import LeaseLost
from onpaid.errors import Conflict, Doubtful, Problem, ProviderError, Refused, Unauthorised, Unavailable

log = structlog.get_logger("onpaid.engine")


class OutsideAct(Doubts):
    """One named act of a telling."""

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
            # No call outlasts its timeout, whatever the wall clock says.
            longest = self._pace.ms(self._act.timeout)
            rest = min(longest, max(0, step.in_flight_until - self._clock.now()))
            self._be_quiet(step, rest + self._settling())
