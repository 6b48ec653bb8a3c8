"""Billing events, subscribers and deliveries as operators see them. A subscriber's secret is in none of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from onpaid.app.shown import Mood
from onpaid.clock import Instant, as_datetime
from onpaid.domain.billing import BillingEvent
from onpaid.domain.billing_body import tree_of
from onpaid.domain.subscribers import Delivery, Subscriber
from onpaid.repositories.billing_pages import EventState, state_of
from onpaid.store.records import Records

MOODS: dict[str, Mood] = {
    "published": "good",
    "unpublished": "wait",
    "stale": "todo",
    "wanted": "wait",
    "retrying": "wait",
    "held": "wait",
    "stopped": "bad",
    "delivered": "good",
    "active": "good",
    "failing": "wait",
    "paused": "bad",
}


class BillingEventShown(msgspec.Struct, frozen=True):
    """One billing event, and how far it is. `why` says why it is not told; `body` is what others get."""

    id: str
    type: str
    sequence: int
    customer: str
    user: str
    subject: str
    state: EventState
    mood: Mood
    why: str
    happened: datetime
    noted: datetime
    published: datetime | None
    message: str
    event: str
    livemode: bool
    body: Any


class BillingEventList(msgspec.Struct, frozen=True):
    """One page of billing events, and where the next one begins."""

    items: list[BillingEventShown]
    cursor: str | None


class DeliveryShown(msgspec.Struct, frozen=True):
    """One event on its way to one subscriber: `tries` of the present round, and what the last one came to."""

    subscriber: str
    event: str
    round: int
    state: str
    mood: Mood
    tries: int
    status: int
    why: str
    wanted: datetime
    last_try: datetime | None


class DeliveryList(msgspec.Struct, frozen=True):
    """One page of deliveries, newest first."""

    items: list[DeliveryShown]
    cursor: str | None


class SubscriberShown(msgspec.Struct, frozen=True):
    """One subscriber. `state` is `failing` while it answers nobody, or its last tries failed."""

    id: str
    url: str
    host: str
    types: list[str]
    state: str
    mood: Mood
    why: str
    failures: int
    failing_since: datetime | None
    created: datetime


class SubscriberAdded(msgspec.Struct, frozen=True):
    """A new subscriber, with its secret: told this once."""

    subscriber: SubscriberShown
    secret: str


class SubscriberList(msgspec.Struct, frozen=True):
    """Every subscriber, oldest first."""

    items: list[SubscriberShown]


class ReplayStarted(msgspec.Struct, frozen=True):
    """The run that begins a replay."""

    subscriber: str
    run: str


class TestStarted(msgspec.Struct, frozen=True):
    """The event that is delivered once more."""

    subscriber: str
    event: str


def event_shown(event: BillingEvent) -> BillingEventShown:
    """One event."""
    news, state = event.news, state_of(event)
    return BillingEventShown(
        id=event.id,
        type=news.type,
        sequence=event.sequence,
        customer=news.customer_id,
        user=news.user,
        subject=news.subject,
        state=state,
        mood=MOODS[state],
        why=event.stale,
        happened=as_datetime(news.happened_at),
        noted=as_datetime(event.noted_at),
        published=_at(event.published_at),
        message=event.message,
        event=news.event,
        livemode=news.live,
        body=tree_of(event),
    )


def event_list(page: Records[BillingEvent]) -> BillingEventList:
    """A page of events."""
    return BillingEventList([event_shown(event) for event in page.items], page.cursor)


def delivery_list(page: Records[Delivery]) -> DeliveryList:
    """A page of deliveries."""
    return DeliveryList([delivery_shown(delivery) for delivery in page.items], page.cursor)


def delivery_shown(delivery: Delivery) -> DeliveryShown:
    """One delivery."""
    return DeliveryShown(
        subscriber=delivery.subscriber,
        event=delivery.event,
        round=delivery.round,
        state=delivery.state,
        mood=MOODS[delivery.state],
        tries=delivery.tries,
        status=delivery.status,
        why=delivery.why,
        wanted=as_datetime(delivery.wanted_at),
        last_try=_at(delivery.last_at),
    )


def subscriber_shown(subscriber: Subscriber) -> SubscriberShown:
    """One subscriber, without its secret. The address is shown up to its query, which may hold one too."""
    parts = urlsplit(subscriber.url)
    state = "failing" if subscriber.state == "active" and subscriber.failures else subscriber.state
    return SubscriberShown(
        id=subscriber.id,
        url=f"{parts.scheme}://{parts.netloc}{parts.path}{'?...' if parts.query else ''}",
        host=parts.netloc,
        types=list(subscriber.types),
        state=state,
        mood=MOODS.get(state, "todo"),
        why=subscriber.why,
        failures=subscriber.failures,
        failing_since=_at(subscriber.failing_since),
        created=as_datetime(subscriber.created_at),
    )


def _at(instant: Instant) -> datetime | None:
    return as_datetime(instant) if instant else None
