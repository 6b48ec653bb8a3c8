"""A load generator in a process of its own: signed webhooks over kept-alive connections, each answered before the next.

    python -m bench.load PORT REQUESTS CONNECTIONS     (REQUESTS: a pickled list of raw HTTP requests)

Prints one JSON object: how many, how long, the latencies' percentiles, and every status seen.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends the next request when the last was answered."""

    def __init__(self, todo: list[bytes], latencies: list[float], statuses: dict[str, int]) -> None:
        self._todo = todo
        self._latencies = latencies
        self._statuses = statuses
        self._seen = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if not self._todo:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(self._todo.pop())

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, mark, body = self._seen.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
        if len(body) < length:
            return
        self._latencies.append(time.perf_counter() - self._sent)
        status = head[9:12].decode()
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._seen = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed early"))


async def main(port: int, requests: list[bytes], connections: int) -> dict[str, Any]:
    """Send everything; returns the figures."""
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    loop = asyncio.get_running_loop()
    todo = list(reversed(requests))
    started = time.perf_counter()
    made = [
        await loop.create_connection(lambda: Connection(todo, latencies, statuses), "127.0.0.1", port)
        for _ in range(min(connections, len(requests)))
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    seconds = time.perf_counter() - started
    latencies.sort()
    count = len(latencies)
    return {
        "count": count,
        "seconds": seconds,
        "per_second": count / seconds,
        "p50_ms": latencies[count // 2] * 1000,
        "p99_ms": latencies[min(count - 1, count * 99 // 100)] * 1000,
        "statuses": statuses,
    }


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    given = pickle.loads(Path(sys.argv[2]).read_bytes())
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), given, int(sys.argv[3])))))
