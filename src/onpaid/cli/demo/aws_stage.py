"""The demo's stage on the emulated AWS: the simulators, the emulator, a proxy before its table and queue, and a door.

It has what the stage of two processes has, so that the same day is played on it and the same proof is taken: the
table is read from here, past the proxy, as the other demo reads its file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onpaid.cli.demo import aws_faults
from onpaid.cli.demo.aws_clock import Ticking
from onpaid.cli.demo.aws_door import Door
from onpaid.cli.demo.aws_functions import Functions
from onpaid.cli.demo.aws_proxy import Proxy
from onpaid.cli.demo.aws_stack import ENVIRONMENT, Stack
from onpaid.cli.demo.counting import Counted
from onpaid.cli.demo.emulator import Emulator
from onpaid.cli.demo.goods import bring_in
from onpaid.cli.demo.house import NoAnswer, Talk
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.stage import UNTIL, Child, ChildEnded
from onpaid.cli.demo.surroundings import common, of_service
from onpaid.engine.journal import RUNS
from onpaid.settings import BY_NAME
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.port import Store

LOCAL: Final = frozenset(
    {
        "ONPAID_DATABASE",
        "ONPAID_HOST",
        "ONPAID_PORT",
        "ONPAID_PUBLIC_URL",
        "ONPAID_TICKET_LOG",
        "ONPAID_ENVIRONMENT",
        "BILLING_EVENTS_TOPIC_ARN",
    }
)
"""Settings of a service on one machine. On AWS the template says these, or nobody."""
START_TRIES: Final = 6


@dataclass
class AwsStage:
    """Everything that plays, and how to reach it."""

    options: Options
    folder: Path
    root: Path
    simulators_url: str = ""
    service_url: str = ""
    simulators: Child | None = None
    _open: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def __post_init__(self) -> None:
        simulated, ours = aws_faults.parse(self.options.faults)
        self.simulated = ",".join(sorted(simulated)) or "none"
        self.dice = aws_faults.Dice(ours, seed=self.options.seed, orders=self.options.orders)
        self.emulator = Emulator(self.root)
        self.stack = Stack(self.emulator)
        self.door = Door()
        self.functions: Functions | None = None
        self.ticking: Ticking | None = None
        self.proxy: Proxy | None = None

    async def start(self) -> None:
        """Bring everything up: the simulators, AWS, and the service on it."""
        await asyncio.to_thread(self.emulator.start)
        self._open.push_async_callback(asyncio.to_thread, self.emulator.stop)
        await self.door.start(self.options.port)
        self._open.push_async_callback(self.door.stop)
        self.service_url = self.door.url
        base = common()
        words = ["simulate", "--port", "0", "--faults", self.simulated, "--seed", str(self.options.seed)]
        words += ["--parcels-move", *UNTIL, "--json"]
        self.simulators = await Child.start("simulators", words, base, self.folder)
        self._open.push_async_callback(self.simulators.stop)
        bases = json.loads(await self.simulators.first_line())
        self.simulators_url = bases["base"]
        await self._deploy(base | of_service(self.options, self.folder, self.folder / "unused.db", bases))
        await self._answers()
        await self._listen()
        await bring_in(self, self.options, self.folder)

    async def _deploy(self, told: Mapping[str, str]) -> None:
        settings = {name: value for name, value in told.items() if name in BY_NAME and name not in LOCAL}
        await asyncio.to_thread(self.stack.deploy, self.root, settings)
        self.functions = Functions(self.emulator.pid, self.dice, self.stack.tell)
        self.proxy = Proxy(self.emulator.url, self.dice, written=self.functions.written)
        await self.proxy.start()
        self._open.push_async_callback(self.proxy.stop)
        doors = {door: self._addresses(door) for door in self.stack.functions}
        await asyncio.to_thread(self.stack.arrange, doors, self.options.factor)
        self.door.api, self.door.gateway = self.stack.api, self.emulator.url
        self.ticking = Ticking(self.stack, self.dice, self.functions, self.options.factor)
        self.ticking.start()
        self._open.push_async_callback(self.ticking.stop)

    async def _listen(self) -> None:
        """Have the simulators stand for the template's topic too, so that the ledger knows what was published."""
        async with Talk("simulators") as talk:
            talk.base = self.simulators_url
            await talk.put("/sns/_topics", [self.stack.topic])

    async def _answers(self) -> None:
        """Wait until the service answers: its first process takes seconds to unpack."""
        async with Talk("service") as talk:
            talk.base = self.service_url
            for attempt in range(START_TRIES):
                try:
                    await talk.get("/healthz")
                    return
                except NoAnswer:
                    if attempt == START_TRIES - 1:
                        raise
                    await asyncio.sleep(0.5)

    def _addresses(self, door: str) -> dict[str, str]:
        """What a function is told that the template cannot know."""
        assert self.proxy is not None  # noqa: S101 - started before
        address = f"{self.proxy.url}/{door}"
        return {
            "ONPAID_PUBLIC_URL": self.service_url,
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ENDPOINT_URL_DYNAMODB": address,
            "AWS_ENDPOINT_URL_SQS": address,
        }

    @property
    def admin_token(self) -> str:
        """What opens the API."""
        return self.stack.admin_token

    @property
    def session_secret(self) -> str:
        """What signs login links."""
        return self.stack.session_secret

    @property
    def kills(self) -> int:
        """How many functions were killed in the middle of their work, and how often a clock made leases look over."""
        return self.functions.lost + self.dice.hits["late-tick"] if self.functions is not None else 0

    @property
    def reachable(self) -> bool:
        """Whether the service answers now."""
        return True

    def day_is(self, *, paid: bool) -> None:
        """How far the day is. An hour is not skipped before everybody has paid: nobody would pay for them."""
        if self.ticking is not None:
            self.ticking.may_be_late = paid

    def check(self) -> None:
        """Raise ChildEnded unless everything runs."""
        if self.simulators is not None:
            self.simulators.check()
        if not self.emulator.running:
            raise ChildEnded(f"the emulator ended by itself. Its last words: {self.emulator.log[-1500:]}")
        if self.ticking is not None:
            self.ticking.check()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Store]:
        """The table, read from here, past the proxy."""
        store = await DynamoStore.open(self.stack.table, client=self.emulator.client("dynamodb"))
        try:
            yield store
        finally:
            await store.close()

    async def counted(self, store: Store) -> Counted:
        """How many runs there are, by flow and state: one walk over the table costs less than a hundred looks."""
        found: Counted = Counter()
        after: str | None = None
        while True:
            page, after = await store.documents(after, limit=500)
            for each in page:
                if each.kind == RUNS.name:
                    for entry in each.entries:
                        if entry.name == "flow-state":
                            flow, _, state = entry.value.rpartition(":")
                            found[flow, state] += 1
            if after is None:
                return found

    def figures(self) -> dict[str, Any]:
        """What was called and what it consumed, for the report."""
        assert self.proxy is not None  # noqa: S101 - asked for after a day
        counted = self.proxy.figures
        calls = {f"{who} {call}": times for (who, call), times in sorted(counted.calls.items())}
        return {
            "environment": ENVIRONMENT,
            "faults_injected": dict(sorted((+self.dice.hits).items())),
            "requests": self.door.taken,
            "calls": calls,
            "per_order": counted.shared(self.options.orders),
        }

    async def stop(self) -> list[int]:
        """End everything, the service first. Returns exit codes as a stage of processes does."""
        await self._open.aclose()
        return [0]
