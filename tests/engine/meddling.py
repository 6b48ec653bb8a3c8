"""A store in which others act at the moment that matters, and what tests of a run's life share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from onpaid.engine.flow import Flow
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.testing import Process, VirtualClock
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Insert, Store, Stored, Update, Write
from tests.engine.service import Client, Service

Meddle = Callable[[Run | None, Sequence[Write]], Awaitable[None]]


class Meddling(MemoryStore):
    """Before each commit `meddle` is asked: it may write something first, or raise. It sees the run to be written."""

    meddle: Meddle | None = None

    async def commit(self, writes: Sequence[Write]) -> None:
        meddle = self.meddle
        if meddle is not None:
            self.meddle = None  # what meddling writes is not meddled with
            try:
                await meddle(written(writes), writes)
            finally:
                self.meddle = self.meddle or meddle
        await super().commit(writes)

    def once(self, when: Callable[[Run], bool], act: Callable[[], Awaitable[None]]) -> None:
        """Do `act` just before the first commit of a run for which `when` holds."""
        told: list[bool] = []

        async def meddle(run: Run | None, _writes: Sequence[Write]) -> None:
            if run is not None and not told and when(run):
                told.append(True)
                await act()

        self.meddle = meddle


def written(writes: Sequence[Write]) -> Run | None:
    """The run among the writes, if there is one."""
    for write in writes:
        if write.kind == RUNS.name and isinstance(write, Insert | Update):
            return RUNS.read(Stored(write.kind, write.key, 0, write.body)).record
    return None


def process(
    store: Store, service: Service, *flows: Flow, clock: VirtualClock | None = None, **more: Any
) -> Process:
    """One life of the service, with a client of this service as its guest."""
    guests = {"client": Client(service), **more.pop("guests", {})}
    return Process(store, flows, guests, clock or VirtualClock(), **more)


async def the_run(store: Store, run_id: str) -> Run:
    """The run, which is there."""
    held = await RUNS.get(store, run_id)
    assert held is not None
    return held.record


async def change(store: Store, run_id: str, how: Callable[[Run], None]) -> None:
    """Alter a run as another worker or an operator does."""
    held = await RUNS.get(store, run_id)
    assert held is not None
    how(held.record)
    await store.commit([RUNS.update(held.record, held.version)])


async def open_tickets(store: Store) -> list[Ticket]:
    """The tickets that are open."""
    return (await TICKETS.query(store, "state", "open", limit=100)).items
