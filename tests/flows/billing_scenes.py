"""The world of billing events as tests need it: a topic and subscribers with books of their own, users, and a source
of subscriptions that can be told what to say."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.acts import LaneLimit, act
from onpaid.clock import Clock, Instant, SystemClock
from onpaid.domain.billing import (
    Answered,
    BillingEvent,
    BillingNews,
    BillingType,
    SubscriptionDetails,
    SubscriptionTold,
)
from onpaid.domain.billing_body import bytes_of
from onpaid.domain.subscribers import Subscriber
from onpaid.engine.known_runs import KnownRuns
from onpaid.engine.testing import START, Ending, Scene
from onpaid.errors import Doubtful, ProviderError, Refused, Unavailable
from onpaid.flows.deliver_billing_event import deliver_billing_event
from onpaid.flows.follow_subscription import follow_subscription
from onpaid.flows.publish_billing_event import publish_billing_event
from onpaid.flows.replay_billing_events import replay_billing_events
from onpaid.repositories.billing import Billing
from onpaid.repositories.replays import Replays
from onpaid.repositories.subscriber_records import SUBSCRIBERS
from onpaid.repositories.subscribers import Subscribers
from onpaid.store.port import Store

ACCOUNT = "stripe/default/test"
FLOWS = [publish_billing_event, follow_subscription, deliver_billing_event, replay_billing_events]
KEPT = Subscriber("sbr_1", "https://hook.example.org/in", "whsec_c2VjcmV0LW9mLXRoZS10ZXN0cw==", START)


def news(type_: BillingType = "payment.successful", subject: str = "pi_1", **more: Any) -> BillingNews:
    """Something that happened to a payment of cus_1."""
    given = {"happened_at": START, "live": False, "customer_id": "cus_1", "data": {"amount": 19900}, **more}
    return BillingNews(ACCOUNT, type_, subject, **given)


def told(what: str = "updated", event: str = "evt_1", subscription: str = "sub_1") -> SubscriptionTold:
    """An event told of a subscription."""
    return SubscriptionTold(ACCOUNT, subscription, f"customer.subscription.{what}", event, START, live=False)


def details(status: str = "active", **more: Any) -> SubscriptionDetails:
    """What a subscription is now."""
    return SubscriptionDetails("sub_1", status, "cus_1", START, live=False, **more)


@dataclass
class Outside:
    """What is outside: it survives every process. `says` is used up in order, the last one stays."""

    published: list[BillingEvent] = field(default_factory=list)
    topic_fails: list[ProviderError] = field(default_factory=list)
    topic_refuses: set[str] = field(default_factory=set)
    topic_out_until: Instant = 0
    got: list[tuple[str, str]] = field(default_factory=list)
    tried: list[tuple[str, str]] = field(default_factory=list)
    says: list[Answered] = field(default_factory=list)
    slowness: float = 0.0
    subscriptions: list[SubscriptionDetails] = field(default_factory=list)

    def ids(self) -> list[str]:
        """What listeners at the topic know after dropping repeats, in the order of first sight."""
        return list(dict.fromkeys(event.id for event in self.published))

    def delivered(self, subscriber: str = "sbr_1") -> list[str]:
        """What a subscriber knows after dropping repeats."""
        return list(dict.fromkeys(event for who, event in self.got if who == subscriber))


class Topic:
    """A topic. What fails is published all the same: its answer is lost."""

    def __init__(self, outside: Outside, clock: Clock | None = None) -> None:
        self._outside = outside
        self._clock = clock or SystemClock()

    @act(repeatable=True, lane="billing-topic")
    async def publish(self, event: BillingEvent) -> str:
        if self._clock.now() < self._outside.topic_out_until:
            raise Unavailable("out")
        if event.id in self._outside.topic_refuses:
            raise Refused("no")
        self._outside.published.append(event)
        if self._outside.topic_fails:
            raise self._outside.topic_fails.pop(0)
        return f"m-{len(self._outside.published)}"


class Doors:
    """The doors of subscribers."""

    def __init__(self, outside: Outside, subscribers: Subscribers) -> None:
        self._outside = outside
        self._subscribers = subscribers

    @act(repeatable=True, lane="subscribers")
    async def deliver(self, subscriber: str, event: str) -> Answered:
        await asyncio.sleep(self._outside.slowness)
        outgoing = await self._subscribers.outgoing(subscriber, event)
        assert outgoing is not None
        if outgoing.held:
            return Answered(False, unsent=True)
        said = self._outside.says
        answer = (said.pop(0) if len(said) > 1 else said[0]) if said else Answered(True, 200)
        assert bytes_of(outgoing.event)
        self._outside.tried.append((subscriber, event))
        if answer.ok:
            self._outside.got.append((subscriber, event))
        return answer


class Source:
    """A source of subscriptions."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    @act(repeatable=True, lane="stripe")
    async def fetch_subscription(self, subscription_id: str) -> SubscriptionDetails:
        said = self._outside.subscriptions
        return said.pop(0) if len(said) > 1 else said[0]


class Users:
    """Every customer has a user of the same number."""

    async def user_of(self, customer_id: str) -> str:
        return customer_id.replace("cus_", "user_")


def guests(outside: Outside, store: Store, clock: Clock) -> dict[str, Any]:
    """What the flows are handed."""
    runs = KnownRuns(store, FLOWS)
    subscribers = Subscribers(store, clock, runs)
    return {
        "billing": Billing(store, clock, Users(), subscribers, runs),
        "topic": Topic(outside, clock),
        "subscribers": subscribers,
        "subscriber_doors": Doors(outside, subscribers),
        "subscriptions_source": Source(outside),
        "replays": Replays(store, subscribers),
    }


LANES = (LaneLimit("billing-topic"), LaneLimit("subscribers"), LaneLimit("stripe"))


@dataclass
class Story:
    """Facts, and what must have come of them."""

    name: str
    facts: Sequence[msgspec.Struct]
    check: Callable[[Outside, Ending], None]
    outside: Callable[[], Outside] = Outside
    listeners: Sequence[Subscriber] = (KEPT,)
    at_most: timedelta = timedelta(days=10)
    kept: Callable[[Store], Awaitable[None]] | None = None
    """What is in the store beforehand, besides those who listen."""

    def scene(self) -> Scene:
        """The scene, in a world of its own."""
        outside = self.outside()

        async def before(store: Store) -> None:
            for each in self.listeners:
                await store.commit([SUBSCRIBERS.insert(each)])
            if self.kept is not None:
                await self.kept(store)

        return Scene(
            FLOWS,
            list(self.facts),
            lambda store, clock: guests(outside, store, clock),
            lambda end: self.check(outside, end),
            lanes=LANES,
            before=before,
            at_most=self.at_most,
        )


def sequences(outside: Outside) -> Mapping[str, list[int]]:
    """The numbers in which each customer's events came, repeats dropped."""
    seen: dict[str, dict[str, int]] = {}
    for event in outside.published:
        known = seen.setdefault(event.customer, {})
        assert known.setdefault(event.id, event.sequence) == event.sequence, (
            "a repeat says what the first one said"
        )
    return {customer: list(events.values()) for customer, events in seen.items()}


def times(outside: Outside) -> Counter[str]:
    """How often each event was delivered."""
    return Counter(event for _, event in outside.got)


def lost() -> ProviderError:
    """The answer of a topic that took the event."""
    return Doubtful("the answer is lost", answered=False)
