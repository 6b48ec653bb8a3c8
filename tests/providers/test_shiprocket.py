"""Shiprocket: against the simulator for what is right, against scripted answers for what is not."""

from collections.abc import Callable
from dataclasses import replace as changed
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Absent, Found, Unsure, act_of
from onpaid.clock import as_instant
from onpaid.domain.money import Money
from onpaid.domain.shipments import Awb, CourierOrder, Pickup
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers import shiprocket_wire as wire
from onpaid.providers.shiprocket import MOST_TRACKED, Shiprocket
from onpaid.simulators import Served
from tests.providers.parcels import (
    AT_ONCE,
    BOOKED,
    EMAIL,
    PARCEL,
    PASSWORD,
    RECIPIENT,
    TOKEN,
    HandClock,
    at,
    logged_in,
    settings,
)
from tests.providers.scripted import Reply, reply, scripted

CREATED = {"order_id": 16161616, "shipment_id": 15151515, "status": "NEW", "status_code": 1, "awb_code": None}
CALLS: dict[str, Callable[[Shiprocket], Any]] = {
    "create": lambda shiprocket: shiprocket.create_order(PARCEL),
    "assign": lambda shiprocket: shiprocket.assign_awb(BOOKED),
    "pickup": lambda shiprocket: shiprocket.request_pickup(BOOKED),
    "cancel": lambda shiprocket: shiprocket.cancel_order(BOOKED),
    "find order": lambda shiprocket: shiprocket.find_order(PARCEL),
    "find awb": lambda shiprocket: shiprocket.find_awb(BOOKED),
    "find pickup": lambda shiprocket: shiprocket.find_pickup(BOOKED),
    "find cancelled": lambda shiprocket: shiprocket.find_cancelled(BOOKED),
    "track": lambda shiprocket: shiprocket.track(["00123456789012"]),
}


async def answered(call: str, *answers: Reply) -> Any:
    """What a call makes of these answers, after a login."""
    async with scripted(logged_in(), *answers) as server:
        shiprocket = at(server)
        try:
            return await CALLS[call](shiprocket)
        finally:
            await shiprocket.close()


async def test_a_parcel_is_booked_and_each_step_found_again(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served, channel_id=3422553)
    assert await shiprocket.find_order(PARCEL) == Absent()
    made = await shiprocket.create_order(PARCEL)
    assert (made.reference, made.awb, made.cancelled, made.dry_run) == (PARCEL.reference, "", False, False)
    assert await shiprocket.find_order(PARCEL) == Found(made)
    assert await shiprocket.find_awb(made) == Absent()
    awb = await shiprocket.assign_awb(made)
    assert awb.awb
    assert awb.courier
    assert await shiprocket.find_awb(made) == Found(replace(awb, pickup_at=awb.pickup_at))
    pickup = await shiprocket.request_pickup(made)
    found = await shiprocket.find_pickup(made)
    assert isinstance(found, Found)
    assert found.value.at == (pickup.at or awb.pickup_at)
    (row,) = served.simulators.shiprocket.rows()["shipments"]
    assert (row["channel_order_id"], row["value"], row["live"]) == (PARCEL.reference, 169_960, True)
    assert row["items"] == {"RKT-1": 1, "BALL-3": 2}
    assert served.simulators.shiprocket.rows()["logins"] == 1
    await shiprocket.close()


async def test_what_is_sent_of_a_parcel() -> None:
    async with scripted(logged_in(), reply(200, CREATED), reply(200, CREATED)) as server:
        shiprocket = at(server, channel_id=7)
        assert await shiprocket.create_order(PARCEL) == BOOKED
        plain = replace(PARCEL, recipient=replace(RECIPIENT, email="", city="C" * 40))
        await shiprocket.create_order(plain)
        _, first, second = server.requests
        assert first.target == "/v1/external/orders/create/adhoc"
        assert first.headers["authorization"] == f"Bearer {TOKEN}"
        assert first.json() == {
            "order_id": "2045861230417",
            "order_date": "2026-11-25 15:16",
            "pickup_location": "Primary",
            "channel_id": 7,
            "billing_customer_name": "Asha Rao",
            "billing_last_name": "",
            "billing_address": "House 1, Lane 2",
            "billing_address_2": "Near the lake",
            "billing_city": "New Delhi",
            "billing_pincode": "110002",
            "billing_state": "Delhi",
            "billing_country": "India",
            "billing_email": "asha@example.org",
            "billing_phone": "9876543210",
            "shipping_is_billing": True,
            "order_items": [
                {
                    "name": "Racket",
                    "sku": "RKT-1",
                    "units": 1,
                    "selling_price": 1499.5,
                    "discount": "",
                    "tax": 18,
                    "hsn": "9506",
                },
                {
                    "name": "Balls, three",
                    "sku": "BALL-3",
                    "units": 2,
                    "selling_price": 100.05,
                    "discount": "",
                    "tax": "",
                    "hsn": "",
                },
            ],
            "payment_method": "Prepaid",
            "sub_total": 1699.6,
            "length": 30,
            "breadth": 20,
            "height": 5.5,
            "weight": 0.45,
        }
        assert b'"sub_total":1699.60,' in first.body, "rupees, exactly as they are"
        assert (second.json()["billing_email"], second.json()["billing_city"]) == (EMAIL, "C" * 30)
        await shiprocket.close()


def test_a_product_stands_in_an_order_once() -> None:
    racket = PARCEL.lines[0]
    cheaper = replace(racket, unit_price=Money(100_000, "INR"))
    body = wire.order_body(replace(PARCEL, lines=(racket, cheaper, racket)), "Primary", None, EMAIL)
    assert [(item["sku"], item["units"]) for item in body["order_items"]] == [("RKT-1", 2), ("RKT-1-2", 1)]
    assert "channel_id" not in body


@pytest.mark.parametrize(
    ("parcel", "named"),
    [
        (replace(PARCEL, reference="9" * 51), "order_id"),
        (replace(PARCEL, recipient=replace(RECIPIENT, phone="+4791234567")), "billing_phone"),
        (replace(PARCEL, recipient=replace(RECIPIENT, phone="9876543210")), "billing_phone"),
        (replace(PARCEL, recipient=replace(RECIPIENT, country="NP")), "billing_country"),
        (replace(PARCEL, lines=()), "order_items"),
        (replace(PARCEL, total=Money(100, "NOK")), "rupees"),
    ],
)
async def test_what_cannot_be_shipped_is_not_sent(parcel: Any, named: str) -> None:
    async with scripted() as server:
        shiprocket = at(server)
        with pytest.raises(Refused, match=named) as caught:
            await shiprocket.create_order(parcel)
        assert type(caught.value) is Refused
        assert "Asha" not in str(caught.value)
        assert server.requests == []
        await shiprocket.close()


async def test_an_order_made_twice_is_one_order(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    made = await shiprocket.create_order(PARCEL)
    awb = await shiprocket.assign_awb(made)
    assert await shiprocket.create_order(PARCEL) == replace(made, awb=awb.awb, courier=awb.courier)
    with pytest.raises(Doubtful) as caught:
        await shiprocket.assign_awb(made)
    assert caught.value.answered
    assert len(served.simulators.shiprocket.rows()["shipments"]) == 1
    await shiprocket.close()


async def test_a_dead_record_is_told_from_a_live_one(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    made = await shiprocket.create_order(PARCEL)
    assert await shiprocket.find_cancelled(made) == Absent()
    gone = await shiprocket.cancel_order(made)
    assert gone == replace(made, cancelled=True)
    assert await shiprocket.find_cancelled(made) == Found(gone)
    assert await shiprocket.cancel_order(made) == gone, "cancelled before is as good"
    assert await shiprocket.create_order(PARCEL) == gone
    assert await shiprocket.find_order(PARCEL) == Found(gone)
    assert isinstance(await shiprocket.find_awb(made), Unsure)
    with pytest.raises(Refused, match="cancelled at Shiprocket"):
        await shiprocket.assign_awb(made)
    again = await shiprocket.create_order(PARCEL.suffixed("R2"))
    assert not again.cancelled
    assert await shiprocket.find_order(PARCEL) == Found(gone), "the search finds both, and only one is meant"
    await shiprocket.close()


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_rule_06_a_lost_answer_is_a_doubt_and_a_look_settles_it(
    simulate: Callable[..., Any], how: str
) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    assert await shiprocket.doctor() == [], "logs in, so that no login is lost"

    async def lost(act: Any, argument: Any) -> None:
        simulate.losing[served.base].lose = how  # type: ignore[attr-defined]
        with pytest.raises(Doubtful) as caught:
            await act(argument)
        assert caught.value.answered is (how == "503")
        simulate.losing[served.base].lose = None  # type: ignore[attr-defined]

    await lost(shiprocket.create_order, PARCEL)
    made = await shiprocket.find_order(PARCEL)
    assert isinstance(made, Found)
    await lost(shiprocket.assign_awb, made.value)
    assert isinstance(await shiprocket.find_awb(made.value), Found)
    await lost(shiprocket.request_pickup, made.value)
    assert isinstance(await shiprocket.find_pickup(made.value), Found)
    await lost(shiprocket.cancel_order, made.value)
    assert isinstance(await shiprocket.find_cancelled(made.value), Found)
    await shiprocket.close()


async def test_the_search_trails_behind_and_the_declaration_says_so(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=changed(AT_ONCE, search_lag=60))
    shiprocket = at(served)
    made = await shiprocket.create_order(PARCEL)
    assert await shiprocket.find_order(PARCEL) == Absent()
    assert (act_of(Shiprocket.create_order).settles or timedelta()) >= timedelta(seconds=60)
    assert await shiprocket.find_awb(made) == Absent(), "the shipment's own record is there at once"
    await shiprocket.close()


async def test_rule_12_only_a_whole_list_and_exactly_our_number_prove_something() -> None:
    def one(number: str = PARCEL.reference, code: int = 1, ident: int = 16161616, **more: Any) -> Any:
        shipments = [{"id": ident - 1_010_101, "awb": "", "courier": ""}]
        return {"id": ident, "channel_order_id": number, "status_code": code, "shipments": shipments, **more}

    def page(*listed: Any, total: int | None = None) -> Reply:
        meta = {} if total is None else {"meta": {"pagination": {"total": total}}}
        return reply(200, {"data": list(listed), **meta})

    many = [one(f"{PARCEL.reference}-{n}", ident=20_000_000 + n) for n in range(10)]
    dead = replace(BOOKED, cancelled=True)
    with_awb = one(shipments=[{"id": 15151515, "awb": "00123", "courier": "Delhivery"}])
    expected: list[tuple[Reply, Any]] = [
        (page(total=0), Absent()),
        (page(), Absent()),
        (page(one()), Found(BOOKED)),
        (page(one(code=5)), Found(dead)),
        (page(one(code=1, status="CANCELED")), Found(dead)),
        (page(with_awb, total=1), Found(replace(BOOKED, awb="00123", courier="Delhivery"))),
        (page(one(code=5, ident=17_000_000), one()), Found(BOOKED)),
        (page(one(f"{PARCEL.reference}-R2"), one(f"1{PARCEL.reference}")), Absent()),
        (page(one(), *many, total=11), Found(BOOKED)),
    ]
    for answer, finding in expected:
        assert await answered("find order", answer) == finding
    unsure: list[tuple[Reply, bool]] = [
        (page(one(), total=2), False),
        (page(total=1), False),
        (page(*many), False),
        (page(one(), *many), False),
        (page(one(code=18)), False),
        (reply(200, {}), False),
        (reply(200, {"data": {}}), False),
        (reply(200, {"data": [None]}), False),
        (page(one(shipments=[])), True),
        (page(one(shipments=[{"id": 1}, {"id": 2}])), True),
        (page(one(shipments=[{"id": None}])), True),
        (page(one(), one(ident=17_000_000)), True),
    ]
    for answer, final in unsure:
        finding = await answered("find order", answer)
        assert isinstance(finding, Unsure), answer
        assert finding.final is final, answer


@pytest.mark.parametrize(
    ("status", "shown", "expected"),
    [
        (200, {"id": 15151515, "awb": "00123456", "courier": "Delhivery", "status": 1}, Found(Awb("00123456", "Delhivery"))),
        (200, {"id": 15151515, "awb": None, "status": 11}, Absent()),
        (200, {"id": 15151515, "awb": "", "status": 11}, Absent()),
        (200, {"id": 15151515, "awb": "00123456", "status": 8}, "final"),
        (200, {"id": 99, "awb": "00123456"}, "unsure"),
        (200, {}, "unsure"),
        (404, {}, "unsure"),
    ],
)  # fmt: skip
async def test_what_a_shipments_record_proves_of_its_awb(status: int, shown: Any, expected: Any) -> None:
    finding = await answered("find awb", reply(status, {"data": shown} if shown else {}))
    if isinstance(expected, str):
        assert isinstance(finding, Unsure)
        assert finding.final is (expected == "final")
    else:
        assert finding == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"pickup_generated_date": "2026-11-25 14:00:00", "status": 3}, Pickup("2026-11-25 14:00:00")),
        ({"pickup_token_number": "Reference No: 1", "status": 1}, Pickup("", "Reference No: 1")),
        ({"status": 3}, Pickup(already=True)),
        ({"status": 42}, Pickup(already=True)),
        ({"status": "4"}, Pickup(already=True)),
        ({"status": 1, "pickup_generated_date": None}, None),
        ({"status": 11, "pickup_generated_date": ""}, None),
    ],
)
async def test_what_a_shipments_record_proves_of_its_pickup(shown: Any, expected: Pickup | None) -> None:
    finding = await answered("find pickup", reply(200, {"data": {"id": 15151515, **shown}}))
    assert finding == (Absent() if expected is None else Found(expected))


async def test_a_status_that_nobody_knows_proves_no_pickup() -> None:
    for status in (991, None, "NEW"):
        data = {"id": 15151515, "status": status}
        assert isinstance(await answered("find pickup", reply(200, {"data": data})), Unsure)


@pytest.mark.parametrize(
    ("status", "shown", "expected"),
    [
        (200, {"id": 16161616, "status_code": 5}, True),
        (200, {"id": 16161616, "status_code": 3, "shipments": {"id": 15151515}}, False),
        (200, {"id": 16161616, "status_code": 8, "status": "EPAYMENT FAILED"}, False),
        (200, {"id": 16161616, "status_code": 18}, None),
        (200, {"id": 1, "status_code": 5}, None),
        (200, {}, None),
        (404, {}, None),
    ],
)
async def test_what_an_orders_record_proves_of_its_cancellation(
    status: int, shown: Any, expected: bool | None
) -> None:
    finding = await answered("find cancelled", reply(status, {"data": shown}))
    wanted = {True: Found, False: Absent, None: Unsure}[expected]
    assert isinstance(finding, wanted)


WRONG_PLACE = {
    "message": "Wrong Pickup location entered. Please choose one location from the data given",
    "data": {"data": [{"pickup_location": "Home"}]},
}


def invalid(**errors: str) -> dict[str, Any]:
    listed = {name: [why] for name, why in errors.items()}
    return {"message": "Oops! Invalid Data.", "errors": listed, "status_code": 422}


def not_assigned(why: str) -> dict[str, Any]:
    return {"awb_assign_status": 0, "response": {"data": {"awb_assign_error": why}}}


REFUSALS: list[tuple[str, int, Any, type[ProviderError], str]] = [
    ("create", 200, WRONG_PLACE, Unauthorised, "SHIPROCKET_PICKUP_LOCATION"),
    ("create", 422, invalid(pickup_location="is invalid"), Unauthorised, "SHIPROCKET_PICKUP_LOCATION"),
    ("create", 400, {"message": "Given channel id does not exist"}, Unauthorised, "SHIPROCKET_CHANNEL_ID"),
    ("create", 422, invalid(billing_phone="must be 10 digits", weight="odd"), Refused, "correct billing_phone, weight"),
    ("create", 422, {"message": {"billing_city": ["too long"]}}, Refused, "correct billing_city"),
    ("create", 422, invalid(order_id="has already been taken"), Doubtful, "done before"),
    ("create", 400, {"message": "Order id already exists"}, Doubtful, "done before"),
    ("create", 200, {"message": "Please complete your KYC"}, Unauthorised, "log in at Shiprocket"),
    ("create", 200, {"message": "Etwas anderes"}, Refused, "Etwas anderes"),
    ("create", 200, {}, Doubtful, "neither"),
    ("create", 200, [], Doubtful, "cannot be read"),
    ("create", 200, b"<html>", Doubtful, "cannot be read"),
    ("create", 200, {**CREATED, "order_id": None}, Doubtful, "ids"),
    ("create", 200, {**CREATED, "shipment_id": "abc"}, Doubtful, "ids"),
    ("create", 200, {**CREATED, "status_code": 18}, Doubtful, "being cancelled"),
    ("create", 500, {"message": "Invalid argument supplied for foreach()"}, Doubtful, "may have happened"),
    ("create", 403, b"Forbidden", Unauthorised, "firewall"),
    ("create", 429, {"message": "Too Many Attempts."}, Unavailable, "too many"),
    ("create", 404, {"message": "404 Not Found"}, Refused, "404"),
    ("create", 409, {"message": "busy"}, Doubtful, "busy"),
    ("assign", 200, not_assigned("Courier not serviceable"), Refused, "no courier serves"),
    ("assign", 200, not_assigned("AWB is already assigned"), Doubtful, "done before"),
    ("assign", 400, {"message": "Oops! Cannot reassign courier for this shipment."}, Doubtful, "done before"),
    ("assign", 200, {"awb_assign_status": 0, "message": "Insufficient wallet balance"}, Unauthorised, "top up"),
    ("assign", 200, {"status_code": 350, "message": "Please recharge your wallet"}, Unauthorised, "top up"),
    ("assign", 200, not_assigned("Delivery pincode is empty, Customer phone is empty"), Refused, "cancelled"),
    ("assign", 200, {"awb_assign_status": 1, "response": {"data": {"awb_code": ""}}}, Doubtful, "no AWB"),
    ("assign", 200, {"awb_assign_status": 1, "response": []}, Doubtful, "no AWB"),
    ("assign", 200, {"awb_assign_status": 1, "response": {"data": {"awb_code": "00123", "shipment_id": 7}}}, Doubtful, "this shipment"),
    ("assign", 200, {"awb_assign_status": 0}, Doubtful, "neither"),
    ("pickup", 400, {"message": "AWB is not assigned yet."}, Refused, "AWB assigned"),
    ("pickup", 200, {"pickup_status": 0, "response": "Nobody drives there"}, Refused, "Nobody drives"),
    ("pickup", 200, {"pickup_status": 0}, Doubtful, "neither"),
    ("pickup", 400, {"message": "Pickup cannot be scheduled, the shipment is already cancelled"}, Refused, "cancelled"),
    ("cancel", 400, {"message": "Cannot cancel an order that is shipped already."}, Refused, "shipped already"),
    ("cancel", 200, {"message": "Something went wrong"}, Doubtful, "did not say"),
    ("cancel", 200, b"", Doubtful, "did not say"),
    ("cancel", 500, {"message": "Trying to get property of non-object"}, Doubtful, "may have happened"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "status", "body", "expected", "why"), REFUSALS)
async def test_what_a_refusal_means_is_in_its_words(
    call: str, status: int, body: Any, expected: type[ProviderError], why: str
) -> None:
    with pytest.raises(expected, match=why) as caught:
        await answered(call, reply(status, body))
    assert type(caught.value) is expected
    if isinstance(caught.value, Doubtful):
        assert caught.value.answered
    if expected is Unauthorised:
        assert "then resume the lane" in str(caught.value)


ALREADY = [
    (400, {"message": "Already in Pickup Queue."}),
    (200, {"pickup_status": 0, "response": "Pickup is already scheduled for this shipment"}),
    (422, {"message": "This shipment is already in pickup queue"}),
]


@pytest.mark.parametrize(("status", "body"), ALREADY)
async def test_a_pickup_that_is_booked_already_is_done(status: int, body: Any) -> None:
    assert await answered("pickup", reply(status, body)) == Pickup(already=True)


async def test_what_a_pickup_says() -> None:
    response = {"pickup_scheduled_date": "2026-11-26 14:00:00", "pickup_token_number": "Reference No: 194_X"}
    said = {"pickup_status": 1, "response": {**response, "others": '{"tier_id":5}', "data": "confirmed"}}
    assert await answered("pickup", reply(200, said)) == Pickup("2026-11-26 14:00:00", "Reference No: 194_X")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (204, b""),
        (200, {"status_code": 200, "message": "Order cancelled successfully."}),
        (200, {"message": "Bulk Shipment cancellation is in progress. Please wait for some time."}),
        (400, {"message": "Order is already canceled."}),
    ],
)
async def test_how_a_cancellation_is_told(status: int, body: Any) -> None:
    assert await answered("cancel", reply(status, body)) == replace(BOOKED, cancelled=True)


async def test_the_simulator_agrees_on_what_pauses_the_lane_and_what_fails_one_parcel(
    simulate: Callable[..., Any],
) -> None:
    served: Served = await simulate(times=AT_ONCE)
    for wrong, why in (({"pickup_location": "Home"}, "PICKUP_LOCATION"), ({"channel_id": 9}, "CHANNEL_ID")):
        mistaken = at(served, **wrong)
        with pytest.raises(Unauthorised, match=why):
            await mistaken.create_order(PARCEL)
        await mistaken.close()
    shiprocket = at(served)
    served.simulators.shiprocket.wallet_empty = True
    made = await shiprocket.create_order(PARCEL)
    with pytest.raises(Unauthorised, match="top up"):
        await shiprocket.assign_awb(made)
    remote = replace(PARCEL, reference="77", recipient=replace(RECIPIENT, pincode="990001"))
    with pytest.raises(Refused, match="no courier serves"):
        await shiprocket.assign_awb(await shiprocket.create_order(remote))
    flat = replace(PARCEL, reference="78", height=Decimal("0.5"))
    with pytest.raises(Refused, match="correct height"):
        await shiprocket.create_order(flat)
    await shiprocket.close()


async def test_errors_do_not_name_the_customer() -> None:
    said = invalid(billing_address="House 1, Lane 2 of Asha Rao, asha@example.org, +919876543210, 9876543210")
    with pytest.raises(Refused) as caught:
        await answered("create", reply(422, said))
    for word in ("Asha", "House", "example.org", "9876543210", TOKEN, PASSWORD):
        assert word not in str(caught.value)


async def test_where_parcels_are(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate(times=AT_ONCE)
    shiprocket = at(served)
    made = await shiprocket.create_order(PARCEL)
    awb = (await shiprocket.assign_awb(made)).awb
    assert await shiprocket.track([awb, "00000000000000", ""]) == [], "nothing is known yet"
    for status in ("PICKED UP", "IN TRANSIT"):
        served.simulators.shiprocket.advance(awb, status)
    (told,) = await shiprocket.track([awb, awb])
    assert (told.awb, told.number, told.order_id) == (awb, 18, made.order_id)
    assert told.expected
    assert [scan.number for scan in told.scans if scan.number is not None] == [42, 18]
    await shiprocket.close()


async def test_tracking_is_read_oldest_first_and_in_indias_time() -> None:
    activities = [
        {"date": "2026-05-19 17:19:14", "status": "X", "activity": "Bagged", "location": "B", "sr-status": "NA"},
        {"date": "2026-05-19 15:32:17", "status": "Y", "activity": "Picked up", "location": "A", "sr-status": "42"},
        {"date": "0000-00-00 00:00:00", "activity": "Nothing"},
        {"date": "2026-05-19 15:00:00", "activity": None},
    ]  # fmt: skip
    data = {
        "track_status": 1,
        "shipment_status": 42,
        "shipment_track": [
            {"current_status": "Picked Up", "order_id": 16161616, "awb_code": "00123456789012"}
        ],
        "shipment_track_activities": activities,
        "etd": "2026-05-23 15:40:19",
    }
    by_awb = {"00123456789012": {"tracking_data": data}}
    for body in (by_awb, [by_awb]):
        (told,) = await answered("track", reply(200, body))
        assert [(scan.at, scan.what, scan.number) for scan in told.scans] == [
            ("2026-05-19T15:32:17", "Picked up", 42),
            ("2026-05-19T17:19:14", "Bagged", None),
        ]
        assert told.told_at == wire.moment("2026-05-19 17:19:14")
        assert (told.number, told.status, told.expected) == (42, "Picked Up", "2026-05-23 15:40:19")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"00123456789012": None},
        {"00123456789012": {"tracking_data": {"track_status": 0, "error": "no activities found"}}},
        {"00123456789012": {"tracking_data": []}},
        {"00123456789012": {"tracking_data": {"track_status": 1, "shipment_track": [{"awb_code": "00999"}]}}},
        {"status": 404, "message": "not found"},
    ],
)
async def test_a_parcel_of_which_nothing_is_known_is_left_out(body: Any) -> None:
    assert await answered("track", reply(200, body)) == []


async def test_many_parcels_are_asked_about_in_several_calls() -> None:
    awbs = [f"{n:012}" for n in range(MOST_TRACKED + 1)]
    async with scripted(logged_in(), reply(200, {}), reply(200, {})) as server:
        shiprocket = at(server)
        assert await shiprocket.track(awbs) == []
        assert [len(request.json()["awbs"]) for request in server.requests[1:]] == [MOST_TRACKED, 1]
        assert await shiprocket.track([]) == []
        assert len(server.requests) == 3
        await shiprocket.close()


async def test_a_dry_runs_parcel_is_never_sent() -> None:
    logged = CourierOrder(PARCEL.reference, "dry-run-1", "dry-run-1", dry_run=True)
    async with scripted() as server:
        shiprocket = at(server)
        for act in (shiprocket.assign_awb, shiprocket.request_pickup, shiprocket.find_awb):
            with pytest.raises(Refused, match="dry run"):
                await act(logged)
        assert await shiprocket.cancel_order(logged) == replace(logged, cancelled=True)
        assert await shiprocket.find_cancelled(logged) == Found(replace(logged, cancelled=True))
        with pytest.raises(Refused, match="no shipment id"):
            await shiprocket.assign_awb(replace(BOOKED, shipment_id="../1"))
        assert server.requests == []
        await shiprocket.close()


async def test_the_doctor(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()

    async def sentences(**changes: Any) -> list[str]:
        shiprocket = at(served, **changes)
        told = await shiprocket.doctor()
        await shiprocket.close()
        return told

    assert await sentences(channel_id=1) == []
    assert "There are: Default Pickup, Primary" in (await sentences(pickup_location="primary"))[0]
    assert "There are: 1, 3422553" in (await sentences(channel_id=2))[0]
    assert len(await sentences(pickup_location="x", channel_id=2)) == 2
    assert "SHIPROCKET_PASSWORD" in (await sentences(password="wrong-password"))[0]
    served.simulators.shiprocket.down = True
    assert "login" in (await sentences())[0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"email": ""}, "SHIPROCKET_EMAIL"),
        ({"email": "not an address"}, "SHIPROCKET_EMAIL"),
        ({"password": ""}, "SHIPROCKET_PASSWORD"),
        ({"pickup_location": " "}, "SHIPROCKET_PICKUP_LOCATION"),
        ({"channel_id": 0}, "SHIPROCKET_CHANNEL_ID"),
        ({"api_base": "http://apiv2.shiprocket.in"}, "https"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Shiprocket(settings("https://apiv2.shiprocket.in", **changes), HandClock())


def test_settings_do_not_show_what_is_secret() -> None:
    shown = repr(settings("https://apiv2.shiprocket.in", webhook_tokens=("tracking-token",)))
    assert PASSWORD not in shown
    assert "tracking-token" not in shown


def test_what_the_acts_declare() -> None:
    create = act_of(Shiprocket.create_order)
    assert (create.look_first, create.repeatable, create.key_life, create.timeout) == (
        True,
        False,
        None,
        timedelta(seconds=30),
    )
    assert create.claim is not None
    assert create.claim(BOOKED) == "shiprocket:shipment:15151515"
    assert create.claim(replace(BOOKED, cancelled=True)) != create.claim(BOOKED)
    for method in (Shiprocket.assign_awb, Shiprocket.request_pickup, Shiprocket.cancel_order):
        assert not act_of(method).repeatable
        assert act_of(method).settles is not None
    (lane,) = Shiprocket.lanes
    assert (lane.name, lane.at_once, lane.per_second, lane.strict) == ("shiprocket", 4, 8, False)


def test_a_time_is_indias_unless_it_says_otherwise() -> None:
    expected = as_instant(datetime.fromisoformat("2023-05-23T11:43:52+05:30"))
    assert wire.moment("23 05 2023 11:43:52") == expected
    assert wire.moment("2023-05-23 11:43:52") == expected
    assert wire.moment("2023-05-23T06:13:52+00:00") == expected
    for odd in ("", "NA", None, "yesterday", "0000-00-00 00:00:00", True, [], 9**40):
        assert wire.moment(odd) is None
