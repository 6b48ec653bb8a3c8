"""Amazon SNS as its topics are spoken to here: one call in a thread, and what its answers mean in our errors.

boto3 is an extra (`pip install 'onpaid[aws]'`): whoever names no topic does not need it. It has retries of its own,
which are off: only the engine repeats.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.addresses import checked_base, resolved_well
from onpaid.providers.masking import masked

_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_UNAVAILABLE = frozenset(
    ("Throttled", "Throttling", "ThrottlingException", "KMSThrottling", "RequestLimitExceeded")
)
_OUR_FAULT = frozenset(
    ("InvalidParameter", "InvalidParameterValue", "ValidationError", "ParameterValueInvalid")
)
_LOST = frozenset(("InternalError", "InternalFailure", "ServiceUnavailable"))


@dataclass(frozen=True)
class TopicSettings:
    """`region` is the topic's own unless it is said, `endpoint` is for proxies and tests."""

    topic_arn: str
    region: str = ""
    endpoint: str | None = None

    def check(self, name: str, example: str) -> None:
        """Raises SettingsError, which calls the topic by `name`."""
        if not _ARN.fullmatch(self.topic_arn):
            raise SettingsError(
                f"the {name} must be an ARN, such as arn:aws:sns:eu-north-1:123456789012:{example}"
            )
        if self.endpoint is not None:
            checked_base(self.endpoint, f"the {name}")
        if importlib.util.find_spec("boto3") is None:
            raise SettingsError(
                f"{'an' if name[0] in 'aeiou' else 'a'} {name} needs boto3, which is not installed: "
                "pip install 'onpaid[aws]'"
            )

    @property
    def ordered(self) -> bool:
        """Whether it is a FIFO topic."""
        return self.topic_arn.endswith(".fifo")


class SnsWire:
    """The calls to one topic. `name` is how errors call it."""

    def __init__(self, settings: TopicSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._client: Any = None
        self._making = asyncio.Lock()

    async def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        """One call. Its outcome in our errors."""
        known = importlib.import_module("botocore.exceptions")
        try:
            async with self._making:
                if self._client is None:
                    self._client = await asyncio.to_thread(self._make)
        except known.BotoCoreError as bad:  # a profile that is not there, say: every call would fare the same
            raise Unauthorised(f"the {self._name}: {masked(str(bad))}") from None
        garbled = importlib.import_module("botocore.parsers").ResponseParserError
        try:
            if self._settings.endpoint:
                await asyncio.to_thread(resolved_well, self._settings.endpoint)
        except OSError as bad:
            raise Unavailable(f"the {self._name} cannot be reached: {type(bad).__name__}") from None
        try:
            answer: dict[str, Any] = await asyncio.to_thread(getattr(self._client, operation), **given)
        except known.ClientError as bad:
            code, status = bad.response.get("Error", {}).get("Code", ""), _status(bad)
            error: ProviderError = self._refusal(code, status, masked(str(bad)))
        except (known.NoCredentialsError, known.PartialCredentialsError) as bad:
            error = Unauthorised(f"the {self._name}: {masked(str(bad))}")
        except known.ParamValidationError as bad:
            error = Refused(f"the {self._name}: {masked(str(bad))}")
        except (known.EndpointConnectionError, known.ConnectTimeoutError) as bad:
            error = Unavailable(f"the {self._name} cannot be reached: {type(bad).__name__}")
        except (known.BotoCoreError, garbled) as bad:
            error = Doubtful(f"the {self._name}: the answer is lost: {type(bad).__name__}")
        else:
            return answer
        raise error

    async def close(self) -> None:
        """Let go of all connections."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    def _make(self) -> Any:
        boto3, config = importlib.import_module("boto3"), importlib.import_module("botocore.config")
        region = self._settings.region or self._settings.topic_arn.split(":")[3]
        return boto3.session.Session(region_name=region).client(
            "sns",
            endpoint_url=self._settings.endpoint,
            config=config.Config(
                retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=10
            ),
        )

    def _refusal(self, code: str, status: int, words: str) -> ProviderError:
        """What SNS's refusal means. Most of them are about keys and permissions, so every call would fare the same."""
        told = f"the {self._name} answered {code or status}: {words}"
        if code in _UNAVAILABLE or status == 429:
            return Unavailable(told)
        if code in _LOST or status >= 500:
            return Doubtful(told, answered=True)
        if code in _OUR_FAULT:
            return Refused(told)
        return Unauthorised(told)


def attributes_of(told: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Message attributes, by which subscriptions choose; empty ones are left out, since SNS refuses them."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value}


def _status(bad: Any) -> int:
    return int(bad.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
