"""Twilio's messages: forms, callbacks to each message's own address, and the list that is asked in doubt."""

import base64
import json
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest

from onpaid.simulators.twilio import signature
from tests.simulators.kit import TARGET, Client, HandClock, Receiver, Said, Start

ACCOUNT = "AC" + "0" * 32
BASE = f"/twilio/2010-04-01/Accounts/{ACCOUNT}"
VALUES = {"1": "2045861230417", "2": "INR 1,499.50", "3": "26 Nov", "4": "https://shop.example/track/x"}


def login(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode()}


LOGIN = login("twilio_simulated")


def form(**fields: str) -> dict[str, str]:
    return {
        "To": "whatsapp:+919876543210",
        "From": "whatsapp:+14155238886",
        "ContentSid": "HX" + "1" * 32,
        "ContentVariables": json.dumps(VALUES),
        **fields,
    }


async def send(client: Client, headers: dict[str, str] = LOGIN, **fields: str) -> Said:
    data = {name: value for name, value in form(**fields).items() if value}
    return await client.call("POST", f"{BASE}/Messages.json", data=data, headers=headers)


async def listed(client: Client, **query: str) -> Any:
    said = await client.call("GET", f"{BASE}/Messages.json", params=query, headers=LOGIN)
    assert said.status == 200, said.text
    return said.json


def callbacks(receiver: Receiver) -> list[tuple[str, dict[str, str], str | None]]:
    """Path, fields and signature of each callback."""
    return [
        (path, dict(parse_qsl(body.decode(), keep_blank_values=True)), headers.get("x-twilio-signature"))
        for path, headers, body in receiver.got
    ]


def rows(client: Client) -> list[Any]:
    return client.simulators.twilio.rows()


def test_the_signature_is_twilios() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature("12345", url, fields) == "GvWf1cFY/Q7PnoempGyD5oXAezc="


async def test_a_message_is_queued_and_calls_back_where_it_was_told_to(
    start: Start, receiver: Receiver
) -> None:
    client = await start()
    callback = f"{receiver.base}/webhooks/twilio/cmVm"
    said = await send(client, StatusCallback=callback)
    assert said.status == 201
    told = said.json
    assert (told["status"], told["body"], told["date_sent"]) == ("queued", "", None)
    assert parsedate_to_datetime(told["date_created"])
    await client.simulators.settled()
    words = []
    for path, fields, signed in callbacks(receiver):
        assert path == "/webhooks/twilio/cmVm"
        assert signed == signature("twilio_simulated", callback, fields)
        assert (fields["MessageSid"], fields["To"]) == (told["sid"], "whatsapp:+919876543210")
        words.append(fields["MessageStatus"])
    assert words[0] == "sent"
    assert "queued" not in words
    row = rows(client)[0]
    assert (row["to"], row["template"], row["ref"], row["provider_id"]) == (
        "919876543210",
        "order_confirmation",
        "cmVm",
        told["sid"],
    )
    assert row["params"]["orderNumber"] == "2045861230417"
    shown = await client.call("GET", f"{BASE}/Messages/{told['sid']}.json", headers=LOGIN)
    assert (shown.json["status"], shown.json["error_code"]) == (words[-1], None)


async def test_a_public_address_is_called_through_the_target(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    callback = "https://pay.shop.example/webhooks/twilio/cmVm?x=1"
    assert (await send(client, StatusCallback=callback)).status == 201
    await client.simulators.settled()
    path, fields, signed = callbacks(receiver)[0]
    assert (path, signed) == ("/webhooks/twilio/cmVm", signature("twilio_simulated", callback, fields))


async def test_without_a_callback_nobody_is_told(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    assert (await send(client)).status == 201
    await client.simulators.settled()
    assert (receiver.got, len(rows(client))) == ([], 1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "+919876543210"}, 21211),
        ({"To": "whatsapp:+91 98765"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "whatsapp:+19999999999"}, 63007),
        ({"MessagingServiceSid": "MG1"}, 63007),
        ({"ContentSid": ""}, 21619),
        ({"ContentSid": "HX1"}, 21655),
        ({"ContentSid": "HX" + "9" * 32}, 21655),
        ({"ContentVariables": "[1]"}, 21656),
        ({"ContentVariables": '{"1": 5}'}, 21656),
        ({"ContentVariables": "{"}, 21656),
        ({"StatusCallback": "https://my_host.example/x"}, 21609),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"Priority": "high"}, 20001),
    ],
)
async def test_what_is_wrong_is_refused_with_its_code(
    start: Start, fields: dict[str, str], code: int
) -> None:
    client = await start()
    said = await send(client, **fields)
    assert (said.status, said.json["status"], said.json["code"]) == (400, 400, code)
    assert rows(client) == []


async def test_who_calls_is_checked_and_json_is_not_read(start: Start) -> None:
    client = await start()
    said = await send(client, login("wrong"))
    assert (said.status, said.json["code"]) == (401, 20003)
    said = await client.call("POST", f"{BASE}/Messages.json", json=form(), headers=LOGIN)
    assert (said.status, said.json["code"]) == (400, 21604)
    other = f"/twilio/2010-04-01/Accounts/AC{'1' * 32}/Messages.json"
    assert (await client.call("GET", other, headers=LOGIN)).json["code"] == 20404
    missing = await client.call("GET", f"{BASE}/Messages/SM{'1' * 32}.json", headers=LOGIN)
    assert (missing.status, missing.json["code"]) == (404, 20404)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": "whatsapp:+919000000000"}, 63024),
        ({"ContentSid": "", "Body": "Hello"}, 63016),
        ({"ContentVariables": '{"1": "2045861230417"}'}, 63028),
        ({"ContentVariables": json.dumps({**VALUES, "4": ""})}, 63028),
    ],
)
async def test_what_whatsapp_objects_to_is_accepted_first(
    start: Start, receiver: Receiver, fields: dict[str, str], code: int
) -> None:
    client = await start(target=receiver.base)
    said = await send(client, StatusCallback=f"{receiver.base}/webhooks/twilio/x", **fields)
    assert (said.status, said.json["error_code"]) == (201, None)
    await client.simulators.settled()
    told = [(fields["MessageStatus"], fields["ErrorCode"]) for _path, fields, _signed in callbacks(receiver)]
    assert told == [("undelivered", str(code))]
    assert (await listed(client))["messages"][0]["error_code"] == code


async def test_the_list_is_searched_by_recipient_and_time(start: Start) -> None:
    clock = HandClock()
    clock.at = 1_790_000_000.0
    client = await start(clock)
    first = (await send(client)).json["sid"]
    await send(client, To="whatsapp:+919876543211")
    clock.at += 86_400
    third = (await send(client)).json["sid"]
    mine = {"To": "whatsapp:+919876543210"}
    assert [each["sid"] for each in (await listed(client, **mine))["messages"]] == [third, first]
    later = await listed(client, **mine, **{"DateSent>": "2026-09-22"})
    assert [each["sid"] for each in later["messages"]] == [third]
    before = await listed(client, **mine, **{"DateSent<": "2026-09-21T23:59:59Z"})
    assert [each["sid"] for each in before["messages"]] == [first]
    on_the_day = await listed(client, DateSent="2026-09-21")
    assert len(on_the_day["messages"]) == 2
    assert (await listed(client, From="whatsapp:+19999999999"))["messages"] == []
    page = await listed(client, PageSize="2")
    assert (page["page"], page["start"], page["end"], page["previous_page_uri"]) == (0, 0, 1, None)
    rest = (await client.call("GET", f"/twilio{page['next_page_uri']}", headers=LOGIN)).json
    assert ([each["sid"] for each in rest["messages"]], rest["next_page_uri"]) == ([first], None)
    for bad in ({"DateSent>": "lately"}, {"PageSize": "5000"}, {"Page": "-1"}, {"Sender": "x"}):
        said = await client.call("GET", f"{BASE}/Messages.json", params=bad, headers=LOGIN)
        assert (said.status, said.json["code"]) == (400, 20001)


async def test_what_was_said_is_told_only_where_it_is_switched_on(start: Start) -> None:
    client = await start()
    await send(client)
    assert (await listed(client))["messages"][0]["body"] == ""
    await client.call("PUT", "/twilio/_state", json={"bodies": True})
    assert "2045861230417" in (await listed(client))["messages"][0]["body"]
    await client.call("PUT", "/twilio/_state", json={"down": True})
    with pytest.raises(aiohttp.ClientError):
        await send(client)


async def test_forged_callbacks_are_not_signed_rightly(start: Start, receiver: Receiver) -> None:
    client = await start()
    client.simulators.aim(replace(TARGET, base=receiver.base))
    client.simulators.plan.set("bad-signature", seed=5, rate=1)
    callback = f"{receiver.base}/webhooks/twilio/x"

    def good(_path: str, headers: dict[str, str], body: bytes) -> int:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        right = signature("twilio_simulated", callback, fields)
        return 200 if headers.get("x-twilio-signature") == right else 403

    receiver.answer = good
    for _ in range(8):
        await send(client, StatusCallback=callback)
    await client.simulators.settled()
    forged = client.simulators.sender.forged
    assert forged["sent"] == forged["refused"] >= 16
    assert any(signed is None for _path, _fields, signed in callbacks(receiver))


@pytest.mark.parametrize(("fault", "status", "code"), [("429", 429, 20429), ("503", 503, 20503)])
async def test_trouble_is_worded_as_twilio_does(start: Start, fault: str, status: int, code: int) -> None:
    client = await start()
    client.simulators.plan.set(fault, rate=1, api_rate=1)
    said = await send(client)
    assert (said.status, said.json["code"]) == (status, code)
