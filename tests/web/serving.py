"""The application on a loopback port, in a thread of its own, behind the server's own guards: for browsers and raw
sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from onpaid.server import Guarded
from tests.web.deliveries import deliver
from tests.web.selling import sell
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
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self, what: Awaitable[Any]) -> Any:
        """Do something in the server's own loop, where its store lives."""

        async def doing() -> Any:
            return await what

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result(30)


async def nothing(world: World) -> None:
    """An empty store."""


async def seeded(world: World) -> None:
    """The shop's day, and the two weeks of its own checkout."""
    await fill(world.store)
    await deliver(world.store)
    await world.engine.open()


async def trading(world: World) -> None:
    """The same, and sales at Stripe: every route has something to show."""
    await fill(world.store)
    await deliver(world.store)
    await sell(world)
    await world.engine.open()


def free_port() -> int:
    """A port that is free this moment."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def serving(prepare: Callable[[World], Awaitable[None]] = nothing, **changed: Any) -> Iterator[Served]:
    """Serve a world that `prepare` has filled, until the block ends."""
    up, found, port = threading.Event(), [], free_port()

    async def main() -> None:
        base = f"http://127.0.0.1:{port}"
        world = make_world(public_url=base, **changed)
        await prepare(world)
        config = uvicorn.Config(
            world.app(),
            port=port,
            http=Guarded,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        served = Served(world, base, port, asyncio.get_running_loop())
        found.append(served)
        up.set()
        ticking = asyncio.create_task(server.main_loop())
        await served.stop.wait()
        server.should_exit = server.force_exit = True
        await ticking
        await server.shutdown()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    if not up.wait(30):
        raise RuntimeError("the server did not start")
    served: Served = found[0]
    try:
        yield served
    finally:
        served.loop.call_soon_threadsafe(served.stop.set)
        thread.join(10)
