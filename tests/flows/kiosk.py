"""A service that sells sessions, in virtual time, with the cash box around it.

async def story(kiosk):
    opened = await kiosk.ask("u-1")
    kiosk.box.pay(opened.session_id, "pi_1")
at_kiosk(story)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from onpaid.app.session_desk import SessionDesk, SessionOpened
from onpaid.app.till_visits import TillVisits
from onpaid.domain.money import Money
from onpaid.domain.prices import Price, Recurring
from onpaid.domain.sessions import User
from onpaid.engine.pace import Pace
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.engine.visits import Visits
from onpaid.flows.archive_price import archive_price
from onpaid.flows.file_customer import file_customer
from onpaid.flows.file_price import file_price
from onpaid.flows.open_session import open_session
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import PRICES, Prices
from onpaid.repositories.session_requests import SessionRequests
from onpaid.repositories.sessions import Sessions
from onpaid.repositories.user_customers import UserCustomers
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.flows.cash_box import TILL_LANES, CashBox, FakeTill
from tests.flows.fates import Fates

SESSION_FLOWS = (open_session, file_customer, file_price, archive_price)
ACCOUNT = "stripe/default/test"
SHOP = "https://shop.example"
COURSE = Price("course-1", "course", "A course", Money(49_900, "NOK"))
MONTHLY = Price("club-monthly", "club", "The club", Money(9_900, "NOK"), Recurring("month"))
GONE = Price("course-0", "course", "A course", Money(39_900, "NOK"), active=False)
ADA = User("u-1", "member", "ada@example.org")


async def priced(store: Store) -> None:
    """Our prices are there; the payment provider has not heard of them."""
    await store.commit([PRICES.insert(price) for price in (COURSE, MONTHLY, GONE)])


def session_guests(box: CashBox, store: Store) -> dict[str, Any]:
    """What the flows of sessions are handed."""
    prices = Prices(store)
    rules = SessionRules(ACCOUNT)
    return {
        "till": FakeTill(box),
        "prices": prices,
        "sessions": Sessions(store, Orders(store), Payments(store), prices, rules),
        "user_customers": UserCustomers(store),
    }


def asked(**changed: Any) -> bytes:
    """The body of a request; a field that is changed to None is left out."""
    good = {"priceId": "course-1", "successUrl": f"{SHOP}/thanks", "cancelUrl": f"{SHOP}/cart"}
    return msgspec.json.encode(
        {name: value for name, value in {**good, **changed}.items() if value is not None}
    )


class Kiosk:
    """One process of the service. A further one shares box and store with it."""

    def __init__(self, box: CashBox, store: Store | None = None, *, seed: int = 7) -> None:
        self.box = box
        self.store = store or MemoryStore()
        self.clock = VirtualClock()
        self.guests = session_guests(box, self.store)
        self.customers: UserCustomers = self.guests["user_customers"]
        self.sessions: Sessions = self.guests["sessions"]
        pace = Pace(tick=timedelta(seconds=30))
        self.process = Process(
            self.store, SESSION_FLOWS, self.guests, self.clock, lanes=TILL_LANES, pace=pace, seed=seed
        )
        self.desk = self.desk_for((SHOP,), seed)

    def desk_for(self, origins: Sequence[str], seed: int = 7) -> SessionDesk:
        """A desk whose sessions may lead back to these pages."""
        return SessionDesk(
            self.process.engine.recorder,
            SessionRequests(self.store),
            self.guests["prices"],
            self.sessions,
            TillVisits(Visits.of(self.process.engine), self.guests["till"]),
            self.clock,
            Random(seed),
            origins,
        )

    async def ask(self, user: str | User = ADA, key: str = "", **changed: Any) -> SessionOpened:
        """A user asks for a session."""
        who = User(user) if isinstance(user, str) else user
        return await self.desk.create(asked(**changed), who, key)

    async def rest(self) -> None:
        """Until nothing is left to do."""
        await self.process.live(at_most=timedelta(days=2))


def at_kiosk(
    story: Callable[[Kiosk], Awaitable[None]],
    *,
    fates: Mapping[str, Sequence[str]] | None = None,
    share: float = 0.0,
    seed: int = 0,
) -> None:
    """Tell a story of sessions in virtual time."""

    async def main() -> None:
        box = CashBox(Fates(fates or {}, seed=seed, share=share))
        kiosk = Kiosk(box)
        await priced(kiosk.store)
        await kiosk.process.engine.open()
        await story(kiosk)
        assert not box.faults, box.faults

    run_virtually(main)
