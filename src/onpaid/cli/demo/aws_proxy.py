"""Stands between the functions and the emulator, and does to their calls what the emulator cannot.

The table refuses calls for their rate and transactions for a conflict, answers are lost after the call took effect,
connections break, the queue delivers twice, late or never. It also counts what was called, by which function, and what
the table would charge. It speaks JSON as botocore does, on loopback; nobody's signature is checked. The first part of
a path names who calls: functions are given an address each.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web

from onpaid.cli.demo.aws_faults import Dice
from onpaid.cli.demo.aws_wire import CUT, HOPS, Answer, Call, conflict, read, refused, sending, sent, tenths

LONGEST_SECONDS = 130.0
SICK_CALLS = 12
"""How many calls about a run fail in a row: more than any client tries on its own."""
TABLE: Final = "dynamodb"
QUEUE: Final = "sqs"
READS: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})
SENDS: Final = frozenset({"SendMessage", "SendMessageBatch"})

Written = Callable[[str, int], Awaitable[None]]
"""Told of a write that took effect, before its answer goes out: who wrote, and from which port."""


@dataclass
class Figures:
    """What was called. `calls` by who and `service.Operation`; `units` by who and `read` or `write`."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)

    def of(self, service: str, who: str = "") -> int:
        """All calls to one service, or those of one caller."""
        return sum(
            times
            for (caller, call), times in self.calls.items()
            if call.startswith(f"{service}.") and who in ("", caller)
        )

    def consumed(self, kind: str, who: str = "") -> float:
        """All units of one kind, or those of one caller."""
        tenths = (
            units for (caller, each), units in self.units.items() if each == kind and who in ("", caller)
        )
        return round(sum(tenths) / 10, 1)

    def shared(self, orders: int) -> dict[str, dict[str, float]]:
        """What each caller, and all together, called and consumed for one order."""
        callers = ["", *sorted({caller for caller, _ in self.calls})]
        return {
            who or "all": {
                "dynamodb_calls": round(self.of("dynamodb", who) / orders, 1),
                "sqs_calls": round(self.of("sqs", who) / orders, 1),
                "write_units": round(self.consumed("write", who) / orders, 1),
                "read_units": round(self.consumed("read", who) / orders, 1),
            }
            for who in callers
        }


class Proxy:
    """One proxy. `written` is told of writes, so that their writer can be killed in the middle."""

    def __init__(self, upstream: str, dice: Dice | None = None, *, written: Written | None = None) -> None:
        self._upstream = upstream
        self._dice = dice or Dice()
        self._written = written
        self._sick: Counter[bytes] = Counter()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.figures = Figures()
        self.quiet = False
        """Whether faults are off: the proof is taken in peace."""
        self.url = ""

    async def start(self) -> str:
        """Listen on a free port of loopback; where."""
        timeout = aiohttp.ClientTimeout(total=LONGEST_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)
        app = web.Application(client_max_size=20_000_000)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            call = await read(request)
        except ConnectionResetError:  # the function was killed in the middle of asking
            return web.Response(status=400)
        self.figures.calls[call.who, f"{call.service}.{call.operation}"] += 1
        try:
            answer = await self._answer(call)
        except (aiohttp.ClientError, TimeoutError, OSError):
            answer = CUT
        if answer.status:
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _answer(self, call: Call) -> Answer:
        if self.quiet:
            return await self._pass_on(call)
        if call.service == TABLE:
            return await self._table(call)
        if call.service == QUEUE and call.operation in SENDS:
            return await self._queue(call)
        return await self._pass_on(call)

    async def _table(self, call: Call) -> Answer:
        dice = self._dice
        for run in [run for run, left in self._sick.items() if left and run in call.body]:
            self._sick[run] -= 1
            return refused(500, "InternalServerError", "Internal server error")
        if dice.falls("throttle"):
            name = ("ProvisionedThroughputExceededException", "ThrottlingException")[dice.either("throttle")]
            return refused(400, name, "Rate exceeded")
        if call.operation == "TransactWriteItems" and dice.falls("conflict"):
            return conflict(call)
        cut = dice.falls("cut")
        if cut and dice.either("cut"):
            return CUT
        answer = await self._pass_on(call)
        if call.operation in WRITES and answer.status == 200 and self._written is not None:
            await self._written(call.who, call.port)
        if dice.falls("slow-store"):
            await asyncio.sleep(dice.between("slow-store", 0.5, 2.0))
        if dice.falls("answer-lost"):
            return refused(500, "InternalServerError", "Internal server error")
        return CUT if cut else answer

    async def _queue(self, call: Call) -> Answer:
        told = json.loads(call.body)
        entries = told.get("Entries") or [{"Id": "", **{k: v for k, v in told.items() if k != "QueueUrl"}}]
        kept, again = [], []
        for entry in entries:
            if self._dice.falls("lost-bell"):
                continue
            if self._dice.falls("batch-partial"):
                run = json.loads(entry["MessageBody"]).get("run", "")
                self._sick[str(run).encode()] = SICK_CALLS
            if not entry.get("DelaySeconds") and self._dice.falls("sqs-shuffle"):
                entry = entry | {"DelaySeconds": 1 + self._dice.either("sqs-shuffle")}
            kept.append(entry)
            if self._dice.falls("sqs-twice"):
                again.append(entry)
        for batch in (kept, again):
            if batch:
                answer = await self._pass_on(sending(call, told["QueueUrl"], batch))
                if answer.status != 200:
                    return answer
        return sent(entries, single="Entries" not in told)

    async def _pass_on(self, call: Call) -> Answer:
        if self._session is None:
            raise AssertionError("start it first")
        body = call.body
        if call.service == TABLE and call.operation in READS | WRITES:
            body = json.dumps({"ReturnConsumedCapacity": "TOTAL"} | json.loads(body)).encode()
        async with self._session.post(self._upstream, data=body, headers=call.headers) as reply:
            got = await reply.read()
            headers = {name: value for name, value in reply.headers.items() if name.lower() not in HOPS}
            status = reply.status
        if body is not call.body and status == 200:
            kind = "read" if call.operation in READS else "write"
            self.figures.units[call.who, kind] += tenths(json.loads(got).get("ConsumedCapacity"))
        return Answer(status, got, headers)
