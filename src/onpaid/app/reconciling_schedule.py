"""When the reconciliation runs by itself: at the times that cron syntax plans, in UTC, and once more if one was missed.

Whether a planned time has passed since the last planned run began is looked at every minute, so a night on which
nobody was there is made up for at the next start.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from cronsim import CronSim, CronSimError

from onpaid.app.reconciling import Reconciler
from onpaid.clock import Clock, Instant, as_datetime, as_instant
from onpaid.errors import InvalidInput, NotPossible

log = structlog.get_logger("onpaid.reconciling")

EVERY: Final = timedelta(minutes=1)
NAME: Final = "nightly-reconciliation"
"""What the chore, and the schedule on AWS, are called."""
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Nightly:
    """Runs the reconciliation when it is due."""

    def __init__(self, reconciler: Reconciler, clock: Clock, schedule: str) -> None:
        """Raises InvalidInput if the schedule is no cron expression, or plans nothing."""
        self._reconciler = reconciler
        self._clock = clock
        self.schedule = " ".join(schedule.split())
        try:
            next(CronSim(self.schedule, _START))
        except (CronSimError, StopIteration) as error:
            raise InvalidInput(
                f"{schedule!r} is no cron expression: five fields such as `0 2 * * *`, in UTC ({error})"
            ) from None

    def following(self, after: Instant) -> Instant:
        """The first planned time after this one."""
        return as_instant(next(CronSim(self.schedule, as_datetime(after))))

    async def due(self) -> bool:
        """Whether a planned time has passed since the last planned run began, or one that failed is to be repeated."""
        records, now = self._reconciler.records, self._clock.now()
        lease = await records.lease()
        if not lease.planned_at:
            await records.watch(now)
            return False
        if lease.again_at and now >= lease.again_at:
            return True
        # A last run that lies in the future was written by a clock that was wrong.
        return now < lease.planned_at or self.following(lease.planned_at) <= now

    async def look(self) -> bool:
        """Run it if it is due. Whether it ran. Raises StoreError."""
        if not await self.due():
            return False
        try:
            await self._reconciler.run("scheduled", by="the schedule")
        except NotPossible as error:
            log.info("the reconciliation is due, and another one is at work", why=str(error))
            return False
        return True
