"""The application on a loopback port, in a thread of its own: for browsers and raw sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from onpaid.web.server import make_server
from tests.web.stories import fill
from tests.web.world import World, make_world

CHROMIUM = "/usr/bin/chromium"


@dataclass
class Served:
    """A world that answers at `base`."""

    world: World
    base: str
    port: int
    loop: asyncio.AbstractEventLoop

    def run(self, what: Awaitable[Any]) -> Any:
        """Do something in the server's own loop, where its store lives."""

        async def doing() -> Any:
            return await what

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result(30)


async def nothing(world: World) -> None:
    """An empty store."""


async def seeded(world: World) -> None:
    """The shop's day."""
    await fill(world.store)
    await world.engine.open()


@contextmanager
def serving(prepare: Callable[[World], Awaitable[None]] = nothing, **changed: Any) -> Iterator[Served]:
    """Serve a world that `prepare` has filled, until the block ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        started: list[Served] = []
        up = threading.Event()

        async def main() -> None:
            world = make_world(public_url=base, **changed)
            await prepare(world)
            server = make_server(world.app(), port=port)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            stop = asyncio.Event()
            served = Served(world, base, port, asyncio.get_running_loop())
            served.stop = stop  # type: ignore[attr-defined]
            started.append(served)
            task = asyncio.create_task(server.serve(sockets=[listening]))
            while not server.started and not task.done():
                await asyncio.sleep(0)
            up.set()
            await stop.wait()
            server.should_exit = True
            await task

        thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
        thread.start()
        if not up.wait(30) or not started:
            raise RuntimeError("the server did not start")
        try:
            yield started[0]
        finally:
            started[0].loop.call_soon_threadsafe(started[0].stop.set)  # type: ignore[attr-defined]
            thread.join(10)
