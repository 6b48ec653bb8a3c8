"""One server on one file: the operating system's lock, and where its holder is to be reached.

The lock is on `<path>.lock`, which stays where it is; the system lets go of the lock when the process ends,
however it ends. The file holds JSON: the holder's pid, and an address once the server has announced one.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass

from onpaid.errors import StoreUnusable

_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "beegfs"}
_SHARED = {"9p", "virtiofs", "prl_fs", "vboxsf", "gfs2", "ocfs2"}  # between machines, real or virtual


@dataclass(frozen=True, slots=True)
class Announcement:
    """Who holds a file, and what it said of itself ("" until it has said something)."""

    pid: int
    address: str


class FileLock:
    """A lock that is held."""

    def __init__(self, file: int, path: str) -> None:
        self._file = file
        self._path = path

    @classmethod
    def take(cls, path: str) -> FileLock:
        """Lock the database at `path`. Raises StoreUnusable if another process has it."""
        try:
            file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnusable(
                f"{path}.lock cannot be opened ({error.strerror}): look at its rights"
            ) from error
        for tries_left in range(20, -1, -1):  # pragma: no branch - the last round leaves or raises
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if tries_left:
                    time.sleep(0.005)  # perhaps only somebody reading the announcement
                    continue
                holder = _read(file)
                os.close(file)
                who = "another process" if holder is None else f"process {holder.pid}"
                raise StoreUnusable(
                    f"{path} is in use by {who}: stop that one first, or give this one another file"
                ) from None
        lock = cls(file, path)
        lock.announce("")
        return lock

    def announce(self, address: str) -> None:
        """Say where the holder is to be reached."""
        said = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.pwrite(self._file, said, 0)
        os.ftruncate(self._file, len(said))

    def release(self) -> None:
        """Let go. The file stays, empty: removing it would let two processes lock two files of one name."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def read_announcement(path: str | os.PathLike[str]) -> Announcement | None:
    """Who holds the database at `path`; None if nobody does."""
    try:
        file = os.open(f"{os.fspath(path)}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(file)
    else:
        return None
    finally:
        os.close(file)


def _read(file: int) -> Announcement | None:
    try:
        said = json.loads(os.pread(file, 65_536, 0))
        return Announcement(int(said["pid"]), str(said["address"]))
    except (ValueError, KeyError, TypeError):
        return None


def refuse_network_file_system(path: str, mounts: str = "/proc/self/mounts") -> None:
    """Raise StoreUnusable if the file would lie on a file system whose locks cannot be relied on."""
    try:
        with open(mounts, encoding="utf-8", errors="replace") as lines:
            table = [line.split() for line in lines]
    except OSError:
        return  # not a system that tells
    real = os.path.realpath(path)
    nearest, kind = "", ""
    for fields in table:
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").rstrip("/") + "/"
        if real.startswith(point) and len(point) >= len(nearest):
            nearest, kind = point, fields[2]
    if kind in _NETWORK or kind in _SHARED or kind.startswith("fuse."):
        raise StoreUnusable(
            f"{path} would lie on a {kind} file system, where locks and syncs are not to be relied on: "
            "put it on a local disk"
        )
