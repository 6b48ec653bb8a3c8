"""One run of the reconciliation at work: what it has counted, whether it may go on, and how fast it may ask.

Everything that phases share is here, so that each of them is only about what it compares.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final, TypeVar

import structlog

from onpaid.clock import Clock
from onpaid.domain.reconciliation import Failure, Finding, Reconciliation
from onpaid.errors import Doubtful, OnpaidError, ProviderError, StoreError, Unauthorised, Unavailable
from onpaid.repositories.reconciliations import Reconciliations

log = structlog.get_logger("onpaid.reconciling")

T = TypeVar("T")
Remaining = Callable[[], float]
"""Seconds until whoever runs us is killed."""

MARGIN: Final = 30.0
"""Seconds before the end at which nothing further is begun: longer than any call of a provider may take."""
LAST: Final = 10.0
"""Seconds before the end at which what is still under way is broken off."""
MOST_SHOWN: Final = 100
"""Findings and failures that a run names; the others it counts."""
MOST_ORDERS: Final = 1000
"""Created orders that a run names: all that the limit allows that is set by default, and more."""
TRIES: Final = 4
LONGEST_WAIT: Final = 30.0
AT_ONCE: Final = 16
"""Records that are compared or written at the same time."""


class Gate:
    """At most so many questions at once and so many a second: live traffic has the same provider, and goes first."""

    def __init__(
        self,
        clock: Clock,
        *,
        at_once: int = 4,
        per_second: float | None = 10.0,
        paused: Callable[[], str | None] = lambda: None,
        factor: float = 1.0,
    ) -> None:
        """`paused` says why nobody may be asked just now, as an operator who paused the provider's lane did; `factor` is
        how many times as fast as life our own waits pass, but for those that a provider asks for."""
        self._clock = clock
        self._paused = paused
        self._places = asyncio.Semaphore(at_once)
        self._factor = factor
        self._every = 1 / per_second / factor if per_second else 0.0
        self._next = 0.0

    async def ask(
        self, question: Callable[[], Awaitable[T]], late: Callable[[float], bool] = lambda wait: False
    ) -> T:
        """What a read answers; asked again a few times if it did not, unless it is too `late` for so long a wait.
        Raises ProviderError."""
        async with self._places:
            failed = 0
            while True:
                why = self._paused()
                if why is not None:
                    raise Unavailable(f"the lane is paused ({why}): resume it, then reconcile again")
                await self._turn()
                try:
                    return await question()
                except (Unavailable, Doubtful) as error:
                    failed += 1
                    asked = error.retry_after if isinstance(error, Unavailable) else None
                    wait = min(LONGEST_WAIT, max(asked or 0.0, 2.0 ** (failed - 1) / self._factor))
                    if failed == TRIES or late(wait):
                        raise
                    await self._clock.sleep(wait)

    async def _turn(self) -> None:
        now = self._clock.monotonic()
        start = max(now, self._next)
        self._next = start + self._every
        if start > now:
            await self._clock.sleep(start - now)


class Night:
    """A run at work. `version` is that of its lease."""

    def __init__(
        self,
        run: Reconciliation,
        version: int,
        records: Reconciliations,
        clock: Clock,
        on_progress: Callable[[Reconciliation], object] | None = None,
        remaining: Remaining | None = None,
    ) -> None:
        self.run = run
        self.counts = run.counts
        self.version = version
        self.found: dict[str, Finding] = {}
        self.again: list[str] = []
        self.broken = False
        """Whether something had to be left over because a provider or the store failed."""
        self.unreadable = False
        """Whether that was, the last time, an answer which cannot be read, and others may be."""
        self._records = records
        self._clock = clock
        self._on_progress = on_progress
        self._remaining = remaining

    @property
    def room(self) -> int:
        """How many sessions may still be looked at."""
        return max(0, self.run.most - self.counts.processed)

    def late(self, lasting: float = 0.0) -> bool:
        """Whether too little time is left to begin anything further, or anything that lasts so many seconds."""
        return self._remaining is not None and self._remaining() < MARGIN + lasting

    async def in_time(self, asked: Awaitable[T]) -> T:
        """What this answers before there is only time left to note what was done. Raises Unavailable if it does not."""
        left = None if self._remaining is None else max(0.0, self._remaining() - LAST)
        try:
            async with asyncio.timeout(left):
                return await asked
        except TimeoutError:
            raise Unavailable("no answer came while there was time for it") from None

    async def progress(self, phase: str) -> None:
        """Say how far we are, and hold the lease on. Raises NotPossible if another run took over, StoreError."""
        self.run.phase, self.run.seen_at = phase, self._clock.now()
        lives = lifetime(self._remaining)
        self.version = await self._records.note(self.run, self.version, self.run.seen_at, lives)
        if self._on_progress is not None:
            self._on_progress(self.run)

    def created(self, number: str, session: str = "") -> None:
        """An order was missing, and what its webhook would have started is started."""
        self.counts.created += 1
        if number and len(self.run.created_orders) < MOST_ORDERS:
            self.run.created_orders.append(number)
        if not self.run.dry_run:
            log.info(f"Created order snapshot {number} via sync", session=session, run=self.run.id)

    def failed(self, subject: str, error: Exception) -> None:
        """One thing could not be compared. The others are."""
        self.counts.errors += 1
        why = str(error) if isinstance(error, (ProviderError, StoreError)) else type(error).__name__
        if len(self.run.failures) < MOST_SHOWN:
            self.run.failures.append(Failure(subject, why[:300]))
        log.error("Error in the reconciliation: one thing was left out", subject=subject, why=why[:300])

    async def stopped(self, what: str, error: Exception) -> None:
        """A whole list could not be gone through: what is left of it is kept for the next run. It took a while to give
        up, so the lease is held on. Raises NotPossible if another run took over."""
        self.broken = True
        self.unreadable = isinstance(error, ProviderError) and not answers_nobody(error)
        self.failed(what, error)
        with suppress(StoreError):
            await self.progress(what)

    def judge(self) -> None:
        """Say what became of the run, in its state and in a sentence."""
        run = self.run
        run.state = "success" if not self.broken else "partial" if run.counts.seen else "error"
        run.phase = ""
        if self.broken:
            run.why = "a provider or the store failed: what is left is looked at by the next run"
        elif run.left or run.waiting_left:
            run.why = "the limit of this run was reached: what is left is looked at by the next run"

    def finds(self, findings: Iterable[Finding]) -> None:
        """Remember what a person should know."""
        for finding in findings:
            if len(self.found) < 10 * MOST_SHOWN:
                self.found[finding.fingerprint] = finding


def lifetime(remaining: Remaining | None) -> int | None:
    """Milliseconds until a run is killed, None if nobody kills it."""
    return None if remaining is None else round(remaining() * 1000)


def why_of(error: Exception) -> str:
    """The reason in words that may be kept: those of errors that we know."""
    return str(error)[:300] if isinstance(error, OnpaidError) else type(error).__name__


def answers_nobody(error: Exception) -> bool:
    """Whether a provider is away or refuses us as a whole, and not only has no answer to this one question."""
    if isinstance(error, Doubtful):
        return not error.answered
    return isinstance(error, (Unavailable, Unauthorised))


async def each(things: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do this for each, some at the same time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(thing: T) -> None:
        async with places:
            await work(thing)

    await asyncio.gather(*(one(thing) for thing in things))
