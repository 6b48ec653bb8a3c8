"""Groups of batches put into the file, each in one transaction, and the truth about what became of them.

Nothing is told about a batch before the COMMIT of its transaction is durable; that holds for a refusal too, since
what it was refused for may be of the same transaction. When a COMMIT fails, the mark that each transaction leaves
in the file tells what became of it: written, not written, or not to be told. Everything here runs in the
writer's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import apsw

from onpaid.errors import StoreError, StoreUnknown
from onpaid.store.sqlite_checkpoint import Checkpoints
from onpaid.store.sqlite_connect import Place, unavailable
from onpaid.store.sqlite_group import Group, Packed
from onpaid.store.sqlite_rows import Session, Written, fetch

# After these, what went wrong is the file or the system, not one of the batches.
_OF_THE_FILE = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.NoMemError,
    apsw.ProtocolError,
)


class Job:
    """One batch on its way, and who waits for it. Without writes it only proves that a commit can be made."""

    __slots__ = ("done", "packed", "refusal", "size", "writes")

    def __init__(
        self, writes: Sequence[Written], packed: Sequence[Packed], done: asyncio.Future[None]
    ) -> None:
        self.writes = writes
        self.packed = packed
        self.done = done
        self.size = sum(len(body) for _, body in packed)
        self.refusal: Exception | None = None


class Transactions:
    """Does jobs on the file, on a connection that it opens, and opens again after errors."""

    def __init__(
        self,
        place: Place,
        checkpoints: Checkpoints,
        pause_reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._place = place
        self._checkpoints = checkpoints
        self._pause_reading = pause_reading
        self._session: Session | None = None
        self._mark = int.from_bytes(os.urandom(7), "big")
        self._doubtful = False  # the log may hold a transaction whose COMMIT failed
        self.commits = 0

    def do(self, jobs: list[Job]) -> None:
        """Give every job its outcome."""
        try:
            if self._checkpoints.failed:
                self._renew()
            session = self._opened()
            before, mark = self._write(session, jobs)
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever happens to a transaction
            self._drop()
            if len(jobs) > 1 and not isinstance(error, _OF_THE_FILE):
                for job in jobs:  # one of them is at fault: alone it harms nobody
                    self.do([job])
            else:
                _refuse(jobs, unavailable(error), error)
            return
        if mark is None:
            return
        try:
            session.cursor.execute("COMMIT")
            self.commits += 1
            self._doubtful = False
        except Exception as error:  # noqa: BLE001 - as above
            self._drop()
            self._judge(jobs, before, mark, error)

    def _write(self, session: Session, jobs: list[Job]) -> tuple[int, int | None]:
        """Do all but the COMMIT: the marks before and after, None if there is nothing to commit."""
        cursor = session.cursor
        cursor.execute("BEGIN IMMEDIATE")
        before, highest = fetch(cursor, "SELECT mark, (SELECT max(id) FROM documents) FROM writer")[0]
        group = Group(session, (highest or 0) + 1)
        group.load([job.writes for job in jobs])
        for job in jobs:
            job.refusal = group.decide(job.writes, job.packed)
        if not group.flush() and all(job.writes for job in jobs):
            cursor.execute("ROLLBACK")
            return before, None
        return before, self._leave_mark(session)

    def _leave_mark(self, session: Session) -> int:
        self._mark += 1
        session.cursor.execute("UPDATE writer SET mark = ?", (self._mark,))
        return self._mark

    def _judge(self, jobs: list[Job], before: int, mark: int, error: Exception) -> None:
        """After a failed COMMIT: find out what became of it."""
        self._doubtful = True
        try:
            session = self._opened()
            if isinstance(error, apsw.FullError) and _mark_of(session) == before:
                # The disk was full before the frame that makes a transaction valid was whole.
                self._doubtful = False
                found = before
            else:
                found = self._settle(session)
        except Exception as second:  # noqa: BLE001 - as above
            self._drop()
            found, error = None, second
        if found == before:
            _refuse(jobs, unavailable(error), error)
        elif found != mark:
            unknown = f"the commit failed ({error}), and what became of it cannot be told: look again"
            _refuse(jobs, StoreUnknown(unknown), error)

    def _settle(self, session: Session) -> int:
        """Make the outcome of a failed COMMIT final: the mark that it is known by.

        The commit that this takes overwrites what may lie in the log behind its last valid frame, where the next
        start of the program would find it.
        """
        session.cursor.execute("BEGIN IMMEDIATE")
        found = _mark_of(session)
        self._leave_mark(session)
        session.cursor.execute("COMMIT")
        self._doubtful = False
        return found

    def _renew(self) -> None:
        """After a failed checkpoint: copy the whole log again.

        What the system was to sync and could not, it may have dropped, and SQLite counts it as copied. It counts
        anew when it reads the log itself, which it does when nobody has the file open.
        """
        if self._doubtful:
            self._settle(self._opened())
        with self._pause_reading():
            self._drop()
            self._checkpoints.drop()
        session = self._opened()
        _mark_of(session)  # reading opens the log
        connection = session.connection
        if connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)[1] > 0:
            raise apsw.BusyError("another process has the database open, so it cannot be repaired")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._checkpoints.failed = False

    def checkpoint(self) -> None:
        """Keep the log short. Called when the waiters have been released."""
        if self._session is not None:
            self._checkpoints.after_commit(self._session.connection)

    def close(self) -> None:
        """Leave the file whole without its log, unless the log may be needed to repair it."""
        if self._session is not None and not (self._checkpoints.failed or self._doubtful):
            with contextlib.suppress(apsw.Error):
                self._session.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._checkpoints.close()
        self._drop()

    def _opened(self) -> Session:
        if self._session is None:
            self._checkpoints.hold()
            self._session = Session(self._place.connect(cache_kib=16_384))
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _mark_of(session: Session) -> int:
    mark: int = fetch(session.cursor, "SELECT mark FROM writer")[0][0]
    return mark


def _refuse(jobs: list[Job], refusal: StoreError, cause: Exception) -> None:
    for job in jobs:
        # Each waiter gets an error of its own: raising one object in many places would mix their tracebacks.
        job.refusal = type(refusal)(*refusal.args)
        job.refusal.__cause__ = cause
