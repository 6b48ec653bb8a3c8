"""The same webhooks from many processes at once, into one file: one event each, one run, one invoice.

Only one process may serve a file; that several write into it is what the store's conditions have to stand, and the
plainest way to have deliveries that are truly at once.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import traceback
from collections import Counter
from pathlib import Path

from onpaid.clock import SystemClock
from onpaid.compose import build
from onpaid.engine.journal import RUNS
from onpaid.errors import StoreUnavailable
from onpaid.repositories.events import EVENTS
from onpaid.settings import Settings
from onpaid.store.sqlite import SqliteStore
from tests.journeys.kill import verdict
from tests.journeys.lives import Outside, World, signed_headers

MOST_TRIES = 50


def crowd(outside: Outside, processes: int, copies: int) -> dict[str, int]:
    """`processes` deliver every event of one order `copies` times, all at once; then one life works it off."""
    outside.ask("/_reset", {}, "POST")
    with tempfile.TemporaryDirectory(prefix="onpaid-crowd-") as folder:
        world = World(outside, Path(folder))
        world.buy("1")
        world.collect()
        settings = world.settings()
        gate_out, gate_in = os.pipe()
        children = [_child(world, settings, copies, gate_out, gate_in) for _ in range(processes)]
        os.close(gate_out)
        os.close(gate_in)  # the last writing end: everybody reads the end at once
        failed = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)
        kept = asyncio.run(_kept(world))
        stuck = world.live(redeliver=True)
        return {
            **kept,
            **verdict(outside),
            "delivered": len(world.events) * processes * copies,
            "failed": failed + (stuck != 0),
        }


def _child(world: World, settings: Settings, copies: int, gate_out: int, gate_in: int) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            os.close(gate_in)
            os.read(gate_out, 1)
            asyncio.run(_deliver(world, settings, copies))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return pid


async def _deliver(world: World, settings: Settings, copies: int) -> None:
    store = await SqliteStore.open(world.folder / "onpaid.db", exclusive=False)
    service = await build(settings, store=store, clock=SystemClock())

    async def one(source: str, body: bytes) -> None:
        for _ in range(MOST_TRIES):
            try:
                await service.inbox.receive(source, signed_headers(source, body), body)
            except StoreUnavailable:
                await asyncio.sleep(0.05)  # the file is busy: the sender sends again
            else:
                return
        raise TimeoutError("the file stayed busy")

    await asyncio.gather(*(one(source, body) for source, body in world.events for _ in range(copies)))
    await store.close()


async def _kept(world: World) -> dict[str, int]:
    store = await SqliteStore.open(world.folder / "onpaid.db", exclusive=False)
    try:
        events = (await EVENTS.query(store, "all", "", limit=1000)).items
        runs = Counter(run.flow for run in (await RUNS.query(store, "state", "ready", limit=1000)).items)
        return {"events": len(events), "sent": len(world.events), "runs": runs["invoice_payment"]}
    finally:
        await store.close()
