"""Reading an index: the shards of a value merged in order, and each document asked whether it still lies there.

An entry is believed only if its document says the same: what a writer that died left behind is never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from onpaid.store import dynamodb_keys as keys
from onpaid.store.dynamodb_keys import Spot
from onpaid.store.dynamodb_reading import Reading
from onpaid.store.dynamodb_wire import Wire
from onpaid.store.port import Page, Stored, make_cursor, read_cursor

LAST = "\U0010ffff"
FIRST = "0"


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of an index is wanted."""

    kind: str
    index: str
    value: str
    newest_first: bool = True
    after: tuple[int, str] | None = None
    sort_from: int | None = None
    sort_to: int | None = None

    def bounds(self) -> tuple[str, str]:
        """The first and last sort key that may be of it."""
        low = FIRST if self.sort_from is None else keys.least(self.sort_from)
        high = LAST if self.sort_to is None else keys.beyond(self.sort_to)
        if self.after is not None and self.newest_first:
            high = min(high, keys.at(*self.after))
        elif self.after is not None:
            low = max(low, keys.behind(*self.after))
        return low, high


@dataclass(slots=True)
class _Shard:
    """One partition of the value, read page by page."""

    partition: str
    ahead: list[Spot] = field(default_factory=list)
    goes_on: Any = None
    ended: bool = False


class Querying:
    """The indexes of one table."""

    def __init__(self, wire: Wire, table: str, reading: Reading) -> None:
        self._wire = wire
        self._table = table
        self._reading = reading

    async def page(self, asked: Asked, limit: int) -> Page:
        """Up to `limit` documents, and the cursor behind the last of them if there are more."""
        found: list[tuple[Spot, Stored]] = []
        async for spot, stored in self._documents(asked, limit + 1):
            found.append((spot, stored))
            if len(found) > limit:
                last = found[limit - 1][0]
                return Page([stored for _, stored in found[:limit]], make_cursor(last.sort, last.key))
        return Page([stored for _, stored in found], None)

    async def count(self, asked: Asked, at_most: int) -> int:
        """How many documents, counting no further than `at_most`."""
        seen, ahead = 0, []
        async for spot in self._spots(asked, at_most):
            if seen >= at_most:
                break
            if spot.token:
                ahead.append(spot)
            else:
                seen += 1
        for spot, _ in await self._believed(asked, ahead):
            seen += spot.token != ""
        return min(seen, at_most)

    async def _documents(self, asked: Asked, some: int) -> AsyncIterator[tuple[Spot, Stored]]:
        waiting: list[Spot] = []
        async for spot in self._spots(asked, some):
            waiting.append(spot)
            if len(waiting) >= some:
                for each in await self._believed(asked, waiting):
                    yield each
                waiting = []
        for each in await self._believed(asked, waiting):
            yield each

    async def _believed(self, asked: Asked, spots: list[Spot]) -> list[tuple[Spot, Stored]]:
        if not spots:
            return []
        found = await self._reading.current(asked.kind, [spot.key for spot in spots])
        believed = []
        for spot in spots:
            stored, known = found.get(spot.key, (None, None))
            place = (asked.index, asked.value, spot.sort, spot.token)
            if stored is not None and known is not None and place in known.placed:
                believed.append((spot, stored))
        return believed

    async def _spots(self, asked: Asked, some: int) -> AsyncIterator[Spot]:
        """Every entry of the value in order, from all shards."""
        count = keys.shards(asked.index, asked.value)
        shards = [
            _Shard(keys.index_partition(asked.kind, asked.index, asked.value, nth)) for nth in range(count)
        ]
        bounds = asked.bounds()
        if bounds[0] > bounds[1]:
            return
        while True:
            empty = [shard for shard in shards if not shard.ahead and not shard.ended]
            await asyncio.gather(*(self._read(shard, asked, bounds, some) for shard in empty))
            full = [shard for shard in shards if shard.ahead]
            if not full:
                return
            choose = max if asked.newest_first else min
            # In the order of the table: that of very long keys is not the keys' own.
            yield choose(full, key=lambda shard: keys.at(*shard.ahead[0][:2])).ahead.pop(0)

    async def _read(self, shard: _Shard, asked: Asked, bounds: tuple[str, str], some: int) -> None:
        while not shard.ahead and not shard.ended:
            given: dict[str, Any] = {"ExclusiveStartKey": shard.goes_on} if shard.goes_on else {}
            answer = await self._wire.read(
                "query",
                TableName=self._table,
                KeyConditionExpression="PK = :p AND SK BETWEEN :low AND :high",
                ExpressionAttributeValues={
                    ":p": {"S": shard.partition},
                    ":low": {"S": bounds[0]},
                    ":high": {"S": bounds[1]},
                },
                ConsistentRead=True,
                ScanIndexForward=not asked.newest_first,
                Limit=min(some, 1000),
                **given,
            )
            shard.ahead = [keys.read_spot(item) for item in answer["Items"]]
            shard.goes_on = answer.get("LastEvaluatedKey")
            shard.ended = not shard.goes_on


def cursor_of(after: str | None) -> tuple[int, str] | None:
    """The place behind which to go on. Raises InvalidInput."""
    return None if after is None else read_cursor(after)
