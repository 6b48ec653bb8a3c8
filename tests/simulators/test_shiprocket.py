"""Shiprocket: who may come in, and how an order becomes a parcel that is fetched, or is cancelled."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from tests.simulators.kit import HandClock, Start
from tests.simulators.shiprocket_kit import FAST, NUMBER, Desk, desk


async def test_a_token_lives_for_its_time_and_no_longer(start: Start) -> None:
    clock = HandClock()
    who = Desk(await start(clock, times=FAST))
    assert (await who.call("GET", "/channels")).status == 401
    said = await who.log_in()
    assert {"token", "company_id", "email"} <= said.json.keys()
    claims = json.loads(base64.urlsafe_b64decode(who.token.split(".")[1] + "=="))
    assert 0 <= claims["exp"] - clock.at - 240 * 3600 <= 1
    assert (await who.call("GET", "/channels")).status == 200
    first = who.token
    await who.log_in()
    assert who.token != first
    clock.at += 240 * 3600 + 1
    assert (await who.call("GET", "/channels")).json["status_code"] == 401
    who.client.simulators.shiprocket.forget()
    assert who.rows()["logins"] == 0


async def test_wrong_passwords_lock_the_account_for_a_while(start: Start) -> None:
    clock = HandClock()
    who = Desk(await start(clock, times=FAST))
    assert list((await who.log_in(password="")).json["errors"]) == ["password"]
    assert [(await who.log_in(password="guess")).status for _ in range(5)] == [400] * 5
    assert (await who.log_in()).status == 403
    clock.at += 1801
    assert (await who.log_in()).status == 200
    assert who.rows()["failed_logins"] == 5


async def test_an_order_becomes_a_parcel(start: Start) -> None:
    who = await desk(start)
    made = await who.create()
    assert (made["status"], made["status_code"], made["awb_code"]) == ("NEW", 1, None)
    shown = await who.get(f"/shipments/{made['shipment_id']}")
    assert (shown["data"]["awb"], shown["data"]["status"]) == (None, 11)
    assigned = (await who.assign(made["shipment_id"], courier_id=43)).json["response"]["data"]
    assert assigned["order_id"] == made["order_id"] != int(NUMBER)
    assert assigned["awb_code"].isdecimal()
    assert len(assigned["awb_code"]) == 12
    booked = (await who.pickup(made["shipment_id"])).json
    assert booked["pickup_status"] == 1
    assert "tier_id" in json.loads(booked["response"]["others"])
    shown = await who.get(f"/shipments/{made['shipment_id']}")
    assert (shown["data"]["awb"], shown["data"]["status"]) == (assigned["awb_code"], 3)
    order = await who.get(f"/orders/show/{made['order_id']}")
    assert (order["data"]["status_code"], order["data"]["shipments"]["awb"]) == (4, assigned["awb_code"])
    row = who.rows()["shipments"][0]
    assert (row["channel_order_id"], row["awb"], row["live"]) == (NUMBER, assigned["awb_code"], True)
    assert (row["value"], row["items"], row["status"]) == (149950, {"RKT-1": 1}, "PICKUP GENERATED")
    assert row["pickup"] == booked["response"]["pickup_scheduled_date"]


async def test_two_runs_with_one_seed_are_alike(start: Start) -> None:
    one, other = await desk(start, seed=5), await desk(start, seed=5)
    assert await one.awb() == await other.awb()
    assert one.rows() == other.rows()


async def test_a_known_id_makes_nothing_new(start: Start) -> None:
    who = await desk(start)
    made = await who.create()
    awb = (await who.assign(made["shipment_id"], courier_id=43)).json["response"]["data"]["awb_code"]
    again = await who.create(sub_total=1)
    assert (again["order_id"], again["shipment_id"]) == (made["order_id"], made["shipment_id"])
    assert (again["status"], again["awb_code"]) == ("READY TO SHIP", awb)
    assert len(who.rows()["shipments"]) == 1
    await who.call("POST", "/orders/cancel", {"ids": [made["order_id"]]})
    dead = await who.create()
    assert (dead["shipment_id"], dead["status"], dead["status_code"]) == (made["shipment_id"], "CANCELED", 5)
    refusal = (await who.assign(dead["shipment_id"])).json
    assert refusal["awb_assign_status"] == 0
    assert "pincode is empty" in refusal["response"]["data"]["awb_assign_error"]
    assert (await who.pickup(dead["shipment_id"])).status == 400
    fresh = await who.create(f"{NUMBER}-2")
    assert (fresh["status"], fresh["awb_code"]) == ("NEW", None)
    assert [row["live"] for row in who.rows()["shipments"]] == [False, True]


async def test_some_ids_were_cancelled_before(start: Start) -> None:
    who = await desk(start, times=replace(FAST, search_lag=60))
    who.client.simulators.plan.set("canceled-200", seed=1, rate=1)
    made = [await who.create(str(1000 + nth)) for nth in range(20)]
    dead = [each for each in made if each["status"] == "CANCELED"]
    assert 0 < len(dead) < 20
    assert {each["awb_code"] for each in dead} == {""}
    number = dead[0]["channel_order_id"]
    assert (await who.create(number))["order_id"] == dead[0]["order_id"]
    assert (await who.create(f"{number}-2"))["status"] == "NEW"
    found = await who.get("/orders", search=number)
    assert [row["status_code"] for row in found["data"]] == [5]  # it is old, so the search knows it
    assert sum(row["cancelled_before"] for row in who.rows()["shipments"]) == len(dead)


async def test_the_search_lags_and_finds_too_much(start: Start) -> None:
    clock = HandClock()
    who = await desk(start, clock, times=replace(FAST, search_lag=3))
    awb = await who.awb("1001")
    assert (await who.get("/orders", search="1001"))["data"] == []
    clock.at += 3
    await who.create("1001-2")
    await who.create("7")
    found = await who.get("/orders", search="1001")
    assert [row["channel_order_id"] for row in found["data"]] == ["1001"]
    clock.at += 3
    found = await who.get("/orders", search="1001")
    assert [row["channel_order_id"] for row in found["data"]] == ["1001-2", "1001"]
    assert [row["shipments"][0]["awb"] for row in found["data"]] == ["", awb]
    assert [row["total"] for row in found["data"]] == ["1499.50"] * 2
    found = await who.get("/orders", search=awb[3:])
    assert [row["channel_order_id"] for row in found["data"]] == ["1001"]
    second = await who.get("/orders", per_page=2, page=2)
    assert [row["channel_order_id"] for row in second["data"]] == ["1001"]
    assert second["meta"]["pagination"]["total_pages"] == 2
    assert (await who.get("/orders", to="2020-01-01"))["data"] == []
    assert (await who.call("GET", "/orders", **{"from": "soon"})).status == 422


async def test_an_awb_is_refused_in_words(start: Start) -> None:
    who = await desk(start)
    far = await who.create("1", billing_pincode="990001")
    refusal = (await who.assign(far["shipment_id"])).json
    assert refusal == {
        "awb_assign_status": 0,
        "response": {"data": {"awb_assign_error": "Courier not serviceable"}},
    }
    near = await who.create("2")
    assert (await who.assign(near["shipment_id"], courier_id=999)).json["awb_assign_status"] == 0
    state = await who.client.call("PUT", "/shiprocket/_state", json={"wallet_empty": True})
    assert state.json == {"wallet_empty": True, "down": False}
    poor = await who.assign(near["shipment_id"])
    assert (poor.status, poor.json["awb_assign_status"]) == (200, 0)
    assert poor.json["message"] == "Insufficient wallet balance"
    assert (await who.assign(4)).status == 404
    assert (await who.assign("x")).status == 422
    assert all(row["awbs"] == [] for row in who.rows()["shipments"])


async def test_a_second_awb_is_refused_in_two_ways(start: Start) -> None:
    who = await desk(start)
    said = set()
    for nth in range(12):
        made = await who.create(str(nth))
        await who.assign(made["shipment_id"])
        again = await who.assign(made["shipment_id"])
        said.add(
            (again.status, again.json.get("message") or again.json["response"]["data"]["awb_assign_error"])
        )
    assert said == {
        (200, "AWB is already assigned"),
        (400, "Oops! Cannot reassign courier for this shipment."),
    }
    assert {len(row["awbs"]) for row in who.rows()["shipments"]} == {1}


async def test_the_courier_can_be_changed_once_a_day(start: Start) -> None:
    who = await desk(start)
    first = await who.awb()
    ident = who.rows()["shipments"][0]["shipment_id"]
    changed = (await who.assign(ident, courier_id=24, status="reassign")).json["response"]["data"]
    assert changed["awb_code"] != first
    assert (await who.assign(ident, courier_id=43, status="reassign")).status == 400
    assert who.rows()["shipments"][0]["awbs"] == [first, changed["awb_code"]]
    assert (await who.scan(first, "PICKED UP")).status == 404


async def test_a_pickup_needs_an_awb_and_is_booked_once(start: Start) -> None:
    clock = HandClock()
    clock.at = datetime(2026, 11, 21, 20, tzinfo=UTC).timestamp()  # in India it is Sunday already
    who = await desk(start, clock)
    made = await who.create()
    ident = made["shipment_id"]
    assert (await who.pickup(ident)).status == 400
    await who.assign(ident, courier_id=43)
    assert (await who.pickup(ident, pickup_date=["2026-11-21"])).status == 422
    assert (await who.pickup(ident, pickup_date="2026-11-25")).status == 422
    bare = await who.call("POST", "/courier/generate/pickup", {"shipment_id": ident})
    assert "shipment_id" in bare.json["errors"]
    booked = await who.pickup(ident)
    assert booked.json["response"]["pickup_scheduled_date"] == "2026-11-23 14:00:00"
    again = await who.pickup(ident)
    assert (again.status, again.json["message"]) == (400, "Already in Pickup Queue.")
    itself = await who.create("2")
    assert (await who.assign(itself["shipment_id"], courier_id=142)).json["response"]["data"][
        "pickup_scheduled_date"
    ]
    assert (await who.pickup(itself["shipment_id"])).json["message"] == "Already in Pickup Queue."


@pytest.mark.parametrize(("hour", "day"), [(8, 24), (9, 25)])
async def test_a_courier_comes_by_at_two_and_never_in_the_past(start: Start, hour: int, day: int) -> None:
    clock = HandClock()
    clock.at = datetime(
        2026, 11, 24, hour, tzinfo=UTC
    ).timestamp()  # in India it is five and a half hours later
    who = await desk(start, clock)
    for courier in (43, 142):  # the second books its pickup with the AWB
        ident = (await who.create(str(courier)))["shipment_id"]
        await who.assign(ident, courier_id=courier)
        await who.pickup(ident)
    assert {row["pickup"] for row in who.rows()["shipments"]} == {f"2026-11-{day} 14:00:00"}


async def test_an_order_is_cancelled_until_it_is_on_its_way(start: Start) -> None:
    who = await desk(start)
    said = set()
    for nth in range(8):
        made = await who.create(f"c{nth}")
        gone = await who.call("POST", "/orders/cancel", {"ids": [made["order_id"]]})
        said.add((gone.status, bool(gone.text)))
        assert (await who.call("POST", "/orders/cancel", {"ids": [made["order_id"]]})).status == 400
    assert said == {(204, False), (200, True)}
    assert not any(row["live"] for row in who.rows()["shipments"])
    awb = await who.awb("on its way")
    await who.scan(awb, "out for pickup")
    late = await who.call("POST", "/orders/cancel", {"ids": [who.rows()["shipments"][-1]["order_id"]]})
    assert (late.status, who.rows()["shipments"][-1]["live"]) == (400, True)
    assert (await who.call("POST", "/orders/cancel", {"ids": [1]})).status == 500
    assert (await who.call("POST", "/orders/cancel", {"ids": 1})).status == 500
    assert (await who.call("POST", "/orders/cancel", {})).status == 422


async def test_cancelling_by_awb_takes_a_moment(start: Start) -> None:
    clock = HandClock()
    who = await desk(start, clock)
    awb, gone = await who.awb("1"), await who.awb("2")
    await who.scan(gone, "PICKED UP")
    said = await who.call("POST", "/orders/cancel/shipment/awbs", {"awbs": [awb, gone, "0"]})
    assert said.status == 200
    assert [row["live"] for row in who.rows()["shipments"]] == [True, True]
    clock.gate.set()
    await who.client.simulators.shiprocket.tracking.moving.finished()
    assert [row["live"] for row in who.rows()["shipments"]] == [False, True]
    assert (await who.scan(awb, "PICKED UP")).status == 400


async def test_what_else_can_be_asked(start: Start) -> None:
    who = await desk(start)
    made = await who.create()
    places = (await who.get("/settings/company/pickup"))["data"]["shipping_address"]
    assert [place["pickup_location"] for place in places] == ["Primary", "Default Pickup"]
    assert [each["id"] for each in (await who.get("/channels"))["data"]] == [1, 3422553]
    there = {"pickup_postcode": "560001", "delivery_postcode": "110002"}
    offers = await who.get("/courier/serviceability/", **there, weight="0.5", cod="1")
    assert len(offers["data"]["available_courier_companies"]) == 4
    by_order = await who.get("/courier/serviceability", **there, order_id=made["order_id"])
    assert by_order["data"]["available_courier_companies"][0]["cod_charges"] == 0
    assert (await who.call("GET", "/courier/serviceability", **there)).status == 422
    there["delivery_postcode"] = "990001"
    assert (await who.get("/courier/serviceability", **there, weight="1", cod="0"))["status"] == 404
    assert await who.get("/shipments/4") == {}
    assert (await who.call("GET", "/orders/show/4")).status == 404
    assert (await who.call("POST", "/shipments", {})).status == 404


async def test_while_it_is_down_every_connection_is_reset(start: Start) -> None:
    who = await desk(start)
    await who.client.call("PUT", "/shiprocket/_state", json={"down": True})
    for call in (who.log_in(), who.get("/channels"), who.create()):
        with pytest.raises(aiohttp.ClientError):
            await call
    await who.client.call("PUT", "/shiprocket/_state", json={"down": False})
    assert await who.create()
    assert (await who.client.call("PUT", "/shiprocket/_state", json={"down": "no"})).status == 400
    assert (await who.client.call("PUT", "/shiprocket/_state", json={"up": True})).status == 400
    assert (await who.client.call("PUT", "/shiprocket/_state", json=[])).status == 400


async def test_faults_get_at_every_call(start: Start) -> None:
    who = await desk(start)
    plan = who.client.simulators.plan
    plan.set("429", api_rate=1)
    limited = await who.call("GET", "/channels")
    assert (limited.status, limited.json["status_code"]) == (429, 429)
    assert "Retry-After" not in limited.headers
    plan.set("503", seed=2, api_rate=1)
    said = [(await who.call("POST", "/orders/create/adhoc", {"order_id": "1"})).status for _ in range(4)]
    assert said == [503, 503, 503, 422]
    assert (await who.log_in()).status == 503
    assert plan.injected["503"] == 4
