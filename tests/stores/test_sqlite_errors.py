"""The truth after errors: full, failing, locked and damaged disks."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import apsw
import pytest

from onpaid.errors import Conflict, StoreUnavailable, StoreUnknown
from onpaid.store.sqlite_connect import Place
from tests.stores.kit import Open, paid
from tests.stores.power import check_file
from tests.stores.vfs import Disk


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


class Stumbling:
    """A cursor that fails after its COMMIT."""

    def __init__(self, cursor: apsw.Cursor) -> None:
        self._cursor = cursor

    def execute(self, text: str, values: tuple[int | str | bytes, ...] = ()) -> apsw.Cursor:
        done = self._cursor.execute(text, values)
        if text == "COMMIT":
            raise apsw.IOError("stumbled after the commit")
        return done


async def test_a_commit_that_failed_after_it_was_durable_is_no_failure(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(0)])
    session = store._transactions._session
    assert session is not None
    session.cursor = Stumbling(session.cursor)  # type: ignore[assignment]
    told = await asyncio.gather(
        store.commit([paid(1)]), store.commit([paid(1)]), store.commit([paid(2)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in told].count(Conflict) == 1
    assert None in told[:2]
    assert told[2] is None
    assert await store.count("order", "all", "") == 3


async def test_after_a_failed_checkpoint_the_whole_log_is_copied_again(
    open_sqlite: Open, tmp_path: Path
) -> None:
    """SQLite counts pages as copied that it has not synced yet; a failed sync may have dropped them for good."""
    disk = Disk(kept_by_failed_sync=0.0)
    store = await open_sqlite(vfs=disk.name, checkpoint_bytes=1_000_000, checkpoint_at_once_bytes=1_000_000)
    await store.commit([paid(number, os.urandom(2_000)) for number in range(60)])
    lingering, copying = (apsw.Connection(str(tmp_path / "store.db"), vfs=disk.name) for _ in range(2))
    lingering.execute("BEGIN; SELECT count(*) FROM documents").fetchall()
    copying.execute("SELECT count(*) FROM documents").fetchall()
    await store.commit([paid(number, os.urandom(2_000)) for number in range(60, 70)])
    in_log, copied = copying.wal_checkpoint()
    assert 0 < copied < in_log
    lingering.close()
    copying.close()
    assert await store.count("order", "all", "") == 70

    disk.fault = lambda _count, what, path: (
        apsw.IOError("sync failed") if what == "sync" and path.endswith(".db") else None
    )
    checkpoints = store._transactions._checkpoints
    checkpoints._soft = checkpoints._next = checkpoints._hard = 1
    stored = 71
    try:
        await store.commit([paid(70)])
    except StoreUnavailable:
        stored = 70  # the writer was still at its checkpoint after the commit before
    with pytest.raises(StoreUnavailable, match="sync failed"):
        await store.ping()  # the file cannot be trusted, so nothing is built upon it
    assert await store.count("order", "all", "") == stored
    disk.fault = None
    await store.commit([paid(71)])
    for number in range(72, 80):
        await store.commit([paid(number)])
    disk.cut()
    disk.save(tmp_path / "store.db", tmp_path / "after.db")
    assert check_file(tmp_path / "after.db") is None
    after = await open_sqlite("after.db")
    assert await after.count("order", "all", "") == stored + 9


async def test_a_file_that_another_process_keeps_open_is_not_repaired_blindly(
    open_sqlite: Open, tmp_path: Path
) -> None:
    store = await open_sqlite()
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("SELECT count(*) FROM documents").fetchall()
    other.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    await store.commit([paid(1)])
    await store.commit([paid(2)])
    assert other.wal_checkpoint()[1] > 0
    store._transactions._checkpoints.failed = True
    with pytest.raises(StoreUnavailable, match="another process"):
        await store.commit([paid(3)])
    other.close()
    await store.commit([paid(3)])
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
