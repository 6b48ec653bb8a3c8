"""Meta's client, against scripted answers; the simulator has its turn in the suite of the role."""

from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Found, Unsure, act_of
from onpaid.domain.messages import Sent
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.meta import Meta, Settings
from tests.providers.message_samples import MESSAGE, NUMBER, VALUES, Heard, make_meta
from tests.providers.scripted import Reply, reply, scripted

ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "919876543210", "wa_id": "919876543210"}],
    "messages": [{"id": "wamid.HBgM", "message_status": "accepted"}],
}


def error(code: int, status: int = 400, **more: Any) -> Reply:
    """A refusal as Meta words it, which quotes what it was sent."""
    said = f"(#{code}) no message to {NUMBER} that says {VALUES[3]}"
    return reply(status, {"error": {"message": said, "type": "OAuthException", "code": code, **more}})


async def answered(answer: Reply) -> Sent:
    """What sending comes to."""
    async with scripted(answer) as server:
        client = make_meta(server.base)
        try:
            return await client.send_message(MESSAGE)
        finally:
            await client.close()


async def sent_body(**changes: Any) -> Any:
    async with scripted(reply(200, ACCEPTED)) as server:
        client = make_meta(server.base)
        await client.send_message(replace(MESSAGE, **changes))
        await client.close()
        assert server.requests[0].target == "/v23.0/106540352242922/messages"
        assert server.requests[0].headers["authorization"] == "Bearer meta_simulated"
        return server.requests[0].json()


async def test_a_template_goes_out_with_clean_values_in_order_and_our_reference() -> None:
    assert await sent_body() == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "919876543210",
        "type": "template",
        "template": {
            "name": "order_confirmation",
            "language": {"code": "en"},
            "components": [{"type": "body", "parameters": [{"type": "text", "text": v} for v in VALUES]}],
        },
        "biz_opaque_callback_data": MESSAGE.ref,
    }


async def test_a_button_gets_the_end_of_its_address_and_what_is_empty_is_left_out() -> None:
    body = await sent_body(url_suffix="AbC-123", parameters=())
    assert body["template"]["components"] == [
        {
            "type": "button",
            "sub_type": "url",
            "index": "0",
            "parameters": [{"type": "text", "text": "AbC-123"}],
        }
    ]
    assert "components" not in (await sent_body(parameters=()))["template"]


async def test_accepted_is_an_answer_and_so_is_held() -> None:
    assert await answered(reply(200, ACCEPTED)) == Sent("meta", "wamid.HBgM")
    held = {"messages": [{"id": "wamid.HBgM", "message_status": "held_for_quality_assessment"}]}
    sent = await answered(reply(200, held))
    assert (sent.state, sent.reason) == ("accepted", "Meta holds it: held_for_quality_assessment")


@pytest.mark.parametrize("code", [131026, 131049, 131050, 130472])
@pytest.mark.parametrize("status", [400, 200])
async def test_a_person_who_cannot_be_reached_is_an_answer(code: int, status: int) -> None:
    sent = await answered(error(code, status))
    assert (sent.state, sent.provider_id) == ("undeliverable", MESSAGE.ref)
    assert sent.reason
    assert NUMBER not in sent.reason


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (error(190, 401), Unauthorised, "access token"),
        (error(0, 401), Unauthorised, "access token"),
        (error(3, 500), Unauthorised, "permission"),
        (error(10, 403), Unauthorised, "permission"),
        (error(200, 403), Unauthorised, "permission"),
        (error(299, 400), Unauthorised, "permission"),
        (error(131048), Unauthorised, "WhatsApp Manager"),
        (error(131031), Unauthorised, "locked"),
        (error(368), Unauthorised, "WhatsApp Manager"),
        (error(131042), Unauthorised, "payment method"),
        (error(132000), Unauthorised, "table of templates"),
        (error(132001, 404), Unauthorised, "table of templates"),
        (error(132007), Unauthorised, "table of templates"),
        (error(132012), Unauthorised, "table of templates"),
        (error(132015), Unauthorised, "paused"),
        (error(132016), Unauthorised, "disabled"),
        (error(100, 400, error_subcode=33), Unauthorised, "phone number's id"),
        (error(190, 200), Unauthorised, "access token"),
        (error(100), Refused, "template's entry"),
        (error(131008), Refused, "template's entry"),
        (error(131009), Refused, "template's entry"),
        (error(131047), Refused, "template's entry"),
        (error(132005), Refused, "template's entry"),
        (error(131056), Unavailable, "131056"),
        (error(130429, 429), Unavailable, "130429"),
        (error(80007), Unavailable, "80007"),
        (error(4, 403), Unavailable, "POST"),
        (error(1, 400), Doubtful, "may have been sent"),
        (error(2, 503), Doubtful, "may have been sent"),
        (error(131000, 400), Doubtful, "may have been sent"),
        (error(131016, 503), Doubtful, "may have been sent"),
        (error(999_999, 200), Doubtful, "not known"),
        (error(999_999, 400), Refused, "answered 400"),
        (error(999_999, 500), Doubtful, "answered 500"),
        (reply(200, {"messages": []}), Doubtful, "named no message"),
        (reply(200, {"messages": [{"id": 7}]}), Doubtful, "cannot be read"),
        (reply(200, b"<html>", content_type="text/html"), Doubtful, "instead of JSON"),
        (reply(502, b"<html>", content_type="text/html"), Doubtful, "may have happened"),
        (reply(401, b""), Unauthorised, "key"),
    ],
)
async def test_each_refusal_says_what_it_means(
    answer: Reply, expected: type[ProviderError], says: str
) -> None:
    with pytest.raises(expected, match=says) as caught:
        await answered(answer)
    assert type(caught.value) is expected
    told = str(caught.value)
    for private in ("9876543210", VALUES[3], VALUES[1], "meta_simulated"):
        assert private not in told
    if expected is Unauthorised and says != "key":
        assert "resume the lane" in told


@pytest.mark.parametrize(("code", "seconds"), [(131056, 6.0), (130429, 5.0), (4, 60.0)])
async def test_limits_say_when_to_come_again(code: int, seconds: float) -> None:
    with pytest.raises(Unavailable) as caught:
        await answered(error(code))
    assert caught.value.retry_after == seconds


async def test_a_retry_after_of_theirs_counts_more() -> None:
    answer = reply(429, {"error": {"code": 130429}}, retry_after="17")
    with pytest.raises(Unavailable) as caught:
        await answered(answer)
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    "number", ["", "+", "9876543210x", "+0123456789", "+" + "9" * 16, "whatsapp:+919", "+91 98765"]
)
async def test_what_is_no_number_is_never_sent_to(number: str) -> None:
    async with scripted() as server:
        client = make_meta(server.base)
        message = replace(MESSAGE, to=number)
        sent = await client.send_message(message)
        assert (sent.state, sent.provider_id) == ("undeliverable", MESSAGE.ref)
        assert await client.find_message(message) == Found(sent)
        assert server.connections == 0
        await client.close()


async def test_only_a_status_settles_a_doubt() -> None:
    told = Sent("meta", "wamid.X", "delivered")
    client = make_meta("http://127.0.0.1:1", Heard({MESSAGE.ref: told}))
    assert await client.find_message(MESSAGE) == Found(told)
    unsure = await client.find_message(replace(MESSAGE, ref="onpaid:shop/1:order_confirmation"))
    assert unsure == Unsure("no status has come")
    await client.close()


def test_sending_is_of_class_once_and_silence_proves_nothing() -> None:
    act = act_of(Meta.send_message)
    assert (act.lane, act.key_life, act.repeatable, act.settles) == ("whatsapp", None, False, None)
    assert act.timeout.total_seconds() == 20


async def test_the_doctor_asks_for_the_number() -> None:
    async with scripted(reply(200, {"id": "106540352242922"}), error(190, 401)) as server:
        client = make_meta(server.base)
        assert await client.doctor() == []
        assert "access token" in (await client.doctor())[0]
        assert server.requests[0].target == "/v23.0/106540352242922?fields=id"
        await client.close()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"access_token": ""}, "access token"),
        ({"phone_number_id": ""}, "phone number id"),
        ({"phone_number_id": "+919876500000"}, "phone number id"),
        ({"version": "23"}, "version"),
        ({"version": "v23.0/../x"}, "version"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        make_meta("https://graph.facebook.com", **changes)


def test_the_token_does_not_show() -> None:
    assert "secret-token" not in repr(Settings("secret-token", "106540352242922"))
