"""The parts of AWS by themselves: a table that outlives who uses it, a queue, and what an invocation is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from onpaid.engine.testing import MemoryStore
from onpaid.runtime.aws import Ring, body_of


class Table(MemoryStore):
    """A table: it is there whoever lets go of it."""

    async def close(self) -> None:
        return None


class Line:
    """The queue: what is in it, and from when on it may be taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.held: list[tuple[float, str]] = []
        self.batches: list[list[Ring]] = []
        self.broken = False

    async def send(self, rings: Sequence[Ring]) -> int:
        if self.broken:
            raise ConnectionError("the queue cannot be reached")
        self.batches.append(list(rings))
        self.held += [(self._loop.time() + ring.delay, body_of(ring.run)) for ring in rings]
        return 0

    async def waiting(self) -> int:
        return len(self.held)

    async def close(self) -> None:
        return None

    def take(self, most: int = 10) -> list[str]:
        """The bodies of messages that may be taken now."""
        now = self._loop.time()
        taken = [each for each in self.held if each[0] <= now][:most]
        for each in taken:
            self.held.remove(each)
        return [body for _, body in taken]

    @property
    def runs(self) -> list[str]:
        """The runs that are rung for, in order."""
        return [json.loads(body)["run"] for _, body in self.held]


class Invocation:
    """What Lambda tells of an invocation, `limit` seconds long."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: float, number: int) -> None:
        self._loop = loop
        self._until = loop.time() + limit
        self.aws_request_id = f"8f507cfc-xmpl-4697-b07a-{number:012}"

    def get_remaining_time_in_millis(self) -> int:
        return round((self._until - self._loop.time()) * 1000)
