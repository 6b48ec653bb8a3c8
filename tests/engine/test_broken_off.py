"""A worker that is cancelled in the middle of a commit never says that a step is done whose effects nobody wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from onpaid.acts import act
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import Run
from onpaid.engine.testing import MemoryStore, run_virtually
from onpaid.errors import Conflict, StoreUnavailable
from onpaid.store.local import Done, Local
from onpaid.store.port import Insert, Write
from tests.engine.meddling import Meddling, process, the_run
from tests.engine.service import Paid, Service


class Shelf:
    """Keeps one thing, by a local act."""

    @act(local=True)
    async def put(self, paid: Paid) -> Local[bool]:
        return Done(True, (Insert("thing", paid.id, b"here"),))


@flow(on=Paid, key=lambda paid: paid.id)
async def shelve(ctx: Context, paid: Paid, *, shelf: Any) -> None:
    await ctx.step("put", shelf.put, paid)


def puts(run: Run | None) -> bool:
    return run is not None and any(step.name == "put" and step.state == "done" for step in run.steps)


@pytest.mark.parametrize("happened", [True, False])
def test_a_local_act_whose_commit_is_cancelled_is_done_in_the_end(happened: bool) -> None:
    async def main() -> None:
        store = Meddling()
        one = process(store, Service(), shelve, guests={"shelf": Shelf()}, ringing=False)
        hung: list[bool] = []

        async def meddle(run: Run | None, writes: Sequence[Write]) -> None:
            if puts(run) and not hung:
                hung.append(True)
                if happened:
                    await MemoryStore.commit(store, writes)
                await asyncio.sleep(1000)

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        worker = asyncio.create_task(one.engine.advance("shelve:p1"))
        await asyncio.sleep(5)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        held = await the_run(store, "shelve:p1")
        assert held.lease_number == 1
        assert puts(held) == happened, "the step and its effect are written together, or neither is"
        assert (await store.get("thing", "p1") is not None) == happened
        await one.live()
        assert (await the_run(store, "shelve:p1")).state == "done"
        assert await store.get("thing", "p1") is not None

    run_virtually(main)


def test_a_run_that_cannot_be_read_again_after_a_conflict_is_not_written_from_memory() -> None:
    """Another wrote in between, and then the store does not even say what."""

    class Mute(Meddling):
        mute = False

        async def get(self, kind: str, key: str) -> Any:
            if self.mute and kind == "run":
                self.mute = False
                raise StoreUnavailable("throttled")
            return await super().get(kind, key)

    async def main() -> None:
        store = Mute()
        one = process(store, Service(), shelve, guests={"shelf": Shelf()})
        refused: list[bool] = []

        async def meddle(run: Run | None, _writes: Sequence[Write]) -> None:
            if puts(run) and not refused:
                refused.append(True)
                store.mute = True
                raise Conflict([("run", "shelve:p1")])

        store.meddle = meddle
        await one.engine.recorder.record(facts=[Paid("p1")])
        await one.live()
        assert (await the_run(store, "shelve:p1")).state == "done"
        assert await store.get("thing", "p1") is not None

    run_virtually(main)
