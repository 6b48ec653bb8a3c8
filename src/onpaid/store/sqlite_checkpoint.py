"""Moving what is committed from the write-ahead log into the file, without making a commit wait.

Past a mark, a thread with a connection of its own copies the log while the writer goes on. The log starts again
from its beginning only when all of it has been copied, which a busy writer never allows; so when the thread is
done, the writer itself copies the little that has come since. Past a second mark the writer copies on its own.
"""

from __future__ import annotations

import contextlib
import threading
from queue import SimpleQueue

import apsw

from onpaid.store.sqlite_connect import Place

PAGE = 4096


class Checkpoints:
    """Fulfils its promise by being called after every commit, from the writer's thread."""

    def __init__(self, place: Place, *, soft_bytes: int, hard_bytes: int) -> None:
        self._place = place
        self._soft = soft_bytes // PAGE
        self._hard = hard_bytes // PAGE
        self._pages = 0
        self._requests: SimpleQueue[bool] = SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._copied = False
        self._thread: threading.Thread | None = None
        self._next = self._soft

    def attach(self, connection: apsw.Connection) -> None:
        """Learn the size of the log from each commit of the writer's connection."""
        connection.set_wal_hook(self._seen)

    def _seen(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def after_commit(self, connection: apsw.Connection) -> None:
        """Do, or have done, what the size of the log asks for. Errors wait for the next time."""
        if self._pages < self._next:
            return
        if self._pages >= self._hard:
            self._idle.wait()
        elif not self._idle.is_set():
            return
        if self._copied or self._pages >= self._hard:
            self._copied = False
            self._copy(connection)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="onpaid-checkpoint", daemon=True)
            self._thread.start()
        self._idle.clear()
        self._requests.put(True)

    def _copy(self, connection: apsw.Connection) -> None:
        try:
            total, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error:
            total, copied = 1, 0
        # A reader in the way, or no space: not again before the log has grown by a quarter of the mark.
        self._next = self._soft if total == copied else self._pages + self._soft // 4

    def _work(self) -> None:
        connection: apsw.Connection | None = None
        while self._requests.get():
            # Whatever goes wrong here, the writer tries again, or does it itself.
            with contextlib.suppress(Exception):
                if connection is None:
                    connection = self._place.connect()
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._copied = True
            self._idle.set()
        if connection is not None:
            with contextlib.suppress(apsw.Error):
                connection.close(force=True)

    def close(self) -> None:
        """Let a copy that is under way come to its end."""
        if self._thread is not None:
            self._requests.put(False)
            self._thread.join()
            self._thread = None
