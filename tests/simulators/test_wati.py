"""WATI's messages: variables by name, refusals that are successes, events by WATI's own ids, a list to look
in.
"""

import json
from typing import Any

import aiohttp
import pytest

from tests.simulators.kit import Client, HandClock, Receiver, Said, Start

NAMED = {
    "orderNumber": "2045861230417",
    "orderAmount": "INR 1,499.50",
    "estimatedDelivery": "26 Nov",
    "trackingUrl": "https://shop.example/track/x",
}


def body(given: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    params = [{"name": name, "value": value} for name, value in (NAMED if given is None else given).items()]
    made: dict[str, Any] = {"template_name": "order_confirmation", "broadcast_name": "ref-1"}
    return {**made, "parameters": params, **more}


async def send(
    client: Client,
    sent: Any = None,
    *,
    to: str = "919876543210",
    version: str = "v2",
    token: str = "wati_simulated",
) -> Said:
    return await client.call(
        "POST",
        f"/wati/api/{version}/sendTemplateMessage?whatsappNumber={to}",
        json=body() if sent is None else sent,
        headers={"Authorization": f"Bearer {token}"},
    )


async def read(client: Client, path: str) -> Said:
    return await client.call(
        "GET", f"/wati/api/v1/{path}", headers={"Authorization": "Bearer wati_simulated"}
    )


def events(receiver: Receiver) -> list[Any]:
    return [json.loads(sent) for _path, _headers, sent in receiver.got]


def rows(client: Client) -> list[Any]:
    return client.simulators.wati.rows()


async def test_a_message_is_accepted_and_told_of_by_its_id(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    said = await send(client)
    assert (said.status, said.json["result"], said.json["error"]) == (200, True, None)
    [got] = said.json["receivers"]
    assert (got["waId"], got["isValidWhatsAppNumber"], got["errors"]) == ("919876543210", True, [])
    await client.simulators.settled()
    told = events(receiver)
    assert {path for path, _headers, _body in receiver.got} == {"/webhooks/wati/wati_path_token_simulated"}
    assert {each["localMessageId"] for each in told} == {got["localMessageId"]}
    assert (told[0]["eventType"], told[0]["statusString"]) == ("templateMessageSent_v2", "SENT")
    assert told[0]["templateName"] == "order_confirmation"
    assert "2045861230417" in told[0]["text"]
    assert not any("ref-1" in json.dumps(each) for each in told)
    row = rows(client)[0]
    assert (row["ref"], row["provider_id"], row["params"]) == ("ref-1", got["localMessageId"], NAMED)


async def test_the_first_version_names_no_message(start: Start) -> None:
    client = await start()
    said = await send(client, version="v1")
    assert (said.json["result"], "receivers" in said.json) == (True, False)
    assert len(rows(client)) == 1


async def test_a_misnamed_variable_is_silently_left_out(start: Start) -> None:
    client = await start()
    said = await send(client, body({"ordernumber": "2045861230417", "orderAmount": "INR 5"}))
    assert said.json["result"] is True
    assert rows(client)[0]["params"] == {**dict.fromkeys(NAMED, ""), "orderAmount": "INR 5"}


@pytest.mark.parametrize(
    "sent",
    [
        body(template_name="unknown"),
        body(template_name=""),
        body(broadcast_name=None),
        body(colour="red"),
        body(parameters={}),
        body(parameters=[{"name": "orderNumber"}]),
        body(parameters=[{"name": "orderNumber", "value": 5}]),
        [],
    ],
)
async def test_what_is_wrong_is_a_success_that_says_no(start: Start, sent: Any) -> None:
    client = await start()
    said = await send(client, sent)
    assert (said.status, said.json["result"]) == (200, False)
    assert said.json["error"]
    assert rows(client) == []


async def test_a_number_that_is_not_on_whatsapp_is_refused_at_once(start: Start) -> None:
    client = await start()
    for to in ("919000000000", "98-76"):
        said = await send(client, to=to)
        [got] = said.json["receivers"]
        assert (said.status, said.json["result"], got["isValidWhatsAppNumber"]) == (200, False, False)
    assert rows(client) == []


async def test_a_value_with_a_line_break_fails_later(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    assert (await send(client, body({**NAMED, "estimatedDelivery": "26\nNov"}))).json["result"] is True
    await client.simulators.settled()
    [event] = events(receiver)
    assert (event["eventType"], event["statusString"]) == ("templateMessageFailed", "Failed")
    assert event["failedDetail"]
    item = (await read(client, "getMessages/919876543210")).json["messages"]["items"][0]
    assert (item["statusString"], item["failedDetail"]) == ("FAILED", event["failedDetail"])


async def test_what_was_said_to_a_number_is_listed(start: Start) -> None:
    clock = HandClock()
    client = await start(clock)
    first = (await send(client)).json["receivers"][0]["localMessageId"]
    clock.at += 60
    await send(client, to="919876543211")
    second = (await send(client, body(template_name="shipment_created"))).json["receivers"][0][
        "localMessageId"
    ]
    said = await read(client, "getMessages/919876543210?pageSize=10&pageNumber=1")
    items = said.json["messages"]["items"]
    assert [each["localMessageId"] for each in items] == [second, first]
    assert '"order_confirmation"' in items[1]["eventDescription"]
    assert all(value in items[1]["finalText"] for value in NAMED.values())
    assert items[1]["statusString"] in ("DELIVERED", "READ")
    assert items[0]["statusString"] == "PENDING"
    page = (await read(client, "getMessages/919876543210?pageSize=1&pageNumber=2")).json
    assert [each["localMessageId"] for each in page["messages"]["items"]] == [first]
    assert page["link"]["total"] == 2
    for bad in ("pageSize=0", "pageSize=many", "pageNumber=0"):
        assert (await read(client, f"getMessages/919876543210?{bad}")).status == 400
    templates = (await read(client, "getMessageTemplates?pageSize=1")).json["messageTemplates"]
    assert [each["paramName"] for each in templates[0]["customParams"]] == list(NAMED)


async def test_the_token_is_checked_and_it_can_be_down(start: Start) -> None:
    client = await start()
    assert (await send(client, token="wrong")).status == 401
    client.simulators.plan.set("429", rate=1, api_rate=1)
    assert (await send(client)).status == 429
    client.simulators.plan.set("503", rate=1, api_rate=1)
    assert (await read(client, "getMessages/919876543210")).status == 503
    client.simulators.plan.set("none")
    await client.call("PUT", "/wati/_state", json={"down": True})
    with pytest.raises(aiohttp.ClientError):
        await send(client)


async def test_a_forger_does_not_know_the_address(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    client.simulators.plan.set("bad-signature", seed=5, rate=1)
    receiver.answer = lambda path, _headers, _body: 200 if path.endswith("wati_path_token_simulated") else 404
    await send(client)
    await client.simulators.settled()
    forged = client.simulators.sender.forged
    assert forged["sent"] == forged["refused"] >= 2
