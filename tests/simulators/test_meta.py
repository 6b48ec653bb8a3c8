"""Meta's messages: what is accepted and what is refused, and the statuses that are told of each."""

import hashlib
import hmac
import json
from typing import Any

import aiohttp
import pytest

from onpaid.simulators.kit import Dice, Times
from onpaid.simulators.messages import ladder
from tests.simulators.kit import Client, HandClock, Receiver, Said, Start

PATH = "/meta/v23.0/106540352242922/messages"
VALUES = ("2045861230417", "INR 1,499.50", "26 Nov", "https://shop.example/track/x")


def message(to: str = "919876543210", ref: str = "onpaid:1:oc", **template: Any) -> dict[str, Any]:
    texts = [{"type": "text", "text": value} for value in VALUES]
    made: dict[str, Any] = {"name": "order_confirmation", "language": {"code": "en"}}
    made["components"] = [{"type": "body", "parameters": texts}]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": {**made, **template},
        "biz_opaque_callback_data": ref,
    }


async def send(client: Client, body: Any = None, *, token: str = "meta_simulated", path: str = PATH) -> Said:
    headers = {"Authorization": f"Bearer {token}"}
    return await client.call("POST", path, json=message() if body is None else body, headers=headers)


def signed(headers: dict[str, str], body: bytes) -> bool:
    digest = hmac.new(b"meta_app_simulated", body, hashlib.sha256).hexdigest()
    return headers.get("x-hub-signature-256") == f"sha256={digest}"


def statuses(receiver: Receiver) -> list[Any]:
    """All statuses that came, those of other people's messages too."""
    values = [
        change["value"]
        for _path, _headers, body in receiver.got
        for entry in json.loads(body)["entry"]
        for change in entry["changes"]
    ]
    return [status for value in values for status in value.get("statuses", [])]


def rows(client: Client) -> list[Any]:
    return client.simulators.meta.rows()


async def test_a_message_is_accepted_and_its_statuses_bear_our_reference(
    start: Start, receiver: Receiver
) -> None:
    client = await start(target=receiver.base)
    said = await send(client)
    assert said.status == 200
    assert said.json["contacts"] == [{"input": "919876543210", "wa_id": "919876543210"}]
    ident = said.json["messages"][0]["id"]
    assert ident.startswith("wamid.")
    await client.simulators.settled()
    path, headers, body = receiver.got[0]
    assert (path, signed(headers, body)) == ("/webhooks/whatsapp", True)
    ours = [status for status in statuses(receiver) if status["id"] == ident]
    assert ours[0]["status"] == "sent"
    assert {status["biz_opaque_callback_data"] for status in ours} == {"onpaid:1:oc"}
    assert all(status["timestamp"].isdecimal() for status in ours)
    row = rows(client)[0]
    assert (row["to"], row["template"], row["ref"], row["provider_id"]) == (
        "919876543210",
        "order_confirmation",
        "onpaid:1:oc",
        ident,
    )
    assert row["params"]["orderNumber"] == "2045861230417"
    assert row["status"] == ours[-1]["status"]


BODY = [{"type": "body", "parameters": [{"type": "text", "text": "1"}] * 3}]
TABBED = [{"type": "body", "parameters": [{"type": "text", "text": "a\tb"}] * 4}]
LINK = [{"type": "text", "text": "https://shop.example/x"}]
BUTTON = [{"type": "button", "sub_type": "url", "index": "0", "parameters": LINK}]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (message(name="unknown"), 404, 132001),
        (message(language={"code": "hi"}), 404, 132001),
        (message(language={"code": "en", "policy": "fallback"}), 400, 100),
        (message(components=BODY), 400, 132000),
        (message(components=[]), 400, 132000),
        (message(components=TABBED), 400, 100),
        (message(components=BUTTON), 400, 132012),
        (message(components={"type": "body"}), 400, 100),
        (message(components=[{"type": "footer"}]), 400, 132012),
        (message(components=[{"type": "body", "parameters": [{"type": "text", "text": ""}]}]), 400, 131008),
        (message(to="+919876543210"), 400, 131009),
        ({**message(), "color": "red"}, 400, 100),
        ({**message(), "biz_opaque_callback_data": 5}, 400, 100),
        ({**message(), "type": "text"}, 400, 131047),
        ({**message(), "messaging_product": "sms"}, 400, 100),
        ({**message(), "template": None}, 400, 100),
        ([], 400, 100),
    ],
)
async def test_what_is_wrong_is_refused_with_its_code(
    start: Start, body: Any, status: int, code: int
) -> None:
    client = await start()
    said = await send(client, body)
    assert (said.status, said.json["error"]["code"]) == (status, code), said.text
    assert rows(client) == []


async def test_who_calls_and_what_for_is_checked(start: Start) -> None:
    client = await start()
    said = await send(client, token="expired")
    assert (said.status, said.json["error"]["code"]) == (401, 190)
    for path in ("/meta/v23.0/1555/messages", "/meta/latest/106540352242922/messages"):
        assert (await send(client, path=path)).json["error"]["code"] == 100
    headers = {"Authorization": "Bearer meta_simulated"}
    shown = await client.call("GET", f"{PATH.removesuffix('/messages')}?fields=id", headers=headers)
    assert (shown.status, shown.json) == (200, {"id": "106540352242922"})
    not_json = await client.call("POST", PATH, data=b"{", headers=headers)
    assert (not_json.status, not_json.json["error"]["code"]) == (400, 100)


async def test_two_messages_to_one_number_need_a_moment_between(start: Start) -> None:
    clock = HandClock()
    client = await start(clock, pair_interval=6.0)
    assert (await send(client)).status == 200
    assert (await send(client, message(to="919876543211"))).status == 200
    clock.at += 5.9
    said = await send(client, message(ref="onpaid:1:sc"))
    assert (said.status, said.json["error"]["code"]) == (400, 131056)
    clock.at += 0.1
    assert (await send(client, message(ref="onpaid:1:sc"))).status == 200
    assert [row["ref"] for row in rows(client)] == ["onpaid:1:oc", "onpaid:1:oc", "onpaid:1:sc"]


async def test_a_number_that_is_not_on_whatsapp_fails_later(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    said = await send(client, message(to="919000000000"))
    assert said.status == 200
    await client.simulators.settled()
    ours = [each for each in statuses(receiver) if each["id"] == said.json["messages"][0]["id"]]
    assert [(each["status"], each["errors"][0]["code"]) for each in ours] == [("failed", 131026)]
    assert rows(client)[0]["status"] == "failed"


async def test_other_peoples_messages_are_told_of_too(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base, pair_interval=0.0)
    for nth in range(30):
        assert (await send(client, message(ref=f"m{nth}"))).status == 200
    await client.simulators.settled()
    assert any("biz_opaque_callback_data" not in status for status in statuses(receiver))
    assert any(b'"contacts"' in body for _path, _headers, body in receiver.got)


def test_some_messages_are_never_read_and_some_are_read_undelivered() -> None:
    ways = {tuple(word for _at, word in ladder(Dice(nth), 100.0, Times(), failed=False)) for nth in range(60)}
    assert ways == {("sent", "delivered", "read"), ("sent", "delivered"), ("sent", "read")}
    times = [at for at, _word in ladder(Dice(1), 100.0, Times(), failed=False)]
    assert times == sorted(times)
    assert [word for _at, word in ladder(Dice(1), 100.0, Times(), failed=True)] == ["failed"]


async def test_statuses_come_in_time(start: Start, receiver: Receiver) -> None:
    clock = HandClock()
    client = await start(clock, target=receiver.base)
    await send(client)
    assert rows(client)[0]["status"] == "accepted"
    clock.at += client.simulators.settings.times.status_after * 3
    assert rows(client)[0]["status"] in ("delivered", "read")
    clock.gate.set()
    await client.simulators.settled()
    assert len(statuses(receiver)) >= 2


async def test_a_refused_call_has_no_effect_and_a_lost_answer_mostly_has_one(start: Start) -> None:
    client = await start(pair_interval=0.0)
    plan = client.simulators.plan
    plan.set("429", rate=1, api_rate=1)
    said = await send(client)
    assert (said.status, said.json["error"]["code"]) == (429, 130429)
    plan.set("503", rate=1, api_rate=1)
    said = await send(client, message(ref="other"))
    assert (said.status, said.json["error"]["code"]) == (503, 131016)
    await client.simulators.landing.finished()
    plan.set("commit-then-timeout", rate=1, api_rate=1)
    for nth in range(12):
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await client.call(
                "POST",
                PATH,
                json=message(ref=f"lost{nth}"),
                headers={"Authorization": "Bearer meta_simulated"},
                timeout=aiohttp.ClientTimeout(total=0.1),
            )
    await client.simulators.landing.finished()
    lost = [row for row in rows(client) if row["ref"].startswith("lost")]
    assert 0 < len(lost) < 12


async def test_forgeries_are_sent_beside_and_repeats_are_alike(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base, pair_interval=0.0)
    client.simulators.plan.set("bad-signature,duplicate", seed=3, rate=1)
    receiver.answer = lambda _path, headers, body: 200 if signed(headers, body) else 401
    for nth in range(5):
        await send(client, message(ref=f"m{nth}"))
    await client.simulators.settled()
    forged = client.simulators.sender.forged
    assert forged["sent"] == forged["refused"] >= 10
    good = [body for _path, headers, body in receiver.got if signed(headers, body)]
    assert len(good) > len(set(good)) >= 10


async def test_a_dropped_status_never_comes(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    client.simulators.plan.set("drop-webhook", rate=1)
    await send(client)
    await client.simulators.settled()
    assert receiver.got == []
    assert client.simulators.sender.dropped >= 2


async def test_it_can_be_switched_off_and_forgets(start: Start) -> None:
    client = await start()
    await send(client)
    assert (await client.call("PUT", "/meta/_state", json={"down": True})).json == {"down": True}
    with pytest.raises(aiohttp.ClientError):
        await send(client)
    for bad in ({"up": True}, {"down": "yes"}, []):
        assert (await client.call("PUT", "/meta/_state", json=bad)).status == 400
    assert (await client.call("GET", "/meta/_state")).json == {"down": True}
    await client.call("PUT", "/meta/_state", json={"down": False})
    await client.call("POST", "/_reset")
    assert rows(client) == []
    assert (await send(client)).status == 200
