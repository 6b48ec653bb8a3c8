"""Two processes reconcile, and webhooks arrive, over one table of an emulator: conditions and all, as DynamoDB judges.

await on_the_emulator(20)     {"paid": 20, "missing": 0, "double": 0, ...}
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from onpaid.clock import SystemClock
from onpaid.errors import NotPossible, StoreError
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from tests.emulator import running_emulator, table
from tests.simulation.sales import House, Listeners, sells, verdict
from tests.simulation.simulate import quiet
from tests.simulation.till import Account

MOST_LOOKS = 400


async def on_the_emulator(sessions: int = 20) -> dict[str, Any]:
    """Half of the webhooks arrive while two houses reconcile at once; then one more does."""
    with quiet(), running_emulator() as emulator:
        client, name = emulator.client("dynamodb"), table()
        create_table(client, name)
        stores = [await DynamoStore.open(name, client=client) for _ in range(2)]
        try:
            return await _told(stores, sessions)
        finally:
            for store in stores:
                await store.close()


async def _told(stores: list[DynamoStore], sessions: int) -> dict[str, Any]:
    clock: Any = SystemClock()
    account, listeners = Account(), Listeners()
    houses = [
        House(store, account, listeners, clock, name=f"house {nth}", settle=0.1)
        for nth, store in enumerate(stores)
    ]
    idents = sells(account, sessions, clock.now() - 3_600_000, clock.now() - 60_000)
    letters = [account.complete(ident, clock.now()) for ident in idents]

    async def reconciles(house: House) -> None:
        with suppress(NotPossible, StoreError):
            await house.reconciler.run("manual")

    await asyncio.gather(
        *(reconciles(house) for house in houses),
        *(houses[nth % 2].hears(told) for nth, told in enumerate(letters) if nth % 2),
    )
    last = await houses[0].reconciler.run("scheduled")
    for _ in range(MOST_LOOKS):
        for run in await houses[0].engine.due():
            houses[0].process.hear(run)
        states = ("ready", "running", "waiting", "sleeping")
        if not any([await stores[0].count("run", "state", state, at_most=1) for state in states]):
            break
        await asyncio.sleep(0.1)
    again = await houses[1].reconciler.run("scheduled")
    found = await verdict(stores[0], account, listeners)
    changed = again.counts.created + again.counts.started + again.counts.brought
    return {**found, "created last": last.counts.created, "changed": changed}
