"""Runs that were under way at the source of a move: let go of, so that the target can take them up at once.

Letting go changes who holds a run and nothing else. A step that was begun stays begun under the old lease number, so
whoever takes the run up at the target knows that its outcome is unknown and serves the quiet period whole.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from onpaid.clock import Clock, Instant, iso
from onpaid.engine.journal import RUNS, Run
from onpaid.errors import Conflict, NotPossible
from onpaid.store.port import Store

ENDS_WITHIN = timedelta(seconds=180)
"""Where no lock tells that nobody works: longer than a function lives, and than it works without asking again."""
LONGEST_LEASE = timedelta(minutes=15)
"""A lease that ends later was not given by a clock that can be believed."""
PAGE = 200


async def wait_for_stillness(
    store: Store, clock: Clock, since: Instant, told: Callable[[str, int, int | None], None]
) -> None:
    """Wait until nobody who opened the store before `since` can still be working on it. Raises NotPossible."""
    leases = [run.lease_until for run in await _running(store) if _held(run, clock.now())]
    until = max([since + _ms(ENDS_WITHIN), *leases])
    seconds = max(0, until - clock.now()) // 1000 + 1
    for second in range(seconds):
        told("waiting until nobody can be working at the source", second, seconds)
        await clock.sleep(1)
    for run in await _running(store):
        if _held(run, clock.now()):
            raise NotPossible(
                f"somebody still works at the source: {run.id} is held until {iso(run.lease_until)}. Stop whatever "
                "works on it, then start the same move again"
            )


async def hand_back(store: Store, clock: Clock) -> int:
    """Let go of every run that is held, of which nobody is left; their number."""
    count = 0
    for held in await _running(store):
        while True:
            found = await RUNS.get(store, held.id)
            if found is None or found.record.state != "running":
                break
            run, now = found.record, clock.now()
            run.state, run.due_at, run.reason = "ready", now, "handed back: the database is being moved"
            if run.doubt is not None and run.doubt.quiet_until > now:
                run.state, run.due_at = "sleeping", run.doubt.quiet_until
            try:
                await store.commit([RUNS.update(run, found.version)])
            except Conflict:
                continue
            count += 1
            break
    return count


async def _running(store: Store) -> list[Run]:
    found: list[Run] = []
    cursor: str | None = None
    while True:
        page = await RUNS.query(store, "state", "running", after=cursor, limit=PAGE)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


def _held(run: Run, now: Instant) -> bool:
    return now < run.lease_until <= now + _ms(LONGEST_LEASE)


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
