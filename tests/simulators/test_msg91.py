"""MSG91's messages: components as a map, errors inside of successes, reports without a signature."""

import json
from typing import Any

import aiohttp
import pytest

from tests.simulators.kit import Client, Receiver, Said, Start

PATH = "/msg91/api/v5/whatsapp/whatsapp-outbound-message/bulk/"
VALUES = ("2045861230417", "INR 1,499.50", "26 Nov", "https://shop.example/track/x")
COMPONENTS: dict[str, Any] = {
    f"body_{nth}": {"type": "text", "value": value} for nth, value in enumerate(VALUES, 1)
}


def request(
    to: str = "919876543210",
    components: Any = COMPONENTS,
    template: dict[str, Any] | None = None,
    **top: Any,
) -> dict[str, Any]:
    made = {
        "name": "order_confirmation",
        "language": {"code": "en", "policy": "deterministic"},
        "namespace": None,
        "to_and_components": [{"to": [to], "components": components}],
        **(template or {}),
    }
    return {
        "integrated_number": "919876500000",
        "content_type": "template",
        "payload": {"messaging_product": "whatsapp", "type": "template", "template": made},
        "CRQID": "ref-1",
        **top,
    }


async def send(client: Client, body: Any = None, key: str = "msg91_simulated") -> Said:
    return await client.call("POST", PATH, json=request() if body is None else body, headers={"authkey": key})


def reports(receiver: Receiver) -> list[Any]:
    return [json.loads(body) for _path, _headers, body in receiver.got]


def rows(client: Client) -> list[Any]:
    return client.simulators.msg91.rows()


async def test_a_message_is_accepted_and_reported_under_both_ids(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    said = await send(client)
    assert (said.status, said.json["status"], said.json["hasError"]) == (200, "success", False)
    ident = said.json["request_id"]
    await client.simulators.settled()
    told = reports(receiver)
    assert {path for path, _headers, _body in receiver.got} == {"/webhooks/msg91/msg91_path_token_simulated"}
    assert {(each["requestId"], each["CRQID"], each["mobile"]) for each in told} == {
        (ident, "ref-1", "919876543210")
    }
    assert told[0]["status"] == "sent"
    assert json.loads(told[0]["content"])["orderNumber"] == "2045861230417"
    row = rows(client)[0]
    assert (row["ref"], row["provider_id"], row["template"]) == ("ref-1", ident, "order_confirmation")
    assert row["params"]["orderNumber"] == "2045861230417"


async def test_each_recipient_is_reported_alone(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    both = [
        {"to": ["919876543210", "919876543211"], "components": COMPONENTS},
        {"to": ["919876543212"], "components": COMPONENTS, "CRQID": "ref-2"},
    ]
    said = await send(client, request(template={"to_and_components": both}))
    await client.simulators.settled()
    assert {each["requestId"] for each in reports(receiver)} == {said.json["request_id"]}
    assert {(each["mobile"], each["CRQID"]) for each in reports(receiver)} == {
        ("919876543210", "ref-1"),
        ("919876543211", "ref-1"),
        ("919876543212", "ref-2"),
    }
    assert len({row["provider_id"] for row in rows(client)}) == 3


LISTED = [{"type": "body", "parameters": []}]
GAP = {"body_2": {"type": "text", "value": "x"}}
FULL_LINK = {**COMPONENTS, "button_1": {"type": "text", "value": "x"}}


@pytest.mark.parametrize(
    "body",
    [
        request(integrated_number="911"),
        request(content_type="text"),
        request(colour="red"),
        request(CRQID="onpaid:1"),
        request(CRQID=5),
        request(payload={"type": "text"}),
        request(to="+919876543210"),
        request(components=LISTED),
        request(components=GAP),
        request(components=FULL_LINK),
        request(components={"body_1": {"type": "text", "value": 5}}),
        request(template={"name": "unknown"}),
        request(template={"language": {"code": "hi"}}),
        request(template={"to_and_components": []}),
        request(template={"to_and_components": [{"to": [], "components": {}}]}),
        request(template={"to_and_components": [{"to": ["919876543210"] * 1001}]}),
        [],
    ],
)
async def test_what_is_wrong_is_a_success_with_an_error_inside(start: Start, body: Any) -> None:
    client = await start()
    said = await send(client, body)
    assert (said.status, said.json["status"], said.json["hasError"]) == (200, "error", True), said.text
    assert "request_id" not in said.json
    assert rows(client) == []


async def test_the_key_the_slash_and_the_json_matter(start: Start) -> None:
    client = await start()
    assert (await send(client, key="wrong")).status == 401
    headers = {"authkey": "msg91_simulated"}
    bare = await client.call("POST", PATH[:-1], json=request(), headers=headers, allow_redirects=False)
    assert bare.status == 307
    assert (await client.call("POST", PATH, data=b"{", headers=headers)).status == 400


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (request(to="919000000000"), "131026"),
        (request(components={"body_1": COMPONENTS["body_1"]}), "132000"),
        (request(components={**COMPONENTS, "body_4": {"type": "text", "value": "a\nb"}}), "132018"),
    ],
)
async def test_what_whatsapp_objects_to_is_reported_later(
    start: Start, receiver: Receiver, body: Any, code: str
) -> None:
    client = await start(target=receiver.base)
    assert (await send(client, body)).json["status"] == "success"
    await client.simulators.settled()
    [report] = reports(receiver)
    assert report["status"] == "failed"
    assert report["failureReason"].startswith(code)


async def test_a_forger_does_not_know_the_address(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    client.simulators.plan.set("bad-signature", seed=5, rate=1)
    receiver.answer = lambda path, _headers, _body: (
        200 if path.endswith("msg91_path_token_simulated") else 404
    )
    await send(client, request(components={**COMPONENTS, "button_1": {**GAP["body_2"], "subtype": "url"}}))
    await client.simulators.settled()
    forged = client.simulators.sender.forged
    assert forged["sent"] == forged["refused"] >= 2


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("503", 503)])
async def test_trouble(start: Start, fault: str, status: int) -> None:
    client = await start()
    client.simulators.plan.set(fault, rate=1, api_rate=1)
    said = await send(client)
    assert (said.status, said.json["hasError"]) == (status, True)
    client.simulators.plan.set("none")
    await client.call("PUT", "/msg91/_state", json={"down": True})
    with pytest.raises(aiohttp.ClientError):
        await send(client)
