"""How far an order of our own checkout has come: ordered, paid, stock, shipped, told; and its headline.

Stock counts what was taken once, the parcel is the one that the order speaks of, and a message that was only logged
has told nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from onpaid.app import words
from onpaid.app.orders_shown import sum_of
from onpaid.app.shown import Mood
from onpaid.app.shown_delivery import DeliveryShown, MessageShown
from onpaid.app.shown_orders import Milestone
from onpaid.clock import as_datetime
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment

_WORST = ("doubt", "bad", "wait", "calm", "good")
_COUNTED = {1: "once", 2: "twice"}
_WAITS = {"doubtful": "In doubt", "failed": "Stopped", "running": "Under way", "ready": "Under way"}


def delivery_milestones(
    order: Order, payments: Sequence[Payment], delivery: DeliveryShown, state: str
) -> list[Milestone]:
    """Ordered, paid, stock, shipped, told. What is not reached stands as the runs do."""
    lines = _count(len(order.latest.lines), "line")
    paid = _paid(payments, delivery, expired=order.expired_at is not None)
    stock = _stock(delivery, paid.mood, state)
    shipped = _shipped(delivery, stock.mood, state)
    return [
        Milestone("Ordered", "good", lines, "", as_datetime(order.received_at)),
        paid,
        stock,
        shipped,
        _told(delivery, stock.mood, state),
    ]


def delivery_headline(delivery: DeliveryShown, state: str, why: str) -> str:
    """How the order stands, in one sentence."""
    parcel = delivery.parcel
    if delivery.held:
        missing = ", ".join(f"{units} of {product}" for product, units in delivery.missing.items())
        if delivery.decision is not None:
            return f"Oversold, and decided by {delivery.decision.by}: the work goes on any moment now."
        return f"Paid, and held: {missing or 'something'} missing. Decide what is to be done."
    if state in ("doubtful", "failed"):
        return f"{'A person must look' if state == 'doubtful' else 'Stopped'}: {why or 'see below'}"
    if delivery.payment_status == "refunded" and parcel is None:
        return "Paid once, and given back once. Nothing was shipped."
    if delivery.payment_status in ("pending", "failed") and not delivery.parcels:
        if state == "expired":
            return "Nobody paid this order in time, so it expired. A payment that comes now is still shipped."
        tries = len(delivery.tries)
        return (
            f"Not paid yet, after {_count(tries, 'try', 'tries')}."
            if tries
            else "Nobody has paid this order yet."
        )
    if parcel is None and delivery.ships:
        return f"Paid. {why[:1].upper() + why[1:]}" if why else "Paid, and the parcel is being booked."
    told = sum(each.mood != "bad" and each.state not in ("logged", "queued") for each in delivery.messages)
    said = f", told {_COUNTED.get(told, f'{told} times')}" if told else ""
    silence = " The customer was not told." if delivery.messages and not told else ""
    if parcel is None:
        return f"Paid once{said}. Nothing in it needs a parcel.{silence}"
    if parcel.dry_run or parcel.state == "cancelled":
        return f"Paid once{said}. {parcel.sentence}"
    return f"Paid once, shipped once{said}. {parcel.sentence}{silence}"


def _paid(payments: Sequence[Payment], delivery: DeliveryShown, *, expired: bool) -> Milestone:
    note = _count(len(payments), "payment") if len(payments) > 1 else ""
    if delivery.payment_status == "refunded":
        return Milestone("Paid", "todo", "Given back", sum_of([each.fact.amount for each in payments]))
    if not payments:
        tries = _count(len(delivery.tries), "failed try", "failed tries") if delivery.tries else ""
        return Milestone("Paid", "wait" if tries else "todo", "Expired" if expired else "Not yet", tries)
    first = as_datetime(min(each.fact.paid_at for each in payments))
    mood: Mood = "good" if delivery.payment_status == "paid" else "calm"
    return Milestone("Paid", mood, sum_of([each.fact.amount for each in payments]), note, first)


def _stock(delivery: DeliveryShown, paid: Mood, state: str) -> Milestone:
    if delivery.taken:
        units = sum(each.units for each in delivery.taken)
        short = sum(each.short for each in delivery.taken)
        note = f"{short} short, shipped anyway" if short else ""
        return Milestone("Stock", "good", f"{_count(units, 'unit')} taken", note, delivery.taken_at)
    if delivery.held:
        missing = _count(sum(delivery.missing.values()), "unit") if delivery.missing else "goods"
        return Milestone("Stock", "bad", "Held", f"{missing} missing")
    return _not_yet("Stock", paid, state)


def _shipped(delivery: DeliveryShown, stock: Mood, state: str) -> Milestone:
    parcel = delivery.parcel
    if parcel is None:
        if not delivery.ships:
            return Milestone("Shipped", "good" if stock == "good" else "todo", "Nothing to ship", "")
        return _not_yet("Shipped", stock, state)
    if parcel.dry_run:
        return Milestone("Shipped", "wait", "Dry run", "only logged")
    told = parcel.state.replace("_", " ").capitalize()
    mood: Mood = "good" if parcel.mood == "calm" and parcel.awb else parcel.mood
    return Milestone("Shipped", mood, told, parcel.awb or "no AWB yet")


def _told(delivery: DeliveryShown, stock: Mood, state: str) -> Milestone:
    messages = delivery.messages
    if not messages:
        return _not_yet("Told", stock, state)
    worst = min(messages, key=lambda each: _WORST.index(each.mood if each.mood in _WORST else "calm"))
    figure = _count(len(messages), "message")
    if all(each.state == "logged" for each in messages):
        return Milestone("Told", "wait", "Nobody", f"{figure}, only logged")
    mood: Mood = "good" if worst.mood == "calm" else worst.mood
    return Milestone("Told", mood, figure, _states(messages))


def _states(messages: Sequence[MessageShown]) -> str:
    """`both read`, `read, delivered`."""
    states = ["in doubt" if each.mood == "doubt" else each.state for each in messages]
    if len(set(states)) == 1:
        return f"both {states[0]}" if len(states) == 2 else states[0]
    return ", ".join(states)


def _not_yet(name: str, before: Mood, state: str) -> Milestone:
    """A milestone that is not reached; `before` is how the one before it stands."""
    if before != "good":
        return Milestone(name, "todo", "–", "")
    mood = words.run_mood(state) if state in _WAITS or state in ("waiting", "sleeping") else "todo"
    return Milestone(name, mood, _WAITS.get(state, "Waiting" if mood == "wait" else "Not yet"), "")


def _count(number: int, what: str, many: str = "") -> str:
    return f"{number} {what if number == 1 else many or what + 's'}"
