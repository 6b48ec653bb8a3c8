"""Moving between a file of SQLite and a table of DynamoDB, there and back: the same documents, and each effect once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from onpaid.app.move_undo import undo
from onpaid.engine.testing import MemoryStore, MortalStore, VirtualClock, run_virtually
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.moved import open_for_work
from onpaid.store.port import Put, Store
from onpaid.store.sqlite import SqliteStore
from tests.app.moves import NOW, PatientClock, held_by, killed, move, opens, stock
from tests.app.test_moving_runs import NAMES, life_after, life_and_death
from tests.emulator import Emulator, table
from tests.engine.meddling import the_run
from tests.engine.service import Service, by_find


async def a_table(emulator: Emulator) -> DynamoStore:
    """An empty table."""
    name = table()
    create_table(emulator.client("dynamodb"), name)
    return await DynamoStore.open(name, client=emulator.client("dynamodb"))


async def pour(source: Store, target: Store) -> None:
    """Everything of a small store into another."""
    page, cursor = await source.documents(limit=1000)
    assert cursor is None
    await target.load(page)


async def test_there_and_back(emulator: Emulator, tmp_path: Path) -> None:
    first = await SqliteStore.open(tmp_path / "first.db", exclusive=True)
    last = await SqliteStore.open(tmp_path / "last.db", exclusive=True)
    middle = await a_table(emulator)
    try:
        await stock(first, 220)
        await first.commit([Put("event", "large", bytes(range(256)) * 2_500)])
        there = await move(first, middle)
        assert await held_by(middle) == await held_by(first)
        await open_for_work(middle, NOW)
        back = await move(
            middle,
            last,
            source_name="dynamodb://shop",
            target_name="sqlite:////b.db",
            new_id="m2",
            alone=False,
        )
        assert back.tallies == there.tallies
        assert await held_by(last) == await held_by(first)
        assert await opens(first, middle, last) == [False, False, True]
    finally:
        for store in (first, middle, last):
            await store.close()


async def test_killed_on_the_way_and_taken_back(emulator: Emulator) -> None:
    source, target = MemoryStore(), await a_table(emulator)
    try:
        await stock(source, 220)
        assert await killed(source, MortalStore(target, dies_at=6))
        assert await opens(source, target) == [False, False]
        await undo(source, target)
        assert await opens(source) == [True]
        assert await held_by(target) == []
        await move(source, target, new_id="m2", clock=PatientClock())
        assert await held_by(target) == await held_by(source)
    finally:
        await target.close()


def test_runs_go_through_a_table_unharmed(emulator: Emulator) -> None:
    """Three calls were under way when the process died: two had happened, one had not left."""
    service = Service(["well", "well", "well", "lost reply", "lost reply"])
    memory, target = MemoryStore(), MemoryStore()

    async def first() -> None:
        await life_and_death(memory, service, by_find, VirtualClock(), dies_at=6, after=True)

    run_virtually(first)
    assert len(service.things) == 2

    async def through_the_table() -> int:
        middle = await a_table(emulator)
        try:
            moved = await move(memory, middle)
            await pour(middle, target)
            return moved.handed_back
        finally:
            await middle.close()

    assert asyncio.run(through_the_table()) == 3

    async def then() -> None:
        for thing in service.things:
            service.seen_at[thing.id] = 0.0
        await life_after(target, service, by_find, VirtualClock(), sole=False)
        assert [(await the_run(target, f"by_find:{name}")).state for name in NAMES] == ["done"] * 3

    run_virtually(then)
    assert sorted(thing.reference for thing in service.things) == list(NAMES)
