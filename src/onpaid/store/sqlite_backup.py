"""A consistent copy of a store while it is being written, and the way back.

A backup is one file, checked before it gets its name. Restoring puts a copy of it in place, raises the store's
generation and keeps what was there before under another name. While a backup is being made the log of the
source cannot start again from its beginning, so it grows by what is written meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from onpaid.errors import StoreError, StoreUnavailable, StoreUnusable
from onpaid.store.generation import KEY, KIND, Generation, decode, raised_from
from onpaid.store.sqlite_connect import Place, unavailable
from onpaid.store.sqlite_group import write_alone
from onpaid.store.sqlite_lock import FileLock
from onpaid.store.sqlite_reader import Reader
from onpaid.store.sqlite_rows import Session, fetch
from onpaid.store.sqlite_schema import check_ours

Progress = Callable[[int, int], None]
PathLike = str | os.PathLike[str]

PAGES_AT_ONCE = 2_000


def backup(source: PathLike, target: PathLike, *, instant: int, progress: Progress | None = None) -> int:
    """Copy the store at `source` to the new file `target`; its size in bytes.

    `instant` (milliseconds) is kept in the copy: restoring it, reconciliation starts from there. `progress` is
    called with pages done and pages in all. Raises StoreUnusable or StoreUnavailable, and leaves no half copy.
    """
    where = Path(target)
    if where.exists():
        raise StoreUnusable(f"{where} exists already: name another file, nothing is overwritten")
    with _told(source), _partial(where) as part:
        _copy(Path(source), part, progress)
        connection = apsw.Connection(str(part))
        try:
            # The copy says WAL as its source does; without it, it is one file that may lie on read-only media.
            connection.pragma("journal_mode", "delete")
            connection.execute("CREATE TABLE IF NOT EXISTS backup (instant INTEGER NOT NULL) STRICT")
            connection.execute("DELETE FROM backup")
            connection.execute("INSERT INTO backup VALUES (?)", (instant,))
            _check(connection, str(source))
        finally:
            connection.close(force=True)
        _sync(part)
        try:
            os.link(part, where)
        except FileExistsError:
            raise StoreUnusable(f"{where} exists already: name another file") from None
        except OSError:
            os.rename(part, where)  # a file system without hard links
        _sync(where.parent)
    return where.stat().st_size


def restore(
    source: PathLike, target: PathLike, *, force: bool = False, progress: Progress | None = None
) -> Generation:
    """Put a copy of the backup `source` in place as `target`; its new generation.

    A store that is in use is never replaced; one that exists only with `force`, and it is kept beside the new
    one as `<target>.replaced`. Raises StoreUnusable or StoreUnavailable.
    """
    where = Path(target)
    lock = FileLock.take(str(where))
    try:
        if where.exists() and not force:
            raise StoreUnusable(
                f"{where} exists already: name another file, or say that it is to be replaced"
            )
        above = _generation_of(where) if where.exists() else 0
        with _told(source), _partial(where) as part:
            _copy(Path(source), part, progress)
            instant = _take_instant(part)
            place = Place(str(part))
            place.prepare()
            raised = _raise(place, instant, above)
            _sync(part)
            _move_aside(where)
            os.rename(part, where)
            _sync(where.parent)
        return raised
    finally:
        lock.release()


def _copy(source: Path, part: Path, progress: Progress | None) -> None:
    """Copy one state of `source`, page by page, while others may write to it."""
    if not source.is_file():
        raise StoreUnusable(f"{source} does not exist: name the file to copy")
    reading = writing = None
    try:
        reading = Place(str(source)).connect()
        if not check_ours(reading, str(source)):
            raise StoreUnusable(f"{source} is empty: name the file to copy")
        # The open transaction keeps the state that is copied; without it every commit would start it anew.
        reading.execute("BEGIN; SELECT count(*) FROM sqlite_schema").fetchall()
        os.close(os.open(part, os.O_CREAT | os.O_RDWR, 0o600))
        writing = apsw.Connection(str(part))
        with writing.backup("main", reading, "main") as copying:
            while not copying.done:
                copying.step(PAGES_AT_ONCE)
                if progress is not None:
                    progress(copying.page_count - copying.remaining, copying.page_count)
    finally:
        for connection in (writing, reading):
            if connection is not None:
                connection.close(force=True)


def _check(connection: apsw.Connection, source: str) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise StoreUnusable(f"the copy of {source} is damaged ({found[0]}): the source probably is as well")


def _take_instant(part: Path) -> int | None:
    """The instant that the backup was made at; from here on the copy is a store like any other."""
    connection = apsw.Connection(str(part))
    try:
        _check(connection, str(part))
        if not fetch(connection.cursor(), "SELECT 1 FROM sqlite_schema WHERE name = 'backup'"):
            return None
        rows = fetch(connection.cursor(), "SELECT instant FROM backup")
        connection.execute("DROP TABLE backup")
        return rows[0][0] if rows else None
    finally:
        connection.close(force=True)


def _raise(place: Place, instant: int | None, above: int) -> Generation:
    reader = Reader(place)
    session = Session(place.connect())
    try:
        raised, write = raised_from(reader.get(KIND, KEY), instant, above)
        write_alone(session, [write])
        session.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        reader.close()
        session.close()
    return raised


def _generation_of(where: Path) -> int:
    """The generation of the store that is about to be replaced, 0 if it cannot be told any more."""
    place = Place(str(where))
    reader = Reader(place)
    try:
        found = decode(reader.get(KIND, KEY)).generation
        session = Session(place.connect())
        with contextlib.suppress(apsw.Error):  # it is kept with its log, then
            session.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        session.close()
        return found
    except (StoreError, ValueError):
        return 0
    finally:
        reader.close()


def _move_aside(where: Path) -> None:
    """Give way to the new file. The old log must go as well: beside another file it would destroy that one."""
    aside, number = Path(f"{where}.replaced"), 1
    while aside.exists():
        number += 1
        aside = Path(f"{where}.replaced-{number}")
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{where}{ending}", f"{aside}{ending}")


@contextlib.contextmanager
def _told(source: PathLike) -> Iterator[None]:
    """Errors of SQLite and of the system as sentences."""
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise StoreUnusable(
            f"{source} is not a database, or is damaged ({error}): name another file"
        ) from error
    except apsw.Error as error:
        raise unavailable(error) from error
    except OSError as error:
        raise StoreUnavailable(
            f"the copy could not be made ({error}): look at the disk and its rights"
        ) from error


@contextlib.contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A file beside the target that never outlives the work on it."""
    if not target.parent.is_dir():
        raise StoreUnusable(f"the directory {target.parent} does not exist: create it first")
    part = Path(f"{target}.partial")
    _remove(part)
    try:
        yield part
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        Path(f"{part}{ending}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
