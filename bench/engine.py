"""Flows of five journaled steps, with `begun` written before each, on memory and on SQLite."""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import structlog

from bench.machine import Figure
from onpaid.acts import act
from onpaid.clock import SystemClock
from onpaid.engine.context import Context
from onpaid.engine.flow import Flows, flow
from onpaid.engine.runner import Engine
from onpaid.runtime.embedded import AsyncBell, EmbeddedRuntime
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore


class Told(msgspec.Struct):
    """The fact of this benchmark."""

    id: str


class Counter:
    """Acts that answer at once."""

    @act(key_life=timedelta(hours=24))
    async def add(self, number: int) -> int:
        return number + 1


@flow(on=Told, key=lambda told: told.id)
async def five_steps(ctx: Context, told: Told, *, counter: Counter) -> int:
    number = 0
    for nth in range(5):
        number = await ctx.step(f"add {nth}", counter.add, number)
    return number


async def measure(count: int) -> list[Figure]:
    """Flows a second, and the time from enqueueing to the end at low load."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(prefix="onpaid-bench-") as folder:
        memory = await _flows(MemoryStore(), count)
        on_disk, low = await _flows_and_low_load(await SqliteStore.open(Path(folder) / "flows.db"), count)
    return [
        Figure(
            "flows of five steps, each begun and done on disk",
            on_disk,
            "/s",
            memory,
            "in memory",
            ">= 1,500/s",
        ),
        Figure("one such flow alone, from recording to done, p50", low * 1000, "ms", target="< 10 ms"),
    ]


async def _flows_and_low_load(store: Store, count: int) -> tuple[float, float]:
    rate = await _flows(store, count, close=False)
    engine, runtime = make_engine(store)
    await runtime.start()
    times = []
    for nth in range(100):
        started = time.perf_counter()
        await engine.recorder.record(facts=[Told(f"low {nth}")])
        while (await store.count("run", "state", "done", at_most=10**9)) < count + nth + 1:
            await asyncio.sleep(0.0005)
        times.append(time.perf_counter() - started)
    await runtime.stop()
    await store.close()
    return rate, sorted(times)[50]


def make_engine(store: Store) -> tuple[Engine, EmbeddedRuntime]:
    """An engine on this store, and the loop around it."""
    bell, clock = AsyncBell(), SystemClock()
    flows = Flows([five_steps], {"counter": Counter()})
    engine = Engine(store, flows, clock=clock, bell=bell, random=Random(1), owner="bench")
    return engine, EmbeddedRuntime(engine, bell, clock)


async def _flows(store: Store, count: int, *, close: bool = True) -> float:
    engine, runtime = make_engine(store)
    await runtime.start()
    started = time.perf_counter()
    for nth in range(0, count, 50):
        await engine.recorder.record(facts=[Told(str(n)) for n in range(nth, nth + 50)])
    while await store.count("run", "state", "done", at_most=10**9) < count:
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - started
    await runtime.stop()
    if close:
        await store.close()
    return count / seconds
