"""Alerts through an Amazon SNS topic, from which mail, telephones and programs hear of them.

What it is: one Publish with a subject, a few lines of text, and attributes by which subscribers choose.
How a thing is found again: it is not. An alert is told twice rather than never; `mark` among the attributes marks a
repeat, and a FIFO topic drops one within five minutes by itself.
Its limits: subjects of less than 100 plain characters; mail and telephones hear of standard topics only.
How it signs: as the machine's own AWS configuration says. boto3 is an extra (`pip install 'onpaid[aws]'`): whoever
does not name a topic does not need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from onpaid.acts import act
from onpaid.errors import ProviderError
from onpaid.providers.alert_words import LANE, LIMIT, body, mark, subject
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.sns_wire import SnsWire, TopicSettings, attributes_of

LONGEST_SUBJECT = 99
NAME = "alert topic"


@dataclass(frozen=True)
class Settings(TopicSettings):
    """Where alerts go."""

    def __post_init__(self) -> None:
        self.check(f"{NAME} (ALERT_TOPIC_ARN)", "alerts")


class AlertTopic:
    """An Alerting."""

    lanes = (LIMIT,)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sns = SnsWire(settings, NAME)

    @act(repeatable=True, lane=LANE, timeout=timedelta(seconds=30))
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Publish the alert."""
        answer = await self._sns.ask("publish", **self._message(ticket))
        return TicketRef(f"topic#{answer.get('MessageId', mark(ticket))}")

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._sns.ask("get_topic_attributes", TopicArn=self.settings.topic_arn)
        except ProviderError as error:
            return [f"Alerts: {error}"]
        return []

    async def close(self) -> None:
        """Let go of all connections."""
        await self._sns.close()

    def _message(self, ticket: FiledTicket) -> dict[str, Any]:
        told = {
            "category": ticket.category,
            "severity": ticket.severity,
            "environment": ticket.environment,
            "fingerprint": ticket.fingerprint,
            "mark": mark(ticket),
        }
        message: dict[str, Any] = {
            "TopicArn": self.settings.topic_arn,
            "Message": body(ticket),
            "Subject": subject(ticket, LONGEST_SUBJECT).encode("ascii", "replace").decode(),
            "MessageAttributes": attributes_of(told),
        }
        if self.settings.ordered:
            message["MessageGroupId"] = ticket.fingerprint or "onpaid"
            message["MessageDeduplicationId"] = mark(ticket)[:128]
        return message
