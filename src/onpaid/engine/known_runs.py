"""Whether anybody goes on with a run: for records that wait for what another run does.

A run that failed or was cancelled brings nothing by itself any more; one that sleeps, waits or is in doubt does.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from onpaid.engine.flow import Flow
from onpaid.engine.journal import NOBODY_ACTS, RUNS
from onpaid.store.port import Store


class KnownRuns:
    """The runs of some flows in a store."""

    def __init__(self, store: Store, flows: Iterable[Flow]) -> None:
        self._store = store
        self._flows = tuple(flows)

    async def stopped(self, fact: msgspec.Struct) -> bool:
        """Whether no run that this fact started goes on: each failed, was cancelled, has ended or never was."""
        for flow in self._flows:
            if isinstance(fact, flow.on):
                held = await RUNS.get(self._store, flow.run_id(fact))
                if held is not None and held.record.state not in NOBODY_ACTS:
                    return False
        return True
