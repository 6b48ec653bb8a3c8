"""The catalogue and paid sessions told with the real till over the simulator, whose own books are asked in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.app.catalogue_sync import CatalogueSync
from onpaid.clock import SystemClock
from onpaid.domain.amounts import gross_of
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.money import Money
from onpaid.domain.prices import PriceWanted
from onpaid.domain.session_orders import order_number
from onpaid.domain.sessions import SessionTold
from onpaid.engine.pace import Pace
from onpaid.engine.testing import MemoryStore, Process
from onpaid.flows.archive_price import archive_price
from onpaid.flows.file_price import file_price
from onpaid.flows.keep_renewal import keep_renewal
from onpaid.flows.keep_session import keep_session
from onpaid.providers.stripe_sdk import LANES
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.renewals import Renewals
from onpaid.repositories.sessions import Sessions
from onpaid.simulators import Served
from tests.providers.sales_samples import MONTHLY, ONCE, WANTED, draft, till_at

ACCOUNT = "stripe/default/test"


class Service:
    """The flows over the real till, in real time, hurried."""

    def __init__(self, served: Served) -> None:
        self.till, self.store = till_at(served.stripe_base), MemoryStore()
        self.stripe, self.sales = served.simulators.stripe, served.simulators.sales
        clock: Any = SystemClock()
        self.prices = Prices(self.store)
        parts = (self.store, Orders(self.store), Payments(self.store), self.prices, SessionRules(ACCOUNT))
        self.sessions = Sessions(*parts)
        guests = {"prices": self.prices, "sessions": self.sessions, "renewals": Renewals(*parts)}
        self.process = Process(
            self.store,
            (file_price, archive_price, keep_session, keep_renewal),
            {"till": self.till, **guests},
            clock,
            lanes=LANES,
            pace=Pace(factor=200),
        )
        self.catalogue = CatalogueSync(self.process.engine.recorder, self.prices, self.till, clock)

    def at_stripe(self) -> list[tuple[str, int]]:
        """The active prices by name, as the simulator's books have them."""
        there = self.sales.catalogue.prices.values()
        return sorted((each["lookup_key"] or "", each["unit_amount"]) for each in there if each["active"])

    async def sync(self) -> dict[str, str]:
        """Compare, do it, and wait for the end."""
        plan = await self.catalogue.sync(dry_run=False)
        await self.process.live()
        return {line.price: line.action for line in plan.items}


@pytest.fixture
async def service(simulate: Callable[..., Any]) -> AsyncIterator[Service]:
    made = Service(await simulate())
    await made.process.engine.open()
    yield made
    await made.till.close()


async def test_the_catalogue_is_filed_changed_and_withdrawn(service: Service) -> None:
    await service.catalogue.import_prices([ONCE, MONTHLY])
    assert await service.sync() == {"book": "create", "club": "create"}
    assert service.at_stripe() == [("book", 19_900), ("club", 9_900)]
    assert await service.sync() == {"book": "nothing", "club": "nothing"}
    dearer = replace(ONCE, amount=Money(24_900, "NOK"))
    await service.catalogue.import_prices([dearer, replace(MONTHLY, active=False)])
    assert await service.sync() == {"book": "replace", "club": "archive"}
    assert service.at_stripe() == [("book", 24_900)]
    assert await service.sync() == {"book": "nothing", "club": "nothing"}
    assert len(service.sales.catalogue.products) == 2
    filed = await service.prices.filed("book")
    assert filed is not None
    assert filed.version == 2
    assert len(filed.archived) == 1


async def test_a_hundred_who_want_a_price_at_once_make_one_product_and_one_price(service: Service) -> None:
    await service.catalogue.import_prices([ONCE])
    for _ in range(100):
        version, writes = await service.prices.reserve(ONCE)
        await service.process.engine.recorder.record(writes, facts=[PriceWanted(ONCE, version)])
    await service.process.live()
    assert service.at_stripe() == [("book", 19_900)]
    assert len(service.sales.catalogue.products) == 1


async def test_a_paid_session_is_an_order_over_what_stripe_took(service: Service) -> None:
    await service.catalogue.import_prices([ONCE])
    await service.sync()
    filed = await service.prices.filed("book")
    assert filed is not None
    customer = await service.till.create_customer(WANTED)
    opened = await service.till.create_session(draft(customer.customer_id, filed.stripe_price, quantity=3))
    service.sales.complete_session(opened.session_id)
    told = SessionTold(ACCOUNT, opened.session_id, False, 0, "nightly_sync")
    await service.process.engine.recorder.record(facts=[told, replace(told, origin="webhook")])
    await service.process.live()
    kept = await service.sessions.named(opened.session_id)
    assert kept is not None
    assert kept.order_number == order_number("BC-", opened.session_id)
    assert (kept.state, kept.user, kept.origin) == ("paid", "user-1", "nightly_sync")
    held = await Orders(service.store).find(f"stripe/{opened.session_id}")
    assert held is not None
    gross = gross_of(held.record.latest.lines, True, "NOK")
    taken = service.stripe.intents[kept.payment_id]["amount"]
    assert gross.exact == taken == 59_700
    assert kept.lines[0].lookup_key == "book"


async def test_what_a_subscription_pays_is_one_order_each_and_the_first_is_its_sessions(
    service: Service,
) -> None:
    await service.catalogue.import_prices([replace(MONTHLY, tax_included=True)])
    await service.sync()
    filed = await service.prices.filed("club")
    assert filed is not None
    customer = (await service.till.create_customer(WANTED)).customer_id
    opened = await service.till.create_session(draft(customer, filed.stripe_price, recurring=True))
    ident = service.sales.complete_session(opened.session_id)["subscription"]
    service.sales.renew(ident)
    price = service.sales.catalogue.prices[filed.stripe_price]
    service.sales.subscribe(customer, [(price, 12)], key="elsewhere")
    bills = service.sales.invoices.all
    recorder = service.process.engine.recorder
    for bill in bills:
        of = bills[bill]["parent"]["subscription_details"]["subscription"]
        await recorder.record(facts=[SubscriptionPaid(ACCOUNT, bill, of, False, 0)])
    await recorder.record(facts=[SessionTold(ACCOUNT, opened.session_id, False, 0)])
    await service.process.live()
    orders = (await Orders(service.store).newest()).items
    kept = {each.number: (each.sold, each.latest.total) for each in orders}
    _, second, elsewhere = bills
    assert kept == {
        order_number("BC-", opened.session_id): (opened.session_id, 99),
        order_number("BC-", second): (second, 99),
        order_number("BC-", elsewhere): (elsewhere, 1188),
    }
    assert {service.sales.invoices.number(each) for each in bills} == kept.keys()
    session = await service.sessions.named(opened.session_id)
    assert session is not None
    paid = {each.fact.payment_id: each.fact.amount for each in (await Payments(service.store).newest()).items}
    taken = {each.intent["id"]: Money(each.charge["amount"], "NOK") for each in service.stripe.payments}
    assert paid == taken
    assert paid[session.payment_id] == Money(9_900, "NOK")
    assert len(bills) == len(paid) == 3
