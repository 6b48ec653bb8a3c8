"""The store in one SQLite file: durable before it answers, fast through group commit.

Opened on an event loop and used from it. Batches go to one writing thread and share transactions; reads are made
directly, on a connection of their own. A full disk or a failing one refuses what it cannot keep, and the store
goes on by itself when it can.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from onpaid.errors import StoreUnavailable, StoreUnusable
from onpaid.store.port import Document, Page, Stored, Write, check_batch
from onpaid.store.sqlite_checkpoint import Checkpoints
from onpaid.store.sqlite_connect import Place
from onpaid.store.sqlite_copying import portions
from onpaid.store.sqlite_lock import FileLock, refuse_network_file_system
from onpaid.store.sqlite_reader import Reader
from onpaid.store.sqlite_rows import Written, prepare
from onpaid.store.sqlite_transactions import Job, Transactions
from onpaid.store.sqlite_writer import Writer


class SqliteStore:
    """Fulfils `Store`. Made by `await SqliteStore.open(path)`."""

    def __init__(
        self, reader: Reader, transactions: Transactions, writer: Writer, lock: FileLock | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = reader
        self._transactions = transactions
        self._writer = writer
        self._lock = lock
        self._closed = False

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        exclusive: bool = False,
        network_file_system: bool = False,
        vfs: str | None = None,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        busy_ms: int = 2_000,
        most_in_group: int = 512,
        most_waiting: int = 20_000,
        most_waiting_bytes: int = 128 * 1024 * 1024,
        checkpoint_bytes: int = 4 * 1024 * 1024,
        checkpoint_at_once_bytes: int = 40 * 1024 * 1024,
    ) -> SqliteStore:
        """Open the file, making or upgrading it if need be. Raises StoreUnusable or StoreUnavailable.

        `exclusive` takes the operating system's lock on `<path>.lock`: one server on one file.
        """
        where = os.fspath(path)
        if where == ":memory:" or where.startswith("file:") or not where:
            raise StoreUnusable(f"{where!r} is not the path of a file: name one")
        place = Place(where, vfs, synchronous, busy_ms)

        def prepare_file() -> FileLock | None:
            if not Path(where).parent.is_dir():
                raise StoreUnusable(f"the directory of {where} does not exist: create it first")
            if not network_file_system:
                refuse_network_file_system(where)
            lock = FileLock.take(where) if exclusive else None
            try:
                _make_private(where)
                place.prepare()
            except BaseException:
                if lock is not None:
                    lock.release()
                raise
            return lock

        lock = await asyncio.to_thread(prepare_file)
        checkpoints = Checkpoints(place, soft_bytes=checkpoint_bytes, hard_bytes=checkpoint_at_once_bytes)
        reader = Reader(place)
        transactions = Transactions(place, checkpoints, reader.paused)
        writer = Writer(
            transactions,
            asyncio.get_running_loop(),
            most_in_group=most_in_group,
            most_jobs=most_waiting,
            most_bytes=most_waiting_bytes,
        )
        return cls(reader, transactions, writer, lock)

    @property
    def commits(self) -> int:
        """How many transactions were committed since the store was opened."""
        return self._transactions.commits

    async def get(self, kind: str, key: str) -> Stored | None:
        self._open()
        return self._reader.get(kind, key)

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        self._open()
        return self._reader.get_many(kind, keys)

    async def commit(self, writes: Sequence[Write]) -> None:
        self._open()
        check_batch(writes)
        await self._hand_in(tuple(writes))

    async def query(
        self,
        kind: str,
        index: str,
        value: str,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = True,
        sort_from: int | None = None,
        sort_to: int | None = None,
    ) -> Page:
        self._open()
        if limit < 1:
            raise ValueError("a page holds at least one document")
        return self._reader.query(
            kind,
            index,
            value,
            after=after,
            limit=limit,
            newest_first=newest_first,
            sort_from=sort_from,
            sort_to=sort_to,
        )

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        self._open()
        return self._reader.count(kind, index, value, at_most)

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        self._open()
        if limit < 1:
            raise ValueError("a page holds at least one document")
        return self._reader.documents(after, limit)

    async def load(self, documents: Sequence[Document]) -> None:
        self._open()
        for part in portions(documents):
            await self._hand_in(part)

    async def ping(self) -> None:
        """Make a commit that changes no document."""
        self._open()
        await self._hand_in(())

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._reader.close()
        try:
            await self._writer.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def announce(self, text: str) -> None:
        """Tell other processes where this one is to be reached. Only for a store opened exclusively."""
        if self._lock is None:
            raise StoreUnusable("only a store opened exclusively can announce itself")
        self._lock.announce(text)

    async def _hand_in(self, writes: Sequence[Written]) -> None:
        job = Job(writes, [prepare(write) for write in writes], self._loop.create_future())
        self._writer.submit(job)
        await job.done

    def _open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")


def _make_private(path: str) -> None:
    """Create the file readable by its owner only; SQLite gives its other files the same rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be created ({error.strerror}): look at its directory") from error
