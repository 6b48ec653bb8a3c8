"""What happened to an order of our own checkout beside its runs: checked out, tries to pay, decisions, the parcel's way,
what became of its messages.

Webhooks that brought such news are not told once more as events: the news itself is told, at the time that its sender
gave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onpaid.app import words_delivery
from onpaid.app.delivery_shown import Deliveries
from onpaid.app.masking import Mask
from onpaid.app.shown import Mood
from onpaid.app.shown_orders import Moment
from onpaid.app.tracked import scans_of
from onpaid.clock import Instant, as_datetime
from onpaid.domain.messages import Message
from onpaid.domain.orders import Order
from onpaid.domain.shipments import Shipment
from onpaid.repositories.events import EventRecord

TRACKING = "tracking"
FAILED = "payment.failed"
SOURCES = {"meta": "whatsapp"}
"""Whose statuses come under another name than the one that sends."""
_TOLD_BY_STEPS = frozenset({"queued", "accepted", "logged"})
_FINAL = frozenset({"failed", "undeliverable"})


def moments_of(order: Order | None, kept: Deliveries, mask: Mask) -> Iterator[Moment]:
    """Everything that is known, in no order."""
    if order is None or order.fulfilment is None:
        return
    lines = f"{len(order.latest.lines)} line{'' if len(order.latest.lines) == 1 else 's'}"
    yield Moment(
        at=as_datetime(order.received_at),
        kind="order",
        mood="good",
        sentence=f"The customer checked out: {lines}, {order.fulfilment.amount.format()}",
    )
    for each in kept.checkout.tries if kept.checkout is not None else ():
        sentence = "A try to pay failed"
        why = mask.text(each.reason)
        # Its sender counts whole seconds: nobody tries to pay before the order is there.
        at = as_datetime(max(each.at, order.received_at))
        yield Moment(at, "payment", "wait", sentence, why or each.payment_id)
    if kept.decision is not None:
        what = "ship it anyway" if kept.decision.choice == "ship" else "give the money back"
        note = f"by {kept.decision.by}"
        yield Moment(as_datetime(kept.decision.at), "person", "good", f"A person decided to {what}", note)
    for shipment in kept.shipments:
        yield from _parcel(shipment, mask)
    for message in kept.messages:
        yield from _message(message, mask)


def is_told(event: EventRecord, kept: Deliveries) -> bool:
    """Whether an event's news is told by itself, so that the event need not be."""
    envelope = event.envelope
    if event.verdict != "routed":
        return False
    if envelope.source == TRACKING:
        return any(shipment.scans for shipment in kept.shipments)
    if envelope.type == FAILED:
        return kept.checkout is not None and bool(kept.checkout.tries)
    return envelope.source in {
        SOURCES.get(message.provider, message.provider) for message in kept.messages
    } - {""}


def _parcel(shipment: Shipment, mask: Mask) -> Iterator[Moment]:
    """Where the parcel came into a new state. Its other scans stand with the parcel."""
    state = "pending_pickup"
    for scan in reversed(scans_of(shipment.scans, mask)):
        if scan.at is None or scan.status is None or scan.status == state:
            continue
        state = scan.status
        mood, told = words_delivery.PARCELS[state]
        first = told.partition(":")[0].partition(".")[0]
        note = ", ".join(part for part in (scan.what, scan.place) if part)
        at = max(scan.at, as_datetime(shipment.created_at))
        yield Moment(at, "parcel", _seen(mood), f"The parcel {first}", note)


def _message(message: Message, mask: Mask) -> Iterator[Moment]:
    """What a status told. What the service answered at once is told by the step that asked it."""
    if not message.provider_id:
        return
    before: Instant = 0
    title = words_delivery.template_title(message.template)
    for state, at in message.history:
        if state in _TOLD_BY_STEPS:
            before = at
            continue
        mood, _ = words_delivery.message_words(state, message.template)
        note = mask.text(message.reason) if state in _FINAL else ""
        sentence = f"{title} {words_delivery.CAME.get(state, f'is {state}')}"
        yield Moment(as_datetime(max(at, before)), "mail", mood, sentence, note)


def _seen(mood: Mood) -> Mood:
    """A parcel that moves is good news."""
    return "good" if mood == "calm" else mood


def left_out(events: Sequence[EventRecord], kept: Deliveries) -> list[EventRecord]:
    """The events that are told as events."""
    return [event for event in events if not is_told(event, kept)]
