"""One sandbox of Lambda, from its first invocation to its last: one event loop, one service, secrets that are renewed.

An invocation leaves nothing running: what is frozen with a sandbox may thaw hours later, or never. Secrets by
reference are read again after five minutes; where they changed, the next invocation has a service made of the new
ones.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import structlog

from onpaid.clock import Clock, Instant, SystemClock
from onpaid.compose_aws import House, load_aws
from onpaid.errors import OnpaidError
from onpaid.settings import Settings
from onpaid.settings_secrets import Fetch, fetch_secret

log = structlog.get_logger("onpaid.aws")

T = TypeVar("T")
Remaining = Callable[[], float]
Build = Callable[[Settings], Awaitable[House]]

KEPT_MS: Final = 5 * 60_000
"""How long a secret by reference counts before it is read again."""
AGAIN_MS: Final = 30_000
"""The shortest time between two readings: one that failed, or that a wrong signature asked for."""
LAST_SECONDS: Final = 2.0
"""How long what an invocation left behind may take to end."""


class Context(Protocol):
    """What Lambda tells of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until it is killed."""
        ...


class References:
    """Looks up what settings refer to: each reference once for a reading, with clients that are kept."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._read: dict[tuple[str, str], str] = {}
        self.any = False
        """Whether the settings refer to anything at all: what does not cannot change."""

    def begin(self) -> None:
        """What was read before counts no more."""
        self._read = {}

    def __call__(self, scheme: str, name: str) -> str:
        place, self.any = (scheme, name), True
        if place not in self._read:
            self._read[place] = self._fetch(scheme, name)
        return self._read[place]


class Sandbox:
    """Invoked again and again, one invocation after the other."""

    def __init__(
        self,
        environment: Mapping[str, str],
        build: Build,
        *,
        heard: Callable[[Settings], None],
        fetch: Fetch = fetch_secret,
        clock: Clock | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`heard` is told the settings before anything is made of them: logging is set up by it."""
        self.environment = environment
        self._heard = heard
        self._references = References(fetch)
        self._build = build
        self._clock = clock or SystemClock()
        self._loop = loop or asyncio.new_event_loop()
        self._house: House | None = None
        self._read_at: Instant = 0
        self._tried_at: Instant = 0

    def run(self, job: Callable[[Remaining], Awaitable[T]], context: Context) -> T:
        """One invocation, from its beginning until nothing of it is left."""

        def remaining() -> float:
            return context.get_remaining_time_in_millis() / 1000

        return self._loop.run_until_complete(self._run(job, remaining, context.aws_request_id))

    async def _run(self, job: Callable[[Remaining], Awaitable[T]], remaining: Remaining, ident: str) -> T:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=ident, **_trace(os.environ))
        try:
            return await job(remaining)
        finally:
            await self._come_to_rest()

    async def house(self) -> House:
        """The service, made of the settings as they are now. Raises SettingsError, StoreError if there is none yet."""
        now = self._clock.now()
        if self._house is None:
            self._house = await self._made(self._settings())
            self._read_at = now
        elif self._references.any and not 0 <= now - self._read_at < KEPT_MS:
            await self.renewed()
        return self._house

    async def renewed(self) -> bool:
        """Read the references again, unless that was tried just now. Whether the service is another one since."""
        now, house = self._clock.now(), self._house
        if house is None or not self._references.any or 0 <= now - self._tried_at < AGAIN_MS:
            return False
        try:
            settings = self._settings()
            if settings != house.settings:
                self._house = await self._made(settings)
            self._read_at = now
        except OnpaidError as error:
            self._heard(house.settings)
            log.error("new settings cannot be used; the old ones count", why=str(error))
            return False
        if self._house is house:
            return False
        log.info("settings changed: the service is made anew")
        house.forgeries.forget()
        await house.close()
        return True

    def _settings(self) -> Settings:
        self._tried_at = self._clock.now()
        self._references.begin()
        return load_aws(self.environment, self._references)

    async def _made(self, settings: Settings) -> House:
        self._heard(settings)
        return await self._build(settings)

    async def _come_to_rest(self) -> None:
        """End or cancel whatever the invocation began."""
        if self._house is not None:
            try:
                await self._house.let_rest()
            except Exception:
                log.exception("an invocation could not be ended properly")
            self._house.figures.tell_growth()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        _, left = await asyncio.wait(left, timeout=LAST_SECONDS)
        for task in left:
            task.cancel()
        if left:
            log.warning("an invocation left something running", tasks=sorted(_name(task) for task in left))
            await asyncio.wait(left, timeout=LAST_SECONDS)

    def close(self) -> None:
        """Let go of everything. Lambda never does this; tests do."""
        if self._house is not None:
            self._loop.run_until_complete(self._house.close())
        self._loop.close()


def _trace(environment: Mapping[str, str]) -> dict[str, str]:
    """The id under which X-Ray knows this invocation, so that log and trace find each other."""
    root = environment.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")
    return {"trace": root} if root else {}


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", "?")
