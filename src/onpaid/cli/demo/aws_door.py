"""The address under which the emulated service is reached: what a domain name and its certificate are on AWS.

It hands every request on to the emulated API Gateway, bytes and headers as they came, since both are signed. No more
than a few at once: the emulator starts a process for each, and this machine is not a data centre.
"""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from onpaid.cli.demo.aws_wire import HOPS

AT_ONCE = 3
LONGEST_SECONDS = 40.0


class Door:
    """One door. `api` and `gateway` are known once the stack is there; `taken` counts requests."""

    def __init__(self) -> None:
        self.api = ""
        self.gateway = ""
        self.url = ""
        self.taken = 0
        self.unanswered = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    async def start(self, port: int = 0) -> str:
        """Listen on loopback; where."""
        timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        app = web.Application(client_max_size=20_000_000)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _serve(self, request: web.Request) -> web.Response:
        if self._session is None or not self.api:
            return web.Response(status=503)
        self.taken += 1
        try:
            body = await request.read()
        except ConnectionResetError:
            return web.Response(status=400)
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in HOPS
        )
        headers["Host"] = f"{self.api}.execute-api.localhost:{self.gateway.rpartition(':')[2]}"
        address = f"{self.gateway}{request.raw_path}"
        try:
            async with (
                self._places,
                self._session.request(
                    request.method,
                    URL(address, encoded=True),
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                ) as reply,
            ):
                got = await reply.read()
                told = CIMultiDict(
                    (name, value) for name, value in reply.headers.items() if name.lower() not in HOPS
                )
                return web.Response(status=reply.status, body=got, headers=told)
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.unanswered += 1
            return web.Response(status=502)
