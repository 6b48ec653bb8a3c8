"""The rarer troubles of files and disks: each is told as a sentence, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import fcntl
import threading
from pathlib import Path

import apsw
import pytest

from onpaid.errors import Conflict, StoreUnavailable, StoreUnusable
from onpaid.store.port import Insert
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_checkpoint import Checkpoints
from onpaid.store.sqlite_connect import Place
from onpaid.store.sqlite_group import write_alone
from onpaid.store.sqlite_lock import FileLock, read_announcement
from onpaid.store.sqlite_rows import MOST_BODY, Session
from tests.stores.kit import Open, killed, paid, stored
from tests.stores.vfs import Disk

# -- opening -----------------------------------------------------------------------------------------------------


async def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be created"):
        await SqliteStore.open(tmp_path / ("x" * 300))


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="look at its permissions"):
        Place(str(tmp_path)).prepare()


async def test_a_system_without_shared_memory_cannot_keep_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be kept in WAL mode here"):
        await SqliteStore.open(tmp_path / "store.db", vfs="unix-dotfile")


async def test_who_knows_better_may_use_a_network_file_system(open_sqlite: Open) -> None:
    store = await open_sqlite(network_file_system=True)
    await store.commit([paid(1)])


def test_a_file_that_two_change_at_once_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself does not wait there."""
    prepare, tries = Place._prepare, []

    def stumble(self: Place) -> None:
        tries.append(self.path)
        if len(tries) < 3:
            raise StoreUnavailable("busy") from apsw.BusyError()
        prepare(self)

    monkeypatch.setattr(Place, "_prepare", stumble)
    Place(str(tmp_path / "store.db")).prepare()
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(StoreUnavailable, match="busy"):
        Place(str(tmp_path / "store.db"), busy_ms=0).prepare()


@pytest.mark.parametrize("at", [1, 2, 9, 15])
@pytest.mark.parametrize("kind", [apsw.FullError, apsw.IOError])
async def test_a_disk_that_fails_while_tables_are_made_leaves_an_empty_file(
    open_sqlite: Open, kind: type[apsw.Error], at: int
) -> None:
    disk = Disk()
    disk.fault = lambda count, _what, _path: kind("broken") if count >= at else None
    with pytest.raises(StoreUnavailable):
        await open_sqlite(vfs=disk.name)
    disk.fault = None
    store = await open_sqlite(vfs=disk.name)
    await store.commit([paid(1)])


# -- the lock ----------------------------------------------------------------------------------------------------


def test_a_lock_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.db.lock").mkdir()
    with pytest.raises(StoreUnusable, match="look at its rights"):
        FileLock.take(str(tmp_path / "store.db"))


@pytest.mark.parametrize("said", ["", "garbage", "[]", '{"pid": 1}', '{"pid": "x", "address": ""}'])
def test_a_holder_that_says_nothing_sensible_is_another_process(tmp_path: Path, said: str) -> None:
    lock = tmp_path / "store.db.lock"
    lock.write_text(said)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert read_announcement(tmp_path / "store.db") is None
        with pytest.raises(StoreUnusable, match="in use by another process"):
            FileLock.take(str(tmp_path / "store.db"))


# -- writing -----------------------------------------------------------------------------------------------------


async def test_a_group_has_an_end(open_sqlite: Open) -> None:
    store = await open_sqlite(most_in_group=2)
    before = store.commits
    await asyncio.gather(*(store.commit([paid(number)]) for number in range(5)))
    assert store.commits - before >= 3
    assert await store.count("order", "all", "") == 5


async def test_a_document_has_an_end(open_sqlite: Open) -> None:
    store = await open_sqlite()
    with pytest.raises(ValueError, match="is larger than"):
        await store.commit([Insert("order", "large", bytes(MOST_BODY + 1))])
    assert await store.get("order", "large") is None


async def test_a_batch_written_alone_is_refused_as_any_other(open_sqlite: Open, tmp_path: Path) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    await store.close()
    session = Session(Place(str(tmp_path / "store.db")).connect())
    with pytest.raises(Conflict) as caught:
        write_alone(session, [paid(2), paid(1)])
    assert caught.value.keys == [("order", "o00001")]
    session.close()
    assert await (await open_sqlite()).get("order", "o00002") is None


async def test_a_copy_of_the_log_that_is_asked_for_too_early_is_none(
    open_sqlite: Open, tmp_path: Path
) -> None:
    await (await open_sqlite()).close()
    checkpoints = Checkpoints(Place(str(tmp_path / "store.db")), soft_bytes=1, hard_bytes=1)
    checkpoints._begin()
    checkpoints.close()
    assert not checkpoints.failed


# -- what may fail without harm ----------------------------------------------------------------------------------


async def test_a_disk_that_is_full_as_the_log_is_read_again_is_no_reason_not_to_open(
    open_sqlite: Open, tmp_path: Path
) -> None:
    source = await stored(open_sqlite, tmp_path)
    await killed(source, paid(99))
    disk = Disk()
    disk.fault = lambda _count, what, path: (
        apsw.FullError("no space") if what == "write" and path.endswith(".db") else None
    )
    store = await open_sqlite(vfs=disk.name)
    assert await store.get("order", "o00099") is not None
    disk.fault = None


class Unclosing:
    """A connection that cannot be closed."""

    closed = 0

    def close(self, force: bool = False) -> None:
        self.closed += 1
        raise apsw.IOError(f"cannot be closed, {force=}")


async def test_a_connection_that_cannot_be_closed_is_let_go_of(open_sqlite: Open, tmp_path: Path) -> None:
    await (await open_sqlite()).close()
    place, stuck = Place(str(tmp_path / "store.db")), Unclosing()
    checkpoints = Checkpoints(place, soft_bytes=1, hard_bytes=1)
    checkpoints._connection = stuck  # type: ignore[assignment]
    checkpoints.close()
    assert checkpoints._connection is None
    session = Session(place.connect())
    real, session.connection = session.connection, stuck  # type: ignore[assignment]
    session.close()
    real.close()
    assert stuck.closed == 2


def test_what_was_handed_in_is_written_though_nobody_waits_any_more(tmp_path: Path) -> None:
    """The loop ends while the writer is at its sync: there is nobody left to be told."""
    disk, gone = Disk(), threading.Event()

    async def main() -> SqliteStore:
        store = await SqliteStore.open(tmp_path / "store.db", vfs=disk.name)
        disk.fault = lambda _count, _what, _path: None if gone.wait(30) else apsw.IOError("nobody came")
        waiting = asyncio.ensure_future(store.commit([paid(1)]))
        await asyncio.sleep(0)
        waiting.cancel()
        return store

    loop = asyncio.new_event_loop()
    store = loop.run_until_complete(main())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    gone.set()
    store._writer._queue.put(None)
    store._writer._thread.join()

    async def after() -> bool:
        again = await SqliteStore.open(tmp_path / "store.db")
        found = await again.get("order", "o00001")
        await again.close()
        return found is not None

    assert asyncio.run(after())
