"""SQS in virtual time, and what of it is handed in as boto3's client: everything that a standard queue may do, it does.

A message is delivered at least once, in any order, and again when its visibility ends and nobody deleted it; one that
was received too often goes to the dead letters. Rings may be refused, or lost on their way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

from onpaid.engine.testing import Died

VISIBILITY = 720.0
MOST_RECEIVED = 5
BATCH = 10


class Inline(ThreadPoolExecutor):
    """Runs what is meant for a thread at once: in virtual time there is nobody to wait for it."""

    def submit(self, fn: Any, /, *args: Any, **given: Any) -> Future[Any]:
        told: Future[Any] = Future()
        try:
            told.set_result(fn(*args, **given))
        except BaseException as error:
            told.set_exception(error)
        return told


@dataclass
class Held:
    """One message. `at` is from when on it may be taken."""

    id: str
    body: str
    at: float
    received: int = 0


@dataclass(frozen=True)
class Manners:
    """What a queue does to shares of its messages and batches."""

    twice: float = 0.0
    """Messages that come again although they were deleted."""
    refused: float = 0.0
    """Batches of rings that fail, as a whole or in part."""
    rings_lost: float = 0.0
    """Rings, other than the tick's, that nobody hears."""


class Sqs:
    """The queue itself. `manners` is asked each time, so that the weather may change."""

    def __init__(self, seed: int, manners: Callable[[], Manners]) -> None:
        self._seed, self._manners = seed, manners
        self._dice = Random(f"{seed} queue")
        self._sent: Counter[str] = Counter()
        self.held: dict[str, Held] = {}
        self.dead: list[Held] = []
        self.redelivers = True
        """Whether what a dead worker had taken comes again. It always does; without it, only ticks find the run."""
        self.came = asyncio.Event()
        self.taken = self.again = self.lost = 0

    def chance(self, what: str, body: str) -> float:
        """Chance that depends on the seed, the message and how often it was sent, and not on what else goes on."""
        return Random(f"{self._seed} {what} {body} {self._sent[body]}").random()

    def put(self, body: str, delay: float) -> None:
        now = asyncio.get_running_loop().time()
        self._sent[body] += 1
        name = f"{self._sent[body]}:{body}"
        self.held[name] = Held(name, body, now + delay)
        self.came.set()

    def lose(self, body: str) -> None:
        self._sent[body] += 1
        self.lost += 1

    def take(self, most: int = BATCH) -> list[Held]:
        """Some of those that may be taken now, in no order."""
        now = asyncio.get_running_loop().time()
        there = sorted((each for each in self.held.values() if each.at <= now), key=lambda each: each.id)
        batch = self._dice.sample(there, min(most, len(there)))
        for each in batch:
            each.received += 1
            self.again += each.received > 1
            each.at = now + VISIBILITY
            if each.received > MOST_RECEIVED:
                self.dead.append(self.held.pop(each.id))
        batch = [each for each in batch if each.id in self.held]
        self.taken += len(batch)
        return batch

    def done_with(self, batch: Sequence[Held], failed: frozenset[str]) -> None:
        """The worker answered: those that it did not name are deleted, unless the queue forgets that."""
        now = asyncio.get_running_loop().time()
        for each in batch:
            if each.id in failed or each.id not in self.held:
                continue
            if each.received == 1 and self.chance("twice", each.body) < self._manners().twice:
                each.at = now + 10 * self.chance("when", each.body)
                self.came.set()
            else:
                del self.held[each.id]

    def died_with(self, batch: Sequence[Held]) -> None:
        """The worker died, or broke: its messages come again by themselves."""
        if not self.redelivers:
            for each in batch:
                self.held.pop(each.id, None)

    async def wait(self) -> None:
        """Until a message may be taken."""
        loop = asyncio.get_running_loop()
        while True:
            soonest = min((each.at for each in self.held.values()), default=None)
            if soonest is not None and soonest <= loop.time():
                return
            self.came.clear()
            try:
                async with asyncio.timeout_at(None if soonest is None else soonest + 1e-6):
                    await self.came.wait()
            except TimeoutError:
                pass

    def client(self, kind: str, dead: Callable[[], bool]) -> SqsClient:
        """For a sandbox of this kind, which says whether it is dead."""
        return SqsClient(self, kind, dead, self._manners)


class SqsClient:
    """As much of boto3's client as is used."""

    def __init__(
        self, queue: Sqs, kind: str, dead: Callable[[], bool], manners: Callable[[], Manners]
    ) -> None:
        self._queue, self._kind, self._dead, self._manners = queue, kind, dead, manners

    def send_message_batch(self, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        if self._dead():
            raise Died
        if not 0 < len(Entries) <= BATCH or any(not 0 <= each["DelaySeconds"] <= 900 for each in Entries):
            raise ValueError(f"{QueueUrl} does not take this: {Entries}")
        queue, manners = self._queue, self._manners()
        refused = queue.chance("refused", Entries[0]["MessageBody"]) < manners.refused
        if refused and len(Entries) < 3:
            for each in Entries:
                queue.lose(each["MessageBody"])
            raise ConnectionError("the queue cannot be reached")
        failed = [each["Id"] for each in Entries[::2]] if refused else []
        for each in Entries:
            body = each["MessageBody"]
            away = self._kind != "tick" and queue.chance("lost", body) < manners.rings_lost
            if each["Id"] in failed or away:
                queue.lose(body)
            else:
                queue.put(body, each["DelaySeconds"])
        return {"Failed": [{"Id": name} for name in failed]}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:
        if self._dead():
            raise Died
        return {"Attributes": {name: str(len(self._queue.held)) for name in AttributeNames}}

    def close(self) -> None:
        return None
