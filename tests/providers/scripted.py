"""A server that says exactly what a test wants, byte by byte, and keeps what it was sent.

For everything that no decent server does: resets, half answers, answers that are no HTTP. The replies are used up in
order, one a request, whatever connection it comes on.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

Then = Literal["keep", "close", "reset", "hang"]
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Reply:
    """Bytes to send, and what becomes of the connection then."""

    data: bytes = b""
    then: Then = "keep"


def reply(status: int, body: Any = b"", then: Then = "keep", **headers: str) -> Reply:
    """A proper answer; what is no bytes goes as JSON."""
    told = {"content-type": "application/json", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}
    told |= {name.replace("_", "-").lower(): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in told.items())]
    if "content-length" not in told and "transfer-encoding" not in told:
        lines.append(f"content-length: {len(data)}")
    return Reply("\r\n".join(lines).encode() + b"\r\n\r\n" + data, then)


@dataclass
class Request:
    """What came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """The running server."""

    replies: list[Reply]
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    received: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.gone.set()
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        self.received += 1
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        request_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = request_line.split(" ")
        self.requests.append(Request(method, target, headers, body))
        self.asked.set()
        answer = self.replies.pop(0) if self.replies else Reply(then="hang")
        writer.write(answer.data)
        await writer.drain()
        if answer.then == "hang":
            await reader.read(1)
        if answer.then == "reset":
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        return answer.then == "keep"


@asynccontextmanager
async def scripted(*replies: Reply | Iterable[Reply]) -> AsyncIterator[Scripted]:
    """Run one."""
    made = Scripted([one for each in replies for one in ([each] if isinstance(each, Reply) else each)])
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
