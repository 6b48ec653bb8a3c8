"""What happens to the functions' processes: killed while they write, frozen until their time limit, replaced by new ones.

The emulator runs each function in processes of its own. The one that is hit is the one that has just written: the
proxy knows the port that it wrote from, and the kernel knows whose port that is. Linux only, as the emulator is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from onpaid.cli.demo.aws_faults import Dice

DOORS: Final = ("web", "work", "tick")
WORK: Final = "work"
TICK: Final = "tick"
VICTIMS: Final = frozenset({WORK, TICK})
"""Who is killed. The function that takes webhooks answers for itself: a webhook that gets no answer comes again."""
Tell = Callable[[Mapping[str, Mapping[str, str]]], None]


class Functions:
    """The functions of one emulated account. `emulator` is the process whose children they are."""

    def __init__(self, emulator: int, dice: Dice, tell: Tell) -> None:
        """`tell` gives functions, by door, another environment, which makes them start anew."""
        self._emulator = emulator
        self._dice = dice
        self._tell = tell
        self._replaced = 0

    async def written(self, who: str, port: int) -> None:
        """A function has just written, and does not know yet that it has."""
        if who not in VICTIMS:
            return
        if self._dice.falls("lambda-killed"):
            await self._send(port, signal.SIGKILL)
        elif who == WORK and self._dice.falls("lambda-timeout"):
            await self._send(port, signal.SIGSTOP)

    async def maybe_replace(self) -> None:
        """A new configuration makes AWS start new processes: so does this one, which changes nothing else.

        AWS lets invocations under way end; the emulator breaks them off, so each counts among the lost.
        """
        if not self._dice.falls("cold-start"):
            return
        self._replaced += 1
        told = {"REPLACED": str(self._replaced)}
        await asyncio.to_thread(self._tell, dict.fromkeys(DOORS, told))

    @property
    def lost(self) -> int:
        """How often processes were killed, frozen or replaced: each may leave acts whose outcome nobody knows."""
        return sum(self._dice.hits[name] for name in ("lambda-killed", "lambda-timeout", "cold-start"))

    async def _send(self, port: int, number: signal.Signals) -> None:
        pid = await asyncio.to_thread(self._holder, port)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _holder(self, port: int) -> int | None:
        """Which of the emulator's children holds this port of loopback."""
        socket = _inode(port)
        if socket is None:
            return None
        for pid in children(self._emulator):
            with contextlib.suppress(OSError):
                for handle in (Path("/proc") / str(pid) / "fd").iterdir():
                    with contextlib.suppress(OSError):
                        if handle.readlink().name == f"socket:[{socket}]":
                            return pid
        return None


def children(parent: int) -> list[int]:
    """The processes that this one started and that still run."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for thread in (Path("/proc") / str(parent) / "task").iterdir():
            with contextlib.suppress(OSError):
                found.update(int(each) for each in (thread / "children").read_text().split())
    return sorted(found)


def _inode(port: int) -> str | None:
    """The socket at this port of loopback, by the kernel's number."""
    mine = f"0100007F:{port:04X}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[1] == mine and words[9] != "0":
                return words[9]
    return None
