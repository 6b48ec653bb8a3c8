"""`onpaid serve`: the settings, the service, its web application and its server, put together."""

from __future__ import annotations

import asyncio
import gc

from onpaid.cli import logs, reach
from onpaid.cli.assembling import application, web_settings
from onpaid.cli.ending import input_ends
from onpaid.compose import build
from onpaid.server import Server, loop_factory
from onpaid.settings import Settings


def serve(*, until_input_ends: bool) -> int:
    """Serve until told to stop; the exit code."""
    settings = reach.settings()
    logs.configure(
        settings["ONPAID_LOG_LEVEL"], settings["ONPAID_LOG_FORMAT"], secrets=reach.secrets_of(settings)
    )
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, until_input_ends=until_input_ends))
    return 0


async def _serve(settings: Settings, *, until_input_ends: bool) -> None:
    server = await open_server(settings)
    stopped = asyncio.Event()
    watching = asyncio.create_task(input_ends(stopped)) if until_input_ends else None
    # What was loaded until now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    try:
        await server.run(also_until=stopped)
    finally:
        if watching is not None:
            watching.cancel()


async def open_server(settings: Settings) -> Server:
    """The server of these settings, not started yet. Raises SettingsError, StoreUnusable."""
    web = web_settings(settings)
    service = await build(settings)
    return Server(
        service,
        lambda server: application(service, web, server.ready),
        host=settings["ONPAID_HOST"],
        port=settings["ONPAID_PORT"],
    )
