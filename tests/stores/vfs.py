"""A disk that can lose its power, run full or fail: a VFS of SQLite's under the very code that ships.

The files are real, so that the process sees what it wrote; beside them the disk keeps what would be there after
a power cut: what was synced, and of what was written since, any part, torn at sectors. A sync that fails loses
what it should have kept, as Linux does, although the process goes on reading it.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw

SECTOR = 512
Fault = Callable[[int, str, str], Exception | None]
_numbers = itertools.count()


@dataclass
class Image:
    """One file as the platter has it, and the writes that are on their way there."""

    kept: bytearray
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: cut to this length
    failures: int = 0

    def apply(self, offset: int, data: bytes | None) -> None:
        if data is None:
            del self.kept[offset:]
            return
        if len(self.kept) < offset:
            self.kept.extend(bytes(offset - len(self.kept)))
        self.kept[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """Counts every write, truncation and sync; `fault` may make any of them fail, `cut_at` ends them all."""

    def __init__(self, seed: int = 0, *, kept_by_failed_sync: float = 0.5) -> None:
        self.name = f"disk{next(_numbers)}"
        self.images: dict[str, Image] = {}
        self.count = 0
        self.cut_at: int | None = None
        self.dead = False
        self.fault: Fault | None = None
        self._random = random.Random(seed)
        self._kept_by_failed_sync = kept_by_failed_sync
        self._lock = threading.RLock()
        super().__init__(self.name, "")

    def excepthook(self, *_: object) -> bool:  # a failure where SQLite expects none to be told
        return True

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> DiskFile:
        return DiskFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with self._lock:
            self._refuse_if_dead()
            self.images.pop(filename, None)
            super().xDelete(filename, syncdir)

    def open_image(self, path: str) -> Image:
        with self._lock:
            if path not in self.images:
                self.images[path] = Image(bytearray(Path(path).read_bytes()))
            return self.images[path]

    def step(self, what: str, path: str) -> Exception | None:
        """Count an operation: the fault that it meets, if any. Called with the lock held."""
        self._refuse_if_dead()
        self.count += 1
        if self.cut_at is not None and self.count >= self.cut_at:
            self.cut()
            self._refuse_if_dead()
        return None if self.fault is None else self.fault(self.count, what, path)

    def cut(self) -> None:
        """The power goes: of what was not synced, anything may have arrived, in any order, whole or torn."""
        with self._lock:
            if self.dead:
                return
            self.dead = True
            for image in self.images.values():
                for offset, data in image.pending:
                    fate = self._random.random()
                    if fate < 0.5:
                        image.apply(offset, data)
                    elif fate < 0.75 and data is not None:
                        sectors = self._random.randrange(len(data) // SECTOR + 1)
                        image.apply(offset, data[: sectors * SECTOR])
                image.pending.clear()

    def save(self, path: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
        """Write what the platter has of a database and its log, for another process to open."""
        for ending in ("", "-wal", "-journal"):
            image = self.images.get(f"{os.fspath(path)}{ending}")
            if image is not None:
                Path(f"{os.fspath(target)}{ending}").write_bytes(image.kept)

    def _refuse_if_dead(self) -> None:
        if self.dead:
            raise apsw.IOError("the power is off")

    def write(self, file: DiskFile, data: bytes, offset: int) -> None:
        with self._lock:
            fault = self.step("write", file.path)
            if fault is not None:
                data = data[: self._random.randrange(len(data))]  # a failing write may leave a part of itself
            if data:
                file.image.pending.append((offset, data))
                file.write_through(data, offset)
            if fault is not None:
                raise fault

    def truncate(self, file: DiskFile, size: int) -> None:
        with self._lock:
            fault = self.step("truncate", file.path)
            if fault is not None:
                raise fault
            file.image.pending.append((size, None))
            file.truncate_through(size)

    def sync(self, file: DiskFile) -> None:
        with self._lock:
            fault = self.step("sync", file.path)
            if fault is None and file.failures_told < file.image.failures:
                fault = apsw.IOError("an earlier sync failed")  # each opening is told of a failure, once
            elif fault is not None:
                file.image.failures += 1
            file.failures_told = file.image.failures
            for offset, data in file.image.pending:
                if fault is None or self._random.random() < self._kept_by_failed_sync:
                    file.image.apply(offset, data)
            file.image.pending.clear()
            if fault is not None:
                raise fault


class DiskFile(apsw.VFSFile):
    """One opening of a file of the disk."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self.disk = disk
        self.path = name if isinstance(name, str) else "" if name is None else name.filename()
        self.image = disk.open_image(self.path) if self.path else Image(bytearray())
        self.failures_told = self.image.failures

    def excepthook(self, *_: object) -> bool:
        return True

    def xWrite(self, data: bytes, offset: int) -> None:
        self.disk.write(self, bytes(data), offset)

    def xTruncate(self, newsize: int) -> None:
        self.disk.truncate(self, newsize)

    def xSync(self, _flags: int) -> None:
        self.disk.sync(self)

    def write_through(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)

    def truncate_through(self, size: int) -> None:
        super().xTruncate(size)
