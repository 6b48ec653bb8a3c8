"""What a customer is told of an order, in a title, a sentence and a few steps: plain, honest and kind.

Nothing is promised that onpaid does not know of, and nobody's name is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onpaid.app.shown import Mood
from onpaid.app.shown_tracking import Standing, StepState
from onpaid.domain.fulfilment import Fulfilment, ParcelState

SETTLED: Final[frozenset[Standing]] = frozenset({"delivered", "returned", "refunded", "digital", "expired"})
"""Nothing more is expected to happen soon."""

WORDS: Final[Mapping[Standing, tuple[Mood, str, str]]] = {
    "unpaid": (
        "wait",
        "Not paid yet",
        "No payment has reached us for this order. If you have paid just now, this page changes by itself as soon "
        "as your bank has told us.",
    ),
    "failed": (
        "wait",
        "The payment did not go through",
        "The last try to pay did not succeed, so nothing is sent yet. You can pay again where you ordered.",
    ),
    "expired": (
        "todo",
        "This order has lapsed",
        "Nobody paid for it in time, so nothing is sent. You are welcome to order again.",
    ),
    "held": (
        "calm",
        "We are looking at your order",
        "Your payment is here. One of us looks at your order before it leaves; there is nothing that you need to do.",
    ),
    "packing": (
        "calm",
        "Your order is being packed",
        "Your payment is here, and we are getting your parcel ready for the courier.",
    ),
    "digital": (
        "good",
        "Thank you, your order is complete",
        "Your payment is here. Nothing in this order needs a parcel, so there is nothing to wait for.",
    ),
    "refunded": (
        "todo",
        "Your money is on its way back",
        "This order was called off, and all that you paid was given back. Banks take some working days for it.",
    ),
    "pending_pickup": (
        "calm",
        "Packed, and waiting for the courier",
        "Your parcel is ready. The next news comes when the courier has fetched it.",
    ),
    "picked_up": (
        "calm",
        "The courier has your parcel",
        "It was fetched, and is about to begin its journey to you.",
    ),
    "in_transit": ("calm", "On its way to you", "Your parcel is travelling from hub to hub."),
    "out_for_delivery": (
        "calm",
        "Out for delivery",
        "The courier has your parcel on board. Please keep your phone at hand.",
    ),
    "delivered": ("good", "Delivered", "Your parcel has arrived. We hope that you enjoy what is in it."),
    "returning": (
        "wait",
        "Your parcel is on its way back to us",
        "The courier could not hand it over. It happens, and nothing is lost: please tell us whether you would still "
        "like to have it.",
    ),
    "returned": (
        "wait",
        "Your parcel came back to us",
        "The courier could not hand it over, and has brought it back safely. Please tell us whether we may send it "
        "once more, or give your money back.",
    ),
    "lost": (
        "bad",
        "We are sorry: your parcel is missing",
        "The courier cannot find it. Please tell us whether you would like it sent again, or your money back.",
    ),
    "cancelled": (
        "wait",
        "This parcel was stopped",
        "It was called off before the courier fetched it. If you did not expect that, please ask us.",
    ),
}
BOOKED_NOWHERE: Final = "Your payment is here. No courier has been asked to fetch your parcel yet."
ALSO_REFUNDED: Final = " Your money was given back."

_USUAL: Final = ("Ordered", "Packed", "On its way", "Delivered")
Steps = tuple[tuple[str, StepState], ...]

STEPS: Final[Mapping[Standing, Steps]] = {
    "expired": (("Ordered", "done"), ("Not paid in time", "stopped")),
    "digital": (("Ordered", "done"), ("Paid", "done")),
    "refunded": (("Ordered", "done"), ("Called off", "stopped"), ("Money given back", "done")),
    "returning": (("Ordered", "done"), ("Packed", "done"), ("Turned back", "now"), ("Back with us", "todo")),
    "returned": (("Ordered", "done"), ("Packed", "done"), ("Turned back", "done"), ("Back with us", "done")),
    "lost": (("Ordered", "done"), ("Packed", "done"), ("Missing", "stopped"), ("Delivered", "todo")),
    "cancelled": (("Ordered", "done"), ("Stopped", "stopped"), ("On its way", "todo"), ("Delivered", "todo")),
}


def standing_of(
    fulfilment: Fulfilment, parcel: ParcelState | None, *, booked: bool, expired: bool
) -> Standing:
    """How the order stands. `booked` says that a courier really was asked for the parcel."""
    over = parcel is None or not booked or parcel in ("cancelled", "returned")
    if fulfilment.payment_status == "refunded" and over:
        return "refunded"
    if parcel is not None and booked:
        return parcel
    if fulfilment.payment_status != "paid":
        if expired:
            return "expired"
        return "failed" if fulfilment.payment_status == "failed" else "unpaid"
    if fulfilment.held:
        return "held"
    return "packing" if fulfilment.ships else "digital"


def steps_of(standing: Standing, *, ships: bool) -> Steps:
    """The steps of an order's way, and how far it has come."""
    told = STEPS.get(standing)
    if told is not None:
        return told
    if not ships:
        return (("Ordered", "now"), ("Paid", "todo"))
    if standing in ("unpaid", "failed"):
        reached, under_way = 0, 0
    elif standing in ("held", "packing"):
        reached, under_way = 1, 1
    elif standing == "pending_pickup":
        reached, under_way = 2, -1
    elif standing == "delivered":
        reached, under_way = 4, -1
    else:
        reached, under_way = 2, 2
    return tuple(
        (name, "now" if nth == under_way else "done" if nth < reached else "todo")
        for nth, name in enumerate(_USUAL)
    )
