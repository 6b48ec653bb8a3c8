"""How subscribers, deliveries and their lines are kept: under which keys, found by what.

A line is the queue of one customer's events to one subscriber in one round: it knows its last delivery.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from onpaid.domain.billing import DeliveryWanted
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


def begun_anew(delivery: Delivery) -> Delivery:
    """The delivery as if it had not been tried."""
    anew = {"state": "wanted", "attempt": delivery.attempt + 1, "tries": 0, "first_at": 0}
    return msgspec.structs.replace(delivery, **anew)


def try_of(delivery: Delivery, wait_s: int = 0) -> DeliveryWanted:
    """The delivery's present try, `wait_s` seconds after the one before."""
    return DeliveryWanted(delivery.subscriber, delivery.event, delivery.round, delivery.attempt, wait_s)
