"""The dry run: what would be booked is logged, nobody is called, and nothing real is touched."""

from collections.abc import Callable
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from onpaid.acts import Absent, Found, act_of
from onpaid.domain.shipments import Awb, CourierOrder, Pickup
from onpaid.errors import Refused
from onpaid.providers.dry_run import DryRunShipping, Settings
from tests.providers.parcels import BOOKED, PARCEL, RECIPIENT

LOGGED = CourierOrder(
    PARCEL.reference, f"dry-run-{PARCEL.reference}", f"dry-run-{PARCEL.reference}", dry_run=True
)


def shipping() -> DryRunShipping:
    return DryRunShipping(Settings("Primary", 7))


async def test_a_dry_runs_records_say_what_they_are() -> None:
    made = await shipping().create_order(PARCEL)
    assert made == LOGGED
    assert made.awb == ""
    assert await shipping().assign_awb(made) == Awb("", "")
    assert await shipping().request_pickup(made) == Pickup()
    assert await shipping().cancel_order(made) == replace(made, cancelled=True)


async def test_each_call_that_would_be_made_is_logged_without_the_customer() -> None:
    with structlog.testing.capture_logs() as lines:
        made = await shipping().create_order(PARCEL)
        await shipping().assign_awb(made)
        await shipping().request_pickup(made)
        await shipping().cancel_order(made)
    assert [line["operation"] for line in lines] == [
        "create order",
        "assign awb",
        "request pickup",
        "cancel order",
    ]
    assert all(line["reference"] == PARCEL.reference for line in lines)
    assert (lines[0]["pickup_location"], lines[0]["channel_id"], lines[0]["units"]) == ("Primary", 7, 3)
    told = str(lines)
    for word in (
        RECIPIENT.name,
        RECIPIENT.phone[3:],
        RECIPIENT.email,
        RECIPIENT.line1,
        RECIPIENT.city,
        RECIPIENT.pincode,
    ):
        assert word not in told


async def test_nothing_is_ever_found_but_a_dry_runs_cancellation() -> None:
    dry = shipping()
    assert await dry.find_order(PARCEL) == Absent()
    assert await dry.find_awb(LOGGED) == Absent()
    assert await dry.find_pickup(LOGGED) == Absent()
    assert await dry.find_cancelled(LOGGED) == Found(replace(LOGGED, cancelled=True))
    assert await dry.find_cancelled(BOOKED) == Absent()
    assert await dry.track(["00123456789012"]) == []


REAL: list[Callable[[DryRunShipping], Any]] = [
    lambda dry: dry.assign_awb(BOOKED),
    lambda dry: dry.request_pickup(BOOKED),
    lambda dry: dry.cancel_order(BOOKED),
]


@pytest.mark.parametrize("act", REAL)
async def test_what_was_really_booked_is_not_played_with(act: Callable[[DryRunShipping], Any]) -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(Refused, match="SHIPROCKET_DRY_RUN"):
        await act(shipping())
    assert lines == []


async def test_the_doctor_warns_that_nothing_is_shipped() -> None:
    (told,) = await shipping().doctor()
    assert "(a warning)" in told
    shipping().warm()
    await shipping().close()


def test_it_calls_nobody_so_it_has_no_lane() -> None:
    assert DryRunShipping.lanes == ()
    declared = act_of(DryRunShipping.create_order)
    assert (declared.lane, declared.repeatable, declared.claim) == (None, False, None)
