"""The nightly reconciliation: what providers list against what is here; what was missed is started, as by its webhook.

One run at a time, by a lease. What a run cannot look at (its limit, its time, a provider that is away) is left to the
next one, by name; one that dies leaves nothing half done, since everything that it starts is started whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from onpaid.app.reconciling_findings import tickets_of
from onpaid.app.reconciling_night import MARGIN, MOST_SHOWN, Night, Remaining, lifetime, why_of
from onpaid.app.reconciling_plan import (
    REACH,
    Lists,
    Probe,
    gone_through,
    in_turn,
    planned,
    shares,
    shown_since,
    state_after,
)
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_sessions import Sessions
from onpaid.clock import Clock, Instant
from onpaid.domain.reconciliation import Reconciliation, SyncState, Trigger
from onpaid.engine.recorder import Recorder
from onpaid.errors import NotPossible, ProviderError, StoreError
from onpaid.repositories.reconciliations import Reconciliations

log = structlog.get_logger("onpaid.reconciling")

AGAIN: Final = 30 * 60_000
"""After how long a planned run that had to leave something over is repeated."""
BATCH: Final = 50
INLINE: Final = 15.0
"""Seconds that a request waits for a run where nothing may go on in the background."""

OnProgress = Callable[[Reconciliation], object]


class Reconciler:
    """Runs the reconciliation. `background` says whether work may go on after a request was answered."""

    def __init__(
        self,
        recorder: Recorder,
        records: Reconciliations,
        clock: Clock,
        settings: SyncSettings,
        lists: Lists,
        *,
        background: bool = True,
    ) -> None:
        self.records = records
        self.settings = settings
        self._recorder = recorder
        self._clock = clock
        self._lists = lists
        self._background = background
        self._tasks: set[asyncio.Task[object]] = set()
        self._begun = 0

    async def run(
        self,
        trigger: Trigger = "manual",
        overrides: Mapping[str, Any] | None = None,
        on_progress: OnProgress | None = None,
        *,
        remaining: Remaining | None = None,
        by: str = "",
    ) -> Reconciliation:
        """One whole run. Raises InvalidInput (an override), NotPossible (another run is at work), StoreError."""
        night, state = await self._begin(trigger, overrides, on_progress, remaining, by)
        return await self._work(night, state)

    async def start(self, overrides: Mapping[str, Any] | None = None, by: str = "") -> Reconciliation:
        """Begin a run that goes on by itself, and how it stands now. Raises as `run` does."""
        if not self._background:
            end = self._clock.monotonic() + INLINE + MARGIN
            return await self.run("manual", overrides, remaining=lambda: end - self._clock.monotonic(), by=by)
        night, state = await self._begin("manual", overrides, None, None, by)
        task: asyncio.Task[object] = asyncio.create_task(self._quietly(night, state))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return night.run

    @property
    def probe(self) -> Probe | None:
        """Asks what is wrong with the webhook endpoint, where there is a provider to be asked."""
        return self._lists.probe

    async def close(self) -> None:
        """Break off what goes on in the background: the next run does all of it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(
        self,
        trigger: Trigger,
        overrides: Mapping[str, Any] | None,
        on_progress: OnProgress | None,
        remaining: Remaining | None,
        by: str,
    ) -> tuple[Night, SyncState | None]:
        asked = self.settings.with_overrides(overrides)
        self._begun += 1
        state, now = await self.records.state(), self._clock.now()
        until = now - now % 1000
        run = Reconciliation(
            id=f"rec_{now}_{self.records.owner[:6]}{self._begun}",
            trigger=trigger,
            started_at=now,
            since=shown_since(self._lists, asked, state, until),
            until=until,
            lookback_hours=asked.lookback_hours,
            most=asked.most,
            dry_run=asked.dry_run,
            by=by,
        )
        run.left = planned(self._lists, asked, state, until)
        again = now + AGAIN if trigger == "scheduled" else 0
        version = await self.records.begin(run, now, lifetime(remaining), again)
        return Night(run, version, self.records, self._clock, on_progress, remaining), state

    async def _quietly(self, night: Night, state: SyncState | None) -> None:
        with suppress(Exception):  # it was logged, and the run says so
            await self._work(night, state)

    async def _work(self, night: Night, state: SyncState | None) -> Reconciliation:
        run = night.run
        try:
            left = await self._lists_gone_through(night, state)
            await self._probed(night)
            await self._told(night)
            night.judge()
            run.completed_at = self._clock.now()
            kept = None if run.dry_run else state_after(run, state, night.again, left)
            await self.records.end(run, night.version, kept, self._again_at(night))
        except Exception as error:
            says = "Error: the reconciliation broke off; the next run does all of it"
            log.error(says, run=run.id, why=why_of(error))
            await self._give_up(night, error)
            raise
        counts = run.counts
        log.info(
            f"Sync completed: {counts.processed} processed, {counts.created} created, {counts.skipped} skipped, "
            f"{counts.errors} errors",
            run=run.id,
            trigger=run.trigger,
            dry_run=run.dry_run,
            brought=counts.brought,
            started=counts.started,
            left=len(run.left),
        )
        return run

    async def _lists_gone_through(self, night: Night, state: SyncState | None) -> tuple[str, str]:
        """Each list in its turn; how far the sessions that have not ended were asked about."""
        run, waiting = night.run, ("", "") if state is None else (state.waiting_after, state.waiting_last)
        spans, run.left = run.left, []
        # Newer ones that have not ended are in the list itself.
        before = min((each.since for each in in_turn(spans, "sessions") if not each.begun), default=run.since)
        sessions = self._lists.sessions
        for what in REACH:
            if what == "sessions" and sessions is not None:
                # What earlier nights left open comes first, each with at most a third of the room.
                again, open_still = shares(night.room, 0 if state is None else state.turn)
                not_compared = [] if state is None or run.dry_run else state.again
                night.again[:0] = await self._again(not_compared, sessions, night, again)
                waiting = await self._waiting(sessions, night, waiting, before, open_still)
            run.left += await gone_through(in_turn(spans, what), self._lists.worker(what), night)
        if sessions is not None:
            if run.waiting_left and night.room and not night.broken and not night.late():
                waiting = await self._waiting(sessions, night, waiting, before, night.room)
            await sessions.differences(night)
        return waiting

    @staticmethod
    async def _again(idents: Sequence[str], sessions: Sessions, night: Night, most: int) -> list[str]:
        """Ask about sessions that could not be compared the last time; those whose turn it was not."""
        try:
            return await sessions.again(idents, night, most)
        except (ProviderError, StoreError) as error:
            await night.stopped("sessions that could not be compared", error)
            night.again += idents
            return []

    @staticmethod
    async def _waiting(
        sessions: Sessions, night: Night, waiting: tuple[str, str], before: Instant, most: int
    ) -> tuple[str, str]:
        try:
            after, last, night.run.waiting_left = await sessions.waiting(
                *waiting, night, before=before, most=most
            )
        except (ProviderError, StoreError) as error:
            await night.stopped("sessions that have not ended", error)
            night.run.waiting_left = True
            return waiting
        return after, last

    async def _probed(self, night: Night) -> None:
        """Ask whether our webhook endpoint is as it should be."""
        if self._lists.probe is None or night.late():
            return
        try:
            night.finds(found := await night.in_time(self._lists.probe()))
            if not night.run.dry_run:
                await self.records.mended(found)
        except ProviderError as error:
            night.failed("webhook endpoint", error)

    async def _told(self, night: Night) -> None:
        """Open tickets for what nobody was told of yet."""
        run, found = night.run, list(night.found.values())
        new = await self.records.unknown(found)
        run.findings, run.findings_new = found[:MOST_SHOWN], len(new)
        if run.dry_run or not new:
            return
        now = self._clock.now()
        await self._recorder.record(self.records.tell(new[:BATCH], now), tickets=tickets_of(new, run.id, now))
        for at in range(BATCH, len(new), BATCH):
            await self._recorder.record(self.records.tell(new[at : at + BATCH], now))

    def _again_at(self, night: Night) -> Instant | None:
        """When to repeat a run that left something over for a failure: only planned ones are, and one by hand does not
        stand in for them unless it did everything. None leaves what is planned as it is."""
        run = night.run
        if run.trigger == "scheduled":
            return self._clock.now() + AGAIN if night.broken else 0
        return None if night.broken or run.dry_run or run.left else 0

    async def _give_up(self, night: Night, error: Exception) -> None:
        """Say so in the run's record, and let the next one begin, if the store will."""
        run, now = night.run, self._clock.now()
        run.state, run.completed_at, run.why = "error", now, why_of(error)
        with suppress(StoreError, NotPossible):
            again = now + AGAIN if run.trigger == "scheduled" else None
            await self.records.end(run, night.version, None, again)
