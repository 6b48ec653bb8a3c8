"""A service that delivers, in virtual time, with the bazaar around it.

async def story(market):
    await market.stock("racket", left=5)
    number = await market.buy("racket")
    await market.pay(number)
    await market.rest()
trade(story)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from onpaid.app.checkout import CheckoutDesk, Opened, Shop
from onpaid.app.delivering import Delivering
from onpaid.app.inbox import Inbox
from onpaid.app.inbox import Receipt as Delivered
from onpaid.app.keeping import Keeping
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.events import Fact
from onpaid.domain.links import Links
from onpaid.domain.messages import MessageTold
from onpaid.domain.money import Money
from onpaid.domain.orders import Order
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.products import Dimensions, Product
from onpaid.domain.shipments import ParcelTold
from onpaid.domain.templates import Templates
from onpaid.engine.operations import Operations
from onpaid.engine.pace import Pace
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.flows.book_shipment import book_shipment
from onpaid.flows.cancel_shipment import cancel_shipment
from onpaid.flows.note_refund import note_refund
from onpaid.flows.open_checkout import open_checkout
from onpaid.flows.rules import Rules
from onpaid.flows.send_message import send_message
from onpaid.flows.ship_paid_order import ship_paid_order
from onpaid.repositories.catalogue import Catalogue
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.messages import Messages, Wording
from onpaid.repositories.orders import Orders
from onpaid.repositories.parcels import Packing, Parcels
from onpaid.repositories.shipments import Shipments
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.flows.bazaar import ACCOUNT, SHOP, SHOP_LANES, Bazaar, Cashier, Courier, Messenger
from tests.flows.fates import Fates
from tests.flows.stage import FLOWS, KINDS, RULES, Herald, Stage, guests

DELIVERY_FLOWS = (
    open_checkout,
    ship_paid_order,
    book_shipment,
    cancel_shipment,
    send_message,
    note_refund,
)
KINDS.update({kind.__name__: kind for kind in (PaymentFailed, ParcelTold, MessageTold)})
BOX = Dimensions(length=Decimal(30), breadth=Decimal(20), height=Decimal(5), weight=Decimal("0.5"))
RACKET = Product("racket", "Racket", Money(150_000, "INR"), Decimal(18), seller="s1", packed=BOX)
BALLS = Product("balls", "Balls, six", Money(49_900, "INR"), Decimal(12), seller="s2", packed=BOX)
LESSON = Product("lesson", "Video lesson", Money(29_900, "INR"), Decimal(18), seller="s1", digital=True)
UNSIZED = Product("net", "Net", Money(99_900, "INR"), Decimal(18))
PHONE = "+919876543210"


def delivery_guests(
    world: Bazaar, store: Store, clock: Any, *, packing: Packing | None = None
) -> dict[str, Any]:
    """What the flows of delivery are handed, beside those of the other stories."""
    orders = Orders(store)
    wording = Wording(Templates(), Links(["a secret of the tests"]), "https://shop.example")
    messages = Messages(store, orders, wording, clock)
    return {
        **guests(world, store),
        "orders": orders,
        "checkouts": Cashier(world),
        "shipping": Courier(world),
        "messaging": Messenger(world, messages.heard),
        "checkout_records": CheckoutRecords(store, orders),
        "fulfilments": Fulfilments(store, orders),
        "catalogue": Catalogue(store, orders),
        "parcels": Parcels(store, orders, packing or Packing()),
        "shipments": Shipments(store, orders),
        "messages": messages,
    }


def paid_by(order_id: str, amount: Money, *, payment: str = "pay_1", at: int = 0) -> PaymentSucceeded:
    """Money that was captured for a checkout."""
    return PaymentSucceeded(
        account=ACCOUNT,
        payment_id=order_id,
        order=f"{SHOP}/{order_id}",
        amount=amount,
        paid_at=at,
        live=False,
        charge_id=payment,
        expects=("shipment", "messages"),
    )


class Market(Stage):
    """A service that delivers, and the bazaar."""

    world: Bazaar

    def __init__(
        self,
        world: Bazaar,
        *,
        rules: Rules = RULES,
        store: Store | None = None,
        clock: VirtualClock | None = None,
        packing: Packing | None = None,
        shipping: Any = None,
    ) -> None:
        self.world = world
        self.rules = rules
        self.store = store or MemoryStore()
        self.clock = clock or VirtualClock()
        self.guests = {**delivery_guests(world, self.store, self.clock, packing=packing), "rules": rules}
        if shipping is not None:
            self.guests["shipping"] = shipping
        pace = Pace(tick=timedelta(seconds=30))
        self.process = Process(
            self.store, (*FLOWS, *DELIVERY_FLOWS), self.guests, self.clock, pace=pace, lanes=SHOP_LANES
        )
        given = self.guests
        self.keeping = Keeping(
            self.store,
            given["orders"],
            given["payments"],
            given["checkout_records"],
            given["shipments"],
            given["messages"],
        )
        recorder = self.process.engine.recorder
        self.inbox = Inbox(recorder, self.keeping, {Herald.name: Herald()}, self.clock)
        self.operations = Operations(self.process.engine)
        self.desk = CheckoutDesk(
            recorder,
            given["orders"],
            given["checkout_records"],
            given["catalogue"],
            given["messages"],
            self.clock,
            Random(7),
            Shop(SHOP, live=False, key_id="rzp_test_1"),
            lambda checkout, payment, signature: signature == f"{checkout}|{payment}",
        )
        self.hands = Delivering(
            recorder,
            given["orders"],
            given["fulfilments"],
            given["shipments"],
            given["catalogue"],
            self.clock,
            SHOP,
        )
        self.begin()

    async def stocked(self, *products: Product, left: int = 10) -> None:
        """These products are for sale."""
        await self.hands.import_products([(product, left) for product in products])

    async def buy(
        self, *cart: str | tuple[str, int], key: str = "", phone: str = PHONE, **more: Any
    ) -> Opened:
        """A customer clicks."""
        return await self.desk.create(cart_of(*cart, phone=phone, **more), key)

    async def pay(
        self, opened: Opened, *, payment: str = "pay_1", event: str = "", **changes: Any
    ) -> Delivered:
        """The customer pays, and the payment provider tells of it."""
        amount = changes.pop("amount", Money(opened.amount, opened.currency))
        paid = paid_by(opened.razorpay_order_id, amount, payment=payment, at=self.clock.now())
        self.world.capture(paid, **changes)
        return await self.hear(paid, event=event)

    async def told(self, fact: Fact) -> Delivered:
        """Something else is told."""
        return await self.hear(fact)

    async def order(self, opened: Opened) -> Order:  # type: ignore[override]
        """The order as it is kept now."""
        held = await self.guests["orders"].find(f"{SHOP}/{opened.order_number}")
        assert held is not None
        found: Order = held.record
        return found

    async def left(self, product: str) -> int:
        """How many are left."""
        count: int = await self.guests["catalogue"].left(product)
        return count


def cart_of(
    *cart: str | tuple[str, int], phone: str = PHONE, customer: Mapping[str, Any] | None = None, **more: Any
) -> bytes:
    """The body of a click."""
    items = [
        {"product_id": each, "quantity": 1}
        if isinstance(each, str)
        else {"product_id": each[0], "quantity": each[1]}
        for each in cart
    ]
    return msgspec.json.encode(
        {
            "items": items,
            "customer": customer
            or {"id": "cst_1", "name": "Asha Rao", "email": "asha@example.org", "phone": phone},
            "address": {
                "line1": "12 MG Road",
                "city": "Bengaluru",
                "state": "Karnataka",
                "pincode": "560001",
            },
            **more,
        }
    )


def trade(
    story: Callable[[Market], Awaitable[None]],
    *,
    fates: Mapping[str, Sequence[str]] | None = None,
    share: float = 0.0,
    seed: int = 0,
    world: Mapping[str, Any] | None = None,
    **more: Any,
) -> Market:
    """Tell a story of delivery in virtual time."""

    async def main() -> Market:
        bazaar = Bazaar(Fates(fates or {}, seed=seed, share=share), **(world or {}))
        market = Market(bazaar, rules=replace(RULES, look_again=timedelta(minutes=1)), **more)
        await story(market)
        assert not bazaar.faults, bazaar.faults
        return market

    return run_virtually(main)
