"""Shiprocket refuses: each thing that the real one is documented or known to refuse in an order."""

from typing import Any

import pytest

from tests.simulators.kit import Start
from tests.simulators.shiprocket_kit import BASE, ORDER, SHIPPING, desk

ITEM = ORDER["order_items"][0]
OTHER = {**ITEM, "sku": "NET-1"}
REQUIRED = ORDER.keys() - {"channel_id", "billing_last_name", "billing_address_2"}


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"order_id": "9" * 51}, "order_id"),
        ({"order_date": "20-11-2026"}, "order_date"),
        ({"order_date": "2026-11-31 10:00"}, "order_date"),
        ({"order_date": "2026-11-20T10:00:00Z"}, "order_date"),
        ({"billing_city": "x" * 31}, "billing_city"),
        ({"billing_pincode": "1100"}, "billing_pincode"),
        ({"billing_pincode": "011000"}, "billing_pincode"),
        ({"billing_phone": "+919999999999"}, "billing_phone"),
        ({"billing_phone": "99999 99999"}, "billing_phone"),
        ({"billing_email": "nobody"}, "billing_email"),
        ({"billing_address": "  "}, "billing_address"),
        ({"billing_state": 7}, "billing_state"),
        ({"shipping_is_billing": "yes"}, "shipping_is_billing"),
        ({"payment_method": "prepaid"}, "payment_method"),
        ({"sub_total": "149950 paise"}, "sub_total"),
        ({"sub_total": 1499.501}, "sub_total"),
        ({"sub_total": -1}, "sub_total"),
        ({"sub_total": True}, "sub_total"),
        ({"length": 0.5}, "length"),
        ({"breadth": "wide"}, "breadth"),
        ({"height": []}, "height"),
        ({"weight": 0}, "weight"),
        ({"weight": "NaN"}, "weight"),
        ({"channel_id": 1.5}, "channel_id"),
        ({"billing_zip": "110002"}, "billing_zip"),
        ({"order_items": []}, "order_items"),
        ({"order_items": [{**ITEM, "units": 0}]}, "order_items.0.units"),
        ({"order_items": [{**ITEM, "units": 1.5}]}, "order_items.0.units"),
        ({"order_items": [ITEM, {**OTHER, "selling_price": None}]}, "order_items.1.selling_price"),
        ({"order_items": [ITEM, {**OTHER, "price": 3}]}, "order_items.1.price"),
        ({"order_items": [ITEM, OTHER, {**ITEM, "name": "Racket, blue"}]}, "order_items.2.sku"),
        ({**SHIPPING, "shipping_phone": "123"}, "shipping_phone"),
        *(({**SHIPPING, name: ""}, name) for name in SHIPPING if name != "shipping_is_billing"),
        *(({name: None}, name) for name in sorted(REQUIRED)),
    ],
)
async def test_an_order_that_is_not_right(start: Start, changes: dict[str, Any], blamed: str) -> None:
    who = await desk(start)
    said = await who.call("POST", "/orders/create/adhoc", {**ORDER, **changes})
    assert said.status == 422, said.text
    assert list(said.json["errors"]) == [blamed]
    assert said.json["errors"][blamed][0].endswith(".")
    assert who.rows()["shipments"] == []


@pytest.mark.parametrize(
    "changes",
    [
        SHIPPING,
        {"order_date": "2026-11-20"},
        {"order_id": 2045861230417},
        {"payment_method": "COD"},
        {"sub_total": "1499.50", "weight": "0.5"},
        {"billing_pincode": 110002, "billing_phone": 9999999999, "channel_id": ""},
        {"order_items": [ITEM, OTHER]},
        {"pickup_location": "Default Pickup", "channel_id": "1"},
    ],
)
async def test_an_order_that_is_right(start: Start, changes: dict[str, Any]) -> None:
    who = await desk(start)
    said = await who.call("POST", "/orders/create/adhoc", {**ORDER, **changes})
    assert (said.status, said.json["status"]) == (200, "NEW")
    assert who.rows()["shipments"][0]["value"] == 149950


async def test_whose_address_it_goes_to(start: Start) -> None:
    who = await desk(start)
    made = await who.create(**{**SHIPPING, "shipping_pincode": "990001"})
    shown = await who.get(f"/shipments/{made['shipment_id']}")
    assert shown["data"]["shipping_address"]["city"] == "Pune"
    assert (await who.assign(made["shipment_id"])).json["awb_assign_status"] == 0


async def test_an_unknown_channel_is_a_400_and_a_wrong_pickup_location_a_200(start: Start) -> None:
    who = await desk(start)
    channel = await who.call("POST", "/orders/create/adhoc", {**ORDER, "channel_id": 2})
    assert (channel.status, channel.json["message"]) == (400, "Given channel id does not exist")
    place = await who.call("POST", "/orders/create/adhoc", {**ORDER, "pickup_location": "primary"})
    assert place.status == 200
    assert "shipment_id" not in place.json
    assert [each["pickup_location"] for each in place.json["data"]["data"]] == ["Primary", "Default Pickup"]
    assert who.rows()["shipments"] == []


async def test_what_cannot_be_read(start: Start) -> None:
    who = await desk(start)
    keyed = {"Authorization": f"Bearer {who.token}"}
    for raw in (b"", b"{", b"[]", b"\xff"):
        said = await who.client.call("POST", f"{BASE}/orders/create/adhoc", headers=keyed, data=raw)
        assert said.status == 422
        assert said.json["errors"].keys() == REQUIRED
    bare = await who.call("POST", "/orders/create/adhoc", {**ORDER, "order_items": ["Racket"]})
    assert bare.json["errors"].keys() == {
        f"order_items.0.{n}" for n in ("name", "sku", "units", "selling_price")
    }
    broken = await who.call("POST", "/orders/create/adhoc", {**ORDER, "order_items": "Racket"})
    assert (broken.status, broken.json["message"]) == (500, "Invalid argument supplied for foreach()")
    bare = await who.client.call("GET", f"{BASE}/channels", headers={"Authorization": who.token})
    assert bare.status == 401
