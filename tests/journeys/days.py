"""A day of both shops against the real service, `onpaid serve`, which is killed or frozen at random moments until all is done.

Simulators and service are processes as the demo starts them, with every fault; the senders send again by themselves.

    asyncio.run(killed_days(200, seed=1))      {"missing": 0, "double": 0, "agrees": True, "kills": 41, ...}
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from onpaid.cli.demo.options import Options
from onpaid.cli.demo.play import play
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.stage import ChildEnded, Stage
from onpaid.engine.pace import Pace

Mischief = Callable[[Stage, random.Random], Awaitable[None]]


async def killed(stage: Stage, dice: random.Random) -> None:
    """SIGKILL, and a start on the same port."""
    await stage.kill_service()
    await asyncio.sleep(dice.uniform(0, 0.5))
    await stage.start_service()


async def frozen(stage: Stage, dice: random.Random) -> None:
    """SIGSTOP until after the lease, then SIGCONT."""
    service = stage.service
    if service is None or service.process.returncode is not None:
        return
    service.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(dice.uniform(0.5, 1.5) * Pace().lease.total_seconds() / stage.options.factor)
    finally:
        service.process.send_signal(signal.SIGCONT)


async def day(
    orders: int, seed: int, mischief: Mischief, *, between: tuple[float, float], faults: str = "all"
) -> dict[str, Any]:
    """One day. Its report, and how often the mischief was done."""
    options = Options(orders=orders, seed=seed, faults=faults, once=True, upsells=0.1)
    dice = random.Random(seed)
    times = 0

    async def go_on(stage: Stage) -> None:
        nonlocal times
        with contextlib.suppress(ChildEnded, ProcessLookupError):
            while True:
                await asyncio.sleep(dice.uniform(*between))
                await mischief(stage, dice)
                times += 1

    with tempfile.TemporaryDirectory(prefix="onpaid-day-") as folder:
        stage = Stage(options, Path(folder), Path(folder) / "onpaid.db")
        going: asyncio.Task[None] | None = None
        try:
            await stage.start()
            going = asyncio.create_task(go_on(stage))
            with Show(Console(file=io.StringIO()), options) as show:
                report = await play(stage, options, show)
        finally:
            if going is not None:
                going.cancel()
                await asyncio.gather(going, return_exceptions=True)
            await stage.stop()
    return {**msgspec.to_builtins(report), "mischief": times}


async def killed_days(orders: int, seed: int) -> dict[str, Any]:
    """A day on which the service is killed every few seconds."""
    return await day(orders, seed, killed, between=(0.2, 4.0))


async def lossy_days(orders: int, seed: int) -> dict[str, Any]:
    """A day on which a tenth of all webhooks never comes, and the service is killed every few seconds: also while it
    reconciles, and while it proves."""
    return await day(orders, seed, killed, between=(3.0, 7.0), faults="all,drop-webhook")


async def frozen_days(orders: int, seed: int) -> dict[str, Any]:
    """A day on which the service is frozen every few seconds."""
    return await day(orders, seed, frozen, between=(0.5, 4.0))
