"""The customers of a shop that delivers, made up from a seed: carts and clicks, payments, and what parcels live through.

What is told of a payment comes from the payment provider's own signed events; what is told of parcels and messages
comes from whoever carries them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from onpaid.app.checkout import Opened
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.products import Product
from tests.app.post_razorpay import body_of_event, payment_of
from tests.flows.market import BALLS, LESSON, RACKET, paid_by
from tests.simulation.day import Letter

Fortune = Literal["well", "abandoned", "another amount", "given back before", "paid twice"]

SCARCE = Product("grip", "Grip", Money(9_900, "INR"), RACKET.tax_percent, seller="s2", packed=RACKET.packed)
PRODUCTS = (RACKET, BALLS, LESSON, SCARCE)
CARTS: tuple[dict[str, int], ...] = (
    {"racket": 1},
    {"balls": 2},
    {"lesson": 1},
    {"racket": 1, "lesson": 1},
    {"grip": 1},
)
JOURNEYS: tuple[tuple[tuple[int, str], ...], ...] = (
    ((42, "PICKED UP"), (18, "IN TRANSIT"), (17, "OUT FOR DELIVERY"), (7, "DELIVERED")),
    (
        (6, "SHIPPED"),
        (17, "OUT FOR DELIVERY"),
        (21, "UNDELIVERED"),
        (17, "OUT FOR DELIVERY"),
        (7, "DELIVERED"),
    ),
    (
        (42, "PICKED UP"),
        (18, "IN TRANSIT"),
        (9, "RTO INITIATED"),
        (46, "RTO IN TRANSIT"),
        (10, "RTO DELIVERED"),
    ),
)
STATUSES = (("sent",), ("sent", "delivered"), ("sent", "delivered", "read"), ("sent", "read"))


@dataclass(frozen=True)
class Manners:
    """How customers and those who serve them are: shares of orders, and seconds."""

    spacing: float = 8.0
    abandoned: float = 0.08
    misfits: float = 0.04
    given_back: float = 0.04
    twice: float = 0.04
    fails_first: float = 0.2
    double_clicks: float = 0.2
    returning: float = 0.4
    trouble: float = 0.3
    silent: float = 0.25
    """Messages of which nothing is told."""
    dead: float = 0.06
    """Orders whose number the courier service has a cancelled record under."""
    eager: float = 0.15
    """Parcels that a courier books for pickup by itself."""
    unreachable: float = 0.05
    scarce: float = 0.5
    """Units of the scarce product for each of its buyers."""
    longest_delay: float = 240.0


@dataclass
class Purchase:
    """One click on `buy`, and what came of it."""

    nth: int
    at: float
    cart: dict[str, int]
    phone: str
    fortune: Fortune
    dice: Random
    reachable: bool = True
    opened: Opened | None = None
    refused: bool = False
    decided: str = ""
    payments: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What the customer's page sends with the click, however often."""
        return f"click {self.nth}"

    @property
    def number(self) -> str:
        return "" if self.opened is None else self.opened.order_number

    @property
    def paid(self) -> bool:
        return self.opened is not None and self.fortune != "abandoned"

    @property
    def ships(self) -> bool:
        """Whether it has goods that can be carried."""
        return set(self.cart) != {"lesson"}

    @property
    def good(self) -> bool:
        """Whether all is as it should be, so that it is to be delivered."""
        return self.paid and self.fortune in ("well", "paid twice")


def made_up(seed: int, orders: int, manners: Manners) -> list[Purchase]:
    """The day's clicks."""
    found: list[Purchase] = []
    at = 0.0
    for nth in range(orders):
        dice = Random(f"{seed} purchase {nth}")
        fresh = not found or dice.random() >= manners.returning
        phone = f"+9198765{nth:05}" if fresh else dice.choice(found[-4:]).phone
        at += dice.choice((0.0, dice.expovariate(1 / manners.spacing), 2 * manners.spacing * dice.random()))
        found.append(Purchase(nth, at, dice.choice(CARTS), phone, _fortune(dice, manners), dice))
    for phone in {each.phone for each in found}:
        if Random(f"{seed} {phone}").random() < manners.unreachable:
            for each in found:
                each.reachable = each.reachable and each.phone != phone
    return found


def _fortune(dice: Random, manners: Manners) -> Fortune:
    shares: tuple[tuple[Fortune, float], ...] = (
        ("abandoned", manners.abandoned),
        ("another amount", manners.misfits),
        ("given back before", manners.given_back),
        ("paid twice", manners.twice),
    )
    left = dice.random()
    for name, share in shares:
        if left < share:
            return name
        left -= share
    return "well"


def payments_of(purchase: Purchase, now: int) -> list[PaymentSucceeded]:
    """The money that the customer sends."""
    assert purchase.opened is not None
    opened = purchase.opened
    minor = opened.amount + (purchase.fortune == "another amount")
    names = ("a", "b") if purchase.fortune == "paid twice" else ("a",)
    purchase.payments = [f"pay_{purchase.nth}{name}" for name in names]
    return [
        paid_by(opened.razorpay_order_id, Money(minor, opened.currency), payment=payment, at=now)
        for payment in purchase.payments
    ]


def letters_about(purchase: Purchase, manners: Manners) -> list[Letter]:
    """What the payment provider sends of it: failures, each payment under two event ids, late and several times."""
    assert purchase.opened is not None
    opened, dice, found = purchase.opened, purchase.dice, list[Letter]()

    def send(kind: str, payment: str, minor: int, after: float, **more: object) -> None:
        late = dice.random() < manners.trouble
        delay = dice.uniform(0, manners.longest_delay) if late else dice.uniform(0, 2)
        copies = dice.randint(2, 4) if dice.random() < manners.trouble else 1
        told = payment_of(payment, opened.razorpay_order_id, minor, **more)
        found.append(Letter(after + delay, "razorpay", body_of_event(kind, told), copies))

    minor = opened.amount + (purchase.fortune == "another amount")
    if dice.random() < manners.fails_first:
        send("payment.failed", f"pay_{purchase.nth}f", minor, 0, status="failed")
    for nth, payment in enumerate(purchase.payments):
        send("payment.captured", payment, minor, 3 + 20 * nth)
        if nth == 0:
            send("order.paid", payment, minor, 3)
    return found
