"""What follows a restore: every lane paused, and a ticket that says what to look at before they are opened."""

from __future__ import annotations

from pathlib import Path

from onpaid.cli import reach
from onpaid.clock import iso
from onpaid.compose import build
from onpaid.compose_store import open_store
from onpaid.engine.journal import TICKETS
from onpaid.engine.tickets import new_ticket
from onpaid.store.generation import Generation


async def pause_all(database: Path, raised: Generation) -> list[str]:
    """Pause every lane of the restored database and open the ticket. Returns the lanes."""
    settings = reach.settings_to_look()
    store = await open_store(settings)
    service = await build(settings, store=store)
    try:
        lanes = service.engine.workshop.lanes.names()
        since = (
            "an unknown time" if raised.restored_from_instant is None else iso(raised.restored_from_instant)
        )
        for lane in lanes:
            await service.operations.pause(lane, f"restored from a backup of {since}: look, then resume")
        ticket = new_ticket(
            None,
            subject=f"restore:{raised.generation}",
            cause="restored from a backup",
            title=f"The database was restored from a backup of {since}. What came and was done since is unknown here: "
            "let everybody send their events again (the shop, Stripe, Razorpay), resume the lanes, then close this "
            "ticket. Every invoice and every parcel is looked up before it is made",
            category="database",
            severity="critical",
            now=service.clock.now(),
            facts={"database": database.name, "generation": raised.generation, "lanes": ", ".join(lanes)},
        )
        await store.commit([TICKETS.put(ticket)])
    finally:
        await service.stop()
    return lanes
