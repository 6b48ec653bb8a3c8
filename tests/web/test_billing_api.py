"""Billing events and subscribers through API and console: what is shown, what may be done, and what nobody is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from onpaid.engine.journal import RUNS
from tests.flows.billing_scenes import KEPT
from tests.web.billed import PICKY, Billed, make_billed
from tests.web.client import viewer
from tests.web.world import make_world

GIVEN = "whsec_" + "YSBzZWNyZXQgb2YgdGhlIHRlc3RzLCBpdCBpcyBsb25n"


@pytest.fixture
async def billed() -> Billed:
    return await make_billed()


async def test_events_are_listed_and_sifted(billed: Billed) -> None:
    first = await billed.published()
    billed.world.clock.move(timedelta(hours=1))
    second = await billed.published(type_="payment.refunded", mark="re_1")
    other = await billed.published(subject="pi_2", customer_id="cus_2")
    client = billed.viewer()

    async def ids(query: str) -> list[str]:
        return [row["id"] for row in (await client.get(f"/api/billing-events?{query}")).json["items"]]

    assert set(await ids("")) == {first.id, second.id, other.id}
    assert (await ids("order=oldest"))[0] == first.id
    assert await ids("type=payment.refunded") == [second.id]
    assert await ids("customer=cus_2") == [other.id]
    assert await ids("customer=cus_1&type=payment.successful") == [first.id]
    assert await ids("state=published&until=2026-11-21T12:30:00Z") == [first.id]
    assert await ids("since=2026-11-21T12:30:00Z&customer=cus_1") == [second.id]
    assert await ids("state=stale") == []
    page = (await client.get("/api/billing-events?limit=2&order=oldest")).json
    rest = await ids(f"limit=2&order=oldest&cursor={page['cursor']}")
    assert [row["id"] for row in page["items"]] + rest == [first.id, *sorted((second.id, other.id))]
    for wrong in ("type=imagined", "since=soon", "cursor=x", "state=lost"):
        assert (await client.get(f"/api/billing-events?{wrong}")).problem["status"] == 400


async def test_one_event_is_shown_with_what_others_get(billed: Billed) -> None:
    event = await billed.published()
    told = (await billed.viewer().get(f"/api/billing-events/{event.id}")).json
    assert (told["sequence"], told["state"], told["message"]) == (1, "published", "m-1")
    assert told["body"]["customerId"] == "cus_1"
    assert told["body"]["userId"] == "user_1"
    assert (await billed.viewer().get("/api/billing-events/be_0")).problem["status"] == 404


async def test_a_subscriber_is_added_and_its_secret_told_once(billed: Billed) -> None:
    client = billed.operator()
    added = (await client.post("/api/subscribers", data={"url": "https://new.example.org/in?k=v"})).json
    assert added["secret"].startswith("whsec_")
    ident = added["subscriber"]["id"]
    for path in (
        "/api/subscribers",
        f"/api/subscribers/{ident}",
        "/console/billing",
        f"/console/billing/subscribers/{ident}",
    ):
        answer = await client.get(path)
        assert answer.status == 200
        assert added["secret"] not in answer.text
        assert KEPT.secret not in answer.text
        assert "k=v" not in answer.text
        assert "veiled" not in answer.text
    given = await client.post(
        "/api/subscribers",
        data={"url": "https://a.example.org/", "types": ["invoice.paid", "invoice.paid"], "secret": GIVEN},
    )
    assert given.json["secret"] == GIVEN
    assert given.json["subscriber"]["types"] == ["invoice.paid"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "http://new.example.org/in"},
        {"url": "https://127.0.0.1/in"},
        {"url": "https://169.254.169.254/latest"},
        {"url": "https://new.example.org/" + "x" * 1000},
        {"url": "https://new.example.org/", "types": ["payment.imagined"]},
        {"url": "https://new.example.org/", "secret": "short"},
        {"url": "https://new.example.org/", "secret": "whsec_c2hvcnQ="},
        {"url": "https://new.example.org/", "state": "paused"},
    ],
)
async def test_a_subscriber_that_cannot_be(billed: Billed, body: dict[str, object]) -> None:
    answer = await billed.operator().post("/api/subscribers", data=body)
    assert answer.problem["status"] == 400
    assert "c2hvcnQ" not in answer.text
    assert len(await billed.desk.all()) == 2


async def test_there_are_only_so_many_subscribers(billed: Billed) -> None:
    client = billed.operator()
    for number in range(18):
        await client.post("/api/subscribers", data={"url": f"https://s{number}.example.org/"})
    answer = await client.post("/api/subscribers", data={"url": "https://more.example.org/"})
    assert answer.problem["status"] == 409
    assert "topic" in answer.problem["detail"]


async def test_pause_resume_and_remove(billed: Billed) -> None:
    client = billed.operator()
    assert (await client.post("/api/subscribers/sbr_1/pause")).json["state"] == "paused"
    assert (await client.post("/api/subscribers/sbr_1/pause")).json["why"] == "paused by the operator (API)"
    assert (await client.post("/api/subscribers/sbr_1/test")).problem["status"] == 409
    assert (await client.post("/api/subscribers/sbr_1/replay", data={"since": "2026-11-21"})).status == 409
    assert (await client.post("/api/subscribers/sbr_1/resume")).json["state"] == "active"
    assert await RUNS.get(billed.world.store, "replay_billing_events:sbr_1/1/1") is not None
    assert (await client.post("/api/subscribers/sbr_1/remove")).json["id"] == "sbr_1"
    for act in ("pause", "resume", "remove", "test"):
        assert (await client.post(f"/api/subscribers/sbr_1/{act}")).problem["status"] == 404
    assert [row["id"] for row in (await client.get("/api/subscribers")).json["items"]] == [PICKY.id]


async def test_two_who_resume_at_once_both_succeed(billed: Billed) -> None:
    await billed.desk.pause("sbr_1", by="operator")
    await asyncio.gather(*(billed.desk.resume("sbr_1") for _ in range(3)))
    kept = await billed.desk.get("sbr_1")
    assert kept is not None
    assert (kept.state, kept.rounds) == ("active", 3)


async def test_a_replay_and_a_test_start_runs(billed: Billed) -> None:
    client = billed.operator()
    assert "no event yet" in (await client.post("/api/subscribers/sbr_1/test")).problem["detail"]
    event = await billed.published()
    assert (await client.post("/api/subscribers/sbr_1/test")).json["event"] == event.id
    assert await RUNS.get(billed.world.store, f"deliver_billing_event:sbr_1/{event.id}/1/1") is not None
    asked = {"since": "2026-11-20", "until": "2026-11-22T00:00:00+01:00", "type": "payment.successful"}
    told = (await client.post("/api/subscribers/sbr_1/replay", data=asked)).json
    assert await RUNS.get(billed.world.store, told["run"]) is not None
    for wrong in ({}, {"since": "x"}, {**asked, "type": "x"}, {"since": "2027-01-01"}):
        assert (await client.post("/api/subscribers/sbr_1/replay", data=wrong)).problem["status"] == 400


async def test_deliveries_are_told_with_what_came_of_them(billed: Billed) -> None:
    event = await billed.published()
    await billed.failed(event)
    (row,) = (await billed.viewer().get("/api/subscribers/sbr_1/deliveries")).json["items"]
    assert (row["state"], row["tries"], row["why"]) == ("retrying", 1, "it answered 500")
    assert (await billed.viewer().get("/api/subscribers/sbr_1/deliveries?state=held")).json["items"] == []
    assert (await billed.viewer().get("/api/subscribers/sbr_1")).json["state"] == "failing"


async def test_viewers_only_look(billed: Billed) -> None:
    event = await billed.published()
    client = billed.viewer()
    for act in ("pause", "resume", "remove", "test", "replay"):
        assert (await client.post(f"/api/subscribers/sbr_1/{act}")).problem["status"] == 403
    assert (await client.post("/api/subscribers", data={"url": "https://x.example.org/"})).problem[
        "status"
    ] == 403
    page = await client.get("/console/billing")
    assert page.status == 200
    assert 'action="/console/billing/pause"' not in page.text
    assert event.id in page.text


async def test_the_console_shows_events_and_who_gets_them(billed: Billed) -> None:
    client = billed.operator()
    empty = (await client.get("/console/billing")).text
    assert "No billing event yet" in empty
    event = await billed.published()
    await billed.failed(event, gone=True)
    page = (await client.get("/console/billing?type=payment.successful")).text
    assert "payment.successful</a>" in page
    assert "hook.example.org" in page
    assert "it answered 500" in page, "why a subscriber is paused"
    assert "<option selected>payment.successful" in page
    assert "No such event" in (await client.get("/console/billing?customer=cus_9")).text
    one = (await client.get(f"/console/billing/events/{event.id}")).text
    assert "Event 1 of cus_1" in one
    assert "stopped" in one
    listener = (await client.get("/console/billing/subscribers/sbr_1")).text
    assert "Resume" in listener
    for path in ("/console/billing/events/be_0", "/console/billing/subscribers/sbr_0"):
        assert (await client.get(path)).status == 404


async def test_without_the_story_there_is_nothing_to_see() -> None:
    world = make_world()
    for path in ("/api/billing-events", "/api/subscribers"):
        assert (await viewer(world).get(path)).problem["status"] == 404
    assert (await viewer(world).get("/console/billing")).status == 404
    assert "/console/billing" not in (await viewer(world).get("/console")).text
