"""Planted bugs in the service itself: its inbox, its store, its clock, and what it makes of leases and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.app.inbox import Inbox, Receipt
from onpaid.domain.events import Judged, OrderReceived
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentSucceeded
from onpaid.engine.journal import RUNS
from onpaid.engine.lanes import Lanes
from onpaid.errors import Conflict, StoreUnavailable
from onpaid.flows.invoice_payment import invoice_payment
from onpaid.repositories.orders import LinesTaken
from onpaid.store.local import Done, Local
from onpaid.store.port import Check, Insert, Put, Update, Write
from tests.flows.stage import Stage, line, tell
from tests.flows.world import LANES

LEAPS = tuple((20.0 * nth, timedelta(hours=1) * (-1) ** nth) for nth in range(80))
"""The wall clock goes an hour on and back again, forty times."""


async def _own_contact(ctx: Any, paid: PaymentSucceeded, **needed: Any) -> Any:
    """The flow of an invoice that does not leave the contact to a run of its own."""
    invoicing = needed["invoicing"]

    class Alone:
        def __getattr__(self, name: str) -> Any:
            return getattr(ctx, name)

        async def call(self, name: str, contact: Any, _answer: Any) -> Any:
            return await ctx.step(name, invoicing.create_contact, contact, find=invoicing.find_contact)

    return await invoice_payment.tell(Alone(), paid, **needed)  # type: ignore[arg-type]


own_contact = replace(invoice_payment, tell=_own_contact)


class Unconditional:
    """Orders whose lines are taken without looking who takes them at the same moment."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def take_lines(self, paid: PaymentSucceeded, amount: Money) -> Local[LinesTaken]:
        found = await self._inner.take_lines(paid, amount)
        await asyncio.sleep(0.5)
        return Done(found.value) if isinstance(found, Done) else found


class _TwoCommits:
    """A recorder that keeps what is known first, and starts the runs afterwards."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def record(
        self, writes: Sequence[Write] = (), *, facts: Sequence[Any] = (), **more: Any
    ) -> list[str]:
        if not facts or not writes:
            return await self._inner.record(writes, facts=facts, **more)  # type: ignore[no-any-return]
        await self._inner.record(writes, **more)
        await asyncio.sleep(0.2)
        return await self._inner.record(facts=facts, event=more.get("event", ""))  # type: ignore[no-any-return]


def two_commits(engine: Any) -> Any:
    engine.recorder = _TwoCommits(engine.recorder)
    return engine


class Hasty(Inbox):
    """Answers first, and writes when it has time."""

    async def receive(self, *args: Any, **more: Any) -> Receipt:
        self.sources["stripe"].read(args[2], 0) if args[0] == "stripe" else None
        signed = self.sources[args[0]]
        signed.verify(args[1], args[2], self._clock.now())
        self._writing = asyncio.get_running_loop().create_task(self._write(*args, **more))
        return Receipt("later", "routed")

    async def _write(self, *args: Any, **more: Any) -> None:
        await asyncio.sleep(0.5)
        await super().receive(*args, **more)


class Careless(Inbox):
    """Says yes although it could not write."""

    async def receive(self, *args: Any, **more: Any) -> Receipt:
        try:
            return await super().receive(*args, **more)
        except StoreUnavailable:
            return Receipt("none", "routed")


class _Passing:
    """A store that passes everything on."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Forgetful(_Passing):
    """Says that it wrote, and writes a second later: what it held when the process ends is gone."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self._held: dict[tuple[str, str], Any] = {}

    async def commit(self, writes: Sequence[Write]) -> None:
        if any(write.kind == "event" for write in writes):
            asyncio.get_running_loop().create_task(self._later(writes))
            return
        await self._inner.commit(writes)

    async def _later(self, writes: Sequence[Write]) -> None:
        await asyncio.sleep(1)
        await self._inner.commit(writes)


class Torn(_Passing):
    """Writes the first half of a batch, and the second a moment later."""

    async def commit(self, writes: Sequence[Write]) -> None:
        if any(write.kind == "event" for write in writes) and len(writes) > 1:
            await self._inner.commit(writes[:1])
            await asyncio.sleep(0.2)
            await self._inner.commit(writes[1:])
            return
        await self._inner.commit(writes)


class Unfenced(_Passing):
    """Writes runs whatever version they were read at."""

    async def commit(self, writes: Sequence[Write]) -> None:
        loose = [self._loose(write) for write in writes]
        await self._inner.commit([write for write in loose if write is not None])

    def _loose(self, write: Write) -> Write | None:
        if isinstance(write, Check):
            return None
        if isinstance(write, Update | Insert) and write.kind in ("run", "claim"):
            return Put(write.kind, write.key, write.body, write.entries)
        return write


def possessive(engine: Any) -> Any:
    """Believes in leases of processes that are gone."""

    async def none() -> list[str]:
        return []

    engine.orphans = none
    engine._sole = False
    return engine


def forgetting_ends(engine: Any) -> Any:
    """Begins a run anew whenever it is rung for, whatever its journal says."""
    right = engine.advance

    async def advance(run_id: str) -> None:
        held = await RUNS.get(engine.store, run_id)
        if held is not None and held.record.steps and held.record.flow == "invoice_payment":
            run = msgspec.structs.replace(held.record, steps=[], state="ready", due_at=0, lease_until=0)
            try:
                await engine.store.commit([RUNS.update(run, held.version)])
            except Conflict:
                return
        await right(run_id)

    engine.advance = advance
    return engine


class WallClock:
    """Measures how long it waited by the clock on the wall."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def now(self) -> int:
        return self._inner.now()  # type: ignore[no-any-return]

    def monotonic(self) -> float:
        return self._inner.now() / 1000  # type: ignore[no-any-return]

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Orderly(Lanes):
    """Lanes that let nobody in who is not first in the queue, though a call to the first may have been lost."""

    def enter(self, name: str | None, run: str) -> float | None:
        lane = self._lane(name)
        if lane.queue and run not in lane.called and run != lane.queue[0]:
            self._enqueue(lane, run)
            self._call(lane)
            return None
        return super().enter(name, run)


def orderly(engine: Any) -> Any:
    engine.workshop.lanes = _Orderly(LANES, engine.clock, engine.pace, engine.bell)
    return engine


class LastWord(Inbox):
    """Believes that what the shop says last is what it said last."""

    def __init__(self, recorder: Any, keeping: Any, sources: Any, clock: Any) -> None:
        timeless = {**sources, "konverzky": _Timeless(sources["konverzky"])}
        super().__init__(recorder, keeping, timeless, clock)


class _Timeless(_Passing):
    def judge(self, *args: Any) -> Judged:
        judged = self._inner.judge(*args)
        facts = tuple(
            msgspec.structs.replace(fact, told_at=None) if isinstance(fact, OrderReceived) else fact
            for fact in judged.facts
        )
        return msgspec.structs.replace(judged, facts=facts)  # type: ignore[no-any-return]


def sleeps_through() -> str:
    """Whether an order wakes its payment: with a service whose recorder wakes nobody."""
    late: list[str] = []

    async def story(stage: Stage) -> None:
        right = stage.process.engine.recorder.record

        async def record(*args: Any, **more: Any) -> list[str]:
            return await right(*args, **{**more, "wakes": ()})

        stage.process.engine.recorder.record = record  # type: ignore[method-assign]
        await stage.pays("1001", "199.00")
        await stage.wait(timedelta(seconds=31))
        before = stage.clock.now()
        await stage.order("1001", line("77", "199.00"))
        await stage.rest()
        run = await stage.run("invoice_payment", "pi_1")
        if run.ended is None or run.ended - before > 10_000:
            late.append("the payment slept on when its order came")

    tell(story)
    return "; ".join(late)
