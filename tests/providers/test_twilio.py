"""Twilio's client, against scripted answers; the simulator has its turn in the suite of the role."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from onpaid.acts import Finding, Found, Unsure, act_of
from onpaid.domain.messages import Sent
from onpaid.errors import (
    Doubtful,
    InvalidInput,
    ProviderError,
    Refused,
    SettingsError,
    Unauthorised,
    Unavailable,
)
from onpaid.providers.message_refs import decode_ref, encode_ref, our_ref
from onpaid.providers.twilio import Settings, Twilio
from tests.providers.message_samples import CALLBACK, NUMBER, TWILIO_MESSAGE, VALUES, Heard, make_twilio
from tests.providers.scripted import Reply, reply, scripted

TO = f"whatsapp:{NUMBER}"
BODY = f"Order {VALUES[0]} over {VALUES[1]} comes in {VALUES[2]}. Follow it: {VALUES[3]}"


def resource(**changes: Any) -> dict[str, Any]:
    given = {
        "sid": "SM" + "a" * 32,
        "status": "queued",
        "to": TO,
        "from": "whatsapp:+14155238886",
        "direction": "outbound-api",
        "body": BODY,
        "error_code": None,
        "error_message": None,
        "num_segments": "1",
    }
    return {**given, **changes}


def error(code: int, status: int = 400) -> Reply:
    """A refusal as Twilio words it, which quotes what it was sent."""
    said = f"No message to {TO} that says {VALUES[3]}"
    return reply(status, {"code": code, "message": said, "more_info": "https://x", "status": status})


async def answered(answer: Reply) -> Sent:
    async with scripted(answer) as server:
        client = make_twilio(server.base)
        try:
            return await client.send_message(TWILIO_MESSAGE)
        finally:
            await client.close()


async def sent_form(**changes: Any) -> dict[str, str]:
    settings = {name: changes.pop(name) for name in ("sender",) if name in changes}
    async with scripted(reply(201, resource())) as server:
        client = make_twilio(server.base, **settings)
        await client.send_message(replace(TWILIO_MESSAGE, **changes))
        await client.close()
        request = server.requests[0]
        assert request.target == f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert request.headers["authorization"].startswith("Basic ")
        return dict(parse_qsl(request.body.decode(), strict_parsing=True))


async def test_a_template_goes_out_as_a_form_with_a_callback_of_its_own() -> None:
    form = await sent_form()
    assert form == {
        "To": TO,
        "From": "whatsapp:+14155238886",
        "ContentSid": TWILIO_MESSAGE.template,
        "ContentVariables": '{"1": "2045861230417", "2": "INR 1,499.50", "3": "3-5 business days", '
        '"4": "https://shop.example/track/AbC-123"}',
        "StatusCallback": f"{CALLBACK}/{encode_ref(TWILIO_MESSAGE.ref)}",
    }
    assert decode_ref(form["StatusCallback"].rpartition("/")[2]) == TWILIO_MESSAGE.ref


async def test_a_messaging_service_sends_and_a_button_is_counted_on() -> None:
    form = await sent_form(sender="MG" + "0" * 32, url_suffix="AbC-123")
    assert form["MessagingServiceSid"] == "MG" + "0" * 32
    assert "From" not in form
    assert '"5": "AbC-123"' in form["ContentVariables"]
    assert "ContentVariables" not in await sent_form(parameters=())


@pytest.mark.parametrize("ref", [TWILIO_MESSAGE.ref, "onpaid:shop/1:å:2", "?", "a"])
def test_a_reference_fits_one_path_segment_and_comes_back(ref: str) -> None:
    token = encode_ref(ref)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert token.isascii()
    assert decode_ref(token) == ref


@pytest.mark.parametrize(
    "token", ["", "=", "Zg==", "Z", "Zh", "/w", "_w", "é", "AAAA", "a" * 401, "b25wYWlk.Og"]
)
def test_what_is_no_reference_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput):
        decode_ref(token)


def test_in_a_field_only_what_is_ours_is_taken_for_ours() -> None:
    ref = TWILIO_MESSAGE.ref
    assert our_ref(ref) == our_ref(encode_ref(ref)) == ref
    assert [our_ref(other) for other in ("", "0", "campaign 7", encode_ref("theirs:1"), "3366444f")] == [
        ""
    ] * 5


async def test_taken_is_an_answer() -> None:
    assert await answered(reply(201, resource())) == Sent("twilio", "SM" + "a" * 32)
    failed = await answered(reply(201, resource(status="failed", error_code=63024)))
    assert (failed.state, failed.provider_id) == ("undeliverable", "SM" + "a" * 32)


@pytest.mark.parametrize("code", [21211, 21610, 21614, 63003, 63015, 63024, 63032, 63033, 63049])
async def test_a_person_who_cannot_be_reached_is_an_answer(code: int) -> None:
    sent = await answered(error(code))
    assert (sent.state, sent.provider_id) == ("undeliverable", TWILIO_MESSAGE.ref)
    assert NUMBER not in sent.reason


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (error(20003, 401), Unauthorised, "auth token"),
        (error(20404, 404), Unauthorised, "auth token"),
        (error(20008, 403), Unauthorised, "test credentials"),
        (error(63007), Unauthorised, "sender"),
        (error(21606), Unauthorised, "sender"),
        (error(21609), Unauthorised, "callback"),
        (error(21655), Unauthorised, "content template"),
        (error(21656), Unauthorised, "content template"),
        (error(63016), Unauthorised, "content template"),
        (error(63041), Unauthorised, "content template"),
        (error(63051), Unauthorised, "suspended"),
        (error(20429, 429), Unavailable, "20429"),
        (error(63018), Unavailable, "63018"),
        (error(63038), Unavailable, "63038"),
        (error(20500, 500), Doubtful, "may have been sent"),
        (error(20503, 503), Doubtful, "may have been sent"),
        (error(99999), Refused, "answered 400"),
        (reply(429, b""), Unavailable, "too many"),
        (reply(401, b""), Unauthorised, "key"),
        (reply(201, {}), Doubtful, "named no message"),
        (reply(201, b"<html>", content_type="text/html"), Doubtful, "instead of JSON"),
        (reply(502, b"", content_type="text/html"), Doubtful, "may have been sent"),
    ],
)
async def test_each_refusal_says_what_it_means(
    answer: Reply, expected: type[ProviderError], says: str
) -> None:
    with pytest.raises(expected, match=says) as caught:
        await answered(answer)
    assert type(caught.value) is expected
    for private in ("9876543210", VALUES[3], "twilio_simulated"):
        assert private not in str(caught.value)


async def test_a_template_without_a_content_sid_pauses_the_lane_before_anything_is_sent() -> None:
    async with scripted() as server:
        client = make_twilio(server.base)
        with pytest.raises(Unauthorised, match="HX"):
            await client.send_message(replace(TWILIO_MESSAGE, template="order_confirmation"))
        assert server.connections == 0
        await client.close()


def page(*messages: dict[str, Any], **more: Any) -> Reply:
    return reply(200, {"messages": list(messages), "next_page_uri": None, **more})


FOUND = Found(Sent("twilio", "SM" + "a" * 32, "sent"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (page(resource(status="sent")), FOUND),
        (page(resource(sid="SM2", body="Something else"), resource(status="sent")), FOUND),
        (page(resource(sid="SM2", direction="inbound"), resource(status="sent")), FOUND),
        (page(resource(sid="SM2", body=BODY.replace(VALUES[1], "INR 1")), resource(status="sent")), FOUND),
        (
            page(resource(status="undelivered", error_code=63024)),
            Found(
                Sent(
                    "twilio",
                    "SM" + "a" * 32,
                    "undeliverable",
                    "the number is not on WhatsApp, or cannot get this message",
                )
            ),
        ),
        (
            page(resource(status="failed", error_code=30008)),
            Found(Sent("twilio", "SM" + "a" * 32, "failed", "30008")),
        ),
        (page(), "no message that says the same yet"),
        (page(resource(body="")), "no message that says the same yet"),
        (page(resource(body=None)), "no message that says the same yet"),
        (page(resource(), resource(sid="SM2")), "2 messages that say the same"),
        (page(resource(to="whatsapp:+919812345678")), "strangers"),
        (page(resource(), next_page_uri="/2010-04-01/more"), "incomplete"),
    ],
)
async def test_what_the_list_of_messages_proves(answer: Reply, expected: Finding[Sent] | str) -> None:
    async with scripted(answer) as server:
        client = make_twilio(server.base)
        finding = await client.find_message(TWILIO_MESSAGE)
        if isinstance(expected, str):
            assert isinstance(finding, Unsure)
            assert expected in finding.why
            assert not finding.final
        else:
            assert finding == expected
        asked = dict(parse_qsl(urlsplit(server.requests[0].target).query, strict_parsing=True))
        assert asked == {"To": TO, "DateSent>": "2026-11-23", "PageSize": "100"}
        await client.close()


async def test_a_status_counts_more_than_the_list() -> None:
    told = Sent("twilio", "SM1", "read")
    client = make_twilio("http://127.0.0.1:1", Heard({TWILIO_MESSAGE.ref: told}))
    assert await client.find_message(TWILIO_MESSAGE) == Found(told)
    await client.close()


async def test_a_look_that_is_refused_quotes_nobody() -> None:
    async with scripted(error(20003, 401)) as server:
        client = make_twilio(server.base)
        with pytest.raises(Unauthorised) as caught:
            await client.find_message(TWILIO_MESSAGE)
        assert "9876543210" not in str(caught.value)
        await client.close()


def test_a_message_at_twilio_belongs_to_one_step() -> None:
    act = act_of(Twilio.send_message)
    assert (act.lane, act.key_life, act.repeatable, act.settles) == ("whatsapp", None, False, None)
    assert act.claim is not None
    assert act.claim(Sent("twilio", "SM1")) == "twilio:message:SM1"


async def test_the_doctor_reads_one_message() -> None:
    async with scripted(page(), error(20003, 401)) as server:
        client = make_twilio(server.base)
        assert await client.doctor() == []
        assert "auth token" in (await client.doctor())[0]
        assert server.requests[0].target.endswith("Messages.json?PageSize=1")
        await client.close()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"account_sid": "SK" + "0" * 32}, "account SID"),
        ({"auth_token": ""}, "auth token"),
        ({"sender": "+14155238886"}, "sender"),
        ({"status_callback": ""}, "status callback"),
        ({"status_callback": "https://my_shop.example/x"}, "status callback"),
        ({"status_callback": "https://shop.example/x?y=1"}, "status callback"),
        ({"status_callback": "ftp://shop.example/x"}, "status callback"),
        ({"status_callback": "https://[x/webhooks"}, "status callback"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        make_twilio("https://api.twilio.com", **changes)


def test_the_token_does_not_show() -> None:
    made = Settings("AC" + "0" * 32, "secret-token", "whatsapp:+14155238886", CALLBACK)
    assert "secret-token" not in repr(made)
