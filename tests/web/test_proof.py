"""Proofs through the API and in the console: begun by operators, read by viewers, every finding with what mends it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from onpaid.domain.money import Money
from onpaid.errors import Unauthorised
from tests.web.client import Client, csrf_in, logged_in, operator, viewer
from tests.web.proofs import books_of, spoilt
from tests.web.world import OPERATOR, VIEWER, World


@pytest.fixture
async def proving(world: World) -> World:
    """Nine orders of yesterday, and three losses."""
    await spoilt(world)
    return world


async def proved(world: World) -> dict[str, Any]:
    client = operator(world)
    begun = await client.post("/api/proofs", data={"since": "2d"})
    assert begun.status == 202
    ended = await client.post(f"/api/proofs/{begun.json['id']}/go-on", data={})
    assert ended.status == 200
    told: dict[str, Any] = ended.json
    return told


# -- API ---------------------------------------------------------------------------------------------------------


async def test_a_proof_is_begun_worked_on_and_read(proving: World) -> None:
    client = operator(proving)
    assert (await client.get("/api/proof")).status == 404
    begun = (await client.post("/api/proofs", data={"since": "2026-11-19", "until": "2026-11-20"})).json
    assert (begun["verdict"], begun["stages"][0]) == (
        "under way",
        {"name": "stripe", "says": "Stripe’s charges", "state": "now", "read": 0},
    )
    # Days are the company's: Oslo is an hour ahead.
    assert (begun["since"], begun["until"]) == ("2026-11-18T23:00:00Z", "2026-11-20T22:59:59.999000Z")
    ended = (await client.post(f"/api/proofs/{begun['id']}/go-on", data={"seconds": 3})).json
    assert (ended["verdict"], ended["sentence"]) == ("off", "3 findings in 3 orders of 10.")
    assert ended["totals"]["found"] == {"missing": 2, "unexplained": 0, "differs": 0, "double": 1}
    assert ended["totals"]["states"] == {
        "proven": 7,
        "off": 3,
        "under way": 0,
        "unread": 0,
        "refunded": 0,
    }
    assert (await viewer(proving).get("/api/proof")).json == ended
    assert (await viewer(proving).get(f"/api/proofs/{begun['id']}")).json == ended
    (listed,) = (await viewer(proving).get("/api/proofs")).json["items"]
    assert listed == ended


async def test_orders_that_are_off_come_first_with_cause_and_command(proving: World) -> None:
    ident = (await proved(proving))["id"]
    client = viewer(proving)
    off = (await client.get(f"/api/proofs/{ident}/orders?show=off")).json
    assert off["cursor"] is None
    assert [row["order"] for row in off["items"]] == ["1002", "1003", "1050"]
    (finding,) = off["items"][0]["findings"]
    assert (finding["kind"], finding["effect"], finding["cause"]) == (
        "missing",
        "invoice",
        "it was made as 3, and is gone from the accounts",
    )
    assert off["items"][2]["findings"][0]["command"] == "onpaid reconcile --lookback-hours 26"
    first = (await client.get(f"/api/proofs/{ident}/orders")).json
    rest = (await client.get(f"/api/proofs/{ident}/orders?cursor={first['cursor']}")).json
    assert [row["state"] for row in first["items"] + rest["items"]] == ["off"] * 3 + ["proven"] * 7
    assert rest["cursor"] is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"since": "yesterday"}, "is no time"),
        ({"since": "2026-13-01"}, "is no time"),
        ({"since": "2026-11-21T13:30"}, "empty"),
        ({"since": "400d"}, "more than 100 days"),
        ({"since": "99999d"}, "more than 100 days"),
        ({"from": "2d"}, "does not fit"),
    ],
)
async def test_a_period_that_is_none_is_refused_in_words(proving: World, body: Any, says: str) -> None:
    answer = await operator(proving).post("/api/proofs", data=body)
    assert answer.status == 400
    assert says in answer.problem["detail"]


async def test_seconds_are_limited_and_proofs_must_be_there(proving: World) -> None:
    client, ident = operator(proving), (await proved(proving))["id"]
    assert (await client.post(f"/api/proofs/{ident}/go-on", data={"seconds": 13})).status == 400
    assert (await client.post("/api/proofs/proof_no/go-on", data={})).status == 404
    assert (await client.get("/api/proofs/proof_no")).status == 404
    assert (await client.get("/api/proofs/proof_no/orders")).status == 404


async def test_viewers_look_and_do_not_begin(proving: World) -> None:
    assert (await viewer(proving).post("/api/proofs", data={})).status == 403
    assert (await Client(proving.app()).get("/api/proofs")).status == 401


async def test_without_a_provider_nothing_can_be_proven(world: World) -> None:
    answer = await operator(world).post("/api/proofs", data={})
    assert answer.status == 404
    assert "no provider" in answer.problem["detail"]
    assert "/console/proof" not in (await operator(world).get("/console")).text


# -- console -----------------------------------------------------------------------------------------------------


async def test_the_page_groups_findings_by_kind_and_leads_to_their_orders(proving: World) -> None:
    await proved(proving)
    for client in (await logged_in(proving), await logged_in(proving, VIEWER)):
        page = (await client.get("/console/proof")).text
        assert "3 findings in 3 orders of 10." in page
        assert [page.index(f'id="kind-{kind}"') for kind in ("missing", "double")] == sorted(
            page.index(f'id="kind-{kind}"') for kind in ("missing", "double")
        )
        assert 'href="/console/orders/konverzky/1002"' in page
        assert "<code>onpaid reconcile --lookback-hours 26</code>" in page
        assert "it was made as 3, and is gone from the accounts" in page
        assert not re.search(r"\b(None|undefined|Undefined)\b", page)


async def test_every_order_is_listed_on_wish(proving: World) -> None:
    ident = (await proved(proving))["id"]
    client = await logged_in(proving)
    page = (await client.get(f"/console/proof/{ident}?show=all")).text
    rows, following = re.findall(r'<tr id="l-(\d+)"', page), re.search(r'href="([^"]+)" rel="next"', page)
    assert rows == ["1002", "1003", "1050"]
    assert following is not None
    more = (await client.get(following[1].replace("&amp;", "&"))).text
    assert len(re.findall(r'<tr id="l-(\d+)"', more)) == 7


async def test_a_period_is_proven_from_the_form_without_a_script(proving: World) -> None:
    client = await logged_in(proving)
    page = await client.get("/console/proof")
    assert "Nothing was proven yet" in page.text
    form = {"csrf": csrf_in(page), "since": "2026-11-19", "until": "2026-11-21"}
    answer = await client.post("/console/proof", form=form)
    assert answer.status == 303
    where = answer.header("location")
    under_way = (await client.get(where)).text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in under_way
    assert 'data-live="3"' in under_way
    assert "Under way: Stripe’s charges." in under_way
    assert await proving.prover.work() == 0
    ended = (await client.get(where)).text
    assert "http-equiv" not in ended
    assert "3 findings in 3 orders of 10." in ended


async def test_a_form_from_elsewhere_and_a_viewer_begin_nothing(proving: World) -> None:
    client = await logged_in(proving)
    assert (await client.post("/console/proof", form={"since": "2d"})).status == 403
    looker = await logged_in(proving, VIEWER)
    page = await looker.get("/console/proof")
    assert 'action="/console/proof"' not in page.text
    assert (await looker.post("/console/proof", form={"csrf": csrf_in(page)})).status == 403


async def test_a_proof_that_could_not_be_read_is_never_green(world: World) -> None:
    books = await books_of(world)
    books.accounts.always = Unauthorised("Fiken answered 401: <our key> is not accepted")
    await proved(world)
    page = (await (await logged_in(world)).get("/console/proof")).text
    assert "Nothing is proven: the accounts’ invoices could not be read." in page
    assert "&lt;our key&gt;" in page
    assert "Proven:" not in page


async def test_a_period_in_which_all_agrees_is_green(world: World) -> None:
    await books_of(world, 2)
    told = await proved(world)
    assert told["verdict"] == "proven"
    page = (await (await logged_in(world, OPERATOR)).get("/console/proof")).text
    assert "Nothing is off" in page
    assert "Proven: 2 orders; nothing is off." in page
    assert Money(20_001, "NOK").format() in page
