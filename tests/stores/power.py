"""Power cuts and failing disks against the SQLite store, counted: for the tests and for the scorecard.

power_cuts(1000)                     0 lost, 0 corrupt
power_cuts(100, synchronous="NORMAL")   has to lose something, or the test proves nothing
failing_writes(200)                  0 false successes, 0 false refusals, recovered every time
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import apsw
import msgspec

from onpaid.errors import StoreError, StoreUnavailable, StoreUnknown
from onpaid.store.port import Entry, Insert, Put, Write
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_schema import APPLICATION_ID
from tests.stores.vfs import Disk

Outcome = Literal["written", "refused", "unknown"]
WRITERS = 6
SHELVES = 5


class History:
    """What a workload was told about each of its batches."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.outcomes: dict[str, Outcome] = {}

    def batch(self, name: str) -> list[Write]:
        """Two new documents that must stand or fall together, one that many write, and their entries."""
        rest = self.random.randbytes(self.random.choice([20, 300, 3_000, 9_000]))
        shelf = f"shelf{self.random.randrange(SHELVES)}"
        return [
            Insert("left", name, b"left " + rest, (Entry("all", "", len(self.outcomes)),)),
            Insert("right", name, rest, (Entry("all", "", 1), Entry("shelf", shelf, 1))),
            Put("shelf", shelf, name.encode(), (Entry("last", name, 1),)),
        ]

    async def write(self, store: SqliteStore, name: str) -> Outcome:
        batch = self.batch(name)
        try:
            await store.commit(batch)
        except StoreUnavailable:
            self.outcomes[name] = "refused"
        except StoreUnknown:
            self.outcomes[name] = "unknown"
        else:
            self.outcomes[name] = "written"
        return self.outcomes[name]

    async def run(self, store: SqliteStore, *, batches: int, stop_at_errors: bool) -> None:
        """Several writers at once, each with its batches in turn."""

        async def one(writer: int) -> None:
            for number in range(batches):
                outcome = await self.write(store, f"w{writer}-{number}")
                if stop_at_errors and outcome != "written":
                    return
                if number % 3 == 0:
                    with contextlib.suppress(StoreError):
                        await store.get("left", f"w{writer}-{number}")

        await asyncio.gather(*(one(writer) for writer in range(WRITERS)))


async def judge(history: History, path: Path) -> Counter[str]:
    """Compare what was told with what is there."""
    found: Counter[str] = Counter()
    names = list(history.outcomes)
    try:
        damage = check_file(path)
        store = await SqliteStore.open(path)
        lefts, rights = await store.get_many("left", names), await store.get_many("right", names)
    except (apsw.Error, StoreError) as error:
        return Counter({"corrupt": 1, f"{error}": 1})
    found["corrupt"] += bool(damage)
    for name, left, right in zip(names, lefts, rights, strict=True):
        outcome = history.outcomes[name]
        found[outcome] += 1
        if (left is None) != (right is None) or (left and right and left.body != b"left " + right.body):
            found["torn"] += 1
        elif outcome == "written" and left is None:
            found["lost"] += 1
        elif outcome == "refused" and left is not None:
            found["refused but there"] += 1
    await store.close()
    return found


def check_file(path: Path) -> str | None:
    """What is wrong with a file, if anything: SQLite's own check, then entries against their documents."""
    connection = apsw.Connection(str(path))
    try:
        whole = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if whole != ["ok"] or connection.pragma("application_id") not in (0, APPLICATION_ID):
            return str(whole)
        if not connection.pragma("user_version"):
            return None  # cut before the tables were made
        entered = connection.execute("SELECT document, key, place, value, sort FROM entries").fetchall()
        told = [
            (id_, key, *mark)
            for id_, key, marks in connection.execute("SELECT id, key, entries FROM documents")
            for mark in (msgspec.msgpack.decode(marks) if marks else [])
        ]
        return None if sorted(entered) == sorted(told) else "entries and documents differ"
    finally:
        connection.close(force=True)


async def _one_cut(seed: int, synchronous: Literal["FULL", "NORMAL"], directory: Path) -> Counter[str]:
    disk = Disk(seed)
    path = directory / "cut.db"
    history = History(seed)
    disk.cut_at = random.Random(seed).randrange(20, 260)
    with contextlib.suppress(StoreError):
        store = await SqliteStore.open(
            path,
            vfs=disk.name,
            synchronous=synchronous,
            checkpoint_bytes=random.Random(seed).choice([40_000, 400_000]),
            busy_ms=0,
        )
        await history.run(store, batches=40, stop_at_errors=True)
        disk.cut()
        await store.close()
    disk.cut()
    after = directory / "after.db"
    disk.save(path, after)
    found = await judge(history, after)
    found["cut under way"] += bool(found["refused"] + found["unknown"])
    return found


def power_cuts(
    n: int = 100, seed: int = 0, *, synchronous: Literal["FULL", "NORMAL"] = "FULL"
) -> Mapping[str, int]:
    """Cut the power n times, each at another moment: what was lost, torn or corrupt over all of them."""
    total: Counter[str] = Counter(cuts=n, lost=0, torn=0, corrupt=0)
    for number in range(n):
        with tempfile.TemporaryDirectory() as directory:
            total += _counted(asyncio.run(_one_cut(seed + number, synchronous, Path(directory))))
    return {name: total[name] for name in sorted({*total, "lost", "torn", "corrupt", "refused but there"})}


async def _one_failure(number: int, seed: int, directory: Path) -> Counter[str]:
    disk = Disk(seed)
    path = directory / "failing.db"
    history = History(seed)
    chosen = random.Random(seed)
    kind = chosen.choice(["full", "write", "sync", "any"])
    lasts = chosen.choice([1, 1, 2, 5, 12])
    store = await SqliteStore.open(
        path, vfs=disk.name, checkpoint_bytes=chosen.choice([40_000, 400_000]), busy_ms=0
    )
    start = disk.count + number

    def fault(count: int, what: str, _path: str) -> Exception | None:
        if not start <= count < start + lasts:
            return None
        if kind == "full":
            return apsw.FullError("no space") if what == "write" else None
        return apsw.IOError(f"{what} failed") if kind in (what, "any") else None

    disk.fault = fault
    await history.run(store, batches=12, stop_at_errors=False)
    disk.fault = None
    found: Counter[str] = Counter()
    # Space is back: the store goes on without being told.
    for attempt in range(3):
        found["recovered"] += await history.write(store, f"after-{attempt}") == "written"
    found["recovered"] //= 3
    # What was told must be true of the file now, and of what a power cut would leave of it.
    disk.cut()
    await store.close()
    after = directory / "after.db"
    disk.save(path, after)
    return found + await judge(history, after)


def failing_writes(n: int = 100, seed: int = 0) -> Mapping[str, int]:
    """Let the nth write or sync fail, for every n: false successes, false refusals, and recoveries."""
    total: Counter[str] = Counter(disks=n)
    for number in range(n):
        with tempfile.TemporaryDirectory() as directory:
            total += _counted(asyncio.run(_one_failure(number + 1, seed + number, Path(directory))))
    return {
        name: total[name]
        for name in sorted({*total, "lost", "torn", "corrupt", "refused but there", "recovered"})
    }


def _counted(found: Counter[str]) -> Counter[str]:
    return Counter({name: number for name, number in found.items() if number})
