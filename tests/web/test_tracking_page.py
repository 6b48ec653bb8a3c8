"""What the customer's page says: every state honestly, a return kindly, and nothing of who gets the parcel."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from onpaid.app.tracked import moment
from onpaid.domain.shipments import ParcelTold, Scan
from tests.web.client import nobody, operator, viewer
from tests.web.deliveries import NAMES, link_to, number_of
from tests.web.wares import buyer
from tests.web.world import NOON, World

SHOWN = "on its way"


@pytest.mark.parametrize(
    ("name", "title", "steps"),
    [
        ("checked out", "Not paid yet", "Ordered:now Packed:todo On its way:todo Delivered:todo"),
        (
            "try failed",
            "The payment did not go through",
            "Ordered:now Packed:todo On its way:todo Delivered:todo",
        ),
        ("expired", "This order has lapsed", "Ordered:done Not paid in time:stopped"),
        ("held", "We are looking at your order", "Ordered:done Packed:now On its way:todo Delivered:todo"),
        (
            "given back",
            "Your money is on its way back",
            "Ordered:done Called off:stopped Money given back:done",
        ),
        ("booking", "Your order is being packed", "Ordered:done Packed:now On its way:todo Delivered:todo"),
        ("no size", "Your order is being packed", "Ordered:done Packed:now On its way:todo Delivered:todo"),
        ("dry run", "Your order is being packed", "Ordered:done Packed:now On its way:todo Delivered:todo"),
        ("waiting", "Packed, and waiting", "Ordered:done Packed:done On its way:todo Delivered:todo"),
        ("fetched", "The courier has your parcel", "Ordered:done Packed:done On its way:now Delivered:todo"),
        ("on its way", "On its way to you", "Ordered:done Packed:done On its way:now Delivered:todo"),
        ("out", "Out for delivery", "Ordered:done Packed:done On its way:now Delivered:todo"),
        ("delivered", "Delivered", "Ordered:done Packed:done On its way:done Delivered:done"),
        (
            "coming back",
            "on its way back to us",
            "Ordered:done Packed:done Turned back:now Back with us:todo",
        ),
        ("came back", "came back to us", "Ordered:done Packed:done Turned back:done Back with us:done"),
        ("lost", "your parcel is missing", "Ordered:done Packed:done Missing:stopped Delivered:todo"),
        ("stopped", "This parcel was stopped", "Ordered:done Stopped:stopped On its way:todo Delivered:todo"),
        ("digital", "your order is complete", "Ordered:done Paid:done"),
        ("refunded under way", "On its way to you", "Ordered:done Packed:done On its way:now Delivered:todo"),
    ],
)
async def test_every_state_is_told_honestly(market: World, name: str, title: str, steps: str) -> None:
    told = (await viewer(market).get(f"/api/orders/{number_of(name)}/tracking")).json
    assert title in told["title"]
    assert " ".join(f"{step['name']}:{step['state']}" for step in told["steps"]) == steps
    page = (await nobody(market).get(f"/track/{link_to(name)}")).text
    assert title in page
    assert all(step["name"] in page for step in told["steps"])


class TestWords:
    async def test_nothing_of_who_gets_it_is_told(self, market: World) -> None:
        private = [
            word
            for nth in range(22)
            for name, word in buyer(nth).items()
            if word and name in ("email", "phone", "line1")
        ]
        private += [buyer(nth)["phone"][3:] for nth in range(22)] + [buyer(nth)["name"] for nth in range(22)]
        for name in NAMES:
            page = (await nobody(market).get(f"/track/{link_to(name)}")).text
            told = (await viewer(market).get(f"/api/orders/{number_of(name)}/tracking")).text
            for word in private:
                assert word not in page, (name, word)
                assert word not in told, (name, word)

    async def test_a_courier_that_tells_of_the_customer_is_not_repeated(self, market: World) -> None:
        who = buyer(0)
        scan = Scan(
            "2026-11-21T17:00:00",
            f"Called {who['name']} on {who['phone'][3:]}, {who['line1']}",
            "Bengaluru",
            18,
        )
        order = (await operator(market).get(f"/api/orders/{number_of(SHOWN)}")).json
        awb = order["delivery"]["parcels"][0]["awb"]
        writes, _ = await market.delivery.shipments.receive(ParcelTold(awb, 18, "x", scans=(scan,)), NOON)
        await market.store.commit(writes)
        page = (await nobody(market).get(f"/track/{link_to(SHOWN)}")).text
        assert "Called A*** R*** on" in page
        for word in (who["name"], who["phone"][3:], who["line1"]):
            assert word not in page

    async def test_a_return_is_told_kindly_and_without_the_couriers_jargon(self, market: World) -> None:
        page = (await nobody(market).get(f"/track/{link_to('came back')}")).text
        assert "Please tell us whether we may send it once more" in page
        assert "RTO" not in page
        assert "Back with us" in page

    async def test_money_that_went_back_is_said_beside_a_parcel_that_is_out(self, market: World) -> None:
        told = (await viewer(market).get(f"/api/orders/{number_of('refunded under way')}/tracking")).json
        assert told["sentence"].endswith("Your money was given back.")

    async def test_a_dry_run_promises_no_courier(self, market: World) -> None:
        told = (await viewer(market).get(f"/api/orders/{number_of('dry run')}/tracking")).json
        assert (told["dry_run"], told["awb"], told["courier_url"]) == (True, "", "")
        assert "No courier has been asked" in told["sentence"]

    async def test_what_was_expected_and_did_not_come_is_said_so(self, market: World) -> None:
        page = (await nobody(market).get(f"/track/{link_to(SHOWN)}")).text
        assert re.search(r"Expected</span> <b>Monday 23 November", page)
        market.clock.move(timedelta(days=2))
        assert re.search(
            r"Expected</span> <b>today", (await nobody(market).get(f"/track/{link_to(SHOWN)}")).text
        )
        market.clock.move(timedelta(days=1))
        late = (await nobody(market).get(f"/track/{link_to(SHOWN)}")).text
        assert re.search(r"It was expected</span> <b>yesterday", late)

    @pytest.mark.parametrize(
        ("told", "at"),
        [
            ("2026-11-21 14:59:00", datetime(2026, 11, 21, 9, 29, tzinfo=UTC)),
            ("2026-11-21T14:59:00+05:30", datetime(2026, 11, 21, 9, 29, tzinfo=UTC)),
            ("Nov 23, 2026", datetime(2026, 11, 22, 18, 30, tzinfo=UTC)),
            ("", None),
            ("soon", None),
            ("0001-01-01 00:00:00", None),
            ("2026-13-45", None),
        ],
    )
    def test_couriers_times_are_indias_where_they_can_be_read(self, told: str, at: datetime | None) -> None:
        assert moment(told) == at


class TestThePage:
    async def test_an_idle_page_costs_no_bytes(self, market: World) -> None:
        path = f"/track/{link_to(SHOWN)}"
        first = await nobody(market).get(path)
        again = await nobody(market).get(path, headers={"if-none-match": first.header("etag")})
        assert (again.status, again.body) == (304, b"")
        assert "noindex" in again.header("x-robots-tag")

    async def test_it_needs_no_other_policy_and_asks_nobody_else(self, market: World) -> None:
        for name in NAMES:
            page = (await nobody(market).get(f"/track/{link_to(name)}")).text
            assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:", page)
            assert not re.search(r"\b(None|Undefined|undefined)\b", page)
            linked = re.findall(r'<a [^>]*href="([^"]+)"[^>]*rel="([^"]+)"', page)
            assert all(url.startswith("https://shiprocket.co/tracking/") for url, _ in linked)
            assert all("noreferrer" in rel for _, rel in linked)

    async def test_trouble_is_told_to_customers_in_their_own_words(self, market: World) -> None:
        await market.store.close()
        answer = await nobody(market).get(f"/track/{link_to(SHOWN)}")
        assert (answer.status, answer.header("retry-after")) == (503, "5")
        assert "Please load this page again" in answer.text
        assert "console" not in answer.text
        assert "noindex" in answer.header("x-robots-tag")
