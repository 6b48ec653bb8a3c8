"""Alerts through an Amazon SNS topic, from which mail, telephones and programs hear of them.

What it is: one Publish with a subject, a few lines of text, and attributes by which subscribers choose.
How a thing is found again: it is not. An alert is told twice rather than never; `mark` among the attributes marks a
repeat, and a FIFO topic drops one within five minutes by itself.
Its limits: subjects of less than 100 plain characters; mail and telephones hear of standard topics only.
How it signs: as the machine's own AWS configuration says. boto3 is an extra (`pip install 'onpaid[aws]'`): whoever
does not name a topic does not need it.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from onpaid.acts import act
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.addresses import checked_base, resolved_well
from onpaid.providers.alert_words import LANE, LIMIT, body, mark, subject
from onpaid.providers.masking import masked
from onpaid.providers.roles import FiledTicket, TicketRef

LONGEST_SUBJECT = 99
_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_UNAVAILABLE = frozenset(
    ("Throttled", "Throttling", "ThrottlingException", "KMSThrottling", "RequestLimitExceeded")
)
_OUR_FAULT = frozenset(
    ("InvalidParameter", "InvalidParameterValue", "ValidationError", "ParameterValueInvalid")
)
_LOST = frozenset(("InternalError", "InternalFailure", "ServiceUnavailable"))


@dataclass(frozen=True)
class Settings:
    """`region` is the topic's own unless it is said, `endpoint` is for proxies and tests."""

    topic_arn: str
    region: str = ""
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if not _ARN.fullmatch(self.topic_arn):
            raise SettingsError(
                "the alert topic is an ARN, such as arn:aws:sns:eu-north-1:123456789012:alerts"
            )
        if self.endpoint is not None:
            checked_base(self.endpoint, "the alert topic")
        if importlib.util.find_spec("boto3") is None:
            raise SettingsError(
                "an alert topic needs boto3, which is not installed: pip install 'onpaid[aws]'"
            )

    @property
    def ordered(self) -> bool:
        """Whether it is a FIFO topic."""
        return self.topic_arn.endswith(".fifo")


class AlertTopic:
    """An Alerting."""

    lanes = (LIMIT,)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: Any = None
        self._making = asyncio.Lock()

    @act(repeatable=True, lane=LANE, timeout=timedelta(seconds=30))
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Publish the alert."""
        answer = await self._ask("publish", **self._message(ticket))
        return TicketRef(f"topic#{answer.get('MessageId', mark(ticket))}")

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._ask("get_topic_attributes", TopicArn=self.settings.topic_arn)
        except ProviderError as error:
            return [f"Alerts: {error}"]
        return []

    async def close(self) -> None:
        """Let go of all connections."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

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
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value
            },
        }
        if self.settings.ordered:
            message["MessageGroupId"] = ticket.fingerprint or "onpaid"
            message["MessageDeduplicationId"] = mark(ticket)[:128]
        return message

    async def _ask(self, operation: str, **given: Any) -> dict[str, Any]:
        """One call in a thread. Its outcome in our errors; boto3 has retries of its own, which are off."""
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
        known = importlib.import_module("botocore.exceptions")
        garbled = importlib.import_module("botocore.parsers").ResponseParserError
        try:
            if self.settings.endpoint:
                await asyncio.to_thread(resolved_well, self.settings.endpoint)
        except OSError as bad:
            raise Unavailable(f"the alert topic cannot be reached: {type(bad).__name__}") from None
        try:
            answer: dict[str, Any] = await asyncio.to_thread(getattr(self._client, operation), **given)
        except known.ClientError as bad:
            code, status = bad.response.get("Error", {}).get("Code", ""), _status(bad)
            error: ProviderError = _refusal(code, status, masked(str(bad)))
        except (known.NoCredentialsError, known.PartialCredentialsError) as bad:
            error = Unauthorised(f"the alert topic: {masked(str(bad))}")
        except known.ParamValidationError as bad:
            error = Refused(f"the alert topic: {masked(str(bad))}")
        except (known.EndpointConnectionError, known.ConnectTimeoutError) as bad:
            error = Unavailable(f"the alert topic cannot be reached: {type(bad).__name__}")
        except (known.BotoCoreError, garbled) as bad:
            error = Doubtful(f"the alert topic: the answer is lost: {type(bad).__name__}")
        else:
            return answer
        raise error

    def _make(self) -> Any:
        boto3, config = importlib.import_module("boto3"), importlib.import_module("botocore.config")
        region = self.settings.region or self.settings.topic_arn.split(":")[3]
        return boto3.session.Session(region_name=region).client(
            "sns",
            endpoint_url=self.settings.endpoint,
            config=config.Config(
                retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=10
            ),
        )


def _status(bad: Any) -> int:
    return int(bad.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _refusal(code: str, status: int, words: str) -> ProviderError:
    """What SNS's refusal means. Most of them are about keys and permissions, so every alert would fare the same."""
    told = f"the alert topic answered {code or status}: {words}"
    if code in _UNAVAILABLE or status == 429:
        return Unavailable(told)
    if code in _LOST or status >= 500:
        return Doubtful(told, answered=True)
    if code in _OUR_FAULT:
        return Refused(told)
    return Unauthorised(told)
