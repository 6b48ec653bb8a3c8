"""The one writer: a thread that commits everything queued in one transaction and releases all waiters after it.

Nobody is told anything about a batch before the COMMIT of its transaction is durable; that holds for a refusal
too, since what it was refused for may be of the same transaction. When a COMMIT fails, the mark that each
transaction leaves in the file tells what became of it: written, not written, or not to be known.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

import apsw

from onpaid.errors import StoreError, StoreUnavailable, StoreUnknown
from onpaid.store.port import Write
from onpaid.store.sqlite_checkpoint import Checkpoints
from onpaid.store.sqlite_connect import Place, unavailable
from onpaid.store.sqlite_group import Group, Packed
from onpaid.store.sqlite_rows import Session, fetch

MOST_GROUP_BYTES = 8 * 1024 * 1024

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

    def __init__(self, writes: Sequence[Write], packed: Sequence[Packed], done: asyncio.Future[None]) -> None:
        self.writes = writes
        self.packed = packed
        self.done = done
        self.size = sum(len(body) for _, body in packed)
        self.refusal: Exception | None = None


class Writer:
    """Takes jobs on the loop's thread, does them on its own."""

    def __init__(
        self,
        place: Place,
        loop: asyncio.AbstractEventLoop,
        checkpoints: Checkpoints,
        *,
        most_in_group: int,
        most_jobs: int,
        most_bytes: int,
    ) -> None:
        self._place = place
        self._loop = loop
        self._checkpoints = checkpoints
        self._most_in_group = most_in_group
        self._most_jobs = most_jobs
        self._most_bytes = most_bytes
        self._jobs_waiting = 0
        self._bytes_waiting = 0
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._session: Session | None = None
        self._mark = int.from_bytes(os.urandom(7), "big")
        self._doubt: int | None = None  # the mark of a transaction that may have been half written
        self.commits = 0
        self._thread = threading.Thread(target=self._run, name="onpaid-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job. Raises StoreUnavailable."""
        if not self._thread.is_alive():
            raise StoreUnavailable("the writer of the store has ended: restart the program")
        if self._jobs_waiting >= self._most_jobs or self._bytes_waiting + job.size > self._most_bytes:
            raise StoreUnavailable(f"{self._jobs_waiting} batches are waiting to be written: try again")
        self._jobs_waiting += 1
        self._bytes_waiting += job.size
        self._queue.put(job)

    async def close(self) -> None:
        """Finish what is queued and end."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        last = False
        while not last:
            jobs, last = self._take()
            if jobs:
                self._do(jobs)
                self._tell(jobs)
                if self._session is not None:
                    self._checkpoints.after_commit(self._session.connection)
        self._checkpoints.close()
        self._drop()

    def _take(self) -> tuple[list[Job], bool]:
        """Everything queued, up to what one transaction should hold, and whether it is the last."""
        job = self._queue.get()
        jobs: list[Job] = []
        size = 0
        while job is not None:
            jobs.append(job)
            size += job.size
            if len(jobs) >= self._most_in_group or size >= MOST_GROUP_BYTES:
                return jobs, False
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs, False
        return jobs, True

    def _tell(self, jobs: list[Job]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it everyone who waited
            self._loop.call_soon_threadsafe(self._release, jobs)

    def _release(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._jobs_waiting -= 1
            self._bytes_waiting -= job.size
            if job.done.done():
                continue
            if job.refusal is None:
                job.done.set_result(None)
            else:
                job.done.set_exception(job.refusal)

    def _do(self, jobs: list[Job]) -> None:
        """Give every job its outcome."""
        try:
            session = self._opened()
            before, mark = self._write(session, jobs)
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever happens to a transaction
            self._drop()
            if len(jobs) > 1 and not isinstance(error, _OF_THE_FILE):
                for job in jobs:  # one of them is at fault: alone it harms nobody
                    self._do([job])
            else:
                _refuse(jobs, unavailable(error), error)
            return
        if mark is None:
            return
        try:
            session.cursor.execute("COMMIT")
            self.commits += 1
            self._doubt = None
        except Exception as error:  # noqa: BLE001 - as above
            self._drop()
            self._judge(jobs, before, mark, error)

    def _write(self, session: Session, jobs: list[Job]) -> tuple[int, int | None]:
        """Do all but the COMMIT: the marks before and after, None if there is nothing to commit."""
        cursor = session.cursor
        self._resolve(session)
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
        self._doubt = mark
        try:
            session = self._opened()
            found = _mark_of(session)
            if found == before and isinstance(error, apsw.FullError):
                # The disk was full before the frame that makes a transaction valid was whole.
                self._doubt = None
                _refuse(jobs, unavailable(error), error)
                return
            self._resolve(session)
            # A commit after it makes the outcome final: it overwrites what may lie behind the last valid frame.
            session.cursor.execute("BEGIN IMMEDIATE")
            found = _mark_of(session)
            self._leave_mark(session)
            session.cursor.execute("COMMIT")
            self._doubt = None
            if found == mark:
                return
            if found == before:
                _refuse(jobs, unavailable(error), error)
                return
        except Exception as second:  # noqa: BLE001 - as above
            self._drop()
            error = second
        unknown = StoreUnknown(
            f"the commit failed ({error}), and what became of it cannot be read: look again"
        )
        _refuse(jobs, unknown, error)

    def _resolve(self, session: Session) -> None:
        """Make durable what a failed COMMIT did get into the log, before anything is built upon it.

        A failed sync may have lost pages that the system still shows us. What is seen is therefore copied from
        the log into the file, written and synced anew, and the log starts from its beginning.
        """
        if self._doubt is not None and _mark_of(session) == self._doubt:
            session.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._doubt = None

    def _opened(self) -> Session:
        if self._session is None:
            self._session = Session(self._place.connect(cache_kib=16_384))
            self._checkpoints.attach(self._session.connection)
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
