"""The story of delivery through the API: what may be decided and when, what is refused, and the lists."""

from __future__ import annotations

from typing import Any

import pytest

from onpaid.engine.journal import RUNS, Run
from tests.web.client import Client, operator, viewer
from tests.web.deliveries import NAMES, key_of, number_of
from tests.web.world import World


async def order(world: World, name: str, client: Client | None = None) -> Any:
    """An order as the API tells it."""
    return (await (client or operator(world)).get(f"/api/orders/{number_of(name)}")).json


async def run_of(world: World, ident: str) -> Run:
    """A run as it is kept."""
    held = await RUNS.get(world.store, ident)
    assert held is not None
    return held.record


def path(name: str, act: str) -> str:
    return f"/api/orders/{number_of(name)}/{act}"


class TestDeciding:
    @pytest.mark.parametrize("choice", ["ship", "refund"])
    async def test_a_held_order_is_decided_once_and_its_run_goes_on(self, market: World, choice: str) -> None:
        held = await order(market, "held")
        assert (held["delivery"]["held"], held["delivery"]["missing"]) == ("oversold", {"racket-9": 1})
        assert held["delivery"]["may"] == ["ship", "refund"]
        run = next(run["id"] for run in held["runs"] if run["flow"] == "ship_paid_order")
        assert (await run_of(market, run)).state == "failed"
        answer = await operator(market).post(path("held", "decide"), data={"choice": choice})
        assert answer.json["choice"] == choice
        assert answer.json["by"] == "the operator (API)"
        assert answer.json["at"] == "2026-11-21T12:00:00Z"
        assert (await run_of(market, run)).state == "ready"
        again = await operator(market).post(path("held", "decide"), data={"choice": choice})
        assert again.json == answer.json
        other = {"ship": "refund", "refund": "ship"}[choice]
        late = await operator(market).post(path("held", "decide"), data={"choice": other})
        assert late.problem["status"] == 409
        assert "decided already" in late.problem["detail"]
        after = (await order(market, "held"))["delivery"]
        assert (after["decision"]["choice"], after["may"]) == (choice, [])

    @pytest.mark.parametrize("name", ["delivered", "checked out", "booking"])
    async def test_what_is_not_held_is_not_decided(self, market: World, name: str) -> None:
        answer = await operator(market).post(path(name, "decide"), data={"choice": "ship"})
        assert "nothing to decide" in answer.problem["detail"]

    @pytest.mark.parametrize(
        "body", [{}, {"choice": "keep"}, {"choice": "ship", "why": "x"}, [], {"choice": None}]
    )
    async def test_a_body_that_does_not_fit_decides_nothing(self, market: World, body: Any) -> None:
        assert (await operator(market).post(path("held", "decide"), data=body)).problem["status"] == 400
        assert (await order(market, "held"))["delivery"]["decision"] is None


class TestParcels:
    async def test_a_parcel_that_was_not_fetched_is_cancelled(self, market: World) -> None:
        assert "cancel-shipment" in (await order(market, "waiting"))["delivery"]["may"]
        answer = await operator(market).post(path("waiting", "cancel-shipment"))
        assert answer.json["number"] == number_of("waiting")
        assert (await run_of(market, answer.json["run"])).flow == "cancel_shipment"

    @pytest.mark.parametrize(
        "name", ["on its way", "delivered", "dry run", "booking", "stopped", "checked out"]
    )
    async def test_a_parcel_that_is_gone_or_was_never_booked_is_not(self, market: World, name: str) -> None:
        assert "cancel-shipment" not in (await order(market, name))["delivery"]["may"]
        assert (await operator(market).post(path(name, "cancel-shipment"))).problem["status"] == 409

    @pytest.mark.parametrize("name", ["dry run", "stopped", "came back"])
    async def test_a_parcel_is_booked_again(self, market: World, name: str) -> None:
        assert "book" in (await order(market, name))["delivery"]["may"]
        answer = await operator(market).post(path(name, "ship"))
        assert answer.json["run"] == f"book_shipment:{key_of(name)}#2"
        twice = await operator(market).post(path(name, "ship"))
        assert twice.json == answer.json

    @pytest.mark.parametrize(
        "name", ["waiting", "on its way", "held", "checked out", "given back", "digital"]
    )
    async def test_a_live_parcel_or_none_is_not_booked_again(self, market: World, name: str) -> None:
        assert "book" not in (await order(market, name))["delivery"]["may"]
        assert (await operator(market).post(path(name, "ship"))).problem["status"] == 409

    async def test_what_may_be_done_works_and_nothing_else(self, market: World) -> None:
        acts = {
            "ship": ("decide", {"choice": "ship"}),
            "book": ("ship", {}),
            "cancel-shipment": ("cancel-shipment", {}),
        }
        for name in NAMES:
            may = (await order(market, name))["delivery"]["may"]
            for offered, (act, body) in acts.items():
                answer = await operator(market).post(path(name, act), data=body)
                assert (answer.status == 200) == (offered in may), (name, act, answer.text)

    async def test_those_of_a_dry_run_are_listed_and_booked(self, market: World) -> None:
        client = operator(market)
        found = (await client.get("/api/shipments?dry_run=yes")).json["items"]
        assert [parcel["number"] for parcel in found] == [number_of("dry run")]
        answer = (await client.post("/api/shipments/ship-dry-runs")).json
        assert (answer["booked"], answer["refused"]) == (1, {})
        assert (await run_of(market, answer["runs"][0])).about == [f"order:{key_of('dry run')}"]

    async def test_parcels_are_listed_newest_first_with_cursors(self, market: World) -> None:
        client, found, cursor = viewer(market), [], ""
        while cursor is not None:
            answer = await client.get(f"/api/shipments?limit=5{'&cursor=' + cursor if cursor else ''}")
            found += answer.json["items"]
            cursor = answer.json["cursor"]
        times = [parcel["created"] for parcel in found]
        assert len(found) == 13
        assert times == sorted(times, reverse=True)
        assert all(parcel["scans"] == [] for parcel in found)

    @pytest.mark.parametrize("number", ["0", "%00", "..", "a%2Fb"])
    @pytest.mark.parametrize("act", ["decide", "ship", "cancel-shipment"])
    async def test_an_order_that_is_not_there(self, market: World, number: str, act: str) -> None:
        body = {"choice": "ship"} if act == "decide" else {}
        answer = await operator(market).post(f"/api/orders/{number}/{act}", data=body)
        assert answer.problem["status"] == 404

    async def test_an_order_of_a_shop_is_only_invoiced(self, market: World) -> None:
        answer = await operator(market).post("/api/orders/konverzky%2F10044/ship")
        assert "only invoices it" in answer.problem["detail"]


class TestOrders:
    async def test_an_order_tells_its_delivery(self, market: World) -> None:
        told = await order(market, "on its way")
        delivery = told["delivery"]
        assert told["headline"] == "Paid once, shipped once, told twice. This parcel is on its way."
        assert [mark["name"] for mark in told["milestones"]] == [
            "Ordered",
            "Paid",
            "Stock",
            "Shipped",
            "Told",
        ]
        assert delivery["taken"] == [
            {"product": "racket-5", "units": 1, "short": 0},
            {"product": "balls-12", "units": 2, "short": 0},
        ]
        assert [message["state"] for message in delivery["messages"]] == ["read", "delivered"]
        assert [each["state"] for each in delivery["messages"][0]["history"]] == [
            "accepted",
            "sent",
            "delivered",
            "read",
        ]
        assert delivery["recipient"]["line1"] == "12 MG Road"
        assert delivery["track_url"].startswith("http://127.0.0.1:8080/track/")

    async def test_viewers_get_neither_names_nor_the_customers_link(self, market: World) -> None:
        delivery = (await order(market, "on its way", viewer(market)))["delivery"]
        assert delivery["track_url"] is None
        assert delivery["recipient"]["name"] == "A*** R***"
        assert delivery["recipient"]["phone"] == "***10"
        assert "line1" not in delivery["recipient"]

    async def test_a_link_that_is_over_is_not_handed_out(self, market: World) -> None:
        market.clock.at += 200 * 86_400_000
        assert (await order(market, "on its way"))["delivery"]["track_url"] is None

    @pytest.mark.parametrize(
        ("state", "names"),
        [
            ("failed", ["held", "no size", "refunded under way"]),
            ("doubtful", ["unheard"]),
            ("waiting", ["booking"]),
            ("unpaid", ["checked out", "try failed"]),
        ],
    )
    async def test_orders_that_need_a_person_are_found_by_their_state(
        self, market: World, state: str, names: list[str]
    ) -> None:
        found = [
            row["number"] for row in (await operator(market).get(f"/api/orders?state={state}")).json["items"]
        ]
        for name in names:
            assert found.count(number_of(name)) == 1, name

    async def test_rows_say_how_a_delivery_stands(self, market: World) -> None:
        rows = {
            row["number"]: row for row in (await operator(market).get("/api/orders?limit=200")).json["items"]
        }
        stages = {name: rows[number_of(name)]["stage"] for name in NAMES}
        assert stages["on its way"] == "in transit"
        assert stages["held"] == "held"
        assert stages["dry run"] == "dry run"
        assert stages["given back"] == "refunded"
        assert stages["try failed"] == "payment failed"
        assert stages["checked out"] == stages["expired"] == rows["10044"]["stage"] == ""


@pytest.mark.parametrize(
    "route",
    ["/api/products", "/api/sellers", "/api/shipments", "/api/orders/1/tracking", "/console/products"],
)
async def test_where_nothing_is_delivered_there_is_nothing_to_see(market: World, route: str) -> None:
    market.delivers = False
    answer = await operator(market).get(route)
    assert answer.status == 404
    assert "RAZORPAY_KEY_ID" in answer.text
