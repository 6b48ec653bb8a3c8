"""Moving what is committed from the write-ahead log into the file, without making a commit wait.

Past a mark, a thread with a connection of its own copies the log while the writer goes on. The log starts again
from its beginning only when all of it has been copied, which a busy writer never allows; so when the thread is
done, the writer itself copies the little that has come since. Past a second mark the writer copies on its own.
The connection is kept open for another reason too: as long as one is, SQLite goes by its index of the log and
does not read again, from the log itself, what a failed commit may have left there.
"""

from __future__ import annotations

import contextlib
import threading
from queue import SimpleQueue

import apsw

from onpaid.store.sqlite_connect import Place

PAGE = 4096

# With these nothing was lost: the copy simply was not finished.
_NOT_NOW = (apsw.BusyError, apsw.LockedError, apsw.FullError)


class Checkpoints:
    """Called by the writer, from its thread: `hold` before it opens its connection, `after_commit` after each."""

    def __init__(self, place: Place, *, soft_bytes: int, hard_bytes: int) -> None:
        self._place = place
        self._soft = soft_bytes // PAGE
        self._hard = hard_bytes // PAGE
        self._next = self._soft
        self._pages = 0
        self._copied = False
        self._connection: apsw.Connection | None = None
        self._thread: threading.Thread | None = None
        self._requests: SimpleQueue[bool] = SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        # A sync failed: pages may be lost that the index of the log counts as copied.
        self.failed = False

    def hold(self) -> None:
        """Open the connection, if it is not open, and with it the index of the log."""
        if self._connection is None:
            connection = self._place.connect()
            connection.execute("SELECT mark FROM writer").fetchall()
            self._connection = connection

    def after_commit(self, connection: apsw.Connection) -> None:
        """Do, or have done, what the size of the log asks for."""
        self._pages += connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)[0]
        if self._pages < self._next or self.failed:
            return
        if self._pages >= self._hard:
            self._idle.wait()
        elif not self._idle.is_set():
            return
        if self._copied or self._pages >= self._hard:
            self._copied = False
            self._copy_rest(connection)
        else:
            self._begin()

    def _copy_rest(self, connection: apsw.Connection) -> None:
        in_log, copied = self._copy(connection)
        if in_log == copied:
            self._pages, self._next = 0, self._soft
        else:
            # A reader is in the way, or there is no space: not again before the log has grown a good deal.
            self._pages = max(in_log, self._pages)
            self._next = self._pages + self._soft // 4

    def _copy(self, connection: apsw.Connection) -> tuple[int, int]:
        try:
            return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except _NOT_NOW:
            pass
        except Exception:  # noqa: BLE001 - told by the flag, which the writer heeds
            self.failed = True
        return -1, 0

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="onpaid-checkpoint", daemon=True)
            self._thread.start()
        self._idle.clear()
        self._requests.put(True)

    def _work(self) -> None:
        while self._requests.get():
            if self._connection is not None:
                self._copy(self._connection)
            self._copied = True
            self._idle.set()

    def drop(self) -> None:
        """Close the connection."""
        self._idle.wait()
        self._pages, self._next, self._copied = 0, self._soft, False
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(apsw.Error):
                connection.close(force=True)

    def close(self) -> None:
        """Let a copy that is under way come to its end, and end."""
        if self._thread is not None:
            self._requests.put(False)
            self._thread.join()
            self._thread = None
        self.drop()
