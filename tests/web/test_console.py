"""The console's pages: what they tell, to whom, which buttons they offer, and that an idle page costs nothing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from onpaid.domain.orders import Order, Revision
from onpaid.repositories.orders import ORDERS
from tests.web.client import csrf_in, logged_in, operator, viewer
from tests.web.people import goods, person
from tests.web.world import NOON, VIEWER, World

DOUBT = "/console/orders/konverzky/10041"
QUIET = "/console/orders/konverzky/10048"
PAGES = (
    "/console",
    "/console?state=failed",
    "/console?state=cancelled",
    "/console?q=nobody",
    "/console/problems",
    "/console/events",
    "/console/events?verdict=ignored",
    "/console/lanes",
    "/console/orders/konverzky/10044",
    "/console/orders/konverzky/10040",
    "/console/orders/konverzky/10043",
    "/console/orders/konverzky/10045",
    "/console/orders/konverzky/10046",
    "/console/orders/konverzky/10047",
    "/console/orders/konverzky/10049",
    "/console/orders/konverzky/10050",
    "/console/orders/konverzky/9871",
    DOUBT,
    QUIET,
    "/console/events/stripe/default/test/evt_1Q100441",
    "/console/events/stripe/default/test/evt_1Qodd",
    "/console/runs/invoice_payment:stripe/default/test/pi_3Q10041bK",
    "/console/runs/expire_order:konverzky/10046",
)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_reads_for_everybody_who_may_look(shop: World, path: str) -> None:
    for client in (await logged_in(shop), await logged_in(shop, VIEWER), operator(shop)):
        answer = await client.get(path)
        assert answer.status == 200
        assert answer.header("content-type") == "text/html; charset=utf-8"
        assert "<h1" in answer.text
        assert not re.search(
            r"\b(None|undefined|Undefined)\b", re.sub(r"<pre.*?</pre>", "", answer.text, flags=re.S)
        )


@pytest.mark.parametrize("path", ["/console", "/console/problems", "/console/events", "/console/lanes"])
async def test_an_empty_page_teaches(world: World, path: str) -> None:
    answer = await operator(world).get(path)
    assert answer.status == 200
    assert 'class="empty"' in answer.text or 'class="lanes"' in answer.text


async def test_the_headers_keep_browsers_honest(shop: World) -> None:
    for path in ("/console", "/login", "/api/orders", "/nowhere", "/healthz"):
        answer = await operator(shop).get(path)
        policy = answer.header("content-security-policy")
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "no-referrer"
        assert answer.header("cache-control") == "no-store"


async def test_nothing_in_a_page_needs_another_policy(shop: World) -> None:
    client = await logged_in(shop)
    for path in PAGES:
        text = (await client.get(path)).text
        assert not re.search(
            r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:|https?://(?!www\.w3\.org)", text
        ), path


async def test_assets_are_kept_for_ever(shop: World) -> None:
    page = (await operator(shop).get("/console")).text
    found = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page))
    assert len(found) == 4
    for path in found:
        answer = await operator(shop).get(path)
        assert answer.status == 200
        assert "immutable" in answer.header("cache-control")


class TestFreshness:
    @pytest.mark.parametrize("path", ["/console", DOUBT, "/console/problems"])
    async def test_an_idle_page_costs_no_bytes(self, shop: World, path: str) -> None:
        client = await logged_in(shop)
        first = await client.get(path)
        again = await client.get(path, headers={"if-none-match": first.header("etag")})
        assert (again.status, again.body) == (304, b"")

    async def test_a_page_that_changed_is_told_anew(self, shop: World) -> None:
        client = await logged_in(shop)
        first = await client.get("/console/lanes")
        await shop.operations.pause("fiken", "audit")
        again = await client.get("/console/lanes", headers={"if-none-match": first.header("etag")})
        assert again.status == 200
        assert "audit" in again.text

    async def test_two_sessions_have_two_tags(self, shop: World) -> None:
        mine = await (await logged_in(shop)).get("/console")
        other = await (await logged_in(shop)).get("/console")
        assert mine.header("etag") != other.header("etag")


class TestButtons:
    async def test_a_doubt_can_be_settled_once_nothing_is_in_flight(self, shop: World) -> None:
        client = await logged_in(shop)
        page = (await client.get(DOUBT)).text
        assert "Settle “send receipt”, attempt 1" in page
        assert "7700241" in page
        quiet = (await client.get(QUIET)).text
        assert "Settle “" not in quiet
        assert "once the quiet period is over" in quiet
        shop.clock.move(timedelta(minutes=3))
        assert "Settle “create invoice”, attempt 1" in (await client.get(QUIET)).text

    async def test_settling_leads_back_and_says_so(self, shop: World) -> None:
        client = await logged_in(shop)
        form = {
            "csrf": csrf_in(await client.get(DOUBT)),
            "back": DOUBT,
            "run": "invoice_payment:stripe/default/test/pi_3Q10041bK",
            "step": "send receipt",
            "attempt": "1",
            "outcome": "done",
            "result": '{"invoice_id": 7700241, "count": 1}',
        }
        answer = await client.post("/console/runs/settle", form=form)
        assert answer.header("location") == f"{DOUBT}?said=settled"
        page = await client.get(answer.header("location"))
        assert "The doubt is settled" in page.text
        assert "settled as done by the operator (console)" in page.text
        twice = await client.post("/console/runs/settle", form=form)
        assert twice.status == 409
        assert "Not now" in twice.text

    @pytest.mark.parametrize(
        "wrong",
        [
            {"outcome": "maybe"},
            {"attempt": "x"},
            {"attempt": "²"},
            {"result": "{"},
            {"step": ""},
            {"run": ""},
        ],
    )
    async def test_a_form_that_does_not_fit_decides_nothing(self, shop: World, wrong: dict[str, str]) -> None:
        run = "invoice_payment:stripe/default/test/pi_3Q10041bK"
        form = {
            "run": run,
            "step": "send receipt",
            "attempt": "1",
            "outcome": "done",
            "result": "{}",
            **wrong,
        }
        answer = await operator(shop).post("/console/runs/settle", form=form)
        assert answer.status == 400
        shown = await shop.views.run(run)
        assert shown is not None
        assert shown.state == "doubtful"

    async def test_buttons_say_what_they_will_do(self, shop: World) -> None:
        page = (await (await logged_in(shop)).get("/console/orders/konverzky/10040")).text
        assert "Steps that already have an effect are skipped" in page
        assert 'data-confirm="Ends this run without finishing it' in page

    async def test_a_paused_lane_says_so_and_not_that_nobody_waits(self, shop: World) -> None:
        page = (await operator(shop).get("/console/lanes")).text
        paused = page.partition('id="lane-ticket-log"')[2].partition("</article>")[0]
        assert "Nobody is let in until it is resumed." in paused
        assert "wait for a place" not in paused
        assert "wait for a place" in page

    async def test_viewers_see_no_button(self, shop: World) -> None:
        client = await logged_in(shop, VIEWER)
        for path in PAGES:
            page = (await client.get(path)).text
            assert 'method="post"' not in page.replace('action="/logout"', "").replace(
                '<form method="post"  class="inline">', ""
            ), path

    async def test_nobody_is_led_to_another_site(self, shop: World) -> None:
        form = {"lane": "fiken", "back": "//evil.example/console"}
        answer = await operator(shop).post("/console/lanes/pause", form=form)
        assert answer.header("location") == "/console?said=paused"


class TestPersonalData:
    async def test_the_operator_sees_who_bought(self, shop: World) -> None:
        page = (await operator(shop).get("/console/orders/konverzky/10044")).text
        assert "Kari Nordmann" in page
        assert "kari.nordmann@example.org" in page

    async def test_a_viewer_sees_a_mask_everywhere(self, shop: World) -> None:
        for path in (*PAGES, "/api/orders", "/api/orders/10044", "/api/orders?q=kari.nordmann@example.org"):
            text = (await viewer(shop).get(path)).text
            if "q=" not in path:
                assert "kari.nordmann@" not in text, path
            assert "Nordmann" not in text, path
            assert "912 34" not in text, path

    async def test_what_was_asked_and_answered_is_masked_for_the_operator_too(self, shop: World) -> None:
        page = (await operator(shop).get("/console/orders/konverzky/10044")).text
        trees = "".join(re.findall(r"<pre.*?</pre>", page, flags=re.S))
        assert "K*** N***" in trees
        assert "Nordmann" not in trees
        assert "Storgata" not in trees
        assert "@example.org" in trees
        assert "kari.nordmann@" not in trees


@pytest.mark.parametrize(
    "number", ["..", ".", "a/b", "a?b#c&d=e", "100 %", "<b>", "æøå", "a//b", '"', "a+b", "%2e%2e", "x/"]
)
async def test_an_order_number_may_be_made_of_anything(world: World, number: str) -> None:
    revision = Revision(1, "d", goods(0), NOON, "e", "NOK", True, None, person(0))
    await world.store.commit([ORDERS.insert(Order("konverzky", number, False, NOON, (revision,)))])
    client = operator(world)
    listed = (await client.get("/console")).text
    (link,) = re.findall(r'class="number" href="([^"]+)"', listed)
    page = await client.get(link.replace("&amp;", "&"))
    assert page.status == 200, link
    assert "Merino sweater" in page.text
    assert "<b>" not in re.sub(r"<b>(NOK|Not|1 line|–)", "", page.text) or number != "<b>"


async def test_links_begin_with_the_public_address() -> None:
    from tests.web.world import make_world

    world = make_world(public_url="https://example.org/prod")
    page = (await operator(world).get("/console")).text
    assert 'href="/prod/console/events"' in page
    assert (await operator(world).get("/")).header("location") == "/prod/console"
