"""The story of delivery through the API: parcels, and what an operator decides about orders.

Viewers may look; operators act, and each act answers what it came to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from starlette.responses import Response

from onpaid.app.delivery_shown import is_current, parcel_shown
from onpaid.app.masking import Mask
from onpaid.app.orders_shown import private_of
from onpaid.app.shown_delivery import ParcelList, ParcelShown
from onpaid.clock import as_datetime
from onpaid.domain.orders import Order, order_key
from onpaid.errors import InvalidInput, NotPossible
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import NO_SUCH, NOT_NOW, Nothing, body_of
from onpaid.web.parameters import CURSOR, Parameter, limit
from onpaid.web.table import Ask, Door, NotThere


class Choosing(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be done with a held order: ship what there is, or give the money back."""

    choice: Literal["ship", "refund"]


class Decided(msgspec.Struct, frozen=True):
    """What was decided about an order. Decided once: the same choice again answers the first."""

    order: str
    number: str
    choice: Literal["ship", "refund"]
    by: str
    at: datetime


class Started(msgspec.Struct, frozen=True):
    """The run that carries out what was asked."""

    order: str
    number: str
    run: str


class BookedAgain(msgspec.Struct, frozen=True):
    """How many parcels that were only logged are being booked, by which runs; and orders that could not be, with why."""

    booked: int
    runs: list[str]
    refused: dict[str, str]


async def known_order(ask: Ask) -> Order:
    """The order that the path names, by number, other name or key. Raises NotThere."""
    return await order_named(ask, ask.named("number"))


async def order_named(ask: Ask, name: str) -> Order:
    """The order of this name. Raises NotThere."""
    delivery = ask.parts.deliveries
    for key in (name, order_key(delivery.desk.shop.name, name)):
        held = await delivery.orders.find(key)
        if held is not None:
            return held.record
    raise NotThere("there is no order of this number")


async def decide(ask: Ask) -> Response:
    given = body_of(ask, Choosing)
    order = await known_order(ask)
    made = await ask.parts.deliveries.hands.decide(order.key, given.choice, by=ask.caller.by)
    return json_answer(Decided(order.key, order.number, made.choice, made.by, as_datetime(made.at)))


async def ship(ask: Ask) -> Response:
    body_of(ask, Nothing)
    order = await known_order(ask)
    run = await ask.parts.deliveries.hands.ship_again(order.key)
    return json_answer(Started(order.key, order.number, run))


async def cancel_shipment(ask: Ask) -> Response:
    body_of(ask, Nothing)
    order = await known_order(ask)
    run = await ask.parts.deliveries.hands.cancel_shipment(order.key, by=ask.caller.by)
    return json_answer(Started(order.key, order.number, run))


async def shipments(ask: Ask) -> Response:
    given, delivery = ask.given, ask.parts.deliveries
    after, most = given["cursor"] or None, given["limit"]
    only_logged = given["dry_run"] == "yes"
    listed = delivery.shipments.dry_run_ones if only_logged else delivery.shipments.newest
    page = await listed(after=after, limit=most)
    items: list[ParcelShown] = []
    for shipment in page.items:
        held = await delivery.orders.find(shipment.order)
        order = None if held is None else held.record
        current = order is not None and is_current(order.fulfilment, shipment)
        if current or not only_logged:
            items.append(parcel_shown(shipment, Mask(private_of(order, [])), current=current, scans=False))
    return json_answer(ParcelList(items, page.cursor))


async def ship_dry_runs(ask: Ask) -> Response:
    body_of(ask, Nothing)
    hands = ask.parts.deliveries.hands
    runs: list[str] = []
    refused: dict[str, str] = {}
    for shipment in await hands.dry_run_ones():
        try:
            runs.append(await hands.ship_again(shipment.order))
        except (InvalidInput, NotPossible) as why:
            refused[shipment.order.partition("/")[2]] = str(why)
    return json_answer(BookedAgain(len(runs), runs, refused))


DRY_RUN = Parameter(
    "dry_run", "`yes`: only those that were only logged, and that no real parcel followed.", ("yes",)
)

DOORS = (
    Door(
        "POST",
        "/api/orders/{number:path}/decide",
        decide,
        "operator",
        "Decide about a held order: ship it anyway, or give the money back. Decided once.",
        body=Choosing,
        answers=Decided,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/orders/{number:path}/ship",
        ship,
        "operator",
        "Book a parcel again for an order whose parcel was only logged, cancelled or returned.",
        body=Nothing,
        answers=Started,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/orders/{number:path}/cancel-shipment",
        cancel_shipment,
        "operator",
        "Cancel the parcel of an order, until the courier has fetched it. The order stays paid.",
        body=Nothing,
        answers=Started,
        statuses=NOT_NOW,
    ),
    Door(
        "GET",
        "/api/shipments",
        shipments,
        "viewer",
        "Parcels, newest first; those of a dry run oldest first.",
        takes=(DRY_RUN, CURSOR, limit(50)),
        answers=ParcelList,
        statuses=NO_SUCH,
    ),
    Door(
        "POST",
        "/api/shipments/ship-dry-runs",
        ship_dry_runs,
        "operator",
        "Book all parcels that were only logged, once the dry run is over.",
        body=Nothing,
        answers=BookedAgain,
        statuses=NOT_NOW,
    ),
)
