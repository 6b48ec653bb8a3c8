"""A whole service in virtual time, from signed webhooks to mailed invoices, while everything goes wrong by a seed.

    simulate(7, orders=10, fault_share=0.5)      Result(lost=[], double=[], stuck=[], ...)

The same seed tells the same story, to the last byte of the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import structlog

from onpaid.engine.testing import Died, VirtualClock, run_virtually
from onpaid.errors import BadSignature, NotPossible, StoreError
from onpaid.store.memory import MemoryStore
from tests.app.post import signed
from tests.flows.fates import Fates
from tests.flows.world import World
from tests.simulation.day import Habits, Letter, Sale, made_up
from tests.simulation.lives import Parts, Service, Weather
from tests.simulation.verdict import Result, all_runs, all_tickets, digest_of, judge

NEVER_MOVES = ("ready", "running", "waiting", "sleeping")
MOST_PASSES = 6
LONGEST_REST = timedelta(days=2)
"""What still moves after so long is stuck."""
LOOK = 30.0


def simulate(
    seed: int,
    orders: int = 5,
    fault_share: float = 0.4,
    *,
    parts: Parts | None = None,
    weather: Weather | None = None,
    habits: Habits | None = None,
    lag: float = 2.0,
    longest: timedelta = LONGEST_REST,
    service: type[Service] = Service,
) -> Result:
    """Tell one day, and judge it. `weather` and `habits` follow from the share of faults unless they are given."""
    share = fault_share
    weather = weather or Weather(
        calls=share,
        rings_lost=share / 2,
        commits=share / 4,
        between_crashes=round(12 / share) if share else 0,
    )
    habits = habits or Habits(trouble=share)
    with quiet():
        return run_virtually(
            lambda: _Day(seed, orders, parts or Parts(), weather, habits, lag, longest, service).tell()
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No log lines: they would cost more than the rest."""
    before: Any = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


class _Day:
    def __init__(
        self,
        seed: int,
        orders: int,
        parts: Parts,
        weather: Weather,
        habits: Habits,
        lag: float,
        longest: timedelta,
        service: type[Service],
    ) -> None:
        self._longest = longest.total_seconds()
        self._seed = seed
        self._sales: list[Sale] = made_up(seed, orders, habits)
        self._world = World(Fates(seed=seed, share=weather.calls), lag=lag)
        self._memory = MemoryStore()
        self._clock = VirtualClock()
        self._service = service(self._memory, self._world, self._clock, parts, weather, seed)
        for sale in self._sales:
            self._world.payments.update(sale.payments)
            if sale.customer.id:
                self._world.customers[sale.customer.id] = sale.customer

    async def tell(self) -> Result:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        service, result = self._service, Result(self._seed)
        errands = [asyncio.create_task(each) for each in (service.live(), service.moods(), service.steps())]
        letters = [letter for sale in self._sales for letter in sale.letters]
        await asyncio.gather(*(self._deliver(nth, letter) for nth, letter in enumerate(letters)))
        await self._rest()
        service.calm = True
        service.store.mood, service.store.moods = "well", []
        for ticket in await all_tickets(self._memory):
            result.tickets_by_class[ticket.category] += 1
        for _ in range(MOST_PASSES):
            settled = await self._settle()
            result.settled += settled
            await self._rest()
            if not settled:
                break
        result.crashes, result.faults = service.crashes, self._world.fates.drawn.total()
        await judge(result, self._sales, self._world, self._memory)
        result.digest = digest_of(self._memory, self._world)
        for errand in errands:
            errand.cancel()
        return result

    async def _deliver(self, nth: int, letter: Letter) -> None:
        """As senders do: again until it is acknowledged, and some things more often than that."""
        dice = Random(f"{self._seed} letter {nth}")
        await self._clock.sleep(letter.at)
        for copy in range(letter.copies):
            wait = 1.0
            while not await self._sent(letter):
                wait = min(wait * 2, 300.0)
                await self._clock.sleep(dice.uniform(wait / 2, wait))
            if copy + 1 < letter.copies:
                await self._clock.sleep(dice.choice((0.0, dice.uniform(0, 5), dice.uniform(0, 900))))

    async def _sent(self, letter: Letter) -> bool:
        headers = signed(letter.source, letter.body, self._clock.now())
        try:
            with contextlib.suppress(BadSignature):
                forged = await self._service.receive(letter.source, headers, letter.body + b" ")
                if forged:
                    raise AssertionError("a forged webhook was acknowledged")
            return await self._service.receive(letter.source, headers, letter.body)
        except StoreError:
            return False

    async def _rest(self) -> None:
        """Until nothing moves any more."""
        end = self._clock.monotonic() + self._longest
        await self._clock.sleep(1)
        while self._clock.monotonic() < end:
            if not self._world.landing and not await self._moves():
                return
            await self._clock.sleep(LOOK)

    async def _moves(self) -> bool:
        for state in NEVER_MOVES:
            if await self._memory.count("run", "state", state, at_most=1):
                return True
        return False

    async def _settle(self) -> int:
        """What a person does about doubts: look at the world, and say what happened."""
        settled = 0
        while self._service.life is None:
            await self._clock.sleep(LOOK)
        operations = self._service.life.operations
        for run in await all_runs(self._memory):
            doubt = run.doubt
            if run.state != "doubtful" or doubt is None or doubt.name != "send receipt":
                continue
            (receipt,) = json.loads(bytes(doubt.input))
            mails = len(self._world.invoice(receipt["invoice_id"]).mails)
            result = {"invoice_id": receipt["invoice_id"], "count": mails} if mails else None
            settled += 1
            with contextlib.suppress(NotPossible, Died, StoreError):
                await operations.settle(
                    run.id,
                    step=doubt.name,
                    attempt=doubt.tries,
                    done=bool(mails),
                    result=result,
                    by="a person",
                )
        return settled
