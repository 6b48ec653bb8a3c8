"""The one writer: a thread that commits everything queued in one transaction and releases all waiters after it.

While one transaction is being synced the next one gathers, so that the slower the disk, the more share a sync.
The queue has an end: what cannot be taken is refused at once, which is better than an answer that comes too late.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from queue import Empty, SimpleQueue

from onpaid.errors import StoreUnavailable
from onpaid.store.sqlite_transactions import Job, Transactions

MOST_GROUP_BYTES = 8 * 1024 * 1024


class Writer:
    """Takes jobs on the loop's thread, does them on its own."""

    def __init__(
        self,
        transactions: Transactions,
        loop: asyncio.AbstractEventLoop,
        *,
        most_in_group: int,
        most_jobs: int,
        most_bytes: int,
    ) -> None:
        self._transactions = transactions
        self._loop = loop
        self._most_in_group = most_in_group
        self._most_jobs = most_jobs
        self._most_bytes = most_bytes
        self._jobs_waiting = 0
        self._bytes_waiting = 0
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
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
                self._transactions.do(jobs)
                self._tell(jobs)
                self._transactions.checkpoint()
        self._transactions.close()

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
