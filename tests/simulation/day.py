"""A shop's day, made up from a seed: who orders and pays what, which webhooks tell of it, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.domain.payments import PaymentDetails
from onpaid.engine.testing import START
from tests.app.post import charge, intent, refund, shop_event, stripe_event
from tests.flows.stage import details_of, paid_for

Outcome = Literal["invoice", "ticket", "one of two"]
COUNTRIES = ("NO", "NO", "NO", "SE", "US")


@dataclass(frozen=True)
class Letter:
    """One webhook: when it is first sent, and how often in all."""

    at: float
    source: str
    body: bytes
    copies: int = 1


@dataclass
class Sale:
    """One order with its payments, and what must come of each payment."""

    number: str
    customer: Customer
    letters: list[Letter] = field(default_factory=list)
    payments: dict[str, PaymentDetails] = field(default_factory=dict)
    expected: dict[str, Outcome] = field(default_factory=dict)
    changes: int = 0


@dataclass(frozen=True)
class Habits:
    """How life is: shares of orders, and seconds."""

    spacing: float = 8.0
    upsells: float = 0.15
    never_told: float = 0.03
    misfits: float = 0.03
    twice: float = 0.04
    refunded: float = 0.04
    returning: float = 0.4
    guests: float = 0.4
    authorised: float = 0.15
    trouble: float = 0.3
    longest_delay: float = 240.0


def made_up(seed: int, orders: int, habits: Habits) -> list[Sale]:
    """The day's sales."""
    sales: list[Sale] = []
    known: list[Customer] = []
    at = 0.0
    for nth in range(orders):
        dice = Random(f"{seed} sale {nth}")
        if known and dice.random() < habits.returning:
            customer = dice.choice(known[-4:])
        else:
            customer = _customer(dice, nth, guest=dice.random() < habits.guests)
            known.append(customer)
        at += dice.choice(
            (0.0, 0.0, dice.expovariate(1 / habits.spacing), 2 * habits.spacing * dice.random())
        )
        sales.append(_Clerk(dice, habits, at, nth, customer).sale)
    return sales


def _customer(dice: Random, nth: int, *, guest: bool) -> Customer:
    return Customer(
        id=None if guest else f"cus_{nth}",
        name=f"Customer {nth}",
        email=f"customer{nth}@example.org",
        address=Address(line1="Storgata 1", postal_code="0155", city="Oslo", country=dice.choice(COUNTRIES)),
    )


class _Clerk:
    """Writes down one sale."""

    def __init__(self, dice: Random, habits: Habits, at: float, nth: int, customer: Customer) -> None:
        self._dice, self._habits, self._at = dice, habits, at
        self._events = 0
        self._nth = nth
        self.sale = Sale(str(1001 + nth), customer)
        self._sell()

    def _sell(self) -> None:
        dice, habits = self._dice, self._habits
        abroad = self.sale.customer.address is None or self.sale.customer.address.country != "NO"
        vat = "0" if abroad else dice.choice(("25", "15"))
        items = [
            (str(7 + nth), str(dice.randint(1, 3)), self._price(nth)) for nth in range(dice.randint(1, 3))
        ]
        total = sum(int(quantity) * _minor(price) for _, quantity, price in items)
        kind = dice.random()
        if kind >= habits.never_told:
            self._tell_order(items, vat, 0.0)
        if habits.never_told <= kind < habits.never_told + habits.misfits:
            self._pay("a", total + 1, "ticket", 1.0)
            return
        if kind < habits.never_told:
            self._pay("a", total, "ticket", 1.0)
            return
        mishap = dice.random()
        if mishap < habits.refunded:
            self._pay("a", total, "ticket", 1.0, refunded=total)
            self._refund("a", total, 2.0)
        elif mishap < habits.refunded + habits.twice:
            self._pay("a", total, "one of two", 1.0)
            self._pay("b", total, "one of two", 3.0)
        else:
            self._pay("a", total, "invoice", 1.0)
            if dice.random() < habits.upsells:
                more = ("99", "1", f"{total // 100 + 1000}.50")
                self._tell_order([*items, more], vat, 30.0)
                self._pay("b", _minor(more[2]), "invoice", 31.0)

    def _price(self, nth: int) -> str:
        """Prices that tell their lines apart: no two choices of lines come to the same amount."""
        return f"{self._dice.randint(10, 90) * 10**nth}.{self._dice.choice(('00', '50', '99'))}"

    def _sent(self, after: float, source: str, body: bytes) -> None:
        dice, habits = self._dice, self._habits
        late = dice.random() < habits.trouble
        delay = dice.uniform(0, habits.longest_delay) if late else dice.uniform(0, 2)
        copies = dice.randint(2, 4) if dice.random() < habits.trouble else 1
        self.sale.letters.append(Letter(self._at + after + delay, source, body, copies))

    def _event(self) -> str:
        self._events += 1
        return f"evt_{self._nth}_{self._events}"

    def _tell_order(self, items: list[tuple[str, str, str]], vat: str, after: float) -> None:
        created = datetime.fromtimestamp(START / 1000, UTC) + timedelta(seconds=round(self._at + after))
        customer = self.sale.customer
        told = {
            "name": customer.name,
            "email": customer.email,
            "address": {"country": customer.address.country},
        }  # type: ignore[union-attr]
        body = shop_event(
            self.sale.number, items, created=created.isoformat(), customer=told, vat=vat, kind="order_paid"
        )
        self._sent(after, "konverzky", body)

    def _pay(self, which: str, minor: int, expected: Outcome, after: float, *, refunded: int = 0) -> None:
        sale, dice = self.sale, self._dice
        payment = f"pi_{self._nth}{which}"
        customer = sale.customer
        paid = paid_for(
            sale.number,
            Money(minor, "NOK"),
            payment=payment,
            customer=customer if customer.id else None,
            billing=customer,
        )
        sale.payments[payment] = details_of(paid, refunded=Money(refunded, "NOK"))
        sale.expected[payment] = expected
        billing = {
            "name": customer.name,
            "email": customer.email,
            "address": {"country": customer.address.country if customer.address else None},
        }
        told = charge(payment, minor, sale.number, customer=customer.id, billing=billing)
        if dice.random() < self._habits.authorised:
            waiting = charge(
                payment, minor, sale.number, customer=customer.id, billing=billing, captured=False
            )
            self._sent(after, "stripe", stripe_event("charge.succeeded", waiting, self._event()))
            self._sent(after + 5, "stripe", stripe_event("charge.captured", told, self._event()))
        else:
            self._sent(after, "stripe", stripe_event("charge.succeeded", told, self._event()))
        if dice.random() < 0.5:
            about = intent(payment, minor, sale.number, customer=customer.id)
            self._sent(after, "stripe", stripe_event("payment_intent.succeeded", about, self._event()))

    def _refund(self, which: str, minor: int, after: float) -> None:
        self.sale.changes += 1
        about = refund(f"pi_{self._nth}{which}", minor)
        self._sent(after, "stripe", stripe_event("refund.created", about, self._event()))


def _minor(price: str) -> int:
    whole, cents = price.split(".")
    return int(whole) * 100 + int(cents)
