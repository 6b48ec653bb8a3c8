"""Scenes of the flows of delivery, for `crash_everywhere` and for the golden journals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import msgspec

from onpaid.domain.checkouts import Checkout, CheckoutRef, CheckoutWanted
from onpaid.domain.fulfilment import Fulfilment, Recipient
from onpaid.domain.messages import MessageWanted
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, OrderLine, Revision
from onpaid.domain.payments import PaymentChanged
from onpaid.domain.products import Product, Stock
from onpaid.domain.shipments import Awb, CourierOrder, ParcelOrder, ShipmentUnwanted, ShipmentWanted
from onpaid.engine.pace import Pace
from onpaid.engine.testing import START, Ending, Scene, VirtualClock
from onpaid.repositories.catalogue import PRODUCTS, STOCK
from onpaid.repositories.checkouts import CHECKOUTS, CheckoutRecords
from onpaid.repositories.fulfilments import DECISIONS, Decision
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.shipments import Shipments
from onpaid.store.local import Done
from onpaid.store.port import Store
from tests.flows.bazaar import ACCOUNT, SHOP, SHOP_LANES, Bazaar, Parcel
from tests.flows.fates import Fates
from tests.flows.market import DELIVERY_FLOWS, RACKET, delivery_guests, paid_by
from tests.flows.stage import FLOWS, RULES

NUMBER = "26722560053"
KEY = f"{SHOP}/{NUMBER}"
AMOUNT = RACKET.price
PATIENT = replace(RULES, look_again=timedelta(minutes=30))
PAID = paid_by("order_1", AMOUNT)
MADE = CourierOrder(NUMBER, "o1", "s1", "0014711", "Courier")
RECIPIENT = Recipient(
    "Asha Rao", "+919876543210", "asha@example.org", "12 MG Road", "", "Bengaluru", "Karnataka", "560001"
)
BOOKED = ParcelOrder(
    NUMBER,
    START,
    RECIPIENT,
    (),
    AMOUNT,
    length=Decimal(30),
    breadth=Decimal(20),
    height=Decimal(5),
    weight=Decimal(1),
)

Check = Callable[[Bazaar, Ending], None]


async def with_checkout(store: Store) -> None:
    """An order is there, and nobody was asked for its money yet."""
    line = OrderLine("racket", "racket", "Racket", Decimal(1), AMOUNT.to_decimal(), Decimal(18))
    revision = Revision(1, "d", (line,), START, "", "INR", prices_include_vat=True)
    order = Order(SHOP, NUMBER, False, START, (revision,), fulfilment=Fulfilment(RECIPIENT, AMOUNT, True))
    await store.commit(
        [
            ORDERS.insert(order),
            CHECKOUTS.insert(Checkout(KEY, AMOUNT, START)),
            PRODUCTS.insert(RACKET),
            STOCK.insert(Stock("racket", 3)),
        ]
    )


async def with_open_checkout(store: Store) -> None:
    """The payment provider's order is there, and can be paid."""
    await with_checkout(store)
    orders = Orders(store)
    done = await CheckoutRecords(store, orders).note_opened(
        KEY, CheckoutRef("order_1", AMOUNT, NUMBER), START
    )
    assert isinstance(done, Done)
    await store.commit(done.writes)


async def oversold(store: Store) -> None:
    """Nothing is left, and a person has decided already."""
    await with_open_checkout(store)
    await store.commit(
        [STOCK.put(Stock("racket", 0)), DECISIONS.insert(Decision(KEY, "refund", "ann", START))]
    )


async def shipped_anyway(store: Store) -> None:
    """Nothing is left, and it is shipped all the same."""
    await with_open_checkout(store)
    await store.commit([STOCK.put(Stock("racket", 0)), DECISIONS.insert(Decision(KEY, "ship", "ann", START))])


async def unsized(store: Store) -> None:
    """Nobody told the size of what was bought."""
    await with_open_checkout(store)
    await store.commit([PRODUCTS.put(Product("racket", "Racket", AMOUNT))])


async def with_parcel(store: Store) -> None:
    """A parcel is booked."""
    await with_open_checkout(store)
    done = await Shipments(store, Orders(store)).note_booked(
        KEY, "ship-1", MADE, Awb("0014711", "Courier"), START
    )
    assert isinstance(done, Done)
    await store.commit(done.writes)


@dataclass
class Telling:
    """One flow of delivery from its fact to its end."""

    name: str
    fact: msgspec.Struct
    before: Callable[[Store], Awaitable[None]]
    check: Check
    fates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    parcel_there: bool = False

    def world(self) -> Bazaar:
        """A world in which it can be told."""
        world = Bazaar(Fates(self.fates), dead=set(self.dead))
        world.capture(PAID, receipt=NUMBER)
        if self.parcel_there:
            world.parcels.append(Parcel(1, BOOKED, 0.0, awb="0014711", pickups=1))
        return world

    def scene(self, world: Bazaar | None = None) -> Scene:
        """The scene, in a world of its own."""
        world = world or self.world()

        def guests(store: Store, clock: VirtualClock) -> Mapping[str, object]:
            return {**delivery_guests(world, store, clock), "rules": PATIENT}

        def check(end: Ending) -> None:
            assert not world.faults, world.faults
            self.check(world, end)

        return Scene(
            (*FLOWS, *DELIVERY_FLOWS),
            [self.fact],
            guests,
            check,
            lanes=SHOP_LANES,
            before=self.before,
            pace=Pace(tick=timedelta(minutes=3)),
            optional=frozenset({"its turn"}),
        )


def _opened(world: Bazaar, end: Ending) -> None:
    assert len(world.asked) == 1
    assert end.run("open_checkout").state == "done"
    assert not end.tickets


def _shipped(world: Bazaar, end: Ending) -> None:
    (parcel,) = world.live()
    assert parcel.pickups == 1
    assert parcel.awb
    assert end.run("ship_paid_order").state == end.run("book_shipment").state == "done"
    for template in ("order_confirmation", "shipment_created"):
        assert world.told(template) <= 1
    _told_or_asked(world, end)


def _told_or_asked(world: Bazaar, end: Ending) -> None:
    """A message whose sender died before it left is a ticket for a person, and never silence."""
    undone = {run.id for run in end.runs if run.flow == "send_message" and run.state != "done"}
    assert {ticket.run for ticket in end.tickets} == undone
    assert all(ticket.category == "doubt" for ticket in end.tickets)
    told = sum(run.flow == "send_message" and run.state == "done" for run in end.runs)
    assert told == len(world.messages)


def _given_back(world: Bazaar, end: Ending) -> None:
    assert len(world.refunds) == 1
    assert not world.parcels
    assert not world.messages
    assert end.run("ship_paid_order").state == "done"


def _no_size(world: Bazaar, end: Ending) -> None:
    assert not world.parcels
    assert end.run("book_shipment").state == "failed"
    assert "delivery" in [ticket.category for ticket in end.tickets]
    assert not world.messages


def _reshipped(world: Bazaar, end: Ending) -> None:
    (parcel,) = world.live()
    assert parcel.order.reference == f"{NUMBER}-0{len(world.dead) + 1}"
    assert end.run("book_shipment").state == "done"


def _booked(world: Bazaar, end: Ending) -> None:
    assert len(world.live()) == 1
    assert end.run("book_shipment").state == "done"
    assert world.told("shipment_created") <= 1


def _cancelled(world: Bazaar, end: Ending) -> None:
    assert not world.live()
    assert end.run("cancel_shipment").state == "done"
    assert not end.tickets


def _told(world: Bazaar, end: Ending) -> None:
    assert end.run("send_message").state in ("done", "doubtful")
    assert world.told("order_confirmation") <= 1
    _told_or_asked(world, end)


def _refund_under_way(_world: Bazaar, end: Ending) -> None:
    assert end.run("note_refund").state == "failed"
    assert [ticket.category for ticket in end.tickets] == ["payment"]


def _refund_noted(_world: Bazaar, end: Ending) -> None:
    assert end.run("note_refund").state == "done"
    assert not end.tickets


REFUND = PaymentChanged(
    ACCOUNT, "order_1", "refund.processed whole", AMOUNT, "rfnd_9", START, f"{SHOP}/order_1", ("shipment",)
)
PART = msgspec.structs.replace(REFUND, what="refund.processed part", amount=Money(100, "INR"))
LOST = ("lost reply", "late")

TELLINGS: tuple[Telling, ...] = (
    Telling("open_checkout", CheckoutWanted(KEY, NUMBER, AMOUNT), with_checkout, _opened),
    Telling("ship_paid_order", PAID, with_open_checkout, _shipped),
    Telling("ship_paid_order, oversold and given back", PAID, oversold, _given_back),
    Telling("ship_paid_order, oversold and shipped anyway", PAID, shipped_anyway, _shipped),
    Telling("book_shipment, without a size", ShipmentWanted(KEY), unsized, _no_size),
    Telling("book_shipment", ShipmentWanted(KEY), with_open_checkout, _booked),
    Telling(
        "book_shipment, dead record",
        ShipmentWanted(KEY),
        with_open_checkout,
        _reshipped,
        dead=frozenset({NUMBER}),
    ),
    Telling(
        "book_shipment, two dead records",
        ShipmentWanted(KEY),
        with_open_checkout,
        _reshipped,
        dead=frozenset({NUMBER, f"{NUMBER}-02"}),
    ),
    Telling(
        "cancel_shipment", ShipmentUnwanted(KEY, "ship-1", "ann"), with_parcel, _cancelled, parcel_there=True
    ),
    Telling("send_message", MessageWanted(KEY, "order_confirmation"), with_open_checkout, _told),
    Telling("note_refund, parcel under way", REFUND, with_parcel, _refund_under_way),
    Telling("note_refund, nothing shipped", REFUND, with_open_checkout, _refund_noted),
    Telling("note_refund, in part", PART, with_parcel, _refund_noted),
)
TROUBLED: tuple[Telling, ...] = (
    Telling(
        "lost checkout",
        CheckoutWanted(KEY, NUMBER, AMOUNT),
        with_checkout,
        _opened,
        {"create_checkout": LOST},
    ),
    Telling("lost shipment", PAID, with_open_checkout, _shipped, {"create_order": LOST}),
    Telling("lost awb", PAID, with_open_checkout, _shipped, {"assign_awb": LOST}),
    Telling("lost pickup", PAID, with_open_checkout, _shipped, {"request_pickup": LOST}),
    Telling("lost refund", PAID, oversold, _given_back, {"refund": LOST}),
    Telling("lost message", PAID, with_open_checkout, _shipped, {"send_message": ("lost reply", "late")}),
)
