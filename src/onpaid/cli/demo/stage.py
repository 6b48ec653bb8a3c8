"""The demo's stage: two processes that speak HTTP with each other, the simulators and the service.

Each is started as a user would start it (`onpaid simulate`, `onpaid serve`), with an environment of its own: no
setting of the user's gets in, so a demo can never meet a live account. Each watches its standard input, which ends
when this process does, however it ends: no child outlives the demo.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onpaid.cli.demo.counting import Counted, by_index
from onpaid.cli.demo.goods import bring_in
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.surroundings import common, of_service
from onpaid.errors import OnpaidError
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_lock import read_announcement

START_SECONDS = 30.0
STOP_SECONDS = 12.0
LOOK_AGAIN = 0.05


class ChildEnded(OnpaidError):
    """A process of the demo ended by itself, or never came up."""


@dataclass
class Child:
    """One process, and the file that it tells of its troubles in."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(cls, name: str, words: list[str], environment: Mapping[str, str], folder: Path) -> Child:
        """Start `onpaid` with these words, in a session of its own: Ctrl-C reaches only us, and we tell it."""
        log = folder / f"{name}.log"
        with log.open("ab") as told:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "onpaid.cli",
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=told,
                env=dict(environment),
                start_new_session=True,
            )
        return cls(name, process, log)

    def check(self) -> None:
        """Raise ChildEnded unless it runs."""
        if self.process.returncode is not None:
            raise ChildEnded(
                f"the demo's {self.name} ended by itself ({self.process.returncode}). Its last words: {self.last_words()}"
            )

    def last_words(self) -> str:
        """The end of what it told."""
        said = self.log.read_text(encoding="utf-8", errors="replace").strip()
        return said[-1500:] or "none"

    async def first_line(self) -> str:
        """What it says once it is up."""
        assert self.process.stdout is not None  # noqa: S101 - asked for above
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            raise ChildEnded(f"the demo's {self.name} did not come up within {START_SECONDS:.0f} s") from None
        if not line:
            await self.process.wait()
            self.check()
        return line.decode()

    async def stop(self) -> int:
        """Ask it to stop, and make sure. Returns its exit code."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    return await self.process.wait()
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()


@dataclass
class Stage:
    """Both processes, and how to reach them."""

    options: Options
    folder: Path
    database: Path
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    session_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    simulators_url: str = ""
    service_url: str = ""
    simulators: Child | None = None
    service: Child | None = None
    kills: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Bring both up: first who is asked, then who asks."""
        base = common()
        words = ["simulate", "--port", "0", "--faults", self.options.faults, "--seed", str(self.options.seed)]
        words += ["--parcels-move", *UNTIL, "--json"]
        self.simulators = await Child.start("simulators", words, base, self.folder)
        bases = json.loads(await self.simulators.first_line())
        self.simulators_url = bases["base"]
        self.environment = base | of_service(self.options, self.folder, self.database, bases)
        self.environment |= {
            "ONPAID_ADMIN_TOKEN": self.admin_token,
            "ONPAID_SESSION_SECRET": self.session_secret,
        }
        await self.start_service()
        await bring_in(self, self.options, self.folder)

    async def start_service(self) -> None:
        """Start the service, or start it again after it was killed, and wait until it says where it is."""
        service = await Child.start("service", ["serve", *UNTIL], self.environment, self.folder)
        self.service = service
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    service.check()
                    told = await asyncio.to_thread(read_announcement, self.database)
                    if told is not None and told.pid == service.process.pid and told.address:
                        break
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            raise ChildEnded(f"the demo's service did not come up. It said: {service.last_words()}") from None
        self.service_url = told.address
        self.environment["ONPAID_PORT"] = told.address.rpartition(":")[2]

    async def kill_service(self) -> None:
        """Kill the service as a power cut would. `start_service` brings it up again, on the same port."""
        service, self.service = self.service, None
        if service is not None:
            self.kills += 1
            service.process.kill()
            await service.process.wait()

    @property
    def simulated(self) -> str:
        """The simulators' faults, as they are told them."""
        return self.options.faults

    async def counted(self, store: Store) -> Counted:
        """How many runs there are, by flow and state."""
        return await by_index(store)

    @property
    def reachable(self) -> bool:
        """Whether the service answers now: not while it is dead."""
        return self.service is not None

    def day_is(self, *, paid: bool) -> None:
        """How far the day is: nothing here asks for it."""

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Store]:
        """The service's database, read beside it."""
        store = await SqliteStore.open(self.database, exclusive=False)
        try:
            yield store
        finally:
            await store.close()

    def figures(self) -> dict[str, Any] | None:
        """What was called and consumed, where that is counted: not here."""
        return None

    def check(self) -> None:
        """Raise ChildEnded unless both run."""
        for child in (self.simulators, self.service):
            if child is not None:
                child.check()

    async def stop(self) -> list[int]:
        """Stop both, the service first. Returns their exit codes."""
        return [await child.stop() for child in (self.service, self.simulators) if child is not None]


UNTIL = ["--until-input-ends"]
