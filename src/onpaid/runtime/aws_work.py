"""One batch of messages: advance each run that they name, and hand back in time what cannot be finished.

A message is a bell, so it is acknowledged whatever becomes of its run: the run's own due time is the only clock. It
comes again only where the store could not even be asked. What is no message of ours is logged and dropped, since it
would be none the next time either.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from onpaid.acts import act_of
from onpaid.engine.bell import Bell
from onpaid.engine.runner import Engine
from onpaid.errors import StoreError
from onpaid.runtime.aws import run_of

log = structlog.get_logger("onpaid.runtime")

Remaining = Callable[[], float]
"""Seconds until this invocation is killed."""

COMMIT: Final = 5.0
"""Seconds for writing down how it stands and ringing for what is left."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of messages asks for: which messages name which run, and how many are not ours."""

    runs: Mapping[str, list[str]]
    foreign: int


def read_batch(event: Mapping[str, Any]) -> Batch:
    """The runs that an event of SQS names. Never raises for what a message holds."""
    runs: dict[str, list[str]] = defaultdict(list)
    foreign = 0
    for record in event.get("Records") or ():
        ident = str(record.get("messageId", ""))
        run = run_of(record.get("body"))
        if run is None:
            foreign += 1
            log.error("a message that names no run was dropped", message=ident)
        else:
            runs[run].append(ident)
    return Batch(runs, foreign)


def longest_call(guests: Iterable[Any]) -> float:
    """Seconds that a single call of any provider may take."""
    limits = [
        act_of(method).timeout.total_seconds()
        for guest in guests
        for name in dir(type(guest))
        if hasattr(method := getattr(type(guest), name), "__act__")
    ]
    return max(limits, default=0.0)


class Work:
    """Advances what a batch names, all of it at once."""

    def __init__(self, engine: Engine, bell: Bell, *, longest: float) -> None:
        """`longest` is how many seconds one call of a provider may take, uncompressed."""
        self._engine = engine
        self._bell = bell
        self._margin = longest / engine.pace.factor + COMMIT

    async def answer(self, event: Mapping[str, Any], remaining: Remaining) -> dict[str, Any]:
        """What SQS is told: the messages that must come again."""
        batch = read_batch(event)
        failed = await self.advance(batch.runs, remaining)
        again = [ident for run in failed for ident in batch.runs[run]]
        return {"batchItemFailures": [{"itemIdentifier": ident} for ident in again]}

    async def advance(self, runs: Iterable[str], remaining: Remaining) -> list[str]:
        """Take each run as far as it goes in this time. Returns those for which the store could not be asked.

        From the margin on no further step begins, so that each call under way can still end; what is not at rest by
        then is cancelled, which leaves it in doubt as any broken call does. Either way it is handed back and rung for.
        """
        self._engine.workshop.stopping = False
        failed: list[str] = []
        tasks = {asyncio.create_task(self._one(run, failed)): run for run in runs}
        if not tasks:
            return failed
        whole = remaining()
        # A time limit that is shorter than the longest call must not mean that nothing is ever begun.
        margin = min(self._margin, whole / 2)
        _, late = await asyncio.wait(tasks, timeout=max(0.0, whole - margin))
        if not late:
            return failed
        log.info("the time runs out: no further step begins", runs=len(late))
        self._engine.workshop.stopping = True
        _, late = await asyncio.wait(late, timeout=max(0.0, remaining() - min(COMMIT, margin / 2)))
        for task in late:
            task.cancel()
        if late:
            log.warning("calls under way were broken off", runs=[tasks[task] for task in late])
            await asyncio.wait(late, timeout=max(0.0, remaining() - 1.0))
            self._bell.ring(tasks[task] for task in late)
        return failed

    async def _one(self, run: str, failed: list[str]) -> None:
        try:
            await self._engine.advance(run)
        except StoreError as error:
            failed.append(run)
            log.warning("store failed; the message comes again", run=run, error=str(error))
        except Exception:
            log.exception("advancing broke; the lease's end will bring it back", run=run)
