"""The AWS form on the emulator: a flow beside SQLite, deliveries at once, and what the table is asked for each order.

The emulator is one process in Python on this machine: its milliseconds say nothing of AWS, its ratios say where time
goes, and its counts of calls and units are those that AWS would charge.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from bench.engine import Told, make_engine
from bench.machine import Figure
from onpaid.cli.demo.aws_proxy import Proxy
from onpaid.cli.demo.emulator import client_of, running
from onpaid.engine.journal import RUNS
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.port import Store
from onpaid.store.sqlite import SqliteStore

ROOT = Path(__file__).resolve().parents[1]
ALONE = 40
AT_ONCE = ((1, 40), (10, 200), (100, 400))
"""How many deliveries are under way, and how many in all."""


async def measure(orders: int = 20) -> list[Figure]:
    """Everything on one emulator, then a day without faults through the whole stack."""
    with running(ROOT) as emulator, tempfile.TemporaryDirectory(prefix="onpaid-bench-") as folder:
        proxy = Proxy(emulator.url)
        address = await proxy.start()
        try:
            stores = [await _table(f"{address}/bench") for _ in range(2)]
            on_disk = await _alone(await SqliteStore.open(Path(folder) / "flows.db"))
            proxy.figures.calls.clear()
            proxy.figures.units.clear()
            on_table = await _alone(stores[0])
            calls = proxy.figures.of("dynamodb") / ALONE
            units = proxy.figures.consumed("write") / ALONE
            rates = [await _deliveries(stores[1], *many) for many in AT_ONCE]
        finally:
            await proxy.stop()
    figures = [
        Figure(
            "a flow of five steps alone on the emulated table, p50",
            on_table * 1000,
            "ms",
            on_disk * 1000,
            "on SQLite",
            notes={"calls to DynamoDB": f"{calls:.1f}", "write units": f"{units:.0f}"},
        ),
        *(
            Figure(
                f"payments recorded on the emulated table, {many} under way",
                rate,
                "/s",
                notes={"p50": f"{p50:.0f} ms", "p99": f"{p99:.0f} ms"},
            )
            for (many, _), (rate, p50, p99) in zip(AT_ONCE, rates, strict=True)
        ),
    ]
    return figures + await asyncio.to_thread(_day, orders)


async def _table(address: str) -> DynamoStore:
    name = f"bench-{uuid.uuid4().hex[:12]}"
    await asyncio.to_thread(create_table, client_of("dynamodb", address), name)
    config = {"connect_timeout": 2, "read_timeout": 8, "retries": {"total_max_attempts": 1}}
    return await DynamoStore.open(name, client=client_of("dynamodb", address, **config))


async def _alone(store: Store) -> float:
    """Seconds from recording to done, at the median."""
    engine, runtime = make_engine(store)
    await runtime.start()
    times, ended = list[float](), list[str]()
    for nth in range(ALONE):
        started = time.perf_counter()
        (run,) = await engine.recorder.record(facts=[Told(f"alone {nth}")])
        # The store is not asked meanwhile: its calls are counted.
        while not runtime.busy:
            await asyncio.sleep(0)
        while runtime.busy:
            await asyncio.sleep(0.0005)
        ended.append(run)
        times.append(time.perf_counter() - started)
    median = sorted(times)[ALONE // 2]
    await runtime.stop()
    if not all([await _done(store, run) for run in ended]):
        raise RuntimeError("a flow came to no end")
    return median


async def _done(store: Store, run: str) -> bool:
    held = await RUNS.get(store, run)
    return held is not None and held.record.state == "done"


async def _deliveries(store: Store, at_once: int, count: int) -> tuple[float, float, float]:
    """Facts recorded a second, and milliseconds of one, at the median and the 99th of a hundred."""
    engine, _ = make_engine(store)
    places, times = asyncio.Semaphore(at_once), list[float]()

    async def one(nth: int) -> None:
        async with places:
            started = time.perf_counter()
            await engine.recorder.record(facts=[Told(f"{at_once} {nth}")])
            times.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    await asyncio.gather(*(one(nth) for nth in range(count)))
    rate = count / (time.perf_counter() - started)
    times.sort()
    return rate, times[count // 2], times[count * 99 // 100]


def _day(orders: int) -> list[Figure]:
    """What one paid order asks of the table and the queue, over API Gateway, Lambda and SQS."""
    words = [
        "demo",
        "--target",
        "aws-emulator",
        "--orders",
        str(orders),
        "--faults",
        "none",
        "--once",
        "--json",
    ]
    command = [str(Path(sys.executable).with_name("onpaid")), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the day on the emulator failed: {done.stderr[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    each = told["aws"]["per_order"]
    names = {
        "dynamodb_calls": "calls to DynamoDB",
        "write_units": "write units",
        "read_units": "read units",
        "sqs_calls": "calls to SQS, but for what its poller does",
    }
    shares = {name: {who: f"{each[who][name]:g}" for who in each if who != "all"} for name in names}
    return [
        Figure(f"{words} for each order of a day without faults", each["all"][name], "", notes=shares[name])
        for name, words in names.items()
    ]
