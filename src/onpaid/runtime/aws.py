"""A bell that rings through SQS: a message names a run and says nothing else.

Rings are gathered and sent in batches, while an invocation works and once more before it ends. A ring that could not
be sent is logged and dropped, since the store remembers and the tick finds: so no ring is ever worth a failed answer.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import structlog

log = structlog.get_logger("onpaid.runtime")

LONGEST_DELAY: Final = 900
"""Seconds that SQS holds a message back at most: a ring that lies further ahead is left to the tick."""
BATCH: Final = 10
AT_ONCE: Final = 4
"""Batches that are sent beside each other."""
CONNECT, READ, ATTEMPTS = 1, 3, 2
"""Seconds, seconds and tries: a webhook's answer waits for its ring, and a ring is only a courtesy."""


class Message(msgspec.Struct, frozen=True):
    """What stands in the queue. Whatever else a sender adds is passed over."""

    run: str


@dataclass(frozen=True, slots=True)
class Ring:
    """One message to be sent, `delay` whole seconds from now."""

    run: str
    delay: int = 0


class Queue(Protocol):
    """The queue of runs that are due."""

    async def send(self, rings: Sequence[Ring]) -> int:
        """Send ten at most. Returns how many were not taken; raises whatever its client raises."""
        ...

    async def waiting(self) -> int:
        """About how many messages nobody has taken yet."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class SqsQueue:
    """A standard queue of SQS. The client is made at once: it is the first thing that every invocation needs."""

    def __init__(self, url: str, *, client: Any = None) -> None:
        self._url = url
        self._client = client or _client()

    async def send(self, rings: Sequence[Ring]) -> int:
        entries = [
            {"Id": str(nth), "MessageBody": body_of(ring.run), "DelaySeconds": ring.delay}
            for nth, ring in enumerate(rings)
        ]
        told = await asyncio.to_thread(self._client.send_message_batch, QueueUrl=self._url, Entries=entries)
        return len(told.get("Failed", ()))

    async def waiting(self) -> int:
        name = "ApproximateNumberOfMessages"
        told = await asyncio.to_thread(
            self._client.get_queue_attributes, QueueUrl=self._url, AttributeNames=[name]
        )
        return int(told["Attributes"][name])

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)


def _client() -> Any:
    """A client by the environment: region, credentials and, if it is named, where SQS is."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT,
        read_timeout=READ,
        max_pool_connections=AT_ONCE,
    )
    return boto3.client("sqs", config=config)


class SqsBell:
    """Rings through a queue. Ringing twice for a run before it is sent is ringing once."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._now: dict[str, None] = {}
        self._later: dict[str, int] = {}
        self._heard = asyncio.Event()
        self._ending = False

    def ring(self, runs: Iterable[str]) -> None:
        for run in runs:
            self._now[run] = None
        if self._now:
            self._heard.set()

    def ring_in(self, run: str, seconds: float) -> None:
        if seconds > LONGEST_DELAY:
            return
        self._later[run] = max(0, math.ceil(seconds))
        self._heard.set()

    @asynccontextmanager
    async def ringing(self) -> AsyncIterator[None]:
        """Send what is rung for as it comes, and the rest at the end: nothing is left to be sent afterwards."""
        self._ending = False
        sending = asyncio.create_task(self._send_as_it_comes())
        try:
            yield
        finally:
            self._ending = True
            self._heard.set()
            await sending

    async def flush(self) -> int:
        """Send what was rung for until now. Returns how many rings were lost; never raises for a queue's trouble."""
        now, self._now = list(self._now), {}
        later, self._later = list(self._later.items()), {}
        rings = [Ring(run) for run in now] + [Ring(run, delay) for run, delay in later]
        batches = [rings[at : at + BATCH] for at in range(0, len(rings), BATCH)]
        lost = 0
        for at in range(0, len(batches), AT_ONCE):
            lost += sum(await asyncio.gather(*map(self._send, batches[at : at + AT_ONCE])))
        return lost

    async def _send(self, batch: Sequence[Ring]) -> int:
        try:
            lost = await self._queue.send(batch)
        except Exception as error:  # noqa: BLE001 - whatever the client says, a bell is a courtesy
            log.warning("runs not rung for; the tick finds them", runs=len(batch), why=type(error).__name__)
            return len(batch)
        if lost:
            log.warning("runs not rung for; the tick finds them", runs=lost, why="the queue took the others")
        return lost

    async def _send_as_it_comes(self) -> None:
        while not self._ending:
            await self._heard.wait()
            self._heard.clear()
            await self.flush()
        await self.flush()


def body_of(run: str) -> str:
    """A message's body."""
    return msgspec.json.encode(Message(run)).decode()


def run_of(body: object) -> str | None:
    """The run that a message's body names, or None if it is none of ours."""
    if not isinstance(body, str):
        return None
    try:
        run = msgspec.json.decode(body, type=Message).run
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return run if 0 < len(run) <= 1000 else None
