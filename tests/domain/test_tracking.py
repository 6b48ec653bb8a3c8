"""Where a parcel is: numbers, order of arrival, scans, and when to ask."""

import itertools
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.fulfilment import ParcelState
from onpaid.domain.shipments import ParcelTold, Scan
from onpaid.domain.tracking import (
    MOST_SCANS,
    ORDER_CANCELLED,
    ORDER_CANCELLING,
    SHIPMENT_NUMBERS,
    advanced,
    merge_scans,
    next_look,
    parcel_state,
)

STATES: tuple[ParcelState, ...] = get_args(ParcelState)
HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1_795_000_000_000


def told(number: int | None, status: str = "") -> ParcelTold:
    return ParcelTold("00123456789012", number, status)


def after(*numbers: int | None) -> ParcelState:
    """A new parcel's state after these words, in this order."""
    state: ParcelState = "pending_pickup"
    for number in numbers:
        state = advanced(state, told(number))
    return state


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (1, "pending_pickup"),
        (3, "pending_pickup"),
        (5, "pending_pickup"),
        (19, "pending_pickup"),
        (6, "picked_up"),
        (42, "picked_up"),
        (18, "in_transit"),
        (38, "in_transit"),
        (21, "in_transit"),
        (17, "out_for_delivery"),
        (23, "out_for_delivery"),
        (7, "delivered"),
        (9, "returning"),
        (46, "returning"),
        (10, "returned"),
        (14, "returned"),
        (12, "lost"),
        (8, "cancelled"),
        (45, "cancelled"),
        (16, None),
        (20_000, None),
        (0, None),
        (-1, None),
        (None, None),
    ],
)
def test_what_a_number_means(number: int | None, state: ParcelState | None) -> None:
    assert parcel_state(number) == state


def test_the_two_numberings_are_not_mixed() -> None:
    """5 is cancelled among orders and a manifest among shipments; 8 is cancelled among shipments only."""
    assert 5 in ORDER_CANCELLED
    assert SHIPMENT_NUMBERS[5] == "pending_pickup"
    assert SHIPMENT_NUMBERS[8] == "cancelled"
    assert 8 not in ORDER_CANCELLED
    assert not ORDER_CANCELLED & ORDER_CANCELLING


def test_a_parcel_goes_its_way() -> None:
    assert after(1, 3, 42, 18, 38, 17, 7) == "delivered"
    assert after(42, 18, 21, 9, 46, 10) == "returned"


@pytest.mark.parametrize("order", list(itertools.permutations((42, 18, 17, 7))))
def test_words_in_any_order_come_to_the_same(order: tuple[int, ...]) -> None:
    assert after(*order) == "delivered"


def test_an_rto_delivered_is_a_return_and_never_a_delivery() -> None:
    assert advanced("returning", told(10, "RTO DELIVERED")) == "returned"
    assert advanced("in_transit", told(10, "RTO DELIVERED")) == "returned"
    assert advanced("delivered", told(10, "RTO DELIVERED")) == "returned"
    assert advanced("returned", told(7, "DELIVERED")) == "returned"
    assert advanced("in_transit", told(None, "RTO DELIVERED")) == "in_transit"


@pytest.mark.parametrize("late", [1, 42, 18, 17, 21, 12, 8])
def test_a_delivered_parcel_does_not_go_back(late: int) -> None:
    assert after(18, 7, late) == "delivered"


def test_a_return_begun_after_the_delivery_counts_at_its_end_only() -> None:
    assert after(18, 7, 9) == "delivered"
    assert after(18, 7, 9, 10) == "returned"


def test_a_return_that_is_called_off_is_a_delivery() -> None:
    assert after(18, 9, 7) == "delivered"
    assert after(18, 9, 18) == "returning"


def test_a_parcel_is_cancelled_before_its_pickup_only() -> None:
    assert after(1, 8) == "cancelled"
    for moved in (42, 18, 17, 7, 9):
        state = after(moved)
        assert advanced(state, told(8)) == state


def test_a_cancelled_parcel_that_moves_was_not_cancelled() -> None:
    assert after(8, 3) == "cancelled"
    assert after(8, 42) == "picked_up"


def test_a_lost_parcel_that_turns_up_at_its_end_is_not_lost() -> None:
    assert after(18, 12) == "lost"
    assert after(18, 12, 18) == "lost"
    assert after(18, 12, 7) == "delivered"
    assert after(18, 9, 12, 10) == "returned"


@given(st.sampled_from(STATES), st.lists(st.integers(0, 100), max_size=30))
def test_nothing_goes_round_in_circles(state: ParcelState, numbers: list[int]) -> None:
    seen = [state]
    for number in numbers:
        state = advanced(state, told(number))
        if state != seen[-1]:
            seen.append(state)
    assert len(seen) == len(set(seen))


@given(st.sampled_from(STATES), st.integers() | st.none(), st.text(max_size=20))
def test_an_unknown_number_changes_nothing_whatever_its_text(
    state: ParcelState, number: int | None, status: str
) -> None:
    if number not in SHIPMENT_NUMBERS:
        assert advanced(state, told(number, status)) == state


def scan(at: str, what: str, number: int | None = None) -> Scan:
    return Scan(at, what, "Chomu", number)


def test_scans_are_kept_once_and_oldest_first() -> None:
    old = (scan("2026-05-19T15:32:17", "Picked up", 42), scan("2026-05-19T17:19:14", "Added to bag"))
    new = (scan("2026-05-20T08:00:00", "In transit", 18), *reversed(old))
    assert merge_scans(old, new) == (*old, new[0])
    assert merge_scans(old, old) == old
    assert merge_scans((), ()) == ()


def test_a_scan_that_is_told_again_with_its_number_gains_it() -> None:
    without, known = scan("2026-05-19T15:32:17", "Picked up"), scan("2026-05-19T15:32:17", "Picked up", 42)
    assert merge_scans((without,), (known,)) == (known,)
    assert merge_scans((known,), (without,)) == (known,)


def test_two_things_of_one_second_are_two_scans_in_their_order() -> None:
    both = (scan("2026-05-19T15:32:17", "b"), scan("2026-05-19T15:32:17", "a"))
    assert merge_scans((), both) == both


def test_of_too_many_scans_the_newest_are_kept() -> None:
    many = tuple(scan(f"2026-05-19T15:{n // 60:02}:{n % 60:02}", "Bagged") for n in range(MOST_SCANS + 50))
    kept = merge_scans(many[:100], many)
    assert kept == many[-MOST_SCANS:]


@pytest.mark.parametrize(
    ("state", "hours"),
    [
        ("pending_pickup", 6),
        ("picked_up", 6),
        ("in_transit", 6),
        ("out_for_delivery", 2),
        ("returning", 24),
        ("delivered", None),
        ("returned", None),
        ("cancelled", None),
        ("lost", None),
    ],
)
def test_when_a_silent_parcel_is_asked_about(state: ParcelState, hours: int | None) -> None:
    assert next_look(state, NOW, NOW) == (None if hours is None else NOW + hours * HOUR)


def test_a_parcel_that_was_silent_for_two_months_is_left_alone() -> None:
    assert next_look("in_transit", NOW - 60 * DAY, NOW) == NOW + 6 * HOUR
    assert next_look("in_transit", NOW - 61 * DAY, NOW) is None


def test_a_clock_that_was_put_back_asks_all_the_same() -> None:
    assert next_look("in_transit", NOW + DAY, NOW) == NOW + 6 * HOUR
