"""The API: what it answers, its cursors, what it refuses, and that what was done can be seen."""

from __future__ import annotations

from typing import Any

import pytest

from onpaid.engine.journal import RUNS, RunState
from tests.web.client import Client, operator, viewer
from tests.web.world import World

DOUBT = "invoice_payment:stripe/default/test/pi_3Q10041bK"
FAILED = "invoice_payment:stripe/default/test/pi_3Q10040bK"
QUIET = "invoice_payment:stripe/default/test/pi_3Q10048bK"
ATWORK = "invoice_payment:stripe/default/test/pi_3Q10050bK"
DONE = "invoice_payment:stripe/default/test/pi_3Q10044bK"


async def pages(client: Client, path: str) -> list[Any]:
    """Every item of a list, page by page."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        mark = "&" if "?" in path else "?"
        answer = await client.get(f"{path}{mark}limit=3" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer.text
        assert len(answer.json["items"]) <= 3
        found.extend(answer.json["items"])
        cursor = answer.json["cursor"]
    return found


class TestLists:
    async def test_cursors_lead_through_all_orders_once(self, shop: World) -> None:
        numbers = [order["number"] for order in await pages(operator(shop), "/api/orders")]
        assert len(numbers) == len(set(numbers)) == 18
        assert numbers[0] == "10050"
        assert numbers[-1] == "9871"

    @pytest.mark.parametrize(
        ("state", "numbers"),
        [
            ("failed", ["10047", "10040"]),
            ("doubtful", ["10041"]),
            ("waiting", ["10049", "10045"]),
            ("underway", ["10050", "10048"]),
            ("unpaid", ["10046"]),
            ("cancelled", []),
        ],
    )
    async def test_orders_by_state(self, shop: World, state: str, numbers: list[str]) -> None:
        found = await pages(operator(shop), f"/api/orders?state={state}")
        assert [order["number"] for order in found] == numbers

    async def test_a_state_of_several_pages_is_whole(self, shop: World) -> None:
        found = [order["number"] for order in await pages(operator(shop), "/api/orders?state=done")]
        assert len(found) >= 11
        assert set(found) >= {"10043", "10044", "10047", "10000"}

    async def test_other_lists_have_cursors_too(self, shop: World) -> None:
        client = operator(shop)
        assert len(await pages(client, "/api/events")) == 40
        assert [event["type"] for event in await pages(client, "/api/events?verdict=ignored")] == [
            "customer.updated"
        ]
        assert [run["id"] for run in await pages(client, "/api/runs?state=doubtful")] == [DOUBT]
        assert len(await pages(client, "/api/tickets")) == 5
        assert await pages(client, "/api/tickets?state=closed") == []

    async def test_money_without_an_order_stands_on_the_first_page(self, shop: World) -> None:
        first = (await operator(shop).get("/api/orders?limit=3")).json
        assert [row["number"] for row in first["without_order"]] == ["10049"]
        assert first["without_order"][0]["known"] is False
        second = (await operator(shop).get(f"/api/orders?limit=3&cursor={first['cursor']}")).json
        assert second["without_order"] == []

    @pytest.mark.parametrize(
        "query",
        [
            "page=2",
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=ten",
            "limit=1e3",
            "limit=%C2%B2",
            "limit=1&limit=2",
            "state=lost",
            "state=",
            "cursor=x",
            "cursor=~",
            "cursor=99999999999999999999999~a",
            "cursor=%FF~%00",
            "q=" + "x" * 301,
        ],
    )
    async def test_what_does_not_fit_is_refused(self, shop: World, query: str) -> None:
        answer = await operator(shop).get(f"/api/orders?{query}")
        assert answer.status == 400
        assert answer.problem


class TestOne:
    async def test_an_order_tells_all(self, shop: World) -> None:
        order = (await operator(shop).get("/api/orders/10044")).json
        assert order["headline"] == "Paid once, invoiced once, mailed once."
        assert order["payments"][0]["amount"] == {"minor": 109800, "currency": "NOK"}
        assert order["invoices"][0]["number"] == 20245
        run = next(run for run in order["runs"] if run["flow"] == "invoice_payment")
        create = next(step for step in run["steps"] if step["name"] == "create invoice")
        assert [attempt["outcome"] for attempt in create["attempts"]] == ["absent", "doubtful", "found"]
        told = [moment["sentence"] for moment in order["timeline"]]
        assert any("not done twice" in sentence for sentence in told)
        assert told == [
            moment["sentence"] for moment in sorted(order["timeline"], key=lambda each: each["at"])
        ]

    @pytest.mark.parametrize("name", ["konverzky/10044", "konverzky%2F10044", "10044"])
    async def test_an_order_is_known_by_key_and_number(self, shop: World, name: str) -> None:
        assert (await viewer(shop).get(f"/api/orders/{name}")).json["number"] == "10044"

    async def test_money_without_an_order_has_a_page_of_its_own(self, shop: World) -> None:
        order = (await operator(shop).get("/api/orders/10049")).json
        assert (order["known"], order["state"]) == (False, "waiting")
        assert order["milestones"][0]["figure"] == "Not here yet"

    @pytest.mark.parametrize(
        "path",
        [
            "/api/orders/0",
            "/api/orders/%00",
            "/api/orders/konverzky/",
            "/api/events/none",
            "/api/runs/none:1",
            "/api/runs/..%2F..%2Fetc",
            "/api/tickets/none",
        ],
    )
    async def test_what_is_not_there_is_told_so(self, shop: World, path: str) -> None:
        assert (await operator(shop).get(path)).problem["status"] == 404


class TestActs:
    async def test_retry(self, shop: World) -> None:
        answer = await operator(shop).post(f"/api/runs/{FAILED}/retry")
        assert (answer.status, answer.json["state"]) == (200, "ready")
        assert "the operator (API)" in answer.json["reason"]
        assert (await shop.views.tickets()).items[-1].run != FAILED

    async def test_settle_as_done(self, shop: World) -> None:
        given = {
            "step": "send receipt",
            "attempt": 1,
            "done": True,
            "result": {"invoice_id": 7700241, "count": 1},
        }
        answer = await operator(shop).post(f"/api/runs/{DOUBT}/settle", data=given)
        assert (answer.status, answer.json["state"]) == (200, "ready")
        again = await operator(shop).post(f"/api/runs/{DOUBT}/settle", data=given)
        assert again.problem["status"] == 409

    async def test_settle_names_the_attempt_that_was_seen(self, shop: World) -> None:
        given = {"step": "send receipt", "attempt": 2, "done": False}
        answer = await operator(shop).post(f"/api/runs/{DOUBT}/settle", data=given)
        assert "look again" in answer.problem["detail"]

    async def test_done_needs_a_result(self, shop: World) -> None:
        given = {"step": "send receipt", "attempt": 1, "done": True}
        assert (await operator(shop).post(f"/api/runs/{DOUBT}/settle", data=given)).problem["status"] == 400

    async def test_nobody_settles_what_may_be_in_flight(self, shop: World) -> None:
        shown = (await operator(shop).get(f"/api/runs/{QUIET}")).json
        assert (shown["may"], shown["settling"]) == ([], None)
        assert "quiet period" in shown["may_not"]
        given = {"step": "create invoice", "attempt": 1, "done": False}
        answer = await operator(shop).post(f"/api/runs/{QUIET}/settle", data=given)
        assert "in flight" in answer.problem["detail"]

    @pytest.mark.parametrize(
        ("run", "act"), [(DONE, "retry"), (DONE, "cancel"), (ATWORK, "retry"), (DOUBT, "cancel")]
    )
    async def test_what_the_state_does_not_allow(self, shop: World, run: str, act: str) -> None:
        assert (await operator(shop).post(f"/api/runs/{run}/{act}")).problem["status"] == 409

    async def test_cancel_says_why(self, shop: World) -> None:
        answer = await operator(shop).post(f"/api/runs/{FAILED}/cancel", data={"why": "done by hand"})
        assert answer.json["state"] == "cancelled"
        assert answer.json["reason"].endswith("done by hand")

    async def test_a_run_is_known_with_its_slashes_encoded(self, shop: World) -> None:
        encoded = FAILED.replace("/", "%2F").replace(":", "%3A")
        assert (await operator(shop).get(f"/api/runs/{encoded}")).json["id"] == FAILED
        assert (await operator(shop).post(f"/api/runs/{encoded}/retry")).status == 200

    async def test_every_button_that_is_offered_works(self, shop: World) -> None:
        """What `may` lists is what operations allow, and nothing that it leaves out is allowed."""
        states: tuple[RunState, ...] = (
            "ready",
            "running",
            "waiting",
            "sleeping",
            "doubtful",
            "failed",
            "done",
        )
        for state in states:
            for row in (await shop.views.runs(state, limit=200)).items:
                shown = await shop.views.run(row.id)
                held = await RUNS.get(shop.store, row.id)
                assert shown is not None
                assert held is not None
                for act in ("retry", "cancel"):
                    answer = await operator(shop).post(f"/api/runs/{row.id}/{act}")
                    offered = act in shown.may or (state == "ready" and act == "retry")
                    assert (answer.status == 200) == offered, (row.id, act, answer.text)
                    if answer.status == 200:
                        after = await RUNS.get(shop.store, row.id)
                        assert after is not None
                        await shop.store.commit([RUNS.update(held.record, after.version)])

    async def test_lanes(self, shop: World) -> None:
        client = operator(shop)
        lanes = {lane["name"]: lane for lane in (await client.get("/api/lanes")).json}
        assert lanes["ticket-log"]["paused"] is True
        assert lanes["fiken"]["strict"] is True
        assert (await client.post("/api/lanes/fiken/pause", data={"why": "audit"})).json["reason"] == "audit"
        assert (await client.post("/api/lanes/ticket-log/resume")).json == {"lane": "ticket-log", "woken": 0}
        assert (await client.post("/api/lanes/none/pause")).problem["status"] == 404

    async def test_tickets_are_closed_and_events_replayed(self, shop: World) -> None:
        client = operator(shop)
        ticket = next(each for each in (await client.get("/api/tickets")).json["items"] if each["event"])
        closed = await client.post(f"/api/tickets/{ticket['id']}/close")
        assert (closed.json["state"], closed.json["advice"]) == ("closed", "Nothing is left to do.")
        replayed = await client.post(f"/api/events/{ticket['event']}/replay")
        assert replayed.json["verdict"] in ("routed", "ignored", "unrouted")
