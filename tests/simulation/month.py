"""A month of sales with bank debits, late payers, outages of both sides, and an endpoint that was switched off."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from onpaid.app.reconciling_request import SyncSettings
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from tests.simulation.reconciled import HOUR
from tests.simulation.sales import House, Listeners, verdict
from tests.simulation.simulate import quiet
from tests.simulation.till import Account

DAY = 24 * HOUR


def month(seed: int = 1, *, days: int = 30, a_day: int = 40) -> dict[str, Any]:
    """So many days of it; the nights after them bring in what is missing."""

    async def story() -> dict[str, Any]:
        dice = Random(f"month {seed}")
        store, clock, account, listeners = MemoryStore(), VirtualClock(), Account(), Listeners()
        begin = clock.now()
        down = [*_times(dice, days, 4, 9 * HOUR), (8.2 * DAY, 11.1 * DAY)]
        away = _times(dice, days, 5, 5 * HOUR)
        off = [(15.0 * DAY, 17.0 * DAY)]

        def now(times: list[tuple[float, float]]) -> bool:
            return any(start <= clock.monotonic() < end for start, end in times)

        account.away = lambda: now(away)
        house: House | None = None
        lost = 0

        async def live() -> None:
            nonlocal house
            while True:
                if now(down) and house is not None:
                    gone, house = house, None
                    await gone.stop()
                elif not now(down) and house is None:
                    born = House(store, account, listeners, clock, settings=SyncSettings(most=60), sole=True)
                    await born.start(nightly=True)
                    house = born
                await clock.sleep(60)

        async def tells(told: Any) -> None:
            nonlocal lost
            if house is None or now(off) or dice.random() < 0.1:
                lost += 1
            else:
                await house.hears(told)

        async def customer(nth: int) -> None:
            await clock.sleep(dice.uniform(0, days * DAY))
            ident = account.open(nth, clock.now())
            kind = dice.random()
            await clock.sleep(dice.uniform(60, 23 * HOUR) if dice.random() < 0.4 else dice.uniform(30, 600))
            if kind < 0.15:
                await tells(account.expire(ident, clock.now()))
            elif kind < 0.3:
                await tells(account.complete(ident, clock.now(), paid=False))
                await clock.sleep(dice.uniform(1, 6) * DAY)
                await tells(account.settle(ident, clock.now()))
            else:
                await tells(account.complete(ident, clock.now()))

        living = asyncio.create_task(live())
        await asyncio.gather(*(customer(nth) for nth in range(days * a_day)))
        await clock.sleep(3 * DAY)
        assert house is not None
        found = await verdict(store, account, listeners)
        waiting, _ = await house.sessions.waiting()
        runs = (await house.records.newest(limit=200)).items
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await house.stop()
        return {
            **found,
            "lost": lost,
            "nights": len(runs),
            "cut short": sum(bool(run.left) for run in runs),
            "broken off": sum(run.state == "broken off" for run in runs),
            "still waiting": len(waiting),
            "days": round((clock.now() - begin) / 86_400_000),
        }

    with quiet():
        return run_virtually(story)


def _times(dice: Random, days: int, count: int, longest: float) -> list[tuple[float, float]]:
    starts = [dice.uniform(0, days) * DAY for _ in range(count)]
    return [(start, start + dice.uniform(0.2, 1) * longest) for start in starts]
