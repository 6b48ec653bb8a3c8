"""Connections to the SQLite file, all with the same care, and what SQLite's errors mean to a caller.

Every connection that writes is durable by the time COMMIT returns (WAL, synchronous=FULL). Checkpoints are never
automatic, not even on closing: the writer makes them when they disturb least, and only while it trusts the file.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Literal

import apsw

from onpaid.errors import StoreUnavailable, StoreUnusable
from onpaid.store.sqlite_schema import migrate

WAL_KEPT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Which file, and how to reach it."""

    path: str
    vfs: str | None = None
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    busy_ms: int = 2_000

    def connect(self, *, cache_kib: int = 2_048) -> apsw.Connection:
        """A connection to the existing file."""
        connection = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READWRITE, vfs=self.vfs)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(self.busy_ms)
        connection.execute(
            f"PRAGMA synchronous = {self.synchronous}; PRAGMA cache_size = -{cache_kib};"
            f"PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0;"
            f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}"
        ).fetchall()
        return connection

    def prepare(self) -> None:
        """Make the file what this version needs. Raises StoreUnusable or StoreUnavailable."""
        # SQLite does not wait where two processes change to WAL at once, so waiting is done here.
        until = time.monotonic() + self.busy_ms / 1000
        while True:
            try:
                self._prepare()
                return
            except StoreUnavailable as refused:
                if not isinstance(refused.__cause__, apsw.BusyError) or time.monotonic() >= until:
                    raise
            time.sleep(0.02)

    def _prepare(self) -> None:
        connection: apsw.Connection | None = None
        try:
            connection = apsw.Connection(self.path, vfs=self.vfs)
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.set_busy_timeout(self.busy_ms)
            migrate(connection, self.path)
            connection.pragma("synchronous", self.synchronous)
            if connection.pragma("journal_mode", "wal") != "wal":
                raise StoreUnusable(f"{self.path} cannot be kept in WAL mode here: put it on a local disk")
            # What a killed process wrote and did not sync is read again, so it is synced before it is believed.
            with contextlib.suppress(
                apsw.BusyError, apsw.FullError
            ):  # the log itself was synced before these
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            raise unavailable(error) from error
        finally:
            if connection is not None:
                connection.close(force=True)


def unavailable(error: BaseException) -> StoreUnavailable:
    """What a failure of SQLite or of the system below it means, as a sentence with a next step."""
    said = str(error) or type(error).__name__
    if isinstance(error, apsw.FullError):
        return StoreUnavailable("the disk is full: free some space, the store goes on by itself")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreUnavailable("another process is writing to the database: try again")
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StoreUnavailable(f"the database file is damaged ({said}): restore a backup")
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return StoreUnavailable(f"the database file cannot be written ({said}): look at its permissions")
    return StoreUnavailable(f"the database could not be reached ({said}): try again")
