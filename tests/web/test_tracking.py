"""The customer's page and the same for programs: one link opens one order, tells no name, and no guess opens anything."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from onpaid.app.tracked import moment
from onpaid.domain.links import Links
from onpaid.domain.shipments import ParcelTold, Scan
from onpaid.repositories.messages import TRACK
from tests.web.client import Answer, Client, nobody, operator, viewer
from tests.web.deliveries import NAMES, key_of, link_to, number_of
from tests.web.guessing import guess
from tests.web.trading import links
from tests.web.wares import buyer
from tests.web.world import NOON, World

LATER = NOON + 86_400_000
SHOWN = "on its way"


def alike(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that can be told apart of an answer."""
    return answer.status, answer.headers, answer.body


class TestOneLinkOpensOneOrder:
    async def test_ten_thousand_guesses_open_nothing_and_get_one_answer(self, market: World) -> None:
        outcome = await guess(10_000, world=market)
        assert outcome.tried == 10_000
        assert outcome.opened == []
        assert [status for status, _, _ in outcome.answers] == [404]

    async def test_wrong_altered_ended_and_missing_links_are_answered_alike(self, market: World) -> None:
        link, client = link_to(SHOWN), nobody(market)
        name, end, mac = link.split(".")
        wrong = [
            "nonsense",
            f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}",
            f"{link}=",
            f"{name}.{end}",
            f"{name}.{end}.{mac}.{mac}",
            links().make("login", key_of(SHOWN), LATER),
            Links(["another secret"]).make(TRACK, key_of(SHOWN), LATER),
            links().make(TRACK, key_of(SHOWN), NOON - 1000),
            links().make(TRACK, "shop/0", LATER),
            links().make(TRACK, "konverzky/10044", LATER),
            "%00",
            "a/b/c",
            "x" * 3000,
        ]
        answers = [await client.get(f"/track/{each}") for each in wrong]
        answers += [
            await client.get("/track/"),
            await client.get("/track"),
            await client.get("/track?link=x"),
        ]
        assert len({str(alike(answer)) for answer in answers}) == 1
        assert answers[0].status == 404
        assert "This link opens nothing (any more)" in answers[0].text
        market.delivers = False
        assert alike(await nobody(market).get(f"/track/{link}")) == alike(answers[0])

    async def test_every_link_shows_its_own_order_and_no_other(self, market: World) -> None:
        numbers = {name: number_of(name) for name in NAMES}
        for name, number in numbers.items():
            page = await nobody(market).get(f"/track/{link_to(name)}")
            assert page.status == 200
            assert {each for each in numbers.values() if each in page.text} == {number}

    async def test_a_link_ends(self, market: World) -> None:
        link = links().make(TRACK, key_of(SHOWN), market.clock.now() + 3_600_000)
        market.clock.move(timedelta(hours=1))
        assert (await nobody(market).get(f"/track/{link}")).status == 200
        market.clock.move(timedelta(milliseconds=1))
        assert (await nobody(market).get(f"/track/{link}")).status == 404

    @pytest.mark.parametrize("path", ["/track/x", f"/track/{'y' * 80}", "good"])
    async def test_nothing_is_referred_indexed_or_stored(self, market: World, path: str) -> None:
        answer = await nobody(market).get(f"/track/{link_to(SHOWN)}" if path == "good" else path)
        assert answer.header("referrer-policy") == "no-referrer"
        assert "noindex" in answer.header("x-robots-tag")
        assert answer.header("cache-control") == "no-store"
        assert '<meta name="robots" content="noindex' in answer.text
        assert "default-src 'none'" in answer.header("content-security-policy")
        assert "set-cookie" not in dict(answer.headers)

    async def test_an_operators_token_opens_no_more_than_the_link(self, market: World) -> None:
        assert (await operator(market).get("/track/nonsense")).status == 404


class TestProgramsMayAsk:
    async def test_with_a_token_or_with_the_orders_own_link(self, market: World) -> None:
        path = f"/api/orders/{number_of(SHOWN)}/tracking"
        told = (await viewer(market).get(path)).json
        assert told == (await operator(market).get(path)).json
        assert told == (await nobody(market).get(f"{path}?link={link_to(SHOWN)}")).json
        assert (told["status"], told["order_status"], told["payment_status"]) == (
            "in_transit",
            "shipped",
            "paid",
        )
        assert told["awb"].startswith("1904")
        assert told["courier_url"] == f"https://shiprocket.co/tracking/{told['awb']}"
        assert [(item["name"], item["quantity"]) for item in told["items"]] == [
            ("Carbon racket Viper 5", "1"),
            ("Match balls, three stars, 12", "2"),
        ]
        assert told["amount"] == {"minor": 629_700, "currency": "INR"}
        assert told["expected"] == "2026-11-23T14:30:00Z"
        times = [scan["at"] for scan in told["scans"]]
        assert len(times) == 4
        assert times == sorted(times, reverse=True)

    async def test_a_link_that_does_not_fit_is_answered_alike_whatever_is_wrong(self, market: World) -> None:
        path = f"/api/orders/{number_of(SHOWN)}/tracking?link="
        wrong = [
            f"{path}{link_to('delivered')}",
            f"{path}{link_to(SHOWN)}x",
            path,
            f"{path}%00",
            f"{path}{'x' * 1000}",
            f"{path}{links().make(TRACK, key_of(SHOWN), NOON - 1)}",
            f"/api/orders/0/tracking?link={link_to(SHOWN)}",
        ]
        for client in (nobody(market), operator(market)):
            answers = {str(alike(await client.get(each))) for each in wrong}
            assert len(answers) == 1
        assert (await nobody(market).get(wrong[0])).problem["status"] == 404

    async def test_without_link_or_token_nobody_is_told_anything(self, market: World) -> None:
        answer = await nobody(market).get(f"/api/orders/{number_of(SHOWN)}/tracking")
        assert answer.problem["status"] == 401
        assert (await Client(market.app(), "wrong").get("/api/orders/0/tracking")).status == 401

    @pytest.mark.parametrize("name", ["0", "10044", "konverzky%2F10044"])
    async def test_what_is_not_delivered_from_here_is_not_there(self, market: World, name: str) -> None:
        assert (await viewer(market).get(f"/api/orders/{name}/tracking")).problem["status"] == 404

    async def test_an_order_is_known_by_number_key_and_checkout(self, market: World) -> None:
        order = (await operator(market).get(f"/api/orders/{number_of(SHOWN)}")).json
        for name in (order["number"], order["key"], order["aliases"][0]):
            answer = await viewer(market).get(f"/api/orders/{quote(name, safe='')}/tracking")
            assert answer.json["order"] == order["number"]

    async def test_a_shops_page_in_a_browser_may_ask_with_the_link(self, market: World) -> None:
        market.settings = replace(market.settings, checkout_origins=("https://shop.example",))
        path = f"/api/orders/{number_of(SHOWN)}/tracking?link={link_to(SHOWN)}"
        answer = await nobody(market).get(path, headers={"origin": "https://shop.example"})
        assert answer.header("access-control-allow-origin") == "https://shop.example"
        other = await nobody(market).get(path, headers={"origin": "https://evil.example"})
        assert other.header("access-control-allow-origin") == ""


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
