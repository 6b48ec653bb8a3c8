"""The console's pages about deliveries: what they tell, to whom, and what their buttons do."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from onpaid.engine.journal import RUNS
from onpaid.repositories.messages import MESSAGES
from onpaid.web.pages import service, ticked
from tests.web.client import Answer, csrf_in, logged_in, operator, viewer
from tests.web.deliveries import NAMES, key_of, number_of
from tests.web.wares import buyer
from tests.web.world import VIEWER, World

POLICY = r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:"


def page_of(name: str) -> str:
    return f"/console/orders/{key_of(name)}"


def told(answer: Answer) -> str:
    """What a page tells, without its markup."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.text, flags=re.S)
    return " ".join(text.replace("&#39;", "'").split())


@pytest.mark.parametrize("name", NAMES)
async def test_every_page_reads_for_everybody_who_may_look(market: World, name: str) -> None:
    for client in (await logged_in(market), await logged_in(market, VIEWER), operator(market)):
        answer = await client.get(page_of(name))
        assert answer.status == 200
        assert number_of(name) in answer.text
        assert "Ordered" in answer.text
        assert not re.search(POLICY, answer.text)
        prose = re.sub(r"<pre.*?</pre>", "", answer.text, flags=re.S)
        assert not re.search(r"\b(None|undefined|Undefined)\b", prose)


async def test_viewers_see_no_name_no_link_and_no_button(market: World) -> None:
    client = await logged_in(market, VIEWER)
    for name in NAMES:
        text = (await client.get(page_of(name))).text
        assert text.count('method="post"') == 1, "the only form is the one that logs out"
        assert not re.search(r"/track/[A-Za-z0-9_-]{6}", text)
        for nth in range(22):
            who = buyer(nth)
            for word in (who["name"], who["email"], who["phone"], who["phone"][3:], who["line1"]):
                assert word not in text, (name, word)


async def test_what_was_asked_and_answered_hides_the_customer_and_the_link_from_operators_too(
    market: World,
) -> None:
    text = (await operator(market).get(page_of("on its way"))).text
    trees = "".join(re.findall(r"<pre.*?</pre>", text, flags=re.S))
    who = buyer(0)
    assert "order_confirmation" in trees
    for word in (who["name"], who["email"], who["phone"][3:], who["line1"]):
        assert word not in trees
    assert not re.search(r"/track/[A-Za-z0-9_-]{6}", trees)


class TestAnOrder:
    async def test_a_parcel_on_its_way(self, market: World) -> None:
        page = await operator(market).get(page_of("on its way"))
        text = told(page)
        for part in (
            "Paid once, shipped once, told twice. This parcel is on its way.",
            "3 units taken",
            "Xpressbees Surface",
            "Arrived at hub Bengaluru Nelamangala H (Karnataka)",
            "Messages to the customer",
            "The parcel was fetched by the courier",
            "Order confirmation was read",
        ):
            assert part in text, part
        assert re.search(r"accepted [\d:]+ sent [\d:]+ delivered [\d:]+ read [\d:]+", text)
        assert re.search(r'href="http://127.0.0.1:8080/track/[^"]+"[^>]*>Customer’s page', page.text)
        assert 'href="https://shiprocket.co/tracking/1904' in page.text
        assert "Cancel the parcel" not in text

    async def test_a_held_order_shows_both_ways_out_and_what_each_will_do(self, market: World) -> None:
        text = told(await operator(market).get(page_of("held")))
        for part in (
            "Paid, and held: 1 of racket-9 missing. Decide what is to be done.",
            "1 of racket-9 Carbon racket Viper 9, limited, 1 ordered",
            "Takes what stock there is, books the parcel, and tells the customer. Ship anyway",
            "Gives INR 9,898.00 back to the customer, wholly and once, and calls the order off.",
            "Give the money back",
        ):
            assert part in text, part

    @pytest.mark.parametrize(
        ("name", "parts"),
        [
            (
                "dry run",
                ["This parcel was only logged, as a dry run", "Dry run only logged", "Book a parcel"],
            ),
            ("waiting", ["waits for the courier to fetch it", "Cancel the parcel", "No scan yet"]),
            ("try failed", ["Not paid yet, after 2 tries", "A try to pay failed The UPI PIN was wrong"]),
            (
                "given back",
                ["Paid once, and given back once. Nothing was shipped.", "decided to give the money back"],
            ),
            (
                "stopped",
                [
                    "was cancelled before it was fetched",
                    "Book a parcel",
                    "Cancelled the parcel at Shiprocket",
                ],
            ),
            ("came back", ["This parcel came back", "Book a parcel", "RTO Delivered"]),
            ("unreachable", ["The customer was not told", "the number has no WhatsApp"]),
            (
                "unheard",
                ["in doubt", "may be out or not: nobody knows", "Order confirmation: sent to WhatsApp"],
            ),
            ("booking", ["503 Service Unavailable", "Shipped Waiting"]),
            ("no size", ["nobody has told the size and weight of net"]),
            ("digital", ["Nothing to ship", "Nothing in it needs a parcel"]),
            ("expired", ["Nobody paid this order in time"]),
            ("lost", ["is lost, the courier says"]),
        ],
    )
    async def test_every_state_is_told(self, market: World, name: str, parts: list[str]) -> None:
        text = told(await operator(market).get(page_of(name)))
        for part in parts:
            assert part in text, part

    async def test_messages_that_were_only_logged_have_told_nobody(self, market: World) -> None:
        for message in await market.delivery.messages.of_order(key_of("digital")):
            logged = replace(
                message, state="logged", provider="log", history=(("logged", message.wanted_at),)
            )
            await market.store.commit([MESSAGES.put(logged)])
        text = told(await operator(market).get(page_of("digital")))
        assert "Nobody 1 message, only logged" in text
        assert "no message service is set up, so nobody was told" in text
        assert "The customer was not told" in text


class TestButtons:
    async def test_deciding_leads_back_and_the_run_goes_on(self, market: World) -> None:
        client = await logged_in(market)
        page = await client.get(page_of("held"))
        form = {"csrf": csrf_in(page), "back": page_of("held"), "order": key_of("held"), "choice": "refund"}
        answer = await client.post("/console/orders/decide", form=form)
        assert answer.header("location") == f"{page_of('held')}?said=decided"
        after = told(await client.get(answer.header("location")))
        assert "It is decided, and the work goes on." in after
        assert "Oversold, and decided by the operator (console)" in after
        twice = await client.post("/console/orders/decide", form={**form, "choice": "ship"})
        assert (twice.status, "decided already" in twice.text) == (409, True)

    @pytest.mark.parametrize("wrong", [{"choice": "keep"}, {"choice": ""}, {"order": ""}, {"order": "0"}])
    async def test_a_form_that_does_not_fit_decides_nothing(
        self, market: World, wrong: dict[str, str]
    ) -> None:
        form = {"order": key_of("held"), "choice": "ship", **wrong}
        assert (await operator(market).post("/console/orders/decide", form=form)).status in (400, 404)
        assert await market.delivery.fulfilments.decision(key_of("held")) is None

    async def test_a_parcel_is_cancelled_and_another_booked(self, market: World) -> None:
        client = operator(market)
        answer = await client.post("/console/orders/cancel-shipment", form={"order": key_of("waiting")})
        assert answer.header("location") == "/console?said=stopped"
        assert (
            "who was told of a parcel already gets no second message"
            in (await client.get(page_of("stopped"))).text
        )
        answer = await client.post("/console/orders/ship", form={"order": number_of("stopped")})
        assert answer.header("location") == "/console?said=booked"
        assert await RUNS.get(market.store, f"book_shipment:{key_of('stopped')}#2") is not None
        too_late = await client.post("/console/orders/cancel-shipment", form={"order": key_of("delivered")})
        assert too_late.status == 409
        assert "no longer lets it be cancelled" in too_late.text


class TestProducts:
    async def test_the_list_tells_stock_and_sales(self, market: World) -> None:
        text = told(await viewer(market).get("/console/products"))
        for part in (
            "Carbon racket Viper 5",
            "off sale",
            "no size",
            "digital, no parcel",
            "7 units INR 6,293.00",
        ):
            assert part in text, part

    async def test_stock_is_set(self, market: World) -> None:
        form = {"product": "case", "left": " 12 ", "back": "/console/products"}
        answer = await operator(market).post("/console/products/stock", form=form)
        assert answer.header("location") == "/console/products?said=stocked"
        assert await market.delivery.catalogue.left("case") == 12

    @pytest.mark.parametrize("left", ["", "-1", "1.5", "²", "many", "9" * 12])
    async def test_a_stock_that_is_no_number_is_refused(self, market: World, left: str) -> None:
        answer = await operator(market).post(
            "/console/products/stock", form={"product": "case", "left": left}
        )
        assert answer.status == 400
        assert await market.delivery.catalogue.left("case") == 31

    async def test_a_pasted_file_is_kept_or_its_first_wrong_line_is_named(self, market: World) -> None:
        client = operator(market)
        form = {"text": "id,name,price,stock\r\nmug,Mug,99,5\r\n", "back": "/console/products"}
        answer = await client.post("/console/products/import", form=form)
        assert answer.header("location") == "/console/products?said=imported"
        assert "Mug" in (await client.get("/console/products")).text
        wrong = await client.post("/console/products/import", form={"text": "id,name\nx,y"})
        assert (wrong.status, "id, name and price are needed" in wrong.text) == (400, True)

    async def test_an_empty_list_teaches(self, world: World) -> None:
        assert "No products yet" in (await operator(world).get("/console/products")).text

    async def test_without_deliveries_there_is_no_such_page_and_no_way_to_it(self, shop: World) -> None:
        shop.delivers = False
        assert "/console/products" not in (await operator(shop).get("/console")).text
        assert (await operator(shop).get("/console/products")).status == 404


async def test_the_list_of_orders_fits_both_stories(market: World) -> None:
    text = told(await operator(market).get("/console?state=done"))
    assert "invoice 20245" in text
    assert "in transit AWB 1904" in text
    assert "Each paid order becomes its invoice or its parcel, once." in told(
        await operator(market).get("/console")
    )


async def test_a_tickets_advice_names_the_way_out(market: World) -> None:
    text = told(await operator(market).get("/console/problems"))
    assert "Decide on the order’s page: ship it anyway, or give the money back." in text
    assert "amount INR 9,898.00 Decide on the order’s page Retry" in text
    assert f"Open order {number_of('held')}" in told(await viewer(market).get("/console/problems"))


def test_commands_in_sentences_are_set_as_code_and_services_are_named_as_they_name_themselves() -> None:
    assert ticked("Decide: `a --b`, or `<c>`") == "Decide: <code>a --b</code>, or <code>&lt;c&gt;</code>"
    assert [service(name) for name in ("whatsapp", "razorpay", "tracking")] == [
        "WhatsApp",
        "Razorpay",
        "Shiprocket",
    ]
