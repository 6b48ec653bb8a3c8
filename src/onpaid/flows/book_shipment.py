"""A parcel is booked: the courier service's order, its AWB, its pickup; then the customer is told.

Each step has its way of being found again. The courier service recognises an order by our number and hands back what it
has under it, even a dead record: then the parcel is made under the number with a suffix.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from onpaid.clock import as_instant
from onpaid.domain.shipments import (
    Awb,
    CourierOrder,
    ParcelOrder,
    ShipmentBooked,
    ShipmentWanted,
)
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.providers.roles_delivery import Shipping
from onpaid.repositories.parcels import Parcels
from onpaid.repositories.shipments import Shipments
from onpaid.store.local import NotYet

NAMESPACE: Final = UUID("0d8c3a52-6a5e-5d0b-8d5c-3f1f0a7c2b44")
"""From which shipments' ids are derived; never to be changed."""
AT_ONCE: Final = timedelta(0)


@flow(
    on=ShipmentWanted,
    key=lambda wanted: wanted.order if wanted.nth == 1 else f"{wanted.order}#{wanted.nth}",
    about=lambda wanted: [f"order:{wanted.order}"],
    same=lambda one, other: True,
    category="delivery",
)
async def book_shipment(
    ctx: Context, wanted: ShipmentWanted, *, parcels: Parcels, shipments: Shipments, shipping: Shipping
) -> ShipmentBooked:
    parcel = await ctx.wait_for(
        "parcel",
        parcels.look_parcel,
        wanted.order,
        wanted.nth,
        at_most=AT_ONCE,
        giving_up=lambda missing: _unknown_size(wanted, missing),
    )
    made = await _live_order(ctx, wanted, parcel, shipping)
    awb = Awb(made.awb, made.courier)
    if not made.awb and not made.dry_run:
        awb = await ctx.step("assign awb", shipping.assign_awb, made, find=shipping.find_awb)
    ident = str(uuid5(NAMESPACE, ctx.run_id))
    at = as_instant(ctx.started)
    await ctx.step("note shipment", shipments.note_booked, wanted.order, ident, made, awb, at)
    if not made.dry_run:
        pickup = await ctx.step("request pickup", shipping.request_pickup, made, find=shipping.find_pickup)
        await ctx.step("note pickup", shipments.note_pickup, ident, pickup)
    return ShipmentBooked(ident, awb.awb, awb.courier, made.dry_run)


async def _live_order(
    ctx: Context, wanted: ShipmentWanted, parcel: ParcelOrder, shipping: Shipping
) -> CourierOrder:
    """The courier service's record of the parcel: the first that is not dead.

    A dead record cannot be used again, nor its reference. The nought keeps these suffixes apart from a further
    parcel's; letters are no good, since some of the service's calls dislike them.
    """
    create, find = shipping.create_order, shipping.find_order
    made = await ctx.step("create shipment", create, parcel, find=find)
    if made.cancelled:
        made = await ctx.step("create shipment again", create, parcel.suffixed("02"), find=find)
    if made.cancelled:
        made = await ctx.step("create shipment once more", create, parcel.suffixed("03"), find=find)
    if not made.cancelled:
        return made
    raise Problem(
        "The courier service hands back a cancelled record for every reference of this order: book it by hand there",
        category="delivery",
        facts={"order": wanted.order, "reference": parcel.reference},
    )


def _unknown_size(wanted: ShipmentWanted, missing: NotYet) -> Problem:
    return Problem(
        f"No parcel yet: {missing.why}. Import the products with length, breadth, height and weight, or set "
        "PARCEL_DEFAULT; the parcel is then booked by itself",
        category="delivery",
        facts={"order": wanted.order, **missing.facts},
    )
