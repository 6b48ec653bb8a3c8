"""A shop that delivers, in virtual time up to noon: the real flows over the services of `outside`.

What is in the store afterwards is what the engine itself left there, so that the pages are shown nothing made up.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import msgspec

from onpaid.app.checkout import CheckoutDesk, Opened, Shop
from onpaid.app.delivering import Delivering
from onpaid.app.inbox import Inbox
from onpaid.app.keeping import Keeping
from onpaid.clock import as_datetime
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.events import Fact
from onpaid.domain.links import Links
from onpaid.domain.messages import MessageState, MessageTold
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.shipments import ParcelTold, Scan
from onpaid.domain.templates import Templates
from onpaid.domain.vat import VatTable
from onpaid.engine.pace import Pace
from onpaid.engine.testing import START, Process, VirtualClock
from onpaid.flows.book_shipment import book_shipment
from onpaid.flows.cancel_shipment import cancel_shipment
from onpaid.flows.expire_order import expire_order
from onpaid.flows.file_ticket import file_ticket
from onpaid.flows.note_refund import note_refund
from onpaid.flows.open_checkout import open_checkout
from onpaid.flows.rules import Rules
from onpaid.flows.send_message import send_message
from onpaid.flows.ship_paid_order import ship_paid_order
from onpaid.providers.alerts import NoAlerts
from onpaid.providers.trackers import NoTracker
from onpaid.repositories.catalogue import Catalogue
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.messages import Messages, Wording, message_ref
from onpaid.repositories.orders import Orders
from onpaid.repositories.parcels import Packing, Parcels
from onpaid.repositories.payments import Payments
from onpaid.repositories.problems import Problems
from onpaid.repositories.shipments import Shipments
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.web.outside import LANES, Meta, Outside, Razorpay, Shiprocket, Teller, TicketLog, body_of
from tests.web.wares import buyer
from tests.web.world import LINK_SECRET, SHOP

DELIVERY_FLOWS = (open_checkout, ship_paid_order, book_shipment, cancel_shipment, send_message, note_refund)


def wording(public_url: str = "http://127.0.0.1:8080") -> Wording:
    """How messages are worded, and what signs customers' links."""
    return Wording(Templates(), links(), public_url)


def links() -> Links:
    """What signs customers' links."""
    return Links([LINK_SECRET])


class Trade:
    """A service that delivers."""

    def __init__(self, began: timedelta, noon: int) -> None:
        self.store: Store = MemoryStore()
        self.clock = VirtualClock()
        self.noon = noon
        self.clock.step(timedelta(milliseconds=noon - START) - began)
        self.outside = Outside(self.clock.now)
        orders, payments = Orders(self.store), Payments(self.store)
        self.orders = orders
        messages = Messages(self.store, orders, wording(), self.clock)
        rules = Rules(
            vat=VatTable((), "nobody", date(2026, 1, 1)), cash_invoice=True, look_again=timedelta(minutes=1)
        )
        guests: dict[str, Any] = {
            "orders": orders,
            "payments": payments,
            "rules": rules,
            "ticketing": TicketLog(),
            "problems": Problems(self.store, environment="test"),
            "tracker": NoTracker(),
            "alerting": NoAlerts(),
            "checkouts": Razorpay(self.outside),
            "shipping": Shiprocket(self.outside),
            "messaging": Meta(self.outside),
            "checkout_records": CheckoutRecords(self.store, orders),
            "fulfilments": Fulfilments(self.store, orders),
            "catalogue": Catalogue(self.store, orders),
            "parcels": Parcels(self.store, orders, Packing()),
            "shipments": Shipments(self.store, orders),
            "messages": messages,
        }
        flows = (expire_order, file_ticket, *DELIVERY_FLOWS)
        pace = Pace(tick=timedelta(minutes=20))
        self.process = Process(self.store, flows, guests, self.clock, pace=pace, lanes=LANES)
        recorder = self.process.engine.recorder
        keeping = Keeping(
            self.store, orders, payments, guests["checkout_records"], guests["shipments"], messages
        )
        tellers = {name: Teller(name) for name in ("razorpay", "tracking", "meta")}
        self.inbox = Inbox(recorder, keeping, tellers, self.clock)
        self.hands = Delivering(
            recorder,
            orders,
            guests["fulfilments"],
            guests["shipments"],
            guests["catalogue"],
            self.clock,
            SHOP,
        )
        self.desk = CheckoutDesk(
            recorder,
            orders,
            guests["checkout_records"],
            guests["catalogue"],
            messages,
            self.clock,
            Random(7),
            Shop(SHOP, live=False, key_id="rzp_test_1"),
            lambda checkout, payment, signature: False,
        )
        self._told = 0

    async def until(self, **before_noon: float) -> None:
        """Let time pass until so long before noon."""
        at = self.noon - timedelta(**before_noon) // timedelta(milliseconds=1)
        await self.clock.sleep(max(0.0, (at - self.clock.now()) / 1000))

    async def live(self) -> None:
        """Advance runs, until it is cancelled."""
        while True:
            await self.process.live(at_most=timedelta(days=60))
            await self.clock.sleep(600)

    async def buy(self, nth: int, *cart: str) -> Bought:
        """The nth buyer checks out."""
        who = buyer(nth)
        units: dict[str, int] = {}
        for product in cart:
            units[product] = units.get(product, 0) + 1
        body = {
            "items": [{"product_id": product, "quantity": count} for product, count in units.items()],
            "customer": {"id": who["id"], "name": who["name"], "email": who["email"], "phone": who["phone"]},
            "address": {name: who[name] for name in ("line1", "line2", "city", "state", "pincode")},
        }
        opened = await self.desk.create(msgspec.json.encode(body))
        return Bought(self, opened, who["phone"])

    async def hear(self, source: str, kind: str, fact: Fact) -> None:
        """A service tells of something."""
        self._told += 1
        event = str(getattr(fact, "event", "")) or f"{source}-{self._told}"
        await self.inbox.receive(source, {}, body_of(fact, event, kind))


class Bought:
    """One order of it."""

    def __init__(self, trade: Trade, opened: Opened, phone: str) -> None:
        self.trade, self.opened, self.phone = trade, opened, phone
        self.number = opened.order_number
        self.key = f"{SHOP}/{opened.order_number}"
        self.payment = f"pay_{opened.razorpay_order_id[6:]}"
        self.scans: list[Scan] = []

    async def pays(self, after: float = 40) -> Bought:
        """The money is captured, and told of twice."""
        await self.trade.clock.sleep(after)
        amount = Money(self.opened.amount, self.opened.currency)
        for kind, event in (("payment.captured", "a"), ("order.paid", "b")):
            paid = PaymentSucceeded(
                account="razorpay/default/test",
                payment_id=self.opened.razorpay_order_id,
                order=f"{SHOP}/{self.opened.razorpay_order_id}",
                amount=amount,
                paid_at=self.trade.clock.now(),
                live=False,
                charge_id=self.payment,
                event=f"evt_{self.number}{event}",
                expects=("shipment", "messages"),
            )
            await self.trade.hear("razorpay", kind, paid)
            await self.trade.clock.sleep(0.7)
        await self.trade.clock.sleep(30)
        return self

    async def fails_to_pay(self, reason: str, nth: int = 1) -> Bought:
        """A try to pay fails."""
        await self.trade.clock.sleep(35)
        fact = PaymentFailed(
            "razorpay/default/test",
            self.opened.razorpay_order_id,
            f"{self.payment}{nth}",
            f"{SHOP}/{self.opened.razorpay_order_id}",
            reason,
            f"evt_failed_{self.number}_{nth}",
            self.trade.clock.now(),
        )
        await self.trade.hear("razorpay", "payment.failed", fact)
        return self

    async def refunded(self) -> Bought:
        """All of the money goes back, by the payment provider's panel."""
        fact = PaymentChanged(
            "razorpay/default/test",
            self.opened.razorpay_order_id,
            "refund.processed whole",
            Money(self.opened.amount, self.opened.currency),
            f"rfnd_{self.number}",
            self.trade.clock.now(),
            f"{SHOP}/{self.opened.razorpay_order_id}",
            ("shipment",),
        )
        await self.trade.hear("razorpay", "refund.processed", fact)
        return self

    async def messaged(self, template: str, *states: MessageState, reason: str = "") -> Bought:
        """What becomes of a message."""
        for state in states:
            await self.trade.clock.sleep(4)
            fact = MessageTold("meta", state, ref=message_ref(self.key, template), reason=reason)
            await self.trade.hear("meta", "messages", fact)
        return self

    async def moves(
        self, number: int, what: str, place: str, *, expected: str = "2026-11-23 20:00:00"
    ) -> Bought:
        """The courier scans the parcel."""
        held = await self.trade.orders.find(self.key)
        assert held is not None
        assert held.record.fulfilment is not None
        parcel = held.record.fulfilment.parcel
        assert parcel is not None
        india = as_datetime(self.trade.clock.now(), "Asia/Kolkata")
        text = india.replace(tzinfo=None).isoformat(timespec="seconds")
        self.scans.append(Scan(text, f"{what} - {place}", place, number))
        fact = ParcelTold(parcel.awb, number, what.upper(), expected=expected, scans=tuple(self.scans))
        await self.trade.hear("tracking", "parcel", fact)
        return self
