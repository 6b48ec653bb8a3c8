"""A service that sells in sessions, in virtual time: webhooks at its inbox, runs that go on, nights that reconcile.

What others were told stands in books of their own (`Listeners`), which outlive every process: they are the judge.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from onpaid.acts import Absent, Finding, Found, act
from onpaid.app.inbox import Inbox
from onpaid.app.keeping import Keeping, Kept
from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_events import Events
from onpaid.app.reconciling_night import Gate
from onpaid.app.reconciling_plan import Lists, Probe
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_schedule import Nightly
from onpaid.app.reconciling_sessions import Sessions as ComparedSessions
from onpaid.clock import Instant
from onpaid.domain.billing import BillingNews
from onpaid.domain.events import Fact
from onpaid.domain.session_orders import order_number
from onpaid.domain.sessions import SessionChanged
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.engine.testing import Died, Process, VirtualClock
from onpaid.errors import StoreError
from onpaid.flows.keep_renewal import keep_renewal
from onpaid.flows.keep_session import keep_session
from onpaid.providers.stripe_events import StripeWebhooks
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.reconciliations import Reconciliations
from onpaid.repositories.renewals import Renewals
from onpaid.repositories.sessions import SESSIONS, Sessions
from onpaid.store.port import Store
from tests.app.post import STRIPE_SECRET, signed
from tests.simulation.till import ACCOUNT, Account, Told

PREFIX = "BC-"
PUMP = 15.0
"""Seconds after which what is due is looked for."""


class Listeners:
    """Other systems, with what each of them was told. They outlive every process."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()

    @act()
    async def tell(self, news: BillingNews) -> str:
        self.heard[f"{news.type} {news.subject} {news.mark}"] += 1
        return news.id

    @act(repeatable=True)
    async def find(self, news: BillingNews) -> Finding[str]:
        heard = self.heard[f"{news.type} {news.subject} {news.mark}"]
        return Found(news.id) if heard else Absent()


@flow(on=BillingNews, key=lambda news: news.id, same=lambda one, other: True)
async def tell_others(ctx: Context, news: BillingNews, *, listeners: Listeners) -> str:
    """What follows from a sale, outside: once."""
    return await ctx.step("tell", listeners.tell, news, find=listeners.find)


class SalesKeeping(Keeping):
    """Keeps what is told of sessions that have not been paid."""

    def __init__(self, store: Store, orders: Orders, payments: Payments, sessions: Sessions) -> None:
        super().__init__(store, orders, payments)
        self._of_sessions = sessions

    async def keep(self, facts: tuple[Fact, ...], now: Instant) -> Kept:
        kept = await super().keep(facts, now)
        for fact in facts:
            if isinstance(fact, SessionChanged):
                kept.writes = [each for each in kept.writes if each.kind != SESSIONS.name]
                kept.add(await self._of_sessions.receive(fact, now), None)
        return kept


class House:
    """One process of the service, on a store that others may have too."""

    def __init__(
        self,
        store: Store,
        account: Account,
        listeners: Listeners,
        clock: VirtualClock,
        *,
        name: str = "house",
        settings: SyncSettings | None = None,
        schedule: str = "0 2 * * *",
        events: bool = True,
        per_second: float | None = None,
        sole: bool = False,
        probe: Probe | None = None,
        ringing: bool = True,
        settle: float = 20.0,
        paused: Callable[[], str | None] = lambda: None,
    ) -> None:
        orders, payments = Orders(store), Payments(store)
        parts = (store, orders, payments, Prices(store), SessionRules(ACCOUNT, prefix=PREFIX))
        self.sessions = Sessions(*parts)
        guests: dict[str, Any] = {"till": account, "sessions": self.sessions, "listeners": listeners}
        guests["renewals"] = Renewals(*parts)
        self.store, self.clock = store, clock
        flows = [keep_session, keep_renewal, tell_others]
        self.process = Process(store, flows, guests, clock, name=name, sole=sole, ringing=ringing)
        self.engine = self.process.engine
        source = StripeWebhooks(
            [STRIPE_SECRET],
            live=False,
            shop="konverzky",
            order_number_key="order_number",
            marks=(),
            billing=True,
        )
        keeping = SalesKeeping(store, orders, payments, self.sessions)
        recorder = self.engine.recorder
        self.inbox = Inbox(recorder, keeping, {"stripe": source}, clock)
        gate = Gate(clock, per_second=per_second, paused=paused)
        self.records = Reconciliations(store, owner=name, sole=sole)
        number_of = lambda session: order_number(PREFIX, session)  # noqa: E731
        self.lists = Lists(
            events=Events(
                account, self.inbox, source="stripe", types=source.types, number_of=number_of, gate=gate
            )
            if events
            else None,
            sessions=ComparedSessions(
                account,
                self.sessions,
                recorder,
                clock,
                account=ACCOUNT,
                number_of=number_of,
                gate=gate,
                settle=settle,
            ),
            probe=probe,
        )
        self.reconciler = Reconciler(recorder, self.records, clock, settings or SyncSettings(), self.lists)
        self.nightly = Nightly(self.reconciler, clock, schedule)
        self._loops: list[asyncio.Task[None]] = []

    async def start(self, *, nightly: bool = False) -> None:
        """Runs go on by themselves from now on; with `nightly`, so does the reconciliation."""
        await self.engine.open()
        self._loops = [asyncio.create_task(self._pump())]
        if nightly:
            self._loops.append(asyncio.create_task(self._nights()))

    async def stop(self) -> None:
        """The process ends without tidying up."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.reconciler.close()
        await self.process.kill()

    async def hears(self, told: Told) -> bool:
        """One delivery of a webhook. Whether it was acknowledged."""
        try:
            await self.inbox.receive("stripe", signed("stripe", told.body, self.clock.now()), told.body)
        except (StoreError, Died):
            return False
        told.acknowledged = True
        return True

    async def rest(self) -> None:
        """Until no run moves any more."""
        while True:
            for run in await self.engine.due():
                self.process.hear(run)
            await self.clock.sleep(1)
            counts = [
                await self.store.count("run", "state", state, at_most=1)
                for state in ("ready", "running", "waiting", "sleeping")
            ]
            if not any(counts):
                return

    async def _pump(self) -> None:
        with suppress(Died):
            while True:
                for run in await self.engine.due():
                    self.process.hear(run)
                await self.clock.sleep(PUMP)

    async def _nights(self) -> None:
        with suppress(Died):
            while True:
                with suppress(StoreError):
                    await self.nightly.look()
                await self.clock.sleep(60)


async def all_of(kind: Any, store: Store, index: str = "all") -> list[Any]:
    """Every record under an index."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        page = await kind.query(store, index, "", after=cursor, limit=500)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


async def verdict(store: Store, account: Account, listeners: Listeners) -> dict[str, Any]:
    """What there should be against what there is: orders, and what others were told, each once for a paid session."""
    kept = {
        session.session_id: session for session in await all_of(SESSIONS, store) if session.state == "paid"
    }
    orders = Counter(order.session for order in await all_of(ORDERS, store))
    told = {key: count for key, count in listeners.heard.items() if key.startswith("checkout.completed ")}
    heard = Counter({key.split(" ")[1]: count for key, count in told.items()})
    paid = account.paid
    return {
        "paid": len(paid),
        "missing": sum(ident not in kept or not orders[ident] or not heard[ident] for ident in paid),
        "double": sum(max(0, count - 1) for count in (*orders.values(), *listeners.heard.values())),
        "unexplained": len(set(kept) - paid) + len(set(orders) - paid),
        "by night": sum(session.origin == "nightly_sync" for session in kept.values()),
        "tickets": len((await TICKETS.query(store, "state", "open", limit=100)).items),
        "stopped": sum(
            [await store.count(RUNS.name, "state", state, at_most=10) for state in ("failed", "doubtful")]
        ),
    }


def sells(account: Account, count: int, begin: Instant, end: Instant, first: int = 0) -> Sequence[str]:
    """So many sessions, made evenly over a time. Nobody has paid yet."""
    return [account.open(first + nth, begin + (end - begin) * nth // count) for nth in range(count)]
