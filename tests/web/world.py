"""A service for the tests of the web face: the real engine, inbox and views over a store in memory.

Sources are simple fakes that know one secret; the clock stands still until a test moves it. Nothing advances runs:
what a page shows is what was stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from onpaid import compose_billing
from onpaid.acts import LaneLimit
from onpaid.app.checkout import CheckoutDesk, Shop
from onpaid.app.delivering import Delivering
from onpaid.app.delivery import Delivery
from onpaid.app.inbox import Inbox
from onpaid.app.keeping import Keeping
from onpaid.app.proving import Prover
from onpaid.app.reconciling_shown import Reconciling
from onpaid.app.sales import Sales
from onpaid.app.views import Views
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged, OrderReceived
from onpaid.domain.links import Links
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.templates import Templates
from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flows
from onpaid.engine.operations import Operations
from onpaid.engine.runner import Engine
from onpaid.errors import BadSignature, InvalidInput, Problem
from onpaid.flows.book_shipment import book_shipment
from onpaid.flows.cancel_shipment import cancel_shipment
from onpaid.flows.expire_order import expire_order
from onpaid.flows.file_contact import file_contact
from onpaid.flows.file_ticket import file_ticket
from onpaid.flows.invoice_payment import invoice_payment
from onpaid.flows.note_refund import note_refund
from onpaid.flows.open_checkout import open_checkout
from onpaid.flows.report_payment_change import report_payment_change
from onpaid.flows.send_message import send_message
from onpaid.flows.ship_paid_order import ship_paid_order
from onpaid.repositories.catalogue import Catalogue
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.events import Events
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.messages import Messages, Wording
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.references import References
from onpaid.repositories.shipments import Shipments
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from onpaid.web.app import create_app
from onpaid.web.settings import WebSettings
from tests.web.people import goods

NOON: Instant = 1_795_262_400_000
"""2026-11-21T12:00Z."""
OPERATOR = "operator-token-for-tests-1"
VIEWER = "viewer-token-for-tests-12"
SECRET = "a-signing-secret-of-tests"
SHOP = "shop"
LINK_SECRET = "a-secret-of-links-for-the-tests-1"
PATH_TOKEN = "a-path-token-of-the-tests-0123456789"
GUESTS: dict[str, Any] = {
    name: object()
    for name in (
        "orders",
        "payments",
        "payment_source",
        "invoicing",
        "references",
        "rules",
        "ticketing",
        "problems",
        "tracker",
        "alerting",
        "checkouts",
        "checkout_records",
        "catalogue",
        "fulfilments",
        "parcels",
        "shipping",
        "shipments",
        "messaging",
        "messages",
        "till",
        "renewals",
        "prices",
        "sessions",
        "user_customers",
        "billing",
        "topic",
        "subscribers",
        "subscriber_doors",
        "subscriptions_source",
        "replays",
    )
}


class StandingClock:
    """Stands still, unless it is moved."""

    def __init__(self, at: Instant = NOON) -> None:
        self.at = at

    def now(self) -> Instant:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1000

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing sleeps here")

    def move(self, by: timedelta) -> None:
        self.at += round(by.total_seconds() * 1000)


class PassingClock(StandingClock):
    """Whoever sleeps by it has waited long enough."""

    def __init__(self, wall: StandingClock) -> None:
        self._wall = wall
        self._slept = 0.0

    def now(self) -> Instant:
        return self._wall.now()

    def monotonic(self) -> float:
        return self._slept

    async def sleep(self, seconds: float) -> None:
        self._slept += 60


class FakeSource:
    """A source that is told by a header who sent a body, and reads just enough of it."""

    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def __init__(self, name: str, shop: str = "konverzky") -> None:
        self.name = name
        self.shop = shop

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        if token == PATH_TOKEN:
            return
        if headers.get("x-secret") != SECRET:
            raise BadSignature("the X-Secret header does not hold the secret")

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        told = self._told(body)
        account = f"{self.name}/{self.shop}/test"
        return Envelope(self.name, account, str(told["id"]), str(told.get("type", "order_paid")), False)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        told = self._told(body)
        kind = told.get("type", "order_paid")
        if kind == "broken":
            raise Problem("An event that nobody understands", category="internal", facts={"type": kind})
        if kind == "order_paid":
            return Judged(facts=(self._order(told, received_at),))
        if kind == "charge.succeeded":
            key = f"{self.shop}/{told['number']}"
            paid = PaymentSucceeded(
                envelope.account, told["payment"], key, Money(told["amount"], "NOK"), received_at, False
            )
            return Judged(facts=(paid,))
        return Judged(ignored=f"nothing follows from {kind}")

    def _order(self, told: dict[str, Any], at: Instant) -> OrderReceived:
        digest = json.dumps(told, sort_keys=True)
        return OrderReceived(self.shop, told["number"], (), False, goods(0, 1), digest, told["id"], at, "NOK")

    @staticmethod
    def _told(body: bytes) -> dict[str, Any]:
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            raise InvalidInput("the body is not JSON") from None
        if not isinstance(told, dict) or not isinstance(told.get("id"), str):
            raise InvalidInput("the body has no id")
        return told


@dataclass
class World:
    """Everything of one service."""

    store: Store
    clock: StandingClock
    engine: Engine
    inbox: Inbox
    operations: Operations
    views: Views
    settings: WebSettings
    delivery: Delivery
    delivers: bool = True
    missing: list[str] = field(default_factory=list)
    prover: Prover | None = None
    sales: Sales | None = None
    reconciling: Reconciling | None = None

    async def ready(self) -> list[str]:
        return self.missing

    def app(self) -> Any:
        """The application over all this."""
        return create_app(
            inbox=self.inbox,
            engine=self.engine,
            operations=self.operations,
            views=self.views,
            settings=self.settings,
            ready=self.ready,
            delivery=self.delivery if self.delivers else None,
            sales=self.sales,
            reconciler=self.reconciling,
            prover=self.prover,
        )


def settings(**changed: Any) -> WebSettings:
    """The web settings of tests."""
    given = {
        "admin_token": OPERATOR,
        "viewer_token": VIEWER,
        "session_secret": "a-session-secret-of-the-tests",
        "time_zone": "Europe/Oslo",
        "version": "0.1.0",
        # The clock stands, so that a minute would never be over.
        "checkouts_together": 0,
        **changed,
    }
    return WebSettings(**given)


def make_world(store: Store | None = None, **changed: Any) -> World:
    """A service with an empty store, for orders of a shop and of our own checkout."""
    store, clock = store or MemoryStore(), StandingClock()
    flows = Flows(
        (
            invoice_payment,
            file_contact,
            expire_order,
            report_payment_change,
            file_ticket,
            open_checkout,
            ship_paid_order,
            book_shipment,
            cancel_shipment,
            send_message,
            note_refund,
            *compose_billing.FLOWS,
        ),
        GUESTS,
    )
    lanes = (LaneLimit("fiken", 1, 4, strict=True), LaneLimit("stripe", 16), LaneLimit("ticket-log", 4))
    engine = Engine(store, flows, clock=clock, bell=Silence(), random=Random(0), owner="tests", lanes=lanes)
    orders, payments = Orders(store, prices_include_vat=True), Payments(store)
    sources = {name: FakeSource(name) for name in ("konverzky", "stripe")}
    given = settings(**changed)
    delivery = delivery_of(engine, orders, clock, given.public_url)
    keeping = Keeping(store, orders, payments, delivery.checkouts, delivery.shipments, delivery.messages)
    inbox = Inbox(engine.recorder, keeping, sources, clock)
    shops = ("konverzky", SHOP)
    views = Views(store, clock, engine, orders, payments, Events(store), References(store), shops=shops)
    return World(store, clock, engine, inbox, Operations(engine), views, given, delivery)


def delivery_of(engine: Engine, orders: Orders, clock: StandingClock, public_url: str) -> Delivery:
    """The story of delivery as its faces see it. Nobody answers for the payment provider, so no checkout opens."""
    store, recorder = engine.store, engine.recorder
    messages = Messages(store, orders, Wording(Templates(), Links([LINK_SECRET]), public_url), clock)
    records, catalogue = CheckoutRecords(store, orders), Catalogue(store, orders)
    fulfilments, shipments = Fulfilments(store, orders), Shipments(store, orders)
    desk = CheckoutDesk(
        recorder,
        orders,
        records,
        catalogue,
        messages,
        PassingClock(clock),
        Random(0),
        Shop(SHOP, live=False, key_id="rzp_test_1"),
        lambda checkout, payment, signature: signature == f"{checkout}|{payment}",
    )
    hands = Delivering(recorder, orders, fulfilments, shipments, catalogue, clock, SHOP)
    return Delivery(desk, hands, orders, catalogue, records, fulfilments, shipments, messages)
