"""A backup is whole and consistent whatever is written meanwhile; restoring it is told by the generation."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import pytest

from onpaid.errors import StoreUnusable
from onpaid.store.generation import Generation, generation, raise_generation, read_generation
from onpaid.store.port import Entry, Insert, Put
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_backup import backup, restore
from tests.stores.power import check_file

Open = Callable[..., Awaitable[SqliteStore]]


async def filled(open_sqlite: Open, name: str = "store.db", *, documents: int = 30) -> SqliteStore:
    store = await open_sqlite(name)
    await store.commit(
        [
            Insert("order", f"o{number}", os.urandom(500), (Entry("all", "", number),))
            for number in range(documents)
        ]
    )
    return store


def leftovers(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("*partial*")]


async def test_a_backup_made_while_writing_is_of_one_moment(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(checkpoint_bytes=100_000)
    for number in range(60):
        await store.commit([Insert("ballast", f"b{number}", os.urandom(60_000))])
    await store.commit([Put("purse", "a", b"500"), Put("purse", "b", b"500")])
    steps: list[tuple[int, int]] = []
    copying = asyncio.ensure_future(
        asyncio.to_thread(
            backup,
            tmp_path / "store.db",
            tmp_path / "copy.db",
            instant=1_700_000_000_000,
            progress=lambda done, total: steps.append((done, total)),
        )
    )
    moved = 0
    while not copying.done() or moved < 20:
        moved += 1
        await store.commit(
            [Put("purse", "a", b"%d" % (500 - moved)), Put("purse", "b", b"%d" % (500 + moved))]
        )
    assert await copying == (tmp_path / "copy.db").stat().st_size
    assert steps[-1][0] == steps[-1][1]
    assert check_file(tmp_path / "copy.db") is None
    copy = await open_sqlite("copy.db")
    pair = await copy.get_many("purse", ["a", "b"])
    assert sum(int(stored.body) for stored in pair if stored) == 1000
    assert leftovers(tmp_path) == []


async def test_a_backup_overwrites_nothing(open_sqlite: Open, tmp_path: Path) -> None:
    await filled(open_sqlite)
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreUnusable, match="exists"):
        backup(tmp_path / "store.db", tmp_path / "copy.db", instant=1)
    assert (tmp_path / "copy.db").read_text() == "precious"


@pytest.mark.parametrize("source", ["absent", "empty", "foreign", "diary"])
async def test_only_a_store_can_be_backed_up(tmp_path: Path, source: str) -> None:
    path = tmp_path / "source.db"
    if source == "empty":
        path.touch()
    elif source == "foreign":
        connection = apsw.Connection(str(path))
        connection.execute("CREATE TABLE theirs (a)")
        connection.close()
    elif source == "diary":
        path.write_text("Dear diary")
    with pytest.raises(StoreUnusable):
        backup(path, tmp_path / "copy.db", instant=1)
    with pytest.raises(StoreUnusable):
        restore(path, tmp_path / "target.db")
    with pytest.raises(StoreUnusable, match="directory"):
        backup(path, tmp_path / "nowhere" / "copy.db", instant=1)
    assert not (tmp_path / "copy.db").exists()
    assert not (tmp_path / "target.db").exists()
    assert leftovers(tmp_path) == []


async def test_restoring_raises_the_generation_and_tells_since_when(
    open_sqlite: Open, tmp_path: Path
) -> None:
    store = await filled(open_sqlite)
    backup(tmp_path / "store.db", tmp_path / "copy.db", instant=1_700_000_000_000)
    assert restore(tmp_path / "copy.db", tmp_path / "moved.db") == Generation(1, 1_700_000_000_000)
    moved = await open_sqlite("moved.db")
    assert await read_generation(moved) == Generation(1, 1_700_000_000_000)
    assert await moved.count("order", "all", "") == 30
    assert await generation(store) == 0
    # And a backup of what was restored knows it.
    await moved.close()
    backup(tmp_path / "moved.db", tmp_path / "second.db", instant=1_700_000_900_000)
    assert restore(tmp_path / "second.db", tmp_path / "third.db") == Generation(2, 1_700_000_900_000)


async def test_the_backup_itself_is_not_changed_by_restoring_it(open_sqlite: Open, tmp_path: Path) -> None:
    await filled(open_sqlite)
    backup(tmp_path / "store.db", tmp_path / "copy.db", instant=7)
    before = (tmp_path / "copy.db").read_bytes()
    restore(tmp_path / "copy.db", tmp_path / "a.db")
    restore(tmp_path / "copy.db", tmp_path / "b.db")
    assert (tmp_path / "copy.db").read_bytes() == before


async def test_restoring_over_a_store_needs_force_and_keeps_the_old_one(
    open_sqlite: Open, tmp_path: Path
) -> None:
    store = await filled(open_sqlite)
    backup(tmp_path / "store.db", tmp_path / "copy.db", instant=7)
    await store.commit([Insert("order", "later", b"")])
    await raise_generation(store, above=4)
    await store.close()
    with pytest.raises(StoreUnusable, match="exists"):
        restore(tmp_path / "copy.db", tmp_path / "store.db")
    assert restore(tmp_path / "copy.db", tmp_path / "store.db", force=True) == Generation(6, 7)
    restored = await open_sqlite()
    assert await restored.get("order", "later") is None
    assert await restored.count("order", "all", "") == 30
    await restored.close()
    kept = await open_sqlite("store.db.replaced")
    assert await kept.get("order", "later") is not None
    assert await generation(kept) == 5
    assert restore(tmp_path / "copy.db", tmp_path / "store.db", force=True) == Generation(7, 7)
    assert (tmp_path / "store.db.replaced-2").exists()


async def test_the_log_of_a_killed_store_does_not_outlive_its_file(open_sqlite: Open, tmp_path: Path) -> None:
    await (await filled(open_sqlite)).close()
    backup(tmp_path / "store.db", tmp_path / "copy.db", instant=7)
    (tmp_path / "store.db").unlink()
    (tmp_path / "store.db-wal").write_bytes(b"what a killed process left")
    restore(tmp_path / "copy.db", tmp_path / "store.db")
    assert not (tmp_path / "store.db-wal").exists()
    assert (tmp_path / "store.db.replaced-wal").exists()


async def test_a_store_in_use_is_never_replaced(open_sqlite: Open, tmp_path: Path) -> None:
    store = await filled(open_sqlite, "other.db")
    backup(tmp_path / "other.db", tmp_path / "copy.db", instant=7)
    served = await open_sqlite("store.db", exclusive=True)
    with pytest.raises(StoreUnusable, match="in use"):
        restore(tmp_path / "copy.db", tmp_path / "store.db", force=True)
    await served.ping()
    await store.ping()


async def test_a_damaged_backup_is_refused_and_changes_nothing(open_sqlite: Open, tmp_path: Path) -> None:
    await (await filled(open_sqlite, documents=90)).close()
    backup(tmp_path / "store.db", tmp_path / "copy.db", instant=7)
    whole = (tmp_path / "copy.db").read_bytes()
    (tmp_path / "copy.db").write_bytes(whole[: 4096 * 4] + b"\xaa" * 4096 * 4 + whole[4096 * 8 :])
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(StoreUnusable, match="damaged"):
        restore(tmp_path / "copy.db", tmp_path / "store.db", force=True)
    assert (tmp_path / "store.db").read_bytes() == before
    assert leftovers(tmp_path) == []


async def test_a_damaged_store_can_be_replaced(open_sqlite: Open, tmp_path: Path) -> None:
    await (await filled(open_sqlite)).close()
    backup(tmp_path / "store.db", tmp_path / "copy.db", instant=7)
    (tmp_path / "store.db").write_text("Dear diary")
    assert restore(tmp_path / "copy.db", tmp_path / "store.db", force=True) == Generation(1, 7)
    assert await (await open_sqlite()).count("order", "all", "") == 30
