"""The lives of one service: an engine, its runtime and its inbox on a store that outlives them, killed now and then.

Everything that a planted bug may replace comes in through `Parts`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from onpaid.acts import LaneLimit
from onpaid.app.inbox import Inbox
from onpaid.app.keeping import Keeping
from onpaid.engine.bell import Bell
from onpaid.engine.flow import Flow, Flows
from onpaid.engine.operations import Operations
from onpaid.engine.pace import Pace
from onpaid.engine.runner import Engine
from onpaid.engine.testing import Died, MortalStore, VirtualClock
from onpaid.flows.rules import Rules
from onpaid.providers.roles import WebhookSource
from onpaid.runtime.embedded import AsyncBell, EmbeddedRuntime
from onpaid.store.port import Store
from tests.app.post import sources
from tests.app.stores import MoodyStore
from tests.flows.stage import FLOWS, RULES, guests
from tests.flows.world import LANES, World

QUICK_RULES = Rules(
    vat=RULES.vat,
    cash_invoice=True,
    order_wait=timedelta(minutes=40),
    mismatch_wait=timedelta(minutes=20),
    order_expires_after=timedelta(hours=1),
    change_wait=timedelta(minutes=30),
)
"""Patience for a simulated day: all else is as in life."""


@dataclass(frozen=True)
class Trade:
    """What a service does: its flows and their guests, who tells it of things, and its lanes."""

    flows: Sequence[Flow]
    guests: Callable[[Any, Store, Any], dict[str, Any]]
    sources: Callable[[], Mapping[str, WebhookSource]]
    lanes: Sequence[LaneLimit]


INVOICES = Trade(FLOWS, lambda world, store, _clock: guests(world, store, QUICK_RULES), sources, LANES)


@dataclass(frozen=True)
class Parts:
    """What a service is made of. A planted bug replaces one of them; the rest of the simulation knows nothing of it."""

    guests: Callable[[dict[str, Any]], dict[str, Any]] = lambda given: given
    sources: Callable[[Mapping[str, WebhookSource]], Mapping[str, WebhookSource]] = lambda given: given
    flows: Sequence[Flow] | None = None
    engine: Callable[[Engine], Engine] = lambda engine: engine
    inbox: Callable[..., Inbox] = Inbox
    store: Callable[[Store], Any] = lambda store: store
    clock: Callable[[VirtualClock], Any] = lambda clock: clock
    bell: Callable[[], AsyncBell] = AsyncBell
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True)
class Weather:
    """How rough it is: shares of calls, webhooks and commits that are hit, and how many commits lie between crashes."""

    calls: float = 0.0
    rings_lost: float = 0.0
    commits: float = 0.0
    between_crashes: int = 0
    steps: tuple[tuple[float, timedelta], ...] = ()
    """When the wall clock is moved, and by how much."""


class LossyBell(AsyncBell):
    """A bell some of whose rings nobody hears."""

    def __init__(self, inner: AsyncBell, dice: Random, share: float) -> None:
        super().__init__()
        self._inner, self._dice, self._share = inner, dice, share

    def ring(self, runs: Iterable[str]) -> None:
        self._inner.ring([run for run in runs if self._dice.random() >= self._share])

    def ring_in(self, run: str, seconds: float) -> None:
        if self._dice.random() >= self._share:
            self._inner.ring_in(run, seconds)


class MortalRuntime(EmbeddedRuntime):
    """A runtime that can end without tidying up."""

    async def kill(self) -> None:
        """Cancel everything, as the end of a process does."""
        self._bell.forget()
        self._again.clear()
        tasks = [*self._loops, *self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Life:
    """One process."""

    def __init__(
        self,
        number: int,
        store: Any,
        world: World,
        clock: VirtualClock,
        parts: Parts,
        weather: Weather,
        seed: int,
        trade: Trade = INVOICES,
    ) -> None:
        dice = Random(f"{seed} life {number}")
        dies_at = 1 + int(dice.expovariate(1 / weather.between_crashes)) if weather.between_crashes else None
        self.mortal = MortalStore(store, dies_at=dies_at, after=dice.random() < 0.5)
        self.store = parts.store(self.mortal)
        self.clock = parts.clock(clock)
        self.given = given = parts.guests(trade.guests(world, self.store, self.clock))
        self.hand = parts.bell()
        bell: Bell = LossyBell(self.hand, dice, weather.rings_lost) if weather.rings_lost else self.hand
        self.engine = parts.engine(
            Engine(
                self.store,
                Flows(parts.flows or trade.flows, given),
                clock=self.clock,
                bell=bell,
                random=dice,
                owner=f"life {number}",
                pace=parts.pace,
                lanes=trade.lanes,
            )
        )
        delivered = [given.get(name) for name in ("checkout_records", "shipments", "messages")]
        keeping = Keeping(self.engine.store, given["orders"], given["payments"], *delivered)
        told = parts.sources(trade.sources())
        self.inbox = parts.inbox(self.engine.recorder, keeping, told, self.clock)
        self.runtime = MortalRuntime(self.engine, self.hand, self.clock)
        self.operations = Operations(self.engine)


class Service:
    """One life after the other. `life` is None while it is down."""

    def __init__(
        self,
        store: Store,
        world: World,
        clock: VirtualClock,
        parts: Parts,
        weather: Weather,
        seed: int,
        trade: Trade = INVOICES,
    ) -> None:
        self.store = MoodyStore(store)
        self._trade = trade
        self._world, self._clock, self._parts, self._weather, self._seed = world, clock, parts, weather, seed
        self._dice = Random(f"{seed} service")
        self.crashes = 0
        self.life: Life | None = None
        self.calm = False
        """Once set, nothing bad happens any more."""

    async def live(self) -> None:
        """Start again after every crash, for ever."""
        while True:
            await self._one_life()
            self.crashes += 1
            await self._clock.sleep(self._dice.uniform(0.1, 20))

    async def _one_life(self) -> None:
        weather = Weather() if self.calm else self._weather
        life = Life(
            self.crashes,
            self.store,
            self._world,
            self._clock,
            self._parts,
            weather,
            self._seed,
            self._trade,
        )
        with contextlib.suppress(Died):
            await life.runtime.start()
            self.life = life
            await life.mortal.dead.wait()
        self.life = None
        await life.runtime.kill()

    async def moods(self) -> None:
        """Now and then the store is full for a while, or leaves a commit unanswered."""
        share = self._weather.commits
        while share and not self.calm:
            await self._clock.sleep(self._dice.expovariate(share / 20))
            if self.calm:
                return
            if self._dice.random() < 0.3:
                self.store.mood = "full"
                await self._clock.sleep(self._dice.uniform(0.1, 30))
                self.store.mood = "well"
            else:
                self.store.moods = [self._dice.choice(("unknown, written", "unknown, not written", "full"))]

    async def steps(self) -> None:
        """Somebody sets the clock."""
        passed = 0.0
        for at, by in self._weather.steps:
            await self._clock.sleep(at - passed)
            passed = at
            self._clock.step(by)

    async def receive(self, source: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a webhook was acknowledged."""
        life = self.life
        if life is None:
            return False
        try:
            await life.inbox.receive(source, headers, body)
        except Died:
            return False
        return True
