"""Where a parcel is, from what the courier service tells: forward only, and a return is never a delivery.

The service counts in two ways. A parcel's word is of the *shipment* numbering, in which 8 is cancelled and
5 a printed manifest; an order record's is of the *order* numbering, in which 5 is cancelled and 8 a failed
payment. The two tables here are never mixed. A number that nobody knows is kept and moves nothing: numbers
are added without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from onpaid.clock import Instant
from onpaid.domain.fulfilment import ParcelState
from onpaid.domain.shipments import ParcelTold, Scan

_BY_STATE: Final[dict[ParcelState, tuple[int, ...]]] = {
    "pending_pickup": (1, 2, 3, 4, 5, 11, 13, 15, 19, 20, 27, 52),
    "picked_up": (6, 42, 51),
    "in_transit": (18, 21, 22, 38, 39, 49, 50, 54, 55, 56, 57, 77),
    "out_for_delivery": (17, 23),
    "delivered": (7,),
    "returning": (9, 40, 41, 46, 75, 78),
    "returned": (10, 14),
    "lost": (12, 24, 25, 44, 76),
    "cancelled": (8, 45),
}
"""The shipment numbering. After a vain try (21) a parcel is under way; a part delivered (23) is not all."""

SHIPMENT_NUMBERS: Final[dict[int, ParcelState]] = {
    number: state for state, numbers in _BY_STATE.items() for number in numbers
}
ORDER_CANCELLED: Final = frozenset({5, 54})
"""Of the order numbering: the record is dead, and so is the reference that it was made under."""
ORDER_CANCELLING: Final = frozenset({18})
"""Of the order numbering: somebody asked for the cancellation, and the courier has not agreed yet."""

_MOVED: Final[frozenset[ParcelState]] = frozenset(
    {"picked_up", "in_transit", "out_for_delivery", "delivered", "returning", "returned", "lost"}
)
_MAY_BECOME: Final[dict[ParcelState, frozenset[ParcelState]]] = {
    "pending_pickup": _MOVED | {"cancelled"},
    # Before its pickup only can a parcel be cancelled, so one that moves after all was not.
    "cancelled": _MOVED,
    "picked_up": _MOVED - {"picked_up"},
    "in_transit": _MOVED - {"picked_up", "in_transit"},
    "out_for_delivery": _MOVED - {"picked_up", "in_transit", "out_for_delivery"},
    # A return can be called off. One that is told of after the delivery does not undo it: its end does.
    "returning": frozenset({"delivered", "returned", "lost"}),
    "lost": frozenset({"delivered", "returned"}),
    "delivered": frozenset({"returned"}),
    "returned": frozenset(),
}

MOST_SCANS: Final = 200
OFTEN: Final = timedelta(hours=2)
USUAL: Final = timedelta(hours=6)
SELDOM: Final = timedelta(hours=24)
GIVEN_UP: Final = timedelta(days=60)
"""After so long a silence a parcel is not asked about any more."""
_EVERY: Final[dict[ParcelState, timedelta]] = {
    "pending_pickup": USUAL,
    "picked_up": USUAL,
    "in_transit": USUAL,
    "out_for_delivery": OFTEN,
    "returning": SELDOM,
}


def parcel_state(number: int | None) -> ParcelState | None:
    """What a number of the shipment numbering means; None if it means no change."""
    return None if number is None else SHIPMENT_NUMBERS.get(number)


def advanced(now: ParcelState, told: ParcelTold) -> ParcelState:
    """The parcel's state after this word. Words come late, twice, in any order; texts are never looked at."""
    state = parcel_state(told.number)
    return state if state is not None and state in _MAY_BECOME[now] else now


def merge_scans(old: Iterable[Scan], new: Iterable[Scan]) -> tuple[Scan, ...]:
    """Both together, each scan once, oldest first: the newest of them, if they are too many."""
    scans: dict[tuple[str, str], Scan] = {}
    for scan in (*old, *new):
        known = scans.get((scan.at, scan.what))
        if known is None or known.number is None:
            scans[scan.at, scan.what] = scan
    return tuple(sorted(scans.values(), key=lambda scan: scan.at)[-MOST_SCANS:])


def next_look(state: ParcelState, updated_at: Instant, now: Instant) -> Instant | None:
    """When to ask about a parcel of which nothing is heard until then; None if nothing more is expected.

    `updated_at` is when something was last heard of it.
    """
    every = _EVERY.get(state)
    if every is None or now - updated_at > _ms(GIVEN_UP):
        return None
    return now + _ms(every)


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
