"""Troubles of copying: names that are taken, disks that are full, sources that are damaged or still read."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from onpaid.errors import StoreUnavailable, StoreUnusable
from onpaid.store import sqlite_backup
from onpaid.store.sqlite_backup import backup, restore
from onpaid.store.sqlite_connect import Place
from tests.stores.kit import Open, killed, paid, stored


def left_behind(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("*partial*")]


async def test_a_copy_whose_name_was_taken_meanwhile_overwrites_nothing(
    open_sqlite: Open, tmp_path: Path
) -> None:
    source, target = await stored(open_sqlite, tmp_path), tmp_path / "copy.db"
    with pytest.raises(StoreUnusable, match="exists already"):
        backup(source, target, instant=1, progress=lambda *_: target.write_text("precious") and None)
    assert target.read_text() == "precious"
    assert left_behind(tmp_path) == []


async def test_a_copy_can_be_made_where_there_are_no_hard_links(
    open_sqlite: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await stored(open_sqlite, tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    backup(source, tmp_path / "copy.db", instant=1)
    assert restore(tmp_path / "copy.db", tmp_path / "again.db").restored_from_instant == 1
    assert left_behind(tmp_path) == []


async def test_a_store_can_be_copied_from_a_store_that_is_no_backup(
    open_sqlite: Open, tmp_path: Path
) -> None:
    source = await stored(open_sqlite, tmp_path)
    moved = restore(source, tmp_path / "again.db")
    assert (moved.generation, moved.restored_from_instant) == (1, None)
    assert await (await open_sqlite("again.db")).count("order", "all", "") == 60


async def test_a_source_that_contradicts_itself_is_not_copied(open_sqlite: Open, tmp_path: Path) -> None:
    """Every page can be read, and yet the file breaks its own rules."""
    source = await stored(open_sqlite, tmp_path)
    connection = apsw.Connection(str(source))
    connection.execute("PRAGMA ignore_check_constraints = ON; UPDATE writer SET one = 2")
    connection.close()
    with pytest.raises(StoreUnusable, match="the source probably is as well"):
        backup(source, tmp_path / "copy.db", instant=1)
    assert not (tmp_path / "copy.db").exists()
    assert left_behind(tmp_path) == []


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes: a disk that takes no more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_is_full_while_copying_is_told(open_sqlite: Open, tmp_path: Path) -> None:
    source = await stored(open_sqlite, tmp_path)
    with small_files(60_000), pytest.raises(StoreUnavailable):
        backup(source, tmp_path / "copy.db", instant=1)
    assert not (tmp_path / "copy.db").exists()
    assert left_behind(tmp_path) == []


async def test_a_copy_that_the_system_refuses_is_told(open_sqlite: Open, tmp_path: Path) -> None:
    source = await stored(open_sqlite, tmp_path)
    with pytest.raises(StoreUnavailable, match="look at the disk and its rights"):
        backup(source, tmp_path / ("x" * 250), instant=1)
    assert left_behind(tmp_path) == []


async def test_a_store_whose_log_cannot_be_emptied_is_set_aside_with_it(
    open_sqlite: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody still reads it: nothing of what it held is lost."""
    source = await stored(open_sqlite, tmp_path)
    backup(source, tmp_path / "copy.db", instant=1)
    await killed(source, paid(99))
    lingering = apsw.Connection(str(source))
    lingering.execute("BEGIN; SELECT count(*) FROM documents").fetchall()
    monkeypatch.setattr(sqlite_backup, "Place", lambda path: Place(path, busy_ms=0))
    restore(tmp_path / "copy.db", source, force=True)
    lingering.close(force=True)
    assert await (await open_sqlite()).get("order", "o00099") is None
    assert await (await open_sqlite("store.db.replaced")).get("order", "o00099") is not None
