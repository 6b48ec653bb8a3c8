"""The reconciliation over the simulated Stripe, by HTTP: no webhook ever came, and everything is there in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from onpaid.app.reconciling_request import SyncSettings
from onpaid.clock import SystemClock
from onpaid.engine.journal import RUNS
from onpaid.providers.stripe import Settings as StripeSettings
from onpaid.providers.stripe import Stripe
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.payments import PAYMENTS
from onpaid.simulators import Served, Settings, Simulators, Times, serve
from onpaid.store.memory import MemoryStore
from tests.providers.sales_samples import KEY, MONTHLY, ONCE, WANTED, draft, till_at
from tests.simulation.sales import House, Listeners, all_of
from tests.simulation.till import ACCOUNT


class Lists:
    """What the simulated account lists: sessions by the till, events by the source of payments."""

    def __init__(self, base: str) -> None:
        self.till = till_at(base)
        self._stripe = Stripe(StripeSettings(api_key=KEY, api_base=base))
        self.fetch_session, self.session_lines = self.till.fetch_session, self.till.session_lines
        self.fetch_bill, self.fetch_bill_lines = self.till.fetch_bill, self.till.fetch_bill_lines
        self.fetch_bill_payment = self.till.fetch_bill_payment
        self.fetch_session_of = self.till.fetch_session_of
        self.sessions_created, self.events_since = self.till.sessions_created, self._stripe.events_since

    async def close(self) -> None:
        await self.till.close()
        await self._stripe.close()


class Shop:
    """Sessions at the simulator, and a house that nobody told of them."""

    def __init__(self, served: Served, lists: Lists) -> None:
        self.sales, self.stripe = served.simulators.sales, served.simulators.stripe
        self.lists, self.listeners, self.store = lists, Listeners(), MemoryStore()

    def house(self, **more: Any) -> House:
        clock: Any = SystemClock()
        account: Any = self.lists
        return House(self.store, account, self.listeners, clock, **more)

    async def opened(self, count: int) -> list[str]:
        customer = (await self.lists.till.create_customer(WANTED)).customer_id
        await self.lists.till.create_product(ONCE)
        price = (await self.lists.till.create_price(ONCE)).price_id
        return [
            (await self.lists.till.create_session(draft(customer, price, reference=f"r-{nth}"))).session_id
            for nth in range(count)
        ]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    settings = replace(Settings(), times=Times(answer=0, slow_longest=0.01, landing_longest=0.01))
    served = await serve(Simulators(settings))
    lists = Lists(served.stripe_base)
    yield Shop(served, lists)
    await lists.close()
    await served.stop()


async def settled(house: House) -> dict[str, Any]:
    """The sessions that are paid here, once no run moves."""
    for _ in range(2000):
        states = ("ready", "running", "waiting", "sleeping")
        if not any([await house.store.count("run", "state", state, at_most=1) for state in states]):
            break
        await asyncio.sleep(0)
    found = await house.sessions.newest(limit=500)
    return {each.session_id: each for each in found.items if each.state == "paid"}


@pytest.mark.parametrize("events", [True, False])
async def test_what_was_paid_is_kept_with_its_lines_and_a_second_run_changes_nothing(
    shop: Shop, events: bool
) -> None:
    idents = await shop.opened(6)
    for ident in idents[:4]:
        shop.sales.sessions.complete(ident)
    shop.sales.sessions.complete(idents[4], "delayed")
    house = shop.house(events=events, settings=SyncSettings(most=50))
    run = await house.reconciler.run("scheduled")
    assert (run.state, run.counts.created, run.counts.errors, run.left) == ("success", 4, 0, [])
    kept = await settled(house)
    assert sorted(kept) == sorted(idents[:4])
    assert all(each.origin == "nightly_sync" and each.lines for each in kept.values())
    second = await shop.house(name="later", events=events).reconciler.run("manual")
    assert (second.counts.created, second.counts.started, second.findings) == (0, 0, [])
    shop.sales.sessions.settle(idents[4], ok=True)
    assert (await shop.house(name="third", events=events).reconciler.run("manual")).counts.created == 1
    kept = await settled(house)
    assert idents[4] in kept
    assert [f"{ACCOUNT}/{idents[5]}"] == [each.key for each in (await house.sessions.waiting())[0]]
    told = [key for key in shop.listeners.heard if key.startswith("checkout.completed ")]
    assert len(told) == 5
    assert set(shop.listeners.heard.values()) == {1}


async def test_money_that_went_back_unnoticed_is_found(shop: Shop) -> None:
    (ident,) = await shop.opened(1)
    shop.sales.sessions.complete(ident)
    house = shop.house(events=False, settle=0.0)
    await house.reconciler.run("scheduled")
    (kept,) = (await settled(house)).values()
    charge = next(each for each in shop.stripe.payments if each.intent["id"] == kept.payment_id)
    shop.stripe.refund(charge.charge["id"], 100)
    run = await house.reconciler.run("manual")
    assert [each.kind for each in run.findings] == ["refund differs"]


async def test_what_subscriptions_paid_is_brought_in_with_the_session_that_they_began_in(shop: Shop) -> None:
    till = shop.lists.till
    customer = (await till.create_customer(WANTED)).customer_id
    await till.create_product(MONTHLY)
    price = (await till.create_price(MONTHLY)).price_id
    opened = (await till.create_session(draft(customer, price, recurring=True))).session_id
    ident = shop.sales.complete_session(opened)["subscription"]
    shop.sales.renew(ident)
    shop.sales.fail(ident)
    house = shop.house()
    run = await house.reconciler.run("scheduled")
    assert (run.state, run.counts.errors, run.counts.created) == ("success", 0, 1)
    kept = await settled(house)
    first, second, owed = shop.sales.invoices.all
    orders = {each.sold: each for each in await all_of(ORDERS, shop.store)}
    assert orders.keys() == {opened, second}
    assert orders[opened].aliases == (opened,)
    paid = {each.fact.payment_id: each.fact.order for each in await all_of(PAYMENTS, shop.store)}
    (between,) = shop.sales.invoices.payments_listed({"invoice": second})
    assert paid == {
        kept[opened].payment_id: orders[opened].key,
        between["payment"]["payment_intent"]: orders[second].key,
    }
    names = [f"keep_renewal:{ACCOUNT}/{bill}" for bill in (first, second, owed)]
    ended, kept_one, none = await RUNS.get_many(shop.store, names)
    assert ended is not None
    assert msgspec.json.decode(ended.result) == (
        f"it is kept as order {orders[opened].number} of its session {opened}"
    )
    assert kept_one is not None
    assert msgspec.json.decode(kept_one.fact)["origin"] == "nightly_sync"
    assert none is None
    again = await shop.house(name="later").reconciler.run("manual")
    assert (again.counts.created, again.counts.started, again.findings) == (0, 0, [])


async def test_every_order_is_there_once(shop: Shop) -> None:
    for ident in await shop.opened(5):
        shop.sales.sessions.complete(ident)
    houses = [shop.house(name=name) for name in ("one", "two")]
    await asyncio.gather(*(house.reconciler.run("manual") for house in houses), return_exceptions=True)
    await houses[0].reconciler.run("scheduled")
    assert len(await settled(houses[0])) == 5
    assert len(await all_of(ORDERS, shop.store)) == 5
