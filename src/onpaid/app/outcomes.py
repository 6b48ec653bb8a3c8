"""A customer's page waits a while for what comes of a run: it is looked at again and again, ever more rarely."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from onpaid.clock import Clock
from onpaid.engine.journal import RUNS, Run
from onpaid.store.port import Store

PATIENCE: Final = 8.0
"""Seconds that a page waits for a provider's answer."""
LOOK_FIRST, LOOK_MOST = 0.01, 0.25


async def looks(store: Store, clock: Clock, run: str) -> AsyncIterator[Run]:
    """The run as it is at each look; ends with the patience, or if there is no such run."""
    until, wait = clock.monotonic() + PATIENCE, LOOK_FIRST
    while (held := await RUNS.get(store, run)) is not None:
        yield held.record
        if clock.monotonic() >= until:
            return
        await clock.sleep(wait)
        wait = min(wait * 1.5, LOOK_MOST)
