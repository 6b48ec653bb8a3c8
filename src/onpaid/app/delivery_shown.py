"""An order's delivery as operators see it: its parcels, messages, tries and decisions, and what may be done now.

What may be done mirrors `app.delivering`: a button that is shown works, unless the order moves on meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from onpaid.app import words_delivery
from onpaid.app.delivering import CANCELLABLE
from onpaid.app.masking import Mask
from onpaid.app.masks import mask_recipient
from onpaid.app.shown_delivery import (
    DecisionShown,
    DeliveryShown,
    MayDo,
    MessageShown,
    ParcelShown,
    StateAt,
    TakenShown,
    TryShown,
)
from onpaid.app.tracked import courier_page, moment, scans_of
from onpaid.clock import as_datetime
from onpaid.domain.checkouts import Checkout
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.messages import Message
from onpaid.domain.orders import Order
from onpaid.domain.products import StockMovement
from onpaid.domain.shipments import Shipment
from onpaid.engine.journal import Run
from onpaid.repositories.catalogue import MOVEMENTS, StockTaken
from onpaid.repositories.checkouts import CHECKOUTS
from onpaid.repositories.fulfilments import DECISIONS, Decision
from onpaid.repositories.messages import MESSAGES
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.port import Store

GONE_BACK = frozenset({"cancelled", "returned"})
_TAKEN = msgspec.json.Decoder(StockTaken)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The records of one order's delivery. Oldest first."""

    shipments: Sequence[Shipment] = ()
    messages: Sequence[Message] = ()
    checkout: Checkout | None = None
    decision: Decision | None = None
    movement: StockMovement | None = None


async def deliveries_of(store: Store, order: Order | None) -> Deliveries:
    """Everything that is kept of an order's delivery; nothing of an order that a shop ships by itself."""
    if order is None or order.fulfilment is None:
        return Deliveries()
    shipments = await SHIPMENTS.query(store, "order", order.key, newest_first=False, limit=100)
    messages = await MESSAGES.query(store, "order", order.key, newest_first=False, limit=100)
    checkout = await CHECKOUTS.get(store, order.key)
    decision = await DECISIONS.get(store, order.key)
    movement = await MOVEMENTS.get(store, order.key)
    return Deliveries(
        shipments.items,
        messages.items,
        None if checkout is None else checkout.record,
        None if decision is None else decision.record,
        None if movement is None else movement.record,
    )


def delivery_shown(
    fulfilment: Fulfilment, kept: Deliveries, runs: Sequence[Run], mask: Mask, *, personal: bool
) -> DeliveryShown:
    """How an order's delivery stands. `personal` says whether names and addresses may be seen."""
    checkout, decision, movement = kept.checkout, kept.decision, kept.movement
    stuck = {
        words_delivery.ref_of(step): run.state
        for run in runs
        if run.state in ("doubtful", "failed")
        for step in run.steps
    }
    return DeliveryShown(
        status=fulfilment.status,
        payment_status=fulfilment.payment_status,
        amount=fulfilment.amount,
        ships=fulfilment.ships,
        held=fulfilment.held,
        missing=missing_of(runs) if fulfilment.held else {},
        method=fulfilment.method,
        checkout_id=fulfilment.checkout,
        recipient=fulfilment.recipient if personal else mask_recipient(fulfilment.recipient),
        tries=[
            TryShown(each.payment_id, as_datetime(each.at), mask.text(each.reason))
            for each in (checkout.tries if checkout is not None else ())
        ],
        taken=[
            TakenShown(each.product, each.units, each.short)
            for each in (movement.moved if movement is not None else ())
        ],
        taken_at=None if movement is None else as_datetime(movement.at),
        decision=None
        if decision is None
        else DecisionShown(decision.choice, decision.by, as_datetime(decision.at)),
        parcels=[
            parcel_shown(each, mask, current=is_current(fulfilment, each))
            for each in reversed(kept.shipments)
        ],
        messages=[message_shown(each, mask, stuck.get(each.ref, "")) for each in kept.messages],
        may=may_do(fulfilment, decision),
    )


def is_current(fulfilment: Fulfilment | None, shipment: Shipment) -> bool:
    """Whether this is the parcel that its order speaks of."""
    parcel = None if fulfilment is None else fulfilment.parcel
    return parcel is not None and parcel.shipment == shipment.id


def parcel_shown(shipment: Shipment, mask: Mask, *, current: bool, scans: bool = True) -> ParcelShown:
    """One parcel; `scans` says whether with all that happened to it."""
    mood, sentence = words_delivery.parcel_words(shipment.state, dry_run=shipment.dry_run)
    return ParcelShown(
        id=shipment.id,
        order=shipment.order,
        number=shipment.order.partition("/")[2],
        reference=shipment.reference,
        courier_order=shipment.order_id,
        courier_shipment=shipment.shipment_id,
        state=shipment.state,
        mood=mood,
        sentence=sentence,
        courier=shipment.courier,
        awb=shipment.awb,
        courier_url=courier_page(shipment),
        pickup=moment(shipment.pickup_at),
        expected=moment(shipment.expected),
        told=mask.text(shipment.told),
        created=as_datetime(shipment.created_at),
        updated=as_datetime(shipment.updated_at),
        dry_run=shipment.dry_run,
        current=current,
        scans=scans_of(shipment.scans, mask) if scans else [],
    )


def message_shown(message: Message, mask: Mask, sending: str = "") -> MessageShown:
    """One message, without whom it went to. `sending` is its run's state, if that needs a person."""
    mood, sentence = words_delivery.message_words(message.state, message.template, sending)
    return MessageShown(
        ref=message.ref,
        template=message.template,
        title=words_delivery.template_title(message.template),
        state=message.state,
        mood=mood,
        sentence=sentence,
        provider=message.provider,
        provider_id=message.provider_id,
        reason=mask.text(message.reason),
        wanted=as_datetime(message.wanted_at),
        history=[StateAt(state, as_datetime(at)) for state, at in message.history],
    )


def missing_of(runs: Sequence[Run]) -> dict[str, int]:
    """What was not in stock when an order wanted it, as its journal tells."""
    for run in runs:
        step = run.step("take stock")
        if step is not None and step.result:
            try:
                return dict(_TAKEN.decode(step.result).short)
            except msgspec.DecodeError:
                return {}
    return {}


def may_do(fulfilment: Fulfilment, decision: Decision | None) -> list[MayDo]:
    """What a person may do now."""
    if fulfilment.held:
        return [] if decision is not None else ["ship", "refund"]
    parcel = fulfilment.parcel
    if parcel is None or fulfilment.payment_status == "pending":
        return []
    may: list[MayDo] = []
    if not parcel.dry_run and parcel.state in CANCELLABLE:
        may.append("cancel-shipment")
    if fulfilment.payment_status == "paid" and (parcel.dry_run or parcel.state in GONE_BACK):
        may.append("book")
    return may
