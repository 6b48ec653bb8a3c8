"""How subscribers, deliveries and their lines are kept: under which keys, found by what.

A line is the queue of one customer's events to one subscriber in one round: it knows its last delivery.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from onpaid.domain.subscribers import Delivery, Subscriber
from onpaid.store.port import Entry
from onpaid.store.records import Kind


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who stands last in one queue."""

    key: str
    last: str = ""


def _there(subscriber: Subscriber) -> Iterator[Entry]:
    if subscriber.state != "removed":
        yield Entry("all", "", subscriber.created_at)


def _on_its_way(delivery: Delivery) -> Iterator[Entry]:
    yield Entry("subscriber", delivery.subscriber, delivery.wanted_at)
    yield Entry("event", delivery.event, delivery.wanted_at)
    if delivery.state != "delivered":
        yield Entry("state", f"{delivery.subscriber}:{delivery.state}", delivery.wanted_at)


SUBSCRIBERS = Kind("subscriber", Subscriber, key=lambda subscriber: subscriber.id, entries=_there)
DELIVERIES = Kind("event-delivery", Delivery, key=lambda delivery: delivery.key, entries=_on_its_way)
LINES = Kind("event-line", Line, key=lambda line: line.key)


def subscriber_thing(subscriber: str) -> str:
    """The name under which the delivery that paused a subscriber waits for it to be resumed."""
    return f"subscriber:{subscriber}"


def delivery_thing(delivery: str) -> str:
    """The name under which the next delivery in a line waits for this one."""
    return f"delivery:{delivery}"
