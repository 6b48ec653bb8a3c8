"""How the state of the nightly reconciliation looks in the table that was agreed for it: one item, as of the last run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onpaid.clock import Instant, iso
from onpaid.domain.reconciliation import SyncState
from onpaid.repositories.documented_tables import Place, second
from onpaid.repositories.reconciliations import STATE_KEY
from onpaid.store.dynamodb_shadows import Shadow

SYSTEM: Final = "SYSTEM"


def sync_state_items(state: SyncState, place: Place) -> Sequence[Shadow]:
    """The record SYSTEM / STRIPE_ORDER_SYNC. It has no `ttl`: there is one of it, and it is overwritten."""
    fields = {
        "lastSyncStartedAt": whole_seconds(state.started_at),
        "lastSyncCompletedAt": whole_seconds(state.completed_at),
        "lastSyncProcessed": state.processed,
        "lastSyncCreated": state.created,
        "lastSyncSkipped": state.skipped,
        "lastSyncErrors": state.errors,
        "lastLookbackStart": second(state.since),
        "lastLookbackEnd": second(state.until),
    }
    return (place.item((SYSTEM, STATE_KEY), fields),)


def whole_seconds(instant: Instant) -> str:
    """The instant as the agreement writes it: 2024-11-27T02:00:00Z."""
    return iso(instant).partition(".")[0] + "Z"
