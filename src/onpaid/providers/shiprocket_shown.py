"""What Shiprocket's own records prove: that a thing is there, that it is not, or neither.

A list that may be incomplete proves nothing, nor does a record that is being cancelled at this moment. What
cannot get better by looking again is final: a person must see to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from onpaid.acts import Absent, Finding, Found, Unsure
from onpaid.domain.shipments import Awb, CourierOrder, ParcelTold, Pickup
from onpaid.domain.tracking import ORDER_CANCELLING, parcel_state
from onpaid.providers import shiprocket_wire as wire
from onpaid.providers.answers import Answer

UNTOLD_PAGE: Final = 10
"""Fewer hits than this are all of them, even where a page does not say how many there are."""
NOT_BOOKED_YET: Final = frozenset({1, 2, 5, 11, 13})
"""Of the shipment numbering: waits for somebody to ask for its pickup."""


def order_of(answer: Answer, reference: str) -> Finding[CourierOrder]:
    """The record under exactly this reference in a list of orders: the one that lives, else a dead one."""
    page = answer.read(dict[str, Any])
    if not _whole(page):
        return Unsure("Shiprocket's list of orders is incomplete")
    ours = [one for one in _listed(page) if wire.text(one.get("channel_order_id")) == reference]
    if any(_being_cancelled(one) for one in ours):
        return Unsure("the order's cancellation is under way at Shiprocket")
    found = [_with_its_shipment(one, reference) for one in ours]
    chosen = [one for one in found if one is None or not one.cancelled] or found[:1]
    if not chosen:
        return Absent()
    if len(chosen) == 1 and chosen[0] is not None:
        return Found(chosen[0])
    ids = ", ".join(wire.ident(one.get("id")) for one in ours)
    return Unsure(
        f"our reference has not exactly one live shipment at Shiprocket; its orders: {ids}", final=True
    )


def awb_of(answer: Answer, shipment_id: int) -> Finding[Awb]:
    """The AWB on a shipment's record."""
    shown = _shipment(answer, shipment_id)
    if isinstance(shown, Unsure):
        return shown
    awb = wire.awb_of(shown.get("awb"))
    pickup_at = wire.text(shown.get("pickup_generated_date"))
    return Found(Awb(awb, wire.text(shown.get("courier")), pickup_at)) if awb else Absent()


def pickup_of(answer: Answer, shipment_id: int) -> Finding[Pickup]:
    """Whether a shipment's record shows a pickup, or that it took place."""
    shown = _shipment(answer, shipment_id)
    if isinstance(shown, Unsure):
        return shown
    at, token = wire.text(shown.get("pickup_generated_date")), wire.text(shown.get("pickup_token_number"))
    if at or token:
        return Found(Pickup(at, token))
    number = wire.number(shown.get("status"))
    state = parcel_state(number)
    if state is None:
        return Unsure(f"Shiprocket shows the status {number}, which nobody knows")
    return Absent() if number in NOT_BOOKED_YET else Found(Pickup(already=True))


def cancellation_of(answer: Answer, order: CourierOrder) -> Finding[CourierOrder]:
    """Whether an order's record is cancelled."""
    shown = wire.mapping(answer.read(dict[str, Any]).get("data"))
    if wire.ident(shown.get("id")) != order.order_id:
        return Unsure(f"Shiprocket does not show its order {order.order_id}", final=answer.status == 404)
    if wire.dead(shown):
        return Found(msgspec.structs.replace(order, cancelled=True))
    if _being_cancelled(shown):
        return Unsure("the cancellation is under way: the courier has not agreed yet")
    return Absent()


def parcels_of(answer: Answer, awbs: Sequence[str]) -> list[ParcelTold]:
    """What was tracked: an object by AWB, or a list of such. What nothing is known of yet is left out."""
    told: Any = answer.read(Any)
    by_awb = {awb: each for one in wire.objects(told) for awb, each in one.items()}
    found = [wire.told_by_api(awb, by_awb.get(awb)) for awb in awbs]
    return [one for one in found if one is not None]


def pickup_location_complaints(answer: Answer, wanted: str) -> list[str]:
    """What the doctor says of the pickup location."""
    data = wire.mapping(answer.read(dict[str, Any]).get("data"))
    names = sorted(
        wire.text(one.get("pickup_location")) for one in wire.objects(data.get("shipping_address"))
    )
    known = ", ".join(names) or "none"
    missing = f"Shiprocket: there is no pickup location {wanted}. There are: {known}."
    return [] if wanted in names else [missing]


def channel_complaints(answer: Answer, wanted: int) -> list[str]:
    """What the doctor says of the channel."""
    channels = wire.objects(answer.read(dict[str, Any]).get("data"))
    ids = [wire.number(one.get("id")) for one in channels]
    known = ", ".join(str(one) for one in ids) or "none"
    return [] if wanted in ids else [f"Shiprocket: there is no channel {wanted}. There are: {known}."]


def _listed(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return wire.objects(page.get("data"))


def _whole(page: Mapping[str, Any]) -> bool:
    """Whether a page is surely all there is."""
    listed = page.get("data")
    if not isinstance(listed, list) or len(listed) != len(_listed(page)):
        return False
    total = wire.number(wire.mapping(wire.mapping(page.get("meta")).get("pagination")).get("total"))
    return len(listed) < UNTOLD_PAGE if total is None else len(listed) == total


def _with_its_shipment(one: Mapping[str, Any], reference: str) -> CourierOrder | None:
    """A listed order; None if it has not exactly one shipment."""
    shipments = wire.objects(one.get("shipments"))
    if len(shipments) != 1:
        return None
    return wire.record(one.get("id"), shipments[0].get("id"), one, shipments[0], reference)


def _shipment(answer: Answer, shipment_id: int) -> Mapping[str, Any] | Unsure:
    """A shipment's record, if it is shown and lives."""
    shown = wire.mapping(answer.read(dict[str, Any]).get("data"))
    if wire.number(shown.get("id")) != shipment_id:
        return Unsure(f"Shiprocket does not show its shipment {shipment_id}")
    if parcel_state(wire.number(shown.get("status"))) == "cancelled":
        return Unsure(f"the shipment {shipment_id} is cancelled at Shiprocket", final=True)
    return shown


def _being_cancelled(one: Mapping[str, Any]) -> bool:
    return wire.number(one.get("status_code")) in ORDER_CANCELLING
