"""The webhook endpoint as its owner switches it: disabled, deaf, in another version, elsewhere; and what is listed."""

from typing import Any

import pytest

from tests.simulators.kit import GUEST, Receiver, Start, pay
from tests.simulators.sales_kit import DAY, get, till


async def turn(client: Any, **wanted: Any) -> Any:
    said = await client.call("PUT", "/stripe/_endpoint", json=wanted)
    assert said.status == 200, said.text
    return said.json


async def test_what_happens_while_it_is_disabled_is_listed_and_never_sent(
    start: Start, receiver: Receiver
) -> None:
    client = await start(target=receiver.base)
    assert (await turn(client, status="disabled"))["status"] == "disabled"
    made = await pay(client, guest=GUEST)
    assert (await turn(client, status="enabled"))["status"] == "enabled"
    later = await pay(client, order_number="1002", guest=GUEST)
    await client.simulators.settled()
    assert {event["id"] for event in receiver.events()} == set(later["events"])
    listed = await get(client, "/events?limit=100")
    assert {event["id"] for event in listed["data"]} == {*made["events"], *later["events"]}
    assert (await get(client, "/events?delivery_success=false"))["data"] == []
    shown = (await get(client, "/webhook_endpoints"))["data"][0]
    assert (shown["status"], shown["enabled_events"]) == ("enabled", ["*"])


async def test_a_webhook_that_still_waits_is_given_up_when_it_is_disabled(
    start: Start, receiver: Receiver
) -> None:
    client = await start(target=receiver.base)

    async def refuse_and_disable(_path: str, _headers: dict[str, str], _body: bytes) -> int:
        client.simulators.stripe.told.endpoint.change({"status": "disabled"})
        return 500

    receiver.answer = refuse_and_disable
    made = await pay(client, guest=GUEST)
    await client.simulators.settled()
    counts = client.simulators.sender.counts()
    assert (counts["given_up"], counts["delivered"], counts["waiting"]) == (2, 0, 0)
    failed = await get(client, "/events?delivery_success=false")
    assert {event["id"] for event in failed["data"]} == set(made["events"])
    assert (await get(client, "/events?delivery_success=true"))["data"] == []


async def test_it_hears_only_of_what_it_asked_for(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    await turn(client, enabled_events=["payment_intent.succeeded"], api_version="2025-03-31.basil")
    await pay(client, guest=GUEST)
    await client.simulators.settled()
    assert [(event["type"], event["api_version"]) for event in receiver.events()] == [
        ("payment_intent.succeeded", "2025-03-31.basil")
    ]
    kinds = [event["type"] for event in (await get(client, "/events"))["data"]]
    assert sorted(kinds) == ["charge.succeeded", "payment_intent.succeeded"]


async def test_a_wrong_address_is_found_and_mended(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    await turn(client, url="http://127.0.0.1:9/nowhere")
    await pay(client, guest=GUEST)
    assert (await get(client, "/webhook_endpoints"))["data"][0]["url"] == "http://127.0.0.1:9/nowhere"
    assert len((await get(client, "/events?delivery_success=false"))["data"]) == 2
    await turn(client, url=None)
    await client.simulators.settled()
    assert len(receiver.events()) == 2
    assert (await get(client, "/events?delivery_success=false"))["data"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"status": "asleep"}, {"enabled_events": []}, {"enabled_events": "*"}, {"url": 5}, {"secret": "x"}],
)
async def test_what_it_does_not_have_is_refused_whole(start: Start, wrong: dict[str, Any]) -> None:
    client = await start()
    said = await client.call("PUT", "/stripe/_endpoint", json={"api_version": None, **wrong})
    assert said.status == 400
    assert (await client.call("GET", "/stripe/_endpoint")).json["api_version"] is not None


async def test_events_are_kept_for_thirty_days(start: Start) -> None:
    there = await till(start)
    there.sales.complete_session((await there.open())["id"])
    ident = (await get(there.client, "/events"))["data"][0]["id"]
    there.clock.at += 30 * DAY
    assert len((await get(there.client, "/events"))["data"]) == 3
    there.clock.at += 1
    assert (await get(there.client, "/events"))["data"] == []
    assert (await there.client.stripe("GET", f"/events/{ident}")).status == 404
    many = "&".join(f"types[]=t{nth}" for nth in range(21))
    assert (await there.client.stripe("GET", f"/events?{many}")).status == 400


async def test_a_refund_weeks_later_is_told_of_with_its_own_time(start: Start) -> None:
    there = await till(start)
    paid = there.sales.complete_session((await there.open())["id"])
    there.clock.at += 10 * DAY
    there.client.simulators.stripe.refund(paid["payment_intent"], 100)
    assert there.last("refund.created")["created"] == int(there.clock.at)
    since = int(there.clock.at) - DAY
    kinds = [event["type"] for event in (await get(there.client, f"/events?created[gte]={since}"))["data"]]
    assert sorted(kinds) == ["charge.refunded", "refund.created"]


async def test_a_webhook_is_tried_for_three_days(start: Start, receiver: Receiver) -> None:
    there = await till(start, target=receiver.base)

    def refuse(_path: str, _headers: dict[str, str], _body: bytes) -> int:
        there.clock.at += DAY
        return 500

    receiver.answer = refuse
    there.sales.sessions.expire((await there.open())["id"])
    await there.client.simulators.settled()
    counts = there.client.simulators.sender.counts()
    assert (counts["attempts"], counts["given_up"], counts["waiting"]) == (3, 1, 0)
    failed = await get(there.client, "/events?delivery_success=false&types[]=checkout.session.expired")
    assert len(failed["data"]) == 1
