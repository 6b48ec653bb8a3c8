"""Billing events through an Amazon SNS topic, standard or FIFO.

What it is: one Publish with the event's JSON, and attributes by which subscriptions choose.
How a thing is found again: it is not. An event is told twice rather than never, under the same id in body and
attributes; a FIFO topic drops a repeat within five minutes by itself.
Its limits: 256 KiB a message; order only on FIFO topics, for each customer.
How it signs: as the machine's own AWS configuration says.
"""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from onpaid.acts import LaneLimit, act
from onpaid.domain.billing import VERSION, BillingEvent
from onpaid.domain.billing_body import bytes_of
from onpaid.errors import ProviderError
from onpaid.providers.sns_wire import SnsWire, TopicSettings, attributes_of

NAME = "billing events topic"
LANE = "billing-topic"
LONGEST_GROUP = 128
_GROUP_LETTERS = frozenset(string.ascii_letters + string.digits + string.punctuation)


@dataclass(frozen=True)
class Settings(TopicSettings):
    """Where billing events go."""

    def __post_init__(self) -> None:
        self.check(f"{NAME} (BILLING_EVENTS_TOPIC_ARN)", "billing-events")


class BillingTopic:
    """A Topic."""

    lanes = (LaneLimit(LANE, at_once=16),)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sns = SnsWire(settings, NAME)

    @act(repeatable=True, lane=LANE, timeout=timedelta(seconds=30))
    async def publish(self, event: BillingEvent) -> str:
        """Hand the event over; the message's id."""
        answer = await self._sns.ask("publish", **self._message(event))
        return str(answer.get("MessageId", ""))

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._sns.ask("get_topic_attributes", TopicArn=self.settings.topic_arn)
        except ProviderError as error:
            return [f"Billing events: {error}"]
        return []

    async def close(self) -> None:
        """Let go of all connections."""
        await self._sns.close()

    def _message(self, event: BillingEvent) -> dict[str, Any]:
        message: dict[str, Any] = {
            "TopicArn": self.settings.topic_arn,
            "Message": bytes_of(event).decode(),
            "MessageAttributes": attributes_of(
                {
                    "event_id": event.id,
                    "event_type": event.news.type,
                    "version": str(VERSION),
                    "livemode": "true" if event.news.live else "false",
                }
            ),
        }
        if self.settings.ordered:
            message["MessageGroupId"] = group_of(event.customer)
            message["MessageDeduplicationId"] = event.id
        return message


class NoTopic:
    """A Topic for installations without one: subscribers still get what is published."""

    lanes: tuple[LaneLimit, ...] = ()

    @act(repeatable=True)
    async def publish(self, event: BillingEvent) -> str:
        """Nothing leaves, and the event has no message's id."""
        return ""

    async def doctor(self) -> list[str]:
        """Nothing is wrong: whoever wants no topic need not have any."""
        return []

    async def close(self) -> None:
        """Nothing is held."""


def group_of(customer: str) -> str:
    """The group within which a FIFO topic keeps the order: the customer, hashed if SNS would not take it."""
    if 0 < len(customer) <= LONGEST_GROUP and _GROUP_LETTERS.issuperset(customer):
        return customer
    return hashlib.sha256(customer.encode()).hexdigest()
