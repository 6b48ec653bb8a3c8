"""When a process is to end: a signal, or the end of its input where a parent holds the other side."""

from __future__ import annotations

import asyncio
import signal
import sys


async def input_ends(stopped: asyncio.Event) -> None:
    """Set the event once standard input is at its end: whoever started us is gone, or wants us gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
    stopped.set()


def signals_set(stopped: asyncio.Event) -> None:
    """Set the event on SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
