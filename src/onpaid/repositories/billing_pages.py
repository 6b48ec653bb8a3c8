"""Billing events page by page: newest first for those who look, oldest first for those who follow or replay.

One index is read, the narrowest of those that fit; what else was asked for is sifted out, so that a page may be
shorter than asked although more follow. The cursor says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from onpaid.clock import Instant
from onpaid.domain.billing import BillingEvent
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.store.port import Store
from onpaid.store.records import Records

EventState = Literal["published", "unpublished", "stale"]
SIFTED = 100
"""Documents that are read at once where many of them may be sifted out."""
MOST_READ = 1000
"""Documents that one page reads at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events. Times are both inclusive; those of published events are when they were published."""

    type: str = ""
    customer: str = ""
    state: EventState | Literal[""] = ""
    since: Instant | None = None
    until: Instant | None = None
    oldest_first: bool = False

    def index(self) -> tuple[str, str, bool]:
        """Index and value to read, and whether its order is that of the times."""
        if self.customer:
            return "customer", self.customer, False
        if self.state:
            return "state", self.state, True
        if self.type:
            return "type", self.type, True
        return "all", "", True

    @property
    def sifts(self) -> bool:
        """Whether the index holds more than is wanted."""
        index, _, timely = self.index()
        other = {"customer": (self.state, self.type), "state": (self.type,)}.get(index, ())
        return any(other) or (not timely and (self.since is not None or self.until is not None))

    def fits(self, event: BillingEvent) -> bool:
        """Whether the event is one of those."""
        at = event.published_at if self.state == "published" else event.noted_at
        return (
            self.type in ("", event.news.type)
            and self.customer in ("", event.customer)
            and self.state in ("", state_of(event))
            and (self.since is None or at >= self.since)
            and (self.until is None or at <= self.until)
        )


def state_of(event: BillingEvent) -> EventState:
    """How far an event has come."""
    if event.stale:
        return "stale"
    return "published" if event.published_at else "unpublished"


async def billing_page(
    store: Store, wanted: Wanted, *, after: str | None = None, limit: int = 50
) -> Records[BillingEvent]:
    """A page of events. Raises InvalidInput for a cursor that is not of this store."""
    index, value, timely = wanted.index()
    found: list[BillingEvent] = []
    cursor, read = after, 0
    read_from = partial(
        BILLING_EVENTS.query,
        store,
        index,
        value,
        newest_first=not wanted.oldest_first,
        sort_from=wanted.since if timely else None,
        sort_to=wanted.until if timely else None,
    )
    while True:
        room = limit - len(found)
        page = await read_from(after=cursor, limit=max(room, SIFTED) if wanted.sifts else room)
        fitting = [event for event in page.items if wanted.fits(event)]
        while (
            len(fitting) > room
        ):  # read once more, up to the last one that there is room for: the cursor stands there
            page = await read_from(after=cursor, limit=page.items.index(fitting[room - 1]) + 1)
            fitting = [event for event in page.items if wanted.fits(event)]
        found += fitting
        cursor, read = page.cursor, read + len(page.items)
        if cursor is None or len(found) >= limit or read >= MOST_READ:
            return Records(found, cursor)
