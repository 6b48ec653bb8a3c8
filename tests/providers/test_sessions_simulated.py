"""A hundred requests of one new user at once, over HTTP to the simulator: its own books say what was made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from onpaid.app.session_desk import SessionDesk, SessionOpened
from onpaid.clock import SystemClock
from onpaid.domain.sessions import User
from onpaid.engine.flow import Flows
from onpaid.engine.runner import Engine
from onpaid.errors import Unavailable
from onpaid.repositories.session_requests import SessionRequests
from onpaid.runtime.embedded import AsyncBell, EmbeddedRuntime
from onpaid.simulators import Served
from onpaid.store.memory import MemoryStore
from tests.flows.cash_box import CashBox
from tests.flows.kiosk import ADA, MONTHLY, SESSION_FLOWS, SHOP, asked, priced, session_guests
from tests.providers.sales_samples import till_at


class Service:
    """Engine, flows and desk, with the real till."""

    def __init__(self, served: Served) -> None:
        self.stripe, self.sales = served.simulators.stripe, served.simulators.sales
        self.till = till_at(served.stripe_base)
        self.store, clock, bell = MemoryStore(), SystemClock(), AsyncBell()
        guests = {**session_guests(CashBox(), self.store), "till": self.till}
        engine = Engine(
            self.store,
            Flows(SESSION_FLOWS, guests),
            clock=clock,
            bell=bell,
            random=Random(1),
            owner="test",
            lanes=self.till.lanes,
            lift_lanes=True,
        )
        self.runtime = EmbeddedRuntime(engine, bell, clock)
        self.desk = SessionDesk(
            engine.recorder,
            SessionRequests(self.store),
            guests["prices"],
            guests["sessions"],
            self.till,
            clock,
            Random(1),
            (SHOP,),
        )


@pytest.fixture
async def service(simulate: Callable[..., Any]) -> AsyncIterator[Service]:
    made = Service(await simulate())
    await priced(made.store)
    await made.runtime.start()
    yield made
    await made.runtime.stop()
    await made.till.close()


async def test_a_hundred_at_once_are_one_customer_one_product_and_one_price(service: Service) -> None:
    async def ask(number: int) -> SessionOpened:
        while True:
            try:
                return await service.desk.create(asked(), ADA, f"click {number}")
            except Unavailable:
                continue  # the machine is slow: the same request again

    async with asyncio.timeout(60):
        opened = await asyncio.gather(*(ask(number) for number in range(100)))
    assert len({each.session_id for each in opened}) == 100
    assert len({each.checkout_url for each in opened}) == 100
    (customer,) = service.stripe.customers
    assert {each.customer_id for each in opened} == {customer}
    assert service.stripe.customers[customer]["metadata"]["userId"] == ADA.id
    assert len(service.sales.catalogue.products) == 1
    assert len(service.sales.catalogue.prices) == 1
    assert len(service.sales.sessions.all) == 100


async def test_what_is_paid_again_and_again_is_a_subscription_that_bears_the_user(service: Service) -> None:
    opened = await service.desk.create(asked(priceId=MONTHLY.id), User("u-2"))
    made = service.sales.sessions.all[opened.session_id]
    assert made["mode"] == "subscription"
    assert made["metadata"]["userId"] == "u-2"
    assert opened.payment_intent_id is None


async def test_a_customer_that_was_deleted_is_replaced(service: Service) -> None:
    first = await service.desk.create(asked(), ADA)
    kept = service.stripe.customers[first.customer_id]
    kept["deleted"] = True
    second = await service.desk.create(asked(), ADA)
    assert second.customer_id != first.customer_id
