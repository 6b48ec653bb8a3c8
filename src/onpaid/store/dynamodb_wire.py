"""Calls to DynamoDB: in threads, with time limits, repeated where that is safe, and their failures sorted.

Three things can become of a write: it surely happened, it surely did not, or nobody knows. A repeat of a transaction
carries the token of the first try, which DynamoDB honours for ten minutes, so that the repeat also tells what became
of the first one.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from onpaid.errors import StoreUnavailable, StoreUnknown

THREADS = 32
TRIES = 9
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.5
BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "LimitExceededException",
    }
)
"""Answers that say: not now, and nothing was done."""
NOT_SENT = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)

Pause = Callable[[float], Awaitable[None]]


class Failed(Exception):
    """A condition did not hold. `unsure`: an earlier try of the same write may have happened."""

    def __init__(self, *, unsure: bool) -> None:
        super().__init__()
        self.unsure = unsure


class Wire:
    """One client, its threads, and patience."""

    def __init__(self, client: Any = None, pause: Pause = asyncio.sleep) -> None:
        """`client` is boto3's for DynamoDB; without one it is made from AWS's own settings."""
        self._client = make_client() if client is None else client
        self._pause = pause
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dynamodb")
        self._closed = False

    async def read(self, operation: str, **given: Any) -> dict[str, Any]:
        """A call that may be repeated at will. Raises StoreUnavailable."""
        try:
            return await self._call(operation, given)
        except StoreUnknown as unknown:
            raise StoreUnavailable(str(unknown)) from None

    async def write(self, operation: str, **given: Any) -> dict[str, Any]:
        """A call that must not have two effects: conditional, under a token, or harmless when repeated.

        Raises Failed, StoreUnavailable (surely nothing was written) or StoreUnknown.
        """
        return await self._call(operation, given)

    def ensure_open(self) -> None:
        """Raise StoreUnavailable once the store is closed."""
        if self._closed:
            raise StoreUnavailable("the store is closed")

    async def close(self) -> None:
        """Finish what is under way. Calls after this raise StoreUnavailable."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def _call(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        method, unsure, why = getattr(self._client, operation), False, ""
        for nth in range(TRIES):
            if nth:
                longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (nth - 1))
                await self._pause(longest * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, guards nothing
            if self._closed:
                why = "the store is closed"
                break
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._threads, lambda: method(**given)
                )
            except aws.ClientError as error:
                why = _judged(error, unsure=unsure)
                unsure = unsure or _status(error) >= 500
            except NOT_SENT as error:
                why = _shown(error)
            except (aws.HTTPClientError, aws.ConnectionError) as error:
                unsure, why = True, _shown(error)
            except aws.BotoCoreError as error:
                # This try never left: no credentials, no region, or a request that the client itself refuses.
                why = f"it cannot be asked: {_shown(error)}"
                break
        if unsure:
            raise StoreUnknown(f"DynamoDB did not say whether it wrote: {why}")
        raise StoreUnavailable(f"DynamoDB did not take it: {why}")


def make_client() -> Any:
    """A client with our time limits and without repeats of its own: these are ours. Raises StoreUnavailable."""
    config = Config(
        connect_timeout=2,
        read_timeout=8,
        max_pool_connections=THREADS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    try:
        # Lambda and most tools say AWS_REGION, which boto3 does not read.
        region = os.environ.get("AWS_REGION") or None
        return boto3.session.Session(region_name=region).client("dynamodb", config=config)
    except aws.BotoCoreError as error:
        raise StoreUnavailable(f"DynamoDB cannot be asked: {_shown(error)}") from None


def _judged(error: aws.ClientError, *, unsure: bool) -> str:
    """Why the call is to be repeated. Raises what ends it."""
    code = error.response.get("Error", {}).get("Code", "")
    reasons = [each.get("Code", "") for each in error.response.get("CancellationReasons", ())]
    if code == "ConditionalCheckFailedException" or "ConditionalCheckFailed" in reasons:
        raise Failed(unsure=unsure) from None
    if code == "TransactionCanceledException" and any(reason in BUSY for reason in reasons):
        return ", ".join(sorted({reason for reason in reasons if reason in BUSY}))
    if code in BUSY or _status(error) >= 500:
        return code or "an answer without a name"
    message = error.response.get("Error", {}).get("Message", "")
    raise (StoreUnknown if unsure else StoreUnavailable)(
        f"DynamoDB refuses: {code}: {message[:300]}"
    ) from None


def _status(error: aws.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
