"""What the SQLite store keeps, through closing, killing and growing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import apsw
import pytest

from onpaid.errors import InvalidInput, StoreUnusable
from onpaid.store.port import Entry, Insert, Put, Update
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_lock import Announcement, read_announcement
from tests.stores.kit import Open, paid
from tests.stores.power import check_file

# Durability


async def test_everything_is_there_after_reopening(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(number, b"body %d" % number) for number in range(50)])
    await store.commit([Update("order", "o00007", b"changed", 1, (Entry("all", "", -1),))])
    before = await store.query("order", "all", "", limit=60)
    await store.close()
    again = await open_sqlite()
    assert await again.query("order", "all", "", limit=60) == before
    assert before.items[-1].body == b"changed"


async def test_closing_finishes_what_was_handed_in(open_sqlite: Open) -> None:
    store = await open_sqlite()
    tasks = [asyncio.ensure_future(store.commit([paid(number)])) for number in range(100)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*tasks)
    again = await open_sqlite()
    assert await again.count("order", "all", "") == 100


@pytest.mark.parametrize("acknowledged_at_least", [1, 60, 400])
async def test_what_a_killed_process_acknowledged_is_there(
    open_sqlite: Open, tmp_path: Path, acknowledged_at_least: int
) -> None:
    path = tmp_path / "store.db"
    command = [sys.executable, str(Path(__file__).with_name("child.py")), str(path), "c"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    assert child.stdout is not None
    told = [child.stdout.readline().strip() for _ in range(acknowledged_at_least)]
    assert read_announcement(path) == Announcement(child.pid, "http://127.0.0.1:8000")
    with pytest.raises(StoreUnusable, match=f"process {child.pid}"):
        await SqliteStore.open(path, exclusive=True)
    child.send_signal(signal.SIGKILL)
    told += [line.strip() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    child.wait()
    child.stdout.close()
    assert read_announcement(path) is None
    store = await open_sqlite(exclusive=True)
    lefts, rights = await store.get_many("left", told), await store.get_many("right", told)
    assert len(told) >= acknowledged_at_least
    assert all(left is not None and left.body == left.key.encode() * 40 for left in lefts)
    assert all(right is not None for right in rights)
    await store.close()
    assert check_file(path) is None


async def test_a_reader_elsewhere_sees_only_whole_batches(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(checkpoint_bytes=100_000)
    await store.commit([Put("purse", "a", b"500"), Put("purse", "b", b"500")])
    looked, done = threading.Event(), threading.Event()
    sums: set[int] = set()

    def look() -> None:
        async def watch() -> None:
            other = await SqliteStore.open(tmp_path / "store.db")
            while not done.is_set():
                pair = await other.get_many("purse", ["a", "b"])
                sums.add(sum(int(stored.body) for stored in pair if stored))
                looked.set()
            await other.close()

        asyncio.run(watch())

    looking = asyncio.get_running_loop().run_in_executor(None, look)
    for amount in range(300):
        await store.commit(
            [Put("purse", "a", b"%d" % (500 - amount)), Put("purse", "b", b"%d" % (500 + amount))]
        )
    await asyncio.to_thread(looked.wait)
    done.set()
    await looking
    assert sums == {1000}


# The log


async def test_the_log_does_not_grow_without_bound(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(checkpoint_bytes=400_000, checkpoint_at_once_bytes=1_000_000)
    sizes = []
    for number in range(150):
        await store.commit([Put("noise", f"n{number % 7}", os.urandom(30_000))])
        sizes.append((tmp_path / "store.db-wal").stat().st_size)
    assert max(sizes) < 1_200_000


async def test_a_reader_that_lingers_does_not_stop_the_writer(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(checkpoint_bytes=100_000, checkpoint_at_once_bytes=200_000)
    await store.commit([paid(0)])
    lingering = apsw.Connection(str(tmp_path / "store.db"))
    lingering.execute("BEGIN; SELECT count(*) FROM documents").fetchall()
    for number in range(1, 40):
        await store.commit([paid(number, os.urandom(20_000))])
    assert lingering.execute("SELECT count(*) FROM documents").get == 1
    lingering.close()
    for number in range(40, 80):
        await store.commit([paid(number, os.urandom(20_000))])
    assert await store.count("order", "all", "") == 80


# How it is kept


async def test_large_bodies_are_kept_compressed_where_it_pays(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite()
    squeezable, noise = b'{"amount":129900,"currency":"nok"}' * 1000, os.urandom(30_000)
    await store.commit([Insert("b", "squeezable", squeezable), Insert("b", "noise", noise)])
    connection = apsw.Connection(str(tmp_path / "store.db"))
    kept = dict(connection.execute("SELECT key, body FROM documents").fetchall())
    connection.close()
    assert zlib.decompress(kept["squeezable"]) == squeezable
    assert len(kept["squeezable"]) < len(squeezable) // 5
    assert kept["noise"] == noise


async def test_only_entries_that_change_are_touched(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite()
    same = Entry("mail", "a@b.no", 1)
    await store.commit([Insert("order", "o1", b"", (same, Entry("state", "open", 1)))])
    before = apsw.Connection(str(tmp_path / "store.db"))
    changes: list[str] = []
    session = store._transactions._session
    assert session is not None
    session.connection.set_update_hook(
        lambda kind, _database, table, _row: changes.append(
            f"{apsw.mapping_authorizer_function[kind]} {table}"
        )
    )
    await store.commit([Update("order", "o1", b"", 1, (Entry("state", "paid", 1), same))])
    entries = before.execute("SELECT value FROM entries ORDER BY value").fetchall()
    before.close()
    assert entries == [("a@b.no",), ("paid",)]
    assert changes == ["SQLITE_UPDATE documents", "SQLITE_UPDATE writer"]


async def test_a_cursor_beyond_64_bits_is_not_ours(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    with pytest.raises(InvalidInput):
        await store.query("order", "all", "", after="9" * 20 + "~o1")


async def test_what_no_key_can_be_is_absent(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    assert await store.get("order", "\ud800") is None
    assert await store.get_many("order", ["o00001", "\ud800"]) != [None, None]
    assert (await store.query("order", "all", "\ud800")).items == []
    assert await store.count("order", "all", "\ud800") == 0
    with pytest.raises(InvalidInput):
        await store.query("order", "all", "", after="1~\ud800")
