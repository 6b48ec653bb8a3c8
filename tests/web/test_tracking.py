"""One link opens one order, for its customer and for programs, and no guess opens anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from onpaid.domain.links import Links
from onpaid.repositories.messages import TRACK
from tests.web.client import Answer, Client, nobody, operator, viewer
from tests.web.deliveries import NAMES, key_of, link_to, number_of
from tests.web.guessing import guess
from tests.web.trading import links
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
            f"{path}{links().make(TRACK, key_of(SHOWN), NOON - 2000)}",
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
