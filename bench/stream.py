"""Requests at a steady rate, in a process of its own: a late answer holds up none that follows, and counts as late.

    python -m bench.stream PORT REQUESTS RATE SECONDS CONNECTIONS SILENT   (REQUESTS: a pickled list of raw requests)

Each request has its moment, and its answer is timed from that moment on: one that had to wait for a free connection
has waited. CONNECTIONS are kept alive and opened again when the server closes them; 0 takes a new one for each.
SILENT ones are opened beforehand, say nothing, and are opened again for as long as it goes on. Ends by itself, PATIENCE after the last moment, and prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

PATIENCE = 10.0
"""Seconds after which an answer is not waited for any more: it counts as unanswered."""


class Line(asyncio.Protocol):
    """One connection with one request under way at most."""

    def __init__(self) -> None:
        self._seen = b""
        self._answer: asyncio.Future[str] | None = None
        self.open = True

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, request: bytes) -> asyncio.Future[str]:
        """Send it. The future becomes the status; ConnectionError if the line was cut."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, mark, body = self._seen.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
        if len(body) < length or self._answer is None:
            return
        answer, self._answer, self._seen = self._answer, None, b""
        if b"connection: close" in head.lower():
            self.hang_up()
        if not answer.done():
            answer.set_result(head[9:12].decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("cut"))

    def hang_up(self) -> None:
        """No more on this line."""
        self.open = False
        self._transport.close()


class Stream:
    """The sending of them, and what came back."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._connections = connections
        self._free: list[Line] = []
        self._room = asyncio.Semaphore(connections or 1_000_000)
        self.took: list[float] = []
        self.statuses: Counter[str] = Counter()

    async def send(self, request: bytes, due: float) -> None:
        """One request, timed from the moment when it was due."""
        status = "unanswered"
        # A TimeoutError is an OSError: refused, cut and late are all one to whoever waits for an answer.
        with suppress(OSError):
            async with asyncio.timeout(PATIENCE), self._room:
                line = self._free.pop() if self._free else None
                if line is None or not line.open:
                    line = await self._dial()
                status = await line.ask(request)
                if not self._connections:
                    line.hang_up()
                elif line.open:
                    self._free.append(line)
        self.took.append(time.perf_counter() - due)
        self.statuses[status] += 1

    async def keep_silent(self) -> None:
        """Hold one connection, and the next one when the server has had enough of it."""
        while True:
            with suppress(OSError):
                line = await self._dial()
                await line.ask(b"")
            await asyncio.sleep(0.1)

    async def _dial(self) -> Line:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(Line, "127.0.0.1", self._port)
        return line


async def main(
    port: int, requests: list[bytes], rate: float, seconds: float, connections: int, silent: int
) -> Any:
    """Send them, from the first again where there are too few; returns the figures."""
    stream, under_way = Stream(port, connections), set()
    holding = [asyncio.create_task(stream.keep_silent()) for _ in range(silent)]
    started, count = time.perf_counter(), round(rate * seconds)
    for nth, request in zip(range(count), cycle(requests), strict=False):
        due = started + nth / rate
        if due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())
        sending = asyncio.create_task(stream.send(request, due))
        under_way.add(sending)
        sending.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    for each in holding:
        each.cancel()
    took = sorted(stream.took)
    return {
        "count": count,
        "seconds": time.perf_counter() - started,
        "p50_ms": took[count // 2] * 1000,
        "p99_ms": took[min(count - 1, count * 99 // 100)] * 1000,
        "most_ms": took[-1] * 1000,
        "statuses": dict(sorted(stream.statuses.items())),
    }


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    given = pickle.loads(Path(sys.argv[2]).read_bytes())
    rate, seconds, connections, silent = float(sys.argv[3]), float(sys.argv[4]), *map(int, sys.argv[5:7])
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), given, rate, seconds, connections, silent))))
