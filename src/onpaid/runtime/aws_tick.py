"""The tick: rings for whatever is due, whoever forgot to, and does what is done again and again.

Every run that has not ended has a due time, be it ready, asleep, or held by a worker that died; so one index finds
lost bells, expired leases and late timers alike. Two ticks at once ring twice, which is harmless, and share the
chores between them. Other schedules have names, and are registered here. The nightly reconciliation is none of them: it
needs minutes and rights that the tick has not, and so is a function of its own (`aws_reconcile.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import structlog

from onpaid.clock import Clock
from onpaid.engine.journal import LANES, RUNS, TICKETS
from onpaid.engine.runner import Engine
from onpaid.errors import InvalidInput, StoreError
from onpaid.runtime.aws import Queue, SqsBell
from onpaid.runtime.aws_work import Remaining
from onpaid.runtime.chores import Chore, Turns

log = structlog.get_logger("onpaid.runtime")

TICK: Final = "tick"
PAGE: Final = 500
DEEPEST: Final = 10_000
"""Messages that may wait in the queue before the tick rings for the oldest runs only."""
MARGIN: Final = 8.0
"""Seconds before the end at which no further page is read and no further chore begun."""
OVERDUE: Final = timedelta(minutes=5)
MOST_COUNTED: Final = 1000

Told = Mapping[str, Any]
Scheduled = Callable[[Remaining], Awaitable[Told]]
"""What a schedule does, in the time that remains. Its answer is for whoever invoked it by hand."""


class Schedules:
    """What is done under which name."""

    def __init__(self) -> None:
        self._known: dict[str, Scheduled] = {}

    def register(self, name: str, do: Scheduled) -> None:
        """From now on, this name does that. A name is given once."""
        if name in self._known:
            raise ValueError(f"the schedule {name} is there already")
        self._known[name] = do

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted(self._known))

    async def run(self, event: Mapping[str, Any], remaining: Remaining) -> Told:
        """Do what the event names; one that names nothing is the tick. Raises InvalidInput for an unknown name."""
        name = event.get("schedule", TICK)
        do = self._known.get(name) if isinstance(name, str) else None
        if do is None:
            raise InvalidInput(f"there is no schedule {name!r}; there are {', '.join(self.names)}")
        return {"schedule": name, **await do(remaining)}


class Tick:
    """What is done each minute."""

    def __init__(
        self,
        engine: Engine,
        bell: SqsBell,
        queue: Queue,
        clock: Clock,
        chores: Sequence[Chore],
        measured: Callable[[Mapping[str, int]], None],
    ) -> None:
        """`measured` is told the figures of the moment, by name."""
        self._engine = engine
        self._bell = bell
        self._queue = queue
        self._clock = clock
        self._chores = tuple(chores)
        self._measured = measured
        self._turns = Turns(engine.store, clock)

    async def tick(self, remaining: Remaining) -> Told:
        """Ring, do the chores whose turn it is, measure. One that breaks keeps none of the others from being done."""
        rung = await self._rings(remaining)
        done = [chore.name for chore in self._chores if await self._does(chore, remaining)]
        figures: Told = {}
        if remaining() > MARGIN:
            figures = await self._figures()
            self._measured(figures)
        return {"rung": rung, "chores": done, "figures": figures}

    async def _rings(self, remaining: Remaining) -> int:
        """Ring for everything that is due, oldest first, page by page. Raises StoreError."""
        room = max(PAGE, DEEPEST - await self._waiting())
        now, rung, cursor = self._clock.now(), 0, None
        while True:
            page = await RUNS.query(
                self._engine.store, "due", "", sort_to=now, newest_first=False, limit=PAGE, after=cursor
            )
            self._bell.ring(run.id for run in page.items)
            lost = await self._bell.flush()
            rung, cursor = rung + len(page.items) - lost, page.cursor
            if cursor is None:
                return rung
            if rung >= room or lost or remaining() < MARGIN:
                log.warning("more runs are due than are rung for now; the next tick goes on", rung=rung)
                return rung

    async def _waiting(self) -> int:
        """Messages that nobody has taken yet. A queue that does not say is taken for empty: rings are harmless."""
        try:
            return await self._queue.waiting()
        except Exception as error:  # noqa: BLE001 - whatever the client says
            log.warning("the queue does not say how deep it is", why=type(error).__name__)
            return 0

    async def _does(self, chore: Chore, remaining: Remaining) -> bool:
        if remaining() < MARGIN:
            return False
        try:
            if not await self._turns.take(chore.name, self._engine.pace.ms(chore.every)):
                return False
            await chore.do()
        except StoreError as error:
            log.warning("a chore could not use the store", chore=chore.name, error=str(error))
        except Exception:
            log.exception("a chore broke; it is tried again", chore=chore.name)
        else:
            return True
        return False

    async def _figures(self) -> dict[str, int]:
        """How it stands this moment; no figure counts further than a thousand."""
        store = self._engine.store
        late = self._clock.now() - self._engine.pace.ms(OVERDUE)
        overdue = await RUNS.query(store, "due", "", sort_to=late, newest_first=False, limit=MOST_COUNTED)
        tickets = await TICKETS.query(store, "state", "open", limit=MOST_COUNTED)
        lanes = await LANES.query(store, "all", "", limit=MOST_COUNTED)
        return {
            "RunsDoubtful": await store.count("run", "state", "doubtful", at_most=MOST_COUNTED),
            "RunsFailed": await store.count("run", "state", "failed", at_most=MOST_COUNTED),
            "RunsDueOverdue": len(overdue.items),
            "CriticalTickets": sum(ticket.severity == "critical" for ticket in tickets.items),
            "LanesPaused": sum(lane.paused for lane in lanes.items),
        }
