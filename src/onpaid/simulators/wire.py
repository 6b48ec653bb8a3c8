"""Serves an application on a port of its own, inside this process, and knows the connection under each request.

It uses uvicorn's protocol without uvicorn's server: no signal handlers, no logging set up, no waiting on stop. That
lets it run beside the service under test in one event loop, and stop at once with calls still hanging.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from onpaid.simulators.door import TRANSPORT
from onpaid.simulators.server import create_app
from onpaid.simulators.settings import Settings
from onpaid.simulators.world import Simulators

KEEP_ALIVE = 75


class Wire(HttpToolsProtocol):
    """Hands each request its connection, so that a fault can cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {TRANSPORT: self.transport}


@dataclass(slots=True)
class Served:
    """A running server. `base` is its address, without a slash at the end."""

    base: str
    simulators: Simulators
    stop: Callable[[], Awaitable[None]]

    @property
    def stripe_base(self) -> str:
        """What a client takes for Stripe's address."""
        return f"{self.base}/stripe"

    @property
    def fiken_base(self) -> str:
        """What a client takes for Fiken's address."""
        return f"{self.base}/fiken/api/v2"

    @property
    def razorpay_base(self) -> str:
        """What a client takes for Razorpay's address."""
        return f"{self.base}/razorpay"

    @property
    def shiprocket_base(self) -> str:
        """What a client takes for Shiprocket's address."""
        return f"{self.base}/shiprocket"

    @property
    def meta_base(self) -> str:
        """What a client takes for Meta's address."""
        return f"{self.base}/meta"

    @property
    def twilio_base(self) -> str:
        """What a client takes for Twilio's address."""
        return f"{self.base}/twilio"

    @property
    def msg91_base(self) -> str:
        """What a client takes for MSG91's address."""
        return f"{self.base}/msg91"

    @property
    def wati_base(self) -> str:
        """What a client takes for WATI's address."""
        return f"{self.base}/wati"

    @property
    def jira_base(self) -> str:
        """What a client takes for Jira's address."""
        return f"{self.base}/jira"

    @property
    def sns_base(self) -> str:
        """What a client takes for the address of Amazon SNS."""
        return f"{self.base}/sns"

    def sink(self, name: str) -> str:
        """Where a subscriber of this name takes billing events."""
        return f"{self.base}/_sink/{name}"

    def bases(self) -> dict[str, str]:
        """All of these addresses by the service's name."""
        return {
            "stripe": self.stripe_base,
            "fiken": self.fiken_base,
            "razorpay": self.razorpay_base,
            "shiprocket": self.shiprocket_base,
            "meta": self.meta_base,
            "twilio": self.twilio_base,
            "msg91": self.msg91_base,
            "wati": self.wati_base,
            "jira": self.jira_base,
            "sns": self.sns_base,
        }


async def serve(
    what: Simulators | Settings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    app: ASGIApp | None = None,
) -> Served:
    """Start the simulators; port 0 takes a free one. Stop them with `await served.stop()`."""
    simulators = what if isinstance(what, Simulators) else Simulators(what)
    config = uvicorn.Config(
        app or create_app(simulators),
        http=Wire,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    # The loop makes the socket itself, since it turns Nagle's algorithm off only on those.
    server = await loop.create_server(
        lambda: Wire(config=config, server_state=state, app_state={}, _loop=loop),
        host,
        port,
        backlog=config.backlog,
    )
    taken = server.sockets[0].getsockname()[1]
    simulators.sales.sessions.page = f"http://{host}:{taken}/stripe/checkout"

    async def stop() -> None:
        server.close()
        await simulators.close()
        tasks = list(state.tasks)
        for task in tasks:
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    return Served(f"http://{host}:{taken}", simulators, stop)
