"""What only the SQLite store promises: group commit, durability, one server on one file, truth after errors."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import pytest
from tests.stores.power import check_file
from tests.stores.vfs import Disk

from onpaid.errors import Conflict, InvalidInput, StoreUnavailable, StoreUnknown, StoreUnusable
from onpaid.store import sqlite_schema
from onpaid.store.port import Check, Delete, Entry, Insert, Put, Update
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_connect import Place
from onpaid.store.sqlite_group import Group
from onpaid.store.sqlite_lock import Announcement, read_announcement, refuse_network_file_system

Open = Callable[..., Awaitable[SqliteStore]]


def paid(number: int, body: bytes = b"") -> Insert:
    return Insert("order", f"o{number:05}", body, (Entry("all", "", number),))


# Group commit


async def test_what_comes_together_is_committed_together(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await asyncio.gather(*(store.commit([paid(number)]) for number in range(200)))
    assert store.commits <= 3  # the first may go alone, and a queue may be seen half filled
    before = store.commits
    for number in range(200, 210):
        await store.commit([paid(number)])
    assert store.commits == before + 10
    assert await store.count("order", "all", "") == 210


async def test_a_refused_batch_does_not_fail_its_neighbours(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(5)])
    before = store.commits
    told = await asyncio.gather(
        *(store.commit([paid(number), Put("beside", f"b{number}", b"")]) for number in range(10)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in told] == [type(None)] * 5 + [Conflict] + [type(None)] * 4
    assert store.commits <= before + 2
    assert await store.get("beside", "b5") is None
    assert await store.count("order", "all", "") == 10


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (Insert("order", "x", "text"), TypeError),  # type: ignore[arg-type]
        (Insert("order", "x", b"", (Entry("all", "", 1 << 63),)), ValueError),
        (Insert("order", "x", b"", (Entry("all", "", 1.5),)), ValueError),  # type: ignore[arg-type]
        (Insert("order", "\ud800", b""), ValueError),
        (Insert("order", "x", b"", (Entry("all", "\udfff", 1),)), ValueError),
        (Insert("order", None, b""), AttributeError),  # type: ignore[arg-type]
    ],
)
async def test_a_batch_that_cannot_be_written_fails_alone(
    open_sqlite: Open, bad: Insert, error: type[Exception]
) -> None:
    store = await open_sqlite()
    told = await asyncio.gather(
        store.commit([paid(1)]), store.commit([bad]), store.commit([paid(2)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in told][::2] == [type(None), type(None)]
    assert isinstance(told[1], error)


async def test_a_batch_that_breaks_the_writer_fails_alone(
    open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing known gets there; if something does, its neighbours must not pay for it."""
    store = await open_sqlite()
    decide = Group.decide

    def explode(self: object, writes: object, packed: object) -> Conflict | None:
        if any(write.key == "bomb" for write in writes):  # type: ignore[attr-defined]
            raise apsw.MismatchError("bang")
        return decide(self, writes, packed)  # type: ignore[arg-type]

    monkeypatch.setattr(Group, "decide", explode)
    told = await asyncio.gather(
        store.commit([paid(1)]),
        store.commit([Insert("order", "bomb", b"")]),
        store.commit([paid(2)]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in told] == [type(None), StoreUnavailable, type(None)]
    assert await store.count("order", "all", "") == 2


async def test_batches_of_one_group_build_upon_each_other(open_sqlite: Open) -> None:
    store = await open_sqlite()
    told = await asyncio.gather(
        store.commit([Insert("a", "1", b"first", (Entry("i", "x", 1),))]),
        store.commit([Insert("a", "1", b"second")]),
        store.commit([Update("a", "1", b"third", 1, (Entry("i", "x", 2),))]),
        store.commit([Check("a", "1", 2), Insert("a", "2", b"", (Entry("i", "x", 3),))]),
        store.commit([Delete("a", "2")]),
        store.commit([Insert("a", "2", b"anew", (Entry("i", "x", 4),))]),
        store.commit([Delete("a", "3"), Insert("a", "4", b"")]),
        store.commit([Delete("a", "4")]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in told].count(Conflict) == 1
    found = await store.get_many("a", ["1", "2", "3", "4"])
    assert [stored and (stored.version, stored.body) for stored in found] == [
        (2, b"third"),
        (1, b"anew"),
        None,
        None,
    ]
    page = await store.query("a", "i", "x", newest_first=False)
    assert [(item.key, item.version) for item in page.items] == [("1", 2), ("2", 1)]


async def test_a_batch_that_changes_nothing_commits_nothing(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    before = store.commits
    await store.commit([Check("order", "o00001", 1), Delete("order", "absent")])
    assert store.commits == before
    await store.ping()
    assert store.commits == before + 1


async def test_a_waiter_that_gives_up_disturbs_nobody(open_sqlite: Open) -> None:
    store = await open_sqlite()
    tasks = [asyncio.ensure_future(store.commit([paid(number)])) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in told[::2])
    assert told[1::2] == [None] * 10
    await store.commit([paid(99)])


async def test_a_full_queue_refuses(open_sqlite: Open) -> None:
    store = await open_sqlite(most_waiting=10)
    told = await asyncio.gather(
        *(store.commit([paid(number)]) for number in range(30)), return_exceptions=True
    )
    refused = [number for number, outcome in enumerate(told) if isinstance(outcome, StoreUnavailable)]
    assert refused == list(range(10, 30))
    assert await store.count("order", "all", "") == 10
    await store.commit([paid(30)])


async def test_too_many_bytes_in_the_queue_are_refused(open_sqlite: Open) -> None:
    store = await open_sqlite(most_waiting_bytes=100_000)
    noise = os.urandom(60_000)
    told = await asyncio.gather(
        store.commit([paid(1, noise)]), store.commit([paid(2, noise)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in told] == [type(None), StoreUnavailable]


async def test_a_dead_writer_refuses(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store._writer.close()
    with pytest.raises(StoreUnavailable, match="restart"):
        await store.commit([paid(1)])
    with pytest.raises(StoreUnavailable):
        await store.ping()


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


# Truth after errors


async def test_no_refusal_is_told_for_what_was_never_durable(open_sqlite: Open) -> None:
    """Two deliveries in one group: the second is a duplicate only if the first gets in."""
    disk = Disk()
    store = await open_sqlite(vfs=disk.name)
    await store.commit([paid(0)])
    disk.fault = lambda _count, what, _path: apsw.FullError("no space") if what == "write" else None
    told = await asyncio.gather(*(store.commit([paid(1)]) for _ in range(2)), return_exceptions=True)
    assert [type(outcome) for outcome in told] == [StoreUnavailable, StoreUnavailable]
    disk.fault = None
    assert await store.get("order", "o00001") is None
    await store.commit([paid(1)])


async def test_a_full_disk_is_told_and_got_over(open_sqlite: Open) -> None:
    disk = Disk()
    store = await open_sqlite(vfs=disk.name)
    await store.commit([paid(0)])
    disk.fault = lambda _count, what, _path: apsw.FullError("no space") if what == "write" else None
    for number in range(1, 6):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            await store.commit([paid(number)])
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await store.ping()
    assert await store.get("order", "o00000") is not None
    disk.fault = None
    await store.ping()
    await store.commit([paid(6)])
    found = await store.query("order", "all", "", newest_first=False)
    assert [item.key for item in found.items] == ["o00000", "o00006"]


async def test_a_commit_whose_sync_failed_is_refused_only_when_it_is_surely_out(open_sqlite: Open) -> None:
    disk = Disk()
    store = await open_sqlite(vfs=disk.name)
    await store.commit([paid(0)])
    failing = iter([True])
    disk.fault = lambda _count, what, _path: (
        apsw.IOError("sync failed") if what == "sync" and next(failing, False) else None
    )
    with pytest.raises(StoreUnavailable, match="sync failed"):
        await store.commit([paid(1)])
    assert await store.get("order", "o00001") is None
    disk.cut()
    disk.save(Path(store._reader._place.path), Path(store._reader._place.path).with_name("after.db"))
    after = await open_sqlite("after.db")
    assert await after.get("order", "o00000") is not None
    assert await after.get("order", "o00001") is None


async def test_a_disk_that_stays_broken_leaves_the_outcome_unknown(open_sqlite: Open) -> None:
    disk = Disk()
    store = await open_sqlite(vfs=disk.name)
    await store.commit([paid(0)])
    disk.fault = lambda _count, what, _path: apsw.IOError("sync failed") if what == "sync" else None
    with pytest.raises(StoreUnknown):
        await store.commit([paid(1)])
    disk.fault = None
    await store.commit([paid(2)])
    assert await store.get("order", "o00002") is not None


async def test_a_commit_that_failed_after_it_was_durable_is_no_failure(
    open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_sqlite()
    await store.commit([paid(0)])
    seen = store._writer._checkpoints._seen
    calls = iter([True])

    def stumble(*told: object) -> int:
        if next(calls, False):
            raise apsw.IOError("stumbled after the commit")
        return seen(*told)  # type: ignore[arg-type]

    connection = store._writer._session
    assert connection is not None
    connection.connection.set_wal_hook(stumble)
    told = await asyncio.gather(
        store.commit([paid(1)]), store.commit([paid(1)]), store.commit([paid(2)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in told].count(Conflict) == 1
    assert None in told[:2]
    assert told[2] is None
    assert await store.count("order", "all", "") == 3


async def test_a_locked_file_is_told_and_got_over(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite(busy_ms=1)
    await store.commit([paid(0)])
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another process"):
        await store.commit([paid(1)])
    assert await store.get("order", "o00000") is not None
    other.execute("ROLLBACK")
    other.close()
    await store.commit([paid(1)])


async def test_a_damaged_file_is_told(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite()
    await store.commit([paid(number, os.urandom(3_000)) for number in range(90)])
    await store.close()
    kept = (tmp_path / "store.db").read_bytes()
    (tmp_path / "store.db").write_bytes(kept[: 4096 * 3] + b"\xaa" * (len(kept) - 4096 * 3))
    again = await open_sqlite()
    told = await asyncio.gather(
        *(again.get("order", f"o{number:05}") for number in range(90)), return_exceptions=True
    )
    damaged = [outcome for outcome in told if isinstance(outcome, BaseException)]
    assert damaged
    assert all(isinstance(outcome, StoreUnavailable) for outcome in damaged)


async def test_reading_goes_on_after_an_error(open_sqlite: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    failing = iter([True])
    connect = Place.connect

    def stumble(self: Place, **how: int) -> apsw.Connection:
        if next(failing, False):
            raise apsw.CantOpenError("too many open files")
        return connect(self, **how)

    monkeypatch.setattr(Place, "connect", stumble)
    with pytest.raises(StoreUnavailable, match="permissions"):
        await store.get("order", "o00001")
    assert await store.get("order", "o00001") is not None


# How it is kept


async def test_large_bodies_are_kept_compressed_where_it_pays(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite()
    squeezable, noise = b'{"amount":129900,"currency":"nok"}' * 100, os.urandom(3_000)
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
    session = store._writer._session
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
