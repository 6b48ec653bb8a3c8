"""WATI's client, against scripted answers; the simulator has its turn in the suite of the role."""

from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Finding, Found, Unsure, act_of
from onpaid.domain.messages import Sent
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.wati import PAGE, Settings, Wati
from tests.providers.message_samples import MESSAGE, NUMBER, VALUES, Heard, make_wati
from tests.providers.scripted import Reply, reply, scripted

LOCAL = "d38f0c3a-e833-4725-a894-53a2b1dc1af6"
RECEIVER = {"localMessageId": LOCAL, "waId": "919876543210", "isValidWhatsAppNumber": True, "errors": []}
TAKEN = {"result": True, "error": None, "templateName": "x", "receivers": [RECEIVER], "parameters": []}


def no(words: Any, status: int = 200) -> Reply:
    """A refusal; it comes as a 200."""
    return reply(status, {"result": False, "error": words, "receivers": []})


def to(**changes: Any) -> Reply:
    return reply(200, {**TAKEN, "receivers": [{**RECEIVER, **changes}]})


async def answered(answer: Reply) -> Sent:
    async with scripted(answer) as server:
        client = make_wati(server.base)
        try:
            return await client.send_message(MESSAGE)
        finally:
            await client.close()


async def test_a_template_goes_out_with_its_variables_by_name() -> None:
    async with scripted(reply(200, TAKEN)) as server:
        client = make_wati(f"{server.base}/12345", token="Bearer wati_simulated")
        sent = await client.send_message(replace(MESSAGE, url_suffix="AbC-123"))
        assert sent == Sent("wati", LOCAL)
        request = server.requests[0]
        assert request.target == "/12345/api/v2/sendTemplateMessage?whatsappNumber=919876543210"
        assert request.headers["authorization"] == "Bearer wati_simulated"
        names = [parameter.name for parameter in MESSAGE.parameters]
        assert request.json() == {
            "template_name": "order_confirmation",
            "broadcast_name": MESSAGE.ref,
            "parameters": [
                *({"name": name, "value": value} for name, value in zip(names, VALUES, strict=True)),
                {"name": "url_suffix", "value": "AbC-123"},
            ],
        }
        await client.close()


@pytest.mark.parametrize(
    "answer",
    [
        to(isValidWhatsAppNumber=False),
        to(isValidWhatsAppNumber=False, localMessageId=None, errors=["Invalid WhatsApp number"]),
        no(f"{NUMBER} is not on WhatsApp"),
        no("Invalid number", 400),
    ],
)
async def test_a_person_who_cannot_be_reached_is_an_answer(answer: Reply) -> None:
    sent = await answered(answer)
    assert (sent.state, sent.provider_id) == ("undeliverable", MESSAGE.ref)
    assert NUMBER not in sent.reason


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (no("Template not found"), Unauthorised, "resume the lane"),
        (no("Insufficient credits"), Unauthorised, "resume the lane"),
        (no("Template not found", 400), Unauthorised, "resume the lane"),
        (reply(401, b""), Unauthorised, "key"),
        (reply(403, {"result": False}), Unauthorised, "key"),
        (reply(404, b"", content_type="text/html"), Unauthorised, "base address"),
        (reply(405, b""), Unauthorised, "base address"),
        (reply(429, {"result": False}), Unavailable, "too many"),
        (no("Rate limit exceeded"), Unavailable, "Rate limit"),
        (no(f"Something about {NUMBER} and {VALUES[3]}"), Refused, "Something about"),
        (no(None), Refused, "no reason given"),
        (reply(400, b"bad", content_type="text/plain"), Refused, "answered 400"),
        (reply(400, {**TAKEN}), Refused, "no reason given"),
        (to(errors=["odd"]), Doubtful, "at once"),
        (to(localMessageId=None), Doubtful, "named no message"),
        (reply(200, {}), Doubtful, "with what result"),
        (reply(200, {"result": "success"}), Doubtful, "cannot be read"),
        (reply(200, b"OK", content_type="text/plain"), Doubtful, "instead of JSON"),
        (reply(500, {"result": False, "info": "Internal error"}), Doubtful, "may have happened"),
    ],
)
async def test_each_refusal_says_what_it_means(
    answer: Reply, expected: type[ProviderError], says: str
) -> None:
    with pytest.raises(expected, match=says) as caught:
        await answered(answer)
    assert type(caught.value) is expected
    for private in ("9876543210", VALUES[3], "wati_simulated"):
        assert private not in str(caught.value)


async def test_its_limit_is_told_in_ten_seconds_or_as_it_says() -> None:
    for answer, seconds in ((reply(429, b""), 10), (reply(429, b"", retry_after="3"), 3)):
        with pytest.raises(Unavailable) as caught:
            await answered(answer)
        assert caught.value.retry_after == seconds


def item(**changes: Any) -> dict[str, Any]:
    given = {
        "eventType": "broadcastMessage",
        "finalText": f"Order {VALUES[0]} over {VALUES[1]} comes in {VALUES[2]}: {VALUES[3]}",
        "created": "2026-11-25T09:12:27.9655388Z",
        "statusString": "SENT",
        "localMessageId": LOCAL,
        "id": "640c8fd48b67615f886237b8",
    }
    return {**given, **changes}


def said(*items: dict[str, Any]) -> Reply:
    return reply(200, {"result": "success", "messages": {"items": list(items)}, "link": {}})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(item()), Found(Sent("wati", LOCAL, "sent"))),
        (said(item(statusString="Delivered")), Found(Sent("wati", LOCAL, "delivered"))),
        (said(item(statusString="PENDING")), Found(Sent("wati", LOCAL, "accepted"))),
        (said(item(localMessageId=None)), Found(Sent("wati", "640c8fd48b67615f886237b8", "sent"))),
        (said(item(eventType="message"), item()), Found(Sent("wati", LOCAL, "sent"))),
        (said(item(finalText="Something else"), item()), Found(Sent("wati", LOCAL, "sent"))),
        (
            said(item(statusString="FAILED", failedDetail="Message undeliverable")),
            Found(Sent("wati", LOCAL, "undeliverable", "Message undeliverable")),
        ),
        (said(), "no message that says the same yet"),
        (said(item(finalText=None)), "no message that says the same yet"),
        (said(item(created="2026-11-20T09:12:27Z")), "no message that says the same yet"),
        (said(item(created=None)), "no message that says the same yet"),
        (said(item(), item(localMessageId="other")), "2 messages that say the same"),
        (said(*[item(finalText="x")] * PAGE), "longer than can be looked through"),
    ],
)
async def test_what_the_list_of_messages_proves(answer: Reply, expected: Finding[Sent] | str) -> None:
    async with scripted(answer) as server:
        client = make_wati(server.base)
        finding = await client.find_message(MESSAGE)
        if isinstance(expected, str):
            assert isinstance(finding, Unsure)
            assert expected in finding.why
            assert not finding.final
        else:
            assert finding == expected
        assert server.requests[0].target == "/api/v1/getMessages/919876543210?pageSize=100&pageNumber=1"
        await client.close()


async def test_a_status_counts_more_than_the_list() -> None:
    told = Sent("wati", LOCAL, "read")
    client = make_wati("http://127.0.0.1:1", Heard({MESSAGE.ref: told}))
    assert await client.find_message(MESSAGE) == Found(told)
    nobody = replace(MESSAGE, ref="onpaid:shop/2:order_confirmation", to="98765")
    assert await client.find_message(nobody) == Found(await client.send_message(nobody))
    await client.close()


def test_a_message_at_wati_belongs_to_one_step() -> None:
    act = act_of(Wati.send_message)
    assert (act.lane, act.key_life, act.repeatable, act.settles) == ("whatsapp", None, False, None)
    assert act.claim is not None
    assert act.claim(Sent("wati", LOCAL)) == f"wati:message:{LOCAL}"
    assert act.claim(Sent("wati", "")) != act.claim(Sent("wati", "")), "settled by people, without ids"


async def test_the_doctor_reads_templates() -> None:
    async with scripted(reply(200, {"messageTemplates": []}), reply(401, b"")) as server:
        client = make_wati(server.base)
        assert await client.doctor() == []
        assert "key" in (await client.doctor())[0]
        assert server.requests[0].target == "/api/v1/getMessageTemplates?pageSize=1"
        await client.close()


def test_wrong_settings_are_named() -> None:
    with pytest.raises(SettingsError, match="token"):
        make_wati("https://live-mt-server.wati.io/1", token="")
    with pytest.raises(SettingsError, match="base address"):
        make_wati("")
    assert "secret-token" not in repr(Settings("secret-token", "https://live-mt-server.wati.io/1"))
