"""A real process is SIGKILLed at its journal writes, its database is moved, and a process goes on at the target.

The simulators' own ledger says what came of it: nothing lost, nothing doubled, nothing stuck.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from onpaid.app.moving import Move
from onpaid.clock import SystemClock
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.moved import for_work
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore
from tests.emulator import Emulator, table
from tests.journeys.kill import verdict
from tests.journeys.lives import Outside, World

ALL_WELL = {"paid": 1, "lost": 0, "double": 0, "unexplained": 0}
EARLIEST, LATEST = 4, 30
"""Which of a life's writes is its last: before the fourth nothing was told to it, after the thirtieth all is done."""


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    running = Outside.open()
    yield running
    running.close()


async def between(source: Store, target: Store, number: int) -> int:
    """Move; the number of runs that were under way."""
    mover = Move(
        source,
        target,
        source_name=f"dynamodb://station-{number}",
        target_name=f"dynamodb://station-{number + 1}",
        clock=SystemClock(),
        new_id=f"move-{number}",
        alone=True,
    )
    return (await mover.go()).handed_back


async def move(folder: Path, emulator: Emulator | None) -> int:
    """Move the world's database into a new file, by way of a table if there is an emulator."""
    source = await SqliteStore.open(folder / "onpaid.db", exclusive=True)
    target = await SqliteStore.open(folder / "moved.db", exclusive=True)
    stores: list[Store] = [source, target]
    if emulator is not None:
        client, name = emulator.client("dynamodb"), table()
        create_table(client, name)
        stores.insert(1, await DynamoStore.open(name, client=client))
    try:
        handed_back = 0
        for number, (one, other) in enumerate(itertools.pairwise(stores)):
            handed_back += await between(one, other, number)
            await for_work(other, SystemClock().now())
        return handed_back
    finally:
        for store in stores:
            await store.close()


def a_life_moved(outside: Outside, folder: Path, number: int, after: bool, emulator: Emulator | None) -> int:
    """One order, a process killed at this write, a move, and a process that goes on. The runs that were under way."""
    outside.ask("/_reset", {}, "POST")
    folder.mkdir()
    world = World(outside, folder)
    world.buy("1")
    world.collect()
    assert world.live(dies_at=number, after=after) <= 0
    handed_back = asyncio.run(move(folder, emulator))
    (folder / "onpaid.db").rename(folder / "before.db")
    (folder / "moved.db").rename(folder / "onpaid.db")
    assert world.live(redeliver=False) == 0
    assert verdict(outside) == ALL_WELL
    return handed_back


@pytest.mark.timeout(240)
@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_killed_moved_and_gone_on(outside: Outside, tmp_path: Path, after: bool) -> None:
    under_way = [
        a_life_moved(outside, tmp_path / str(number), number, after, None)
        for number in range(EARLIEST, LATEST, 3)
    ]
    assert sum(under_way) >= 3


@pytest.mark.timeout(240)
def test_killed_moved_through_a_table_and_gone_on(
    outside: Outside, emulator: Emulator, tmp_path: Path
) -> None:
    under_way = [
        a_life_moved(outside, tmp_path / str(number), number, True, emulator)
        for number in range(EARLIEST, LATEST, 7)
    ]
    assert sum(under_way) >= 1
