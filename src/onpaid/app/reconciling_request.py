"""How a run of the reconciliation is asked for: what is set, and what one event says instead.

The overrides have the names that were agreed: lookbackHours, maxSessions, dryRun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from onpaid.domain.reconciliation import Trigger
from onpaid.errors import InvalidInput

LONGEST_HOURS: Final = 24 * 366
MOST: Final = 1_000_000
OVERRIDES: Final = ("lookbackHours", "maxSessions", "dryRun")
SCHEDULERS: Final = ("aws.events", "aws.scheduler")
"""Who sends an event that nobody asked for by hand, as its `source` says."""


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """`lookback_hours` at least, `most` sessions in one run. `exact` says that the window was asked for by hand."""

    lookback_hours: int = 25
    most: int = 500
    dry_run: bool = False
    exact: bool = False

    @classmethod
    def checked(cls, lookback_hours: int, most: int, *, dry_run: bool) -> SyncSettings:
        """As the settings of these names say. Raises InvalidInput for what would never look at anything."""
        _whole(lookback_hours, "SYNC_LOOKBACK_HOURS", LONGEST_HOURS)
        _whole(most, "SYNC_MAX_SESSIONS", MOST)
        return cls(lookback_hours, most, dry_run)

    def with_overrides(self, given: Mapping[str, Any] | None) -> SyncSettings:
        """These settings under what an event says. Raises InvalidInput, naming what does not fit."""
        given = given or {}
        changed = self
        if given.get("lookbackHours") is not None:
            hours = _whole(given["lookbackHours"], "lookbackHours", LONGEST_HOURS)
            changed = replace(changed, lookback_hours=hours, exact=True)
        if given.get("maxSessions") is not None:
            changed = replace(changed, most=_whole(given["maxSessions"], "maxSessions", MOST))
        if given.get("dryRun") is not None:
            if not isinstance(given["dryRun"], bool):
                raise InvalidInput("dryRun must be true or false")
            changed = replace(changed, dry_run=given["dryRun"])
        return changed


def read_event(event: Mapping[str, Any]) -> tuple[Trigger, dict[str, Any]]:
    """Why an event comes, and what it overrides: a scheduler's envelope, an empty event, or one made by hand.

    Raises InvalidInput for a word that means nothing here: a misspelt override must not pass for none.
    """
    if event.get("source") in SCHEDULERS:
        detail = event.get("detail")
        return "scheduled", _known(detail if isinstance(detail, Mapping) else {})
    given = {name: value for name, value in event.items() if name != "schedule"}
    return ("manual" if given else "scheduled"), _known(given)


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    strange = sorted(name for name in given if name not in OVERRIDES)
    if strange:
        raise InvalidInput(f"there is no {strange[0]!r} to override: there are {', '.join(OVERRIDES)}")
    return dict(given)


def _whole(value: Any, name: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(f"{name} must be a whole number from 1 to {most:,}")
    return value
