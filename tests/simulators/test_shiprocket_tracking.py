"""Shiprocket tells where parcels are: by webhook, by answer, and while they move by themselves."""

import json
import re
from collections import Counter
from itertools import pairwise
from typing import Any

from tests.simulators.kit import HandClock, Receiver, Start
from tests.simulators.shiprocket_kit import NUMBER, Desk, desk

TOKEN = "tracking_simulated"


def pushes(receiver: Receiver) -> list[Any]:
    return [json.loads(body) for _path, _headers, body in receiver.got]


def only(awb: str, receiver: Receiver) -> list[Any]:
    return [push for push in pushes(receiver) if push["awb"] == awb]


async def test_each_scan_is_told_with_all_before_it(start: Start, receiver: Receiver) -> None:
    who = await desk(start, target=receiver.base)
    awb = await who.awb()
    for status in ("picked_up", "In Transit", "OUT FOR DELIVERY", "DELIVERED"):
        said = await who.scan(awb, status)
        assert said.status == 200, said.text
        await who.client.simulators.settled()
    path, headers, _body = receiver.got[0]
    assert (path, headers["x-api-key"]) == ("/webhooks/tracking", TOKEN)
    told = only(awb, receiver)
    assert [(push["current_status_id"], push["shipment_status_id"]) for push in told] == [
        (51, 42),
        (20, 18),
        (19, 17),
        (7, 7),
    ]
    for before, push in pairwise(told):
        assert push["scans"][: len(before["scans"])] == before["scans"]
    last = told[-1]
    numbers = [scan["sr-status"] for scan in last["scans"] if scan["sr-status"] != "NA"]
    assert numbers == ["42", "18", "17", "7"]
    assert re.fullmatch(r"\d\d \d\d \d{4} \d\d:\d\d:\d\d", last["current_timestamp"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", last["scans"][0]["date"])
    assert last["order_id"].startswith(NUMBER)
    assert last["sr_order_id"] == who.rows()["shipments"][0]["order_id"]
    assert (who.rows()["shipments"][0]["status"], who.rows()["shipments"][0]["webhooks"]) == ("DELIVERED", 4)


async def test_the_answer_has_the_newest_first(start: Start) -> None:
    who = await desk(start, target="http://127.0.0.1:9")
    awb = await who.awb()
    nothing = (await who.get(f"/courier/track/awb/{awb}"))["tracking_data"]
    assert (nothing["track_status"], "error" in nothing) == (0, True)
    await who.scan(awb, "IN TRANSIT")
    await who.scan(awb, "DELIVERED")
    found = (await who.get(f"/courier/track/awb/{awb}"))["tracking_data"]
    assert (found["track_status"], found["shipment_status"]) == (1, 7)
    assert found["shipment_track"][0]["current_status"] == "Delivered"
    assert found["shipment_track"][0]["delivered_date"] == found["shipment_track_activities"][0]["date"]
    assert found["shipment_track_activities"][0]["sr-status"] == "7"
    many = await who.call("POST", "/courier/track/awbs", {"awbs": [awb, "000000000000"]})
    assert many.json == {awb: {"tracking_data": found}, "000000000000": {"tracking_data": nothing}}
    too_many = await who.call("POST", "/courier/track/awbs", {"awbs": ["1"] * 51})
    assert (too_many.status, list(too_many.json["errors"])) == (422, ["awbs"])
    assert (await who.call("POST", "/courier/track/awbs", {"awbs": awb})).status == 500


async def test_what_cannot_be_steered(start: Start) -> None:
    who = await desk(start, target="http://127.0.0.1:9")
    awb = await who.awb()
    assert (await who.scan("000000000000", "DELIVERED")).status == 404
    unknown = await who.scan(awb, "ATE BY A DOG")
    assert (unknown.status, "PICKED UP" in unknown.json["error"]) == (400, True)
    assert (await who.client.call("POST", "/shiprocket/_scans", data=b"[]")).status == 400
    assert (await who.scan(awb, "HELD IN ORBIT")).status == 200  # a number that no list has
    assert (await who.get(f"/courier/track/awb/{awb}"))["tracking_data"]["shipment_status"] == 991


async def test_a_cancelled_parcel_is_told_and_moves_no_more(start: Start, receiver: Receiver) -> None:
    who = await desk(start, target=receiver.base)
    awb = await who.awb()
    await who.call("POST", "/orders/cancel", {"ids": [who.rows()["shipments"][0]["order_id"]]})
    await who.client.simulators.settled()
    assert [push["shipment_status_id"] for push in only(awb, receiver)] == [8]
    assert (await who.scan(awb, "DELIVERED")).status == 400
    other = await who.awb("2")
    assert (await who.scan(other, "CANCELED")).status == 200
    assert [row["live"] for row in who.rows()["shipments"]] == [False, False]


async def test_the_faults_of_a_webhook(start: Start, receiver: Receiver) -> None:
    who = await desk(start, target=receiver.base)
    receiver.answer = lambda _path, headers, _body: 200 if headers.get("x-api-key") == TOKEN else 401
    simulators = who.client.simulators
    simulators.plan.set("duplicate,shuffle,delay,bad-signature", seed=4, rate=1, api_rate=0)
    awb = await who.awb()
    for status in ("PICKED UP", "IN TRANSIT", "OUT FOR DELIVERY"):
        await who.scan(awb, status)
    await simulators.settled()
    assert who.client.ledger()["forged"] == {"sent": 3, "refused": 3, "accepted": 0, "accepted_names": []}
    forged = [push for push in only(awb, receiver) if push["shipment_status_id"] == 7]
    assert len(forged) == 3
    genuine = Counter(
        body
        for _path, headers, body in receiver.got
        if headers.get("x-api-key") == TOKEN and awb in body.decode()
    )
    assert len(genuine) == 3
    assert min(genuine.values()) > 1
    simulators.plan.set("drop-webhook", rate=1, api_rate=0)
    receiver.got.clear()
    await who.scan(awb, "DELIVERED")
    await simulators.settled()
    assert only(awb, receiver) == []
    assert simulators.sender.dropped == 1
    assert (await who.get(f"/courier/track/awb/{awb}"))["tracking_data"]["shipment_status"] == 7


async def test_parcels_move_by_themselves_and_few_come_back(start: Start, receiver: Receiver) -> None:
    who = await desk(start, target=receiver.base, parcels_move=True)
    for nth in range(40):
        awb = await who.awb(str(nth))
        ident = who.rows()["shipments"][-1]["shipment_id"]
        assert (await who.pickup(ident)).status == 200
    await who.client.simulators.shiprocket.tracking.moving.finished()
    await who.client.simulators.settled()
    ends = Counter(row["status"] for row in who.rows()["shipments"])
    assert ends.keys() == {"DELIVERED", "RTO DELIVERED"}
    assert 0 < ends["RTO DELIVERED"] < 8
    assert {push["shipment_status_id"] for push in only(awb, receiver)} & {7, 10}
    known = {row["awb"] for row in who.rows()["shipments"]}
    foreign = [push for push in pushes(receiver) if push["awb"] not in known]
    assert 0 < len(foreign) < 40
    told = [push for push in pushes(receiver) if push["awb"] in known]
    assert {"_" in push["order_id"] for push in told} == {True, False}
    assert {scan["sr-status"] == "NA" for push in told for scan in push["scans"]} == {True, False}


async def halted(who: Desk, clock: HandClock) -> int:
    """How many webhooks there have been once the parcels that were under way have had their chance."""
    clock.gate.set()
    await who.client.simulators.shiprocket.tracking.moving.finished()
    return sum(row["webhooks"] for row in who.rows()["shipments"])


async def test_a_parcel_stands_still_unless_it_is_followed(start: Start) -> None:
    clock = HandClock()
    who = await desk(start, clock, target="http://127.0.0.1:9")
    awb = await who.awb()
    await who.pickup(who.rows()["shipments"][0]["shipment_id"])
    assert len(who.client.simulators.shiprocket.tracking.moving) == 0
    follow = await who.client.call("POST", "/shiprocket/_scans", json={"awb": awb})
    assert follow.json == {"awb": awb, "follows": True}
    assert (await who.client.call("POST", "/shiprocket/_scans", json={"awb": awb})).status == 200
    assert len(who.client.simulators.shiprocket.tracking.moving) == 1
    await who.call("POST", "/orders/cancel", {"ids": [who.rows()["shipments"][0]["order_id"]]})
    assert await halted(who, clock) == 1  # the cancellation, and nothing after it


async def test_a_parcel_that_was_forgotten_stops(start: Start) -> None:
    clock = HandClock()
    who = await desk(start, clock, target="http://127.0.0.1:9")
    simulators = who.client.simulators
    simulators.shiprocket.follow(await who.awb())
    await simulators.reset()
    assert await halted(who, clock) == 0
    assert simulators.sender.facts == 0
