"""The till's books for the catalogue, sessions and bills: names move to the newer price, what is sold is paid and has
lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from onpaid.acts import Absent, Finding, Found, act
from onpaid.domain.bills import Bill, BillPaid
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer
from onpaid.domain.prices import Price, PriceRef
from onpaid.domain.sessions import SessionDetails, SessionLine
from onpaid.engine.testing import START
from onpaid.errors import Refused
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.renewals import Renewals
from onpaid.repositories.sessions import Sessions
from onpaid.store.port import Store
from tests.flows.cash_box import DAY, CashBox, FakeTill
from tests.flows.world import SETTLES, TIMEOUT, _unanswered

ACCOUNT = "stripe/default/test"
KARI = Customer(name="Kari Lie", email="Kari@Example.org")


class SalesBox(CashBox):
    """What is there at the payment provider. `refused` are amounts at which it takes no price."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told: dict[str, SessionDetails] = {}
        self.lines: dict[str, list[SessionLine]] = {}
        self.refused: set[int] = set()
        self.bills: dict[str, Bill] = {}
        self.bills_paid: dict[str, BillPaid] = {}
        self.began_in: dict[str, str] = {}

    def active(self) -> list[PriceRef]:
        """The prices that something can be bought at."""
        return [each for each in self.prices if each.active]

    def sold(self, session_id: str, lines: Sequence[SessionLine], **more: Any) -> SessionDetails:
        """A session was paid, with these lines."""
        currency = lines[0].currency if lines else "nok"
        given = {
            "mode": "payment",
            "status": "complete",
            "payment_status": "paid",
            "total": Money.from_wire(sum(each.total for each in lines), currency),
            "payment_id": f"pi_{session_id}",
            "customer_id": "cus_1",
            "customer": KARI,
            "user": "u-1",
            **more,
        }
        self.told[session_id] = SessionDetails(session_id, created_at=START - 60_000, live=False, **given)
        self.lines[session_id] = list(lines)
        return self.told[session_id]

    def billed(
        self, invoice_id: str, lines: Sequence[SessionLine], paid: BillPaid | None = None, **more: Any
    ) -> Bill:
        """A subscription's bill was paid, over these lines; by one payment over its total, if nothing else is said."""
        currency = lines[0].currency if lines else "nok"
        total = Money.from_wire(sum(each.total for each in lines) + more.get("beside", 0), currency)
        given = {
            "status": "paid",
            "total": total,
            "reason": "subscription_cycle",
            "subscription_id": "sub_1",
            "customer_id": "cus_1",
            "customer": KARI,
            **more,
        }
        self.bills[invoice_id] = Bill(invoice_id, created_at=START - 60_000, live=False, **given)
        self.lines[invoice_id] = list(lines)
        self.bills_paid[invoice_id] = paid or BillPaid(f"pi_{invoice_id}", given["total"])
        return self.bills[invoice_id]


class SalesTill(FakeTill):
    """A Till whose names move, and whose sessions have lines."""

    def __init__(self, box: SalesBox) -> None:
        super().__init__(box)
        self._sales = box

    @act(key_life=DAY, lane="till", timeout=TIMEOUT, settles=SETTLES, look_first=True)
    async def create_price(self, price: Price) -> PriceRef:
        box = self._sales

        def make() -> PriceRef:
            for at, each in enumerate(box.prices):
                if each.lookup_key == price.id:
                    box.prices[at] = msgspec.structs.replace(each, lookup_key="")
            ident = f"price_{len(box.prices) + 1}"
            box.prices.append(PriceRef(ident, price.product, price.amount, price.recurring, price.id))
            return box.prices[-1]

        if price.amount.minor in box.refused:
            raise Refused("the amount is too small to be charged")
        return await box.called("create_price", price.id, box.once(make), _unanswered)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def find_price(self, price: Price) -> Finding[PriceRef]:
        def look() -> Finding[PriceRef]:
            found = [each for each in self._sales.active() if each.sells(price)]
            return Found(found[0]) if found else Absent()

        return await self._sales.called("find_price", price.id, None, look)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def prices_of(self, price: Price) -> list[PriceRef]:
        def read() -> list[PriceRef]:
            return [each for each in self._sales.active() if each.product_id == price.product]

        return await self._sales.called("prices_of", price.id, None, read)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_session(self, session_id: str) -> SessionDetails:
        return await self._sales.called(
            "fetch_session", session_id, None, lambda: self._sales.told[session_id]
        )

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def session_lines(self, session_id: str) -> list[SessionLine]:
        return await self._sales.called(
            "session_lines", session_id, None, lambda: list(self._sales.lines[session_id])
        )

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_bill(self, invoice_id: str) -> Bill:
        box = self._sales
        return await box.called("fetch_bill", invoice_id, None, lambda: box.bills[invoice_id])

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_bill_lines(self, invoice_id: str) -> list[SessionLine]:
        box = self._sales
        return await box.called("fetch_bill_lines", invoice_id, None, lambda: list(box.lines[invoice_id]))

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_bill_payment(self, invoice_id: str) -> BillPaid:
        box = self._sales
        return await box.called("fetch_bill_payment", invoice_id, None, lambda: box.bills_paid[invoice_id])

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_session_of(self, subscription_id: str) -> str | None:
        box = self._sales
        return await box.called(
            "fetch_session_of", subscription_id, None, lambda: box.began_in.get(subscription_id)
        )


def sales_guests(box: SalesBox, store: Store, **rules: Any) -> dict[str, Any]:
    """What the flows of catalogue and sessions are handed."""
    prices = Prices(store)
    parts = (store, Orders(store), Payments(store), prices, SessionRules(ACCOUNT, **rules))
    return {
        "till": SalesTill(box),
        "prices": prices,
        "sessions": Sessions(*parts),
        "renewals": Renewals(*parts),
    }


def sold_line(number: int = 1, total: int = 49_900, quantity: int = 1, **more: Any) -> SessionLine:
    """One line of a session."""
    given = {"currency": "nok", "lookup_key": "course-1", "price_id": "price_1", **more}
    tax = given.pop("tax", 0)
    return SessionLine(f"li_{number}", f"Course {number}", quantity, total, 0, tax, total, **given)
