"""Orders that are shipped, with the real service over HTTP: killed, without its courier, and told everything fifty times."""

from __future__ import annotations

import pytest

from tests.journeys.days import killed_days
from tests.journeys.deliveries import dead_courier, one_webhook_many_times, three_buy_the_last_ones


@pytest.mark.timeout(240)
async def test_a_service_that_is_killed_again_and_again_ships_and_tells_each_order_once() -> None:
    report = await killed_days(20, seed=3)
    assert report["passed"], report["findings"]
    assert report["mischief"] >= 2
    delivery = report["delivery"]
    assert delivery["carts"] == 8
    assert delivery["due"] == delivery["shipped"] > 0
    assert (delivery["missing"], delivery["double"], delivery["unexplained"]) == (0, 0, 0)
    assert (delivery["stock_agrees"], report["agrees"], report["waiting_for_person"]) == (True, True, 0)


@pytest.mark.timeout(240)
async def test_without_its_courier_all_else_goes_on_and_the_parcels_catch_up_without_a_double() -> None:
    report = await dead_courier(16, seed=2)
    meanwhile = report["meanwhile"]
    assert (meanwhile["shipped"], meanwhile["unacknowledged"]) == (0, 0)
    assert meanwhile["paid"] > 0
    (ticket,) = meanwhile["tickets"]
    assert ticket.startswith("shiprocket does not answer")
    assert report["passed"], report["findings"]
    assert report["delivery"]["shipped"] == report["delivery"]["due"] > 0
    assert (report["delivery"]["double"], report["waiting_for_person"]) == (0, 0)


@pytest.mark.timeout(120)
async def test_one_webhook_fifty_times_at_once_is_one_shipment() -> None:
    told = await one_webhook_many_times(50)
    assert told == {
        "answers": {200: 50},
        "shipments": 1,
        "messages": 2,
        "findings": [],
        "runs": 1,
    }


@pytest.mark.timeout(120)
async def test_what_is_oversold_is_shipped_or_given_back_as_a_person_decides() -> None:
    assert await three_buy_the_last_ones() == {
        "shipped": [True, True, False],
        "given_back": [False, False, True],
        "left": 0,
        "findings": [],
        "differences": [],
    }
