"""How billing events, their counters and subscriptions are kept: under which keys, found by what.

Events are found by customer and number, by type, and by how far they have come; subscriptions by customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from onpaid.clock import Instant
from onpaid.domain.billing import BillingEvent, SubscriptionDetails
from onpaid.store.port import Entry
from onpaid.store.records import Kind


class Runs(Protocol):
    """Knows whether anybody goes on with what a fact started."""

    async def stopped(self, fact: msgspec.Struct) -> bool:
        """Whether its run failed, was cancelled or has ended, so that nothing more comes of it by itself."""
        ...


class Counter(msgspec.Struct, frozen=True):
    """How many events a customer has, and the last one's id."""

    customer: str
    count: int
    last: str


class SubscriptionState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A subscription as it was last noted. `readings` were begun, `reading` is the one that was noted; `number` counts
    the states that were told of. `ended` is for good."""

    key: str
    readings: int = 0
    reading: int = 0
    number: int = 0
    noted_at: Instant = 0
    ended: bool = False
    details: SubscriptionDetails | None = None


def _entries(event: BillingEvent) -> Iterator[Entry]:
    yield Entry("all", "", event.noted_at)
    yield Entry("type", event.news.type, event.noted_at)
    yield Entry("customer", event.customer, event.sequence)
    if event.stale:
        yield Entry("state", "stale", event.noted_at)
    elif event.published_at:
        yield Entry("state", "published", event.published_at)
    else:
        yield Entry("state", "unpublished", event.noted_at)


def _of_customer(state: SubscriptionState) -> Iterator[Entry]:
    if state.details is not None:
        yield Entry("customer", state.details.customer_id, state.details.created_at)


BILLING_EVENTS = Kind("billing-event", BillingEvent, key=lambda event: event.id, entries=_entries)
COUNTERS = Kind("billing-counter", Counter, key=lambda counter: counter.customer)
SUBSCRIPTIONS = Kind("subscription", SubscriptionState, key=lambda state: state.key, entries=_of_customer)
