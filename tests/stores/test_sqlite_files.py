"""Which files the SQLite store takes, and that it takes them alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import apsw
import pytest

from onpaid.errors import StoreUnavailable, StoreUnusable
from onpaid.store import sqlite_schema
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_lock import Announcement, read_announcement, refuse_network_file_system
from tests.stores.kit import Open, paid

# Which files


async def test_the_file_is_its_owners_alone(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(exclusive=True)
    await store.commit([paid(1)])
    for name in ("store.db", "store.db-wal", "store.db-shm", "store.db.lock"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0, name


async def test_a_newer_file_is_refused_and_left_alone(open_sqlite: Open, tmp_path: Path) -> None:
    await (await open_sqlite()).close()
    connection = apsw.Connection(str(tmp_path / "store.db"))
    connection.pragma("user_version", 99)
    connection.close()
    with pytest.raises(StoreUnusable, match="newer version"):
        await open_sqlite()
    connection = apsw.Connection(str(tmp_path / "store.db"))
    assert connection.pragma("user_version") == 99
    connection.close()


async def test_another_programs_database_is_refused_and_left_alone(open_sqlite: Open, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "store.db"))
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(StoreUnusable, match="another program"):
        await open_sqlite()
    assert (tmp_path / "store.db").read_bytes() == before


async def test_a_file_that_is_no_database_is_refused(open_sqlite: Open, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreUnusable, match="not a database"):
        await open_sqlite()


@pytest.mark.parametrize("path", [":memory:", "", "file:x?mode=memory"])
async def test_what_is_not_a_file_is_refused(path: str) -> None:
    with pytest.raises(StoreUnusable):
        await SqliteStore.open(path)


async def test_a_missing_directory_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="does not exist"):
        await SqliteStore.open(tmp_path / "nowhere" / "store.db")


async def test_an_older_file_is_brought_up_to_date_in_one_go(
    open_sqlite: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    await store.close()
    path = str(tmp_path / "store.db")
    declared = list(sqlite_schema.MIGRATIONS)
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", declared)

    @sqlite_schema.migration("a table more")
    def more(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE more (a)")

    @sqlite_schema.migration("one that fails")
    def fails(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO more VALUES (1); INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreUnavailable):
        await open_sqlite()
    connection = apsw.Connection(path)
    assert connection.pragma("user_version") == len(declared) - 2
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'more'").get == 0
    connection.close()

    declared.pop()
    again = await open_sqlite()
    assert await again.get("order", "o00001") is not None
    await again.close()
    connection = apsw.Connection(path)
    assert connection.pragma("user_version") == len(declared)
    assert connection.execute("SELECT name FROM migrations ORDER BY number").fetchall() == [
        (step.name,) for step in declared
    ]
    connection.close()


async def test_two_that_open_a_new_file_at_once_both_can(open_sqlite: Open) -> None:
    stores = await asyncio.gather(*(open_sqlite() for _ in range(4)))
    for number, store in enumerate(stores):
        await store.commit([paid(number)])
    assert await stores[0].count("order", "all", "") == 4


# One server


async def test_a_second_server_is_refused_by_name(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(exclusive=True)
    with pytest.raises(StoreUnusable, match=f"process {os.getpid()}"):
        await open_sqlite(exclusive=True)
    store.announce("http://127.0.0.1:1")
    assert read_announcement(tmp_path / "store.db") == Announcement(os.getpid(), "http://127.0.0.1:1")
    store.announce("x")
    assert read_announcement(tmp_path / "store.db") == Announcement(os.getpid(), "x")
    beside = await open_sqlite()
    with pytest.raises(StoreUnusable):
        beside.announce("http://127.0.0.1:2")
    await store.close()
    assert read_announcement(tmp_path / "store.db") is None
    await (await open_sqlite(exclusive=True)).close()


async def test_a_failed_opening_lets_go_of_the_lock(open_sqlite: Open, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreUnusable, match="not a database"):
        await open_sqlite(exclusive=True)
    (tmp_path / "store.db").unlink()
    await open_sqlite(exclusive=True)


def test_nobody_is_announced_where_nobody_is(tmp_path: Path) -> None:
    assert read_announcement(tmp_path / "store.db") is None
    (tmp_path / "store.db.lock").write_text("garbage")
    assert read_announcement(tmp_path / "store.db") is None


@pytest.mark.parametrize(
    ("kind", "fine"),
    [
        ("ext4", True),
        ("tmpfs", True),
        ("overlay", True),
        ("nfs4", False),
        ("cifs", False),
        ("fuse.sshfs", False),
    ],
)
async def test_network_file_systems_are_refused(tmp_path: Path, kind: str, fine: bool) -> None:
    mounts = tmp_path / "mounts"
    place = tmp_path / "with space"
    place.mkdir()
    written = str(place).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nserver:/x {written} {kind} rw 0 0\n{kind}\n/dev/b {written}2 nfs rw 0 0\n"
    )
    if fine:
        refuse_network_file_system(str(place / "store.db"), str(mounts))
    else:
        with pytest.raises(StoreUnusable, match="local disk"):
            refuse_network_file_system(str(place / "store.db"), str(mounts))
    refuse_network_file_system(str(tmp_path / "store.db"), str(mounts))
    refuse_network_file_system(str(place / "store.db"), str(tmp_path / "no such file"))
