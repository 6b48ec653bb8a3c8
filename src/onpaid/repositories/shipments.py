"""Shipments, found by order, AWB and the courier service's ids.

What a courier tells moves a parcel forward only. A word about a parcel that is not ours changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.fulfilment import Fulfilment, OrderStatus, ParcelNote, ParcelState
from onpaid.domain.messages import MessageWanted
from onpaid.domain.orders import Order
from onpaid.domain.shipments import Awb, CourierOrder, ParcelTold, Pickup, Shipment
from onpaid.domain.tracking import advanced, merge_scans, next_look
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.references import REFERENCES, Reference
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records, Versioned

STATUS: dict[ParcelState, OrderStatus] = {
    "picked_up": "shipped",
    "in_transit": "shipped",
    "out_for_delivery": "shipped",
    "delivered": "delivered",
    "returning": "shipped",
    "returned": "returned",
}
"""What a parcel's state makes of its order; the others leave it as it is."""


def _entries(shipment: Shipment) -> Iterator[Entry]:
    yield Entry("all", "", shipment.created_at)
    yield Entry("order", shipment.order, shipment.created_at)
    yield Entry("state", shipment.state, shipment.created_at)
    if shipment.awb:
        yield Entry("id", f"awb:{shipment.awb}", shipment.created_at)
    if shipment.order_id:
        yield Entry("id", f"order:{shipment.order_id}", shipment.created_at)
    if shipment.dry_run:
        yield Entry("dry-run", "", shipment.created_at)
    if shipment.look_at is not None:
        yield Entry("look", "", shipment.look_at)


SHIPMENTS = Kind("shipment", Shipment, key=lambda each: each.id, entries=_entries)


class Shipments:
    """The shipments of a store."""

    def __init__(self, store: Store, orders: Orders) -> None:
        self._store = store
        self._orders = orders

    async def get(self, ident: str) -> Shipment | None:
        """One shipment, or None."""
        held = await SHIPMENTS.get(self._store, ident)
        return None if held is None else held.record

    async def of_order(self, order: str) -> list[Shipment]:
        """The shipments of an order, oldest first."""
        return (await SHIPMENTS.query(self._store, "order", order, newest_first=False, limit=100)).items

    async def dry_run_ones(self, *, after: str | None = None, limit: int = 100) -> Records[Shipment]:
        """Shipments that were only logged, oldest first."""
        return await SHIPMENTS.query(self._store, "dry-run", "", after=after, limit=limit, newest_first=False)

    async def newest(self, *, after: str | None = None, limit: int = 100) -> Records[Shipment]:
        """Shipments, newest first."""
        return await SHIPMENTS.query(self._store, "all", "", after=after, limit=limit)

    async def silent(self, now: Instant, limit: int) -> list[Shipment]:
        """Parcels that have been silent for so long that somebody should ask about them."""
        found = await SHIPMENTS.query(self._store, "look", "", sort_to=now, newest_first=False, limit=limit)
        return found.items

    @act(local=True)
    async def note_booked(
        self, key: str, ident: str, made: CourierOrder, awb: Awb, at: Instant
    ) -> Local[bool]:
        """Keep the shipment, and tell the order of it."""
        held = await self._orders.find(key)
        if held is None or held.record.fulfilment is None:
            raise AssertionError("parcels are for orders of our own checkout")
        order, fulfilment = held.record, held.record.fulfilment
        shipment = Shipment(
            id=ident,
            order=order.key,
            reference=made.reference,
            order_id=made.order_id,
            shipment_id=made.shipment_id,
            created_at=at,
            updated_at=at,
            awb=awb.awb,
            courier=awb.courier,
            customer_id=fulfilment.customer_id,
            pickup_at=awb.pickup_at,
            dry_run=made.dry_run,
            look_at=None if made.dry_run else next_look("pending_pickup", at, at),
        )
        writes: list[Write] = [SHIPMENTS.put(shipment), _order_with(held, fulfilment, _note(shipment))]
        if not made.dry_run:
            ids = {"awb": awb.awb, "shipment": made.shipment_id, "courier-order": made.order_id}
            writes += [
                REFERENCES.put(Reference(kind, value, order.key, at)) for kind, value in ids.items() if value
            ]
        return Done(True, tuple(writes))

    @act(local=True)
    async def note_pickup(self, ident: str, pickup: Pickup) -> Local[bool]:
        """Keep when the parcel is fetched, and have the customer told that it is on its way."""
        shipment, held = await self._of(ident)
        booked = msgspec.structs.replace(shipment.record, pickup_at=pickup.at or shipment.record.pickup_at)
        fulfilment = held.record.fulfilment
        assert fulfilment is not None  # noqa: S101 - shipments are of orders that have it
        writes = (SHIPMENTS.update(booked, shipment.version), _order_with(held, fulfilment, _note(booked)))
        told = MessageWanted(held.record.key, "shipment_created", after="order_confirmation")
        return Done(True, writes, (), (told,))

    @act(local=True)
    async def booked(self, ident: str) -> Local[CourierOrder]:
        """The courier service's record of a shipment, as it was booked."""
        shipment, _ = await self._of(ident)
        kept = shipment.record
        return Done(
            CourierOrder(
                kept.reference, kept.order_id, kept.shipment_id, kept.awb, kept.courier, dry_run=kept.dry_run
            )
        )

    @act(local=True)
    async def note_cancelled(self, ident: str, at: Instant) -> Local[bool]:
        """The parcel was cancelled at the courier service."""
        shipment, held = await self._of(ident)
        return Done(True, tuple(_moved(shipment, held, "cancelled", at)))

    async def receive(self, told: ParcelTold, now: Instant) -> tuple[list[Write], str | None]:
        """The writes that a courier's word comes to, and the key of the order that it is about, if it is ours."""
        shipment = await self._find(told)
        if shipment is None:
            return [], None
        held = await ORDERS.get(self._store, shipment.record.order)
        if held is None:
            return [], None
        old = shipment.record
        state = advanced(old.state, told)
        changed = msgspec.structs.replace(
            old,
            state=state,
            awb=told.awb or old.awb,
            number=told.number,
            told=told.status,
            expected=told.expected or old.expected,
            scans=merge_scans(old.scans, told.scans),
            updated_at=now,
            look_at=next_look(state, now, now),
        )
        writes = _moved(Versioned(changed, shipment.version), held, state, now)
        if changed.awb != old.awb:  # the parcel was given to another courier
            writes.append(REFERENCES.put(Reference("awb", changed.awb, old.order, now)))
        return writes, old.order

    async def postpone(self, shipment: Shipment, now: Instant) -> list[Write]:
        """The writes after a look at which the courier service had nothing to say."""
        held = await SHIPMENTS.get(self._store, shipment.id)
        if held is None or held.record.look_at != shipment.look_at:
            return []
        later = msgspec.structs.replace(
            held.record, look_at=next_look(held.record.state, held.record.updated_at, now)
        )
        return [SHIPMENTS.update(later, held.version)]

    async def _find(self, told: ParcelTold) -> Versioned[Shipment] | None:
        for place in (
            f"awb:{told.awb}" if told.awb else "",
            f"order:{told.order_id}" if told.order_id else "",
        ):
            found = (await SHIPMENTS.query(self._store, "id", place, limit=2)).items if place else []
            if len(found) == 1:
                return await SHIPMENTS.get(self._store, found[0].id)
        return None

    async def _of(self, ident: str) -> tuple[Versioned[Shipment], Versioned[Order]]:
        shipment = await SHIPMENTS.get(self._store, ident)
        held = None if shipment is None else await ORDERS.get(self._store, shipment.record.order)
        if shipment is None or held is None:
            raise AssertionError(f"there is no shipment {ident}")
        return shipment, held


def _note(shipment: Shipment) -> ParcelNote:
    return ParcelNote(
        shipment=shipment.id,
        shipment_id=shipment.shipment_id,
        state=shipment.state,
        created_at=shipment.created_at,
        awb=shipment.awb,
        courier=shipment.courier,
        pickup_at=shipment.pickup_at,
        dry_run=shipment.dry_run,
    )


def _order_with(held: Versioned[Order], fulfilment: Fulfilment, note: ParcelNote) -> Write:
    told = msgspec.structs.replace(fulfilment, parcel=note)
    return ORDERS.update(msgspec.structs.replace(held.record, fulfilment=told), held.version)


def _moved(
    shipment: Versioned[Shipment], held: Versioned[Order], state: ParcelState, at: Instant
) -> list[Write]:
    """The writes of a parcel that moved; the order follows if this is the parcel that it speaks of."""
    record = shipment.record
    if record.state != state:
        record = msgspec.structs.replace(record, state=state, updated_at=at, look_at=next_look(state, at, at))
    writes: list[Write] = [SHIPMENTS.update(record, shipment.version)]
    fulfilment = held.record.fulfilment
    if fulfilment is None or fulfilment.parcel is None or fulfilment.parcel.shipment != record.id:
        return writes
    status = fulfilment.status
    if status not in ("cancelled", "delivered", "returned") or state in ("delivered", "returned"):
        status = STATUS.get(state, status)
    moved = msgspec.structs.replace(fulfilment, status=status)
    return [*writes, _order_with(held, moved, _note(record))]
