"""A person cancels a parcel, while the courier service allows it. The order stays paid: what follows is decided apart."""

from __future__ import annotations

from onpaid.clock import as_instant
from onpaid.domain.shipments import CourierOrder, ShipmentUnwanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles_delivery import Shipping
from onpaid.repositories.shipments import Shipments


@flow(
    on=ShipmentUnwanted,
    key=lambda unwanted: unwanted.shipment,
    about=lambda unwanted: [f"order:{unwanted.order}"],
    same=lambda one, other: True,
    category="delivery",
)
async def cancel_shipment(
    ctx: Context, unwanted: ShipmentUnwanted, *, shipments: Shipments, shipping: Shipping
) -> CourierOrder:
    made = await ctx.step("read shipment", shipments.booked, unwanted.shipment)
    gone = await ctx.step("cancel shipment", shipping.cancel_order, made, find=shipping.find_cancelled)
    await ctx.step("note cancelled", shipments.note_cancelled, unwanted.shipment, as_instant(ctx.started))
    return gone
