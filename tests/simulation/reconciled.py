"""What the reconciliation promises, told as stories: lost webhooks, outages, races, a whole month of mishaps."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import Any

from onpaid.app.reconciling_door import answer_event
from onpaid.app.reconciling_request import SyncSettings
from onpaid.domain.reconciliation import Reconciliation
from onpaid.engine.testing import Died, MortalStore, VirtualClock, run_virtually
from onpaid.errors import NotPossible, StoreError, Unavailable
from onpaid.store.memory import MemoryStore
from tests.simulation.sales import House, Listeners, sells, verdict
from tests.simulation.simulate import quiet
from tests.simulation.till import Account

HOUR = 3600.0


def wrong(found: dict[str, Any]) -> int:
    """How much is not as it should be: what is missing, there twice or unexplained, stopped, told of, or changed again."""
    return sum(
        found.get(name, 0) for name in ("missing", "double", "unexplained", "stopped", "changed", "tickets")
    )


async def _nights(house: House, most: int = 60) -> list[Reconciliation]:
    """One night after the other, until a run leaves nothing."""
    runs = []
    for _ in range(most):
        runs.append(await house.reconciler.run("scheduled"))
        await house.rest()
        if not runs[-1].left:
            return runs
        await house.clock.sleep(60)
    raise AssertionError("the reconciliation never comes to its end")


def lost_webhooks(
    webhooks: int,
    lost: int,
    *,
    seed: int = 1,
    outage: float = 0.0,
    events: bool = True,
    most: int = 500,
    dry_run: bool = False,
) -> dict[str, Any]:
    """So many of the webhooks never arrive. What two rounds of nights make of it: the second must change nothing."""

    async def story() -> dict[str, Any]:
        store, clock, account, listeners = MemoryStore(), VirtualClock(), Account(), Listeners()
        settings = SyncSettings(most=most, dry_run=dry_run)
        house = House(store, account, listeners, clock, settings=settings, events=events)
        await house.start()
        await house.reconciler.run("scheduled")
        idents = sells(account, webhooks, clock.now(), clock.now() + round((outage or 20 * HOUR) * 1000))
        dropped = set(Random(seed).sample(idents, lost))
        for ident in idents:
            told = account.complete(ident, account.sessions[ident].created_at + 60_000)
            if ident not in dropped:
                await house.hears(told)
        await clock.sleep((outage or 20 * HOUR) + HOUR)
        await house.rest()
        first = await _nights(house)
        found = await verdict(store, account, listeners)
        second = await _nights(house)
        again = await verdict(store, account, listeners)
        await house.stop()
        return {
            **found,
            "lost": lost,
            "created": sum(run.counts.created for run in first),
            "errors": sum(run.counts.errors for run in (*first, *second)),
            "nights": len(first),
            "changed": sum(run.counts.created + run.counts.brought + run.counts.started for run in second)
            + (again != found),
        }

    with quiet():
        return run_virtually(story)


def racing(seed: int, sessions: int = 6) -> dict[str, Any]:
    """Webhooks arrive, twice and in any order, while two processes reconcile; one of them may die at any write."""

    async def story() -> dict[str, Any]:
        dice = Random(f"race {seed}")
        shared, clock, account, listeners = MemoryStore(), VirtualClock(), Account(), Listeners()
        mortal = MortalStore(
            shared, dies_at=dice.randrange(1, 60) if dice.random() < 0.4 else None, after=dice.random() < 0.5
        )
        settings = SyncSettings(most=dice.choice((2, 500)))
        with_events = dice.random() < 0.5
        houses = [
            House(store, account, listeners, clock, name=name, settings=settings, events=with_events)
            for store, name in ((shared, "first"), (mortal, "second"))
        ]
        for house in houses:
            with suppress(Died):
                await house.start()
        idents = sells(account, sessions, clock.now(), clock.now() + 60_000)
        await clock.sleep(120)
        letters = [account.complete(ident, clock.now()) for ident in idents]

        async def deliver(told: Any) -> None:
            for _ in range(dice.choice((0, 1, 1, 2))):
                await clock.sleep(dice.choice((0.0, dice.uniform(0, 3))))
                await dice.choice(houses).hears(told)

        async def reconcile(house: House) -> None:
            await clock.sleep(dice.choice((0.0, dice.uniform(0, 3))))
            with suppress(NotPossible, StoreError, Died):
                await house.reconciler.run("manual")

        await asyncio.gather(*(deliver(told) for told in letters), *(reconcile(house) for house in houses))
        await clock.sleep(600)
        await houses[0].rest()
        await _nights(houses[0])
        found = await verdict(shared, account, listeners)
        changed = sum(run.counts.created + run.counts.started for run in await _nights(houses[0]))
        died = int(mortal.dead.is_set())
        for house in houses:
            await house.stop()
        return {**found, "died": died, "changed": changed}

    with quiet():
        return run_virtually(story)


def on_functions(seed: int, sessions: int = 30) -> dict[str, Any]:
    """As AWS runs it: the reconciliation is a function with a time limit that may be killed, others work on the runs.

    Each invocation is a cold one, and nothing but the store is shared.
    """

    async def story() -> dict[str, Any]:
        dice = Random(f"functions {seed}")
        shared, clock, account, listeners = MemoryStore(), VirtualClock(), Account(), Listeners()
        workers = [House(shared, account, listeners, clock, name=f"work {nth}") for nth in range(2)]
        for worker in workers:
            await worker.start()
        idents = sells(account, sessions, clock.now(), clock.now() + round(HOUR * 1000))
        letters = [account.complete(each, account.sessions[each].created_at + 60_000) for each in idents]
        killed: list[bool] = []
        await clock.sleep(2 * HOUR)

        async def deliver(told: Any) -> None:
            await clock.sleep(dice.uniform(0, 1800))
            if dice.random() < 0.4:
                await dice.choice(workers).hears(told)

        async def invocation(nth: int) -> bool:
            """Whether it came to its end, with nothing left."""
            dies_at = dice.randrange(1, 40) if dice.random() < 0.5 else None
            mortal = MortalStore(shared, dies_at=dies_at, after=dice.random() < 0.5)
            settings = SyncSettings(most=dice.choice((7, 500)))
            door = House(
                mortal, account, listeners, clock, name=f"{nth} night", settings=settings, per_second=1.0
            )
            end = clock.monotonic() + dice.choice((34.0, 60.0, 300.0))
            try:
                async with asyncio.timeout(end - clock.monotonic()):
                    answer = await answer_event(door.reconciler, {}, lambda: end - clock.monotonic())
            except (Died, TimeoutError, Unavailable, StoreError):
                return False
            finally:
                killed.append(mortal.dead.is_set())
                mortal.dead.set()
            body = answer["body"]
            return answer["statusCode"] == 200 and not body["left"] and not body["errors"]

        letting = asyncio.gather(*(deliver(told) for told in letters))
        for nth in range(80):
            if await invocation(nth) and letting.done():
                break
            await clock.sleep(dice.choice((1.0, 301.0)))
        await letting
        await workers[0].rest()
        found = await verdict(shared, account, listeners)
        for worker in workers:
            await worker.stop()
        return {**found, "killed": sum(killed), "invocations": nth + 1}

    with quiet():
        return run_virtually(story)
