"""MSG91's client, against scripted answers; the simulator has its turn in the suite of the role."""

from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Found, Unsure, act_of
from onpaid.domain.messages import Sent
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.message_refs import decode_ref
from onpaid.providers.msg91 import Msg91, Settings
from tests.providers.message_samples import MESSAGE, NUMBER, VALUES, Heard, make_msg91
from tests.providers.scripted import Reply, reply, scripted

TAKEN = {"status": "success", "hasError": False, "errors": None, "data": "Submitted", "request_id": "5f2a"}


def no(words: Any, status: int = 200, **more: Any) -> Reply:
    """A refusal; it comes as a 200 more often than not."""
    return reply(status, {"status": "error", "hasError": True, "errors": words, **more})


async def answered(answer: Reply) -> Sent:
    async with scripted(answer) as server:
        client = make_msg91(server.base)
        try:
            return await client.send_message(MESSAGE)
        finally:
            await client.close()


async def sent_body(settings: dict[str, str] | None = None, **changes: Any) -> Any:
    async with scripted(reply(200, TAKEN)) as server:
        client = make_msg91(server.base, **(settings or {}))
        await client.send_message(replace(MESSAGE, **changes))
        await client.close()
        request = server.requests[0]
        assert request.target == "/api/v5/whatsapp/whatsapp-outbound-message/bulk/"
        assert request.headers["authkey"] == "msg91_simulated"
        return request.json()


async def test_a_template_goes_out_with_its_variables_as_a_map_and_our_reference() -> None:
    body = await sent_body()
    assert decode_ref(body.pop("CRQID")) == MESSAGE.ref
    components = {f"body_{n}": {"type": "text", "value": value} for n, value in enumerate(VALUES, 1)}
    assert body == {
        "integrated_number": "919876500000",
        "content_type": "template",
        "payload": {
            "messaging_product": "whatsapp",
            "type": "template",
            "template": {
                "name": "order_confirmation",
                "language": {"code": "en", "policy": "deterministic"},
                "namespace": None,
                "to_and_components": [{"to": ["919876543210"], "components": components}],
            },
        },
    }


async def test_a_button_and_a_namespace() -> None:
    body = await sent_body({"namespace": "8c25_a1"}, url_suffix="AbC-123", parameters=())
    template = body["payload"]["template"]
    assert template["namespace"] == "8c25_a1"
    assert template["to_and_components"][0]["components"] == {
        "button_1": {"subtype": "url", "type": "text", "value": "AbC-123"}
    }


async def test_only_a_request_id_without_any_error_is_a_yes() -> None:
    assert await answered(reply(200, TAKEN)) == Sent("msg91", "5f2a")
    assert await answered(reply(200, {"type": "success", "data": {"request_id": "x"}})) == Sent("msg91", "x")


@pytest.mark.parametrize(
    "answer",
    [
        no("Not a valid WhatsApp number"),
        no([f"{NUMBER} is not on WhatsApp"]),
        no({"to": "Invalid mobile number"}),
        no("User has opted out"),
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
        (no("Template order_confirmation not found"), Unauthorised, "resume the lane"),
        (no("Number of parameters does not match"), Unauthorised, "resume the lane"),
        (no("Integrated number not found"), Unauthorised, "resume the lane"),
        (no("Insufficient wallet balance"), Unauthorised, "resume the lane"),
        (no("Invalid authkey"), Unauthorised, "resume the lane"),
        (no("Unauthorized", 401), Unauthorised, "key"),
        (no("Forbidden", 403), Unauthorised, "key"),
        (no("I'm a teapot", 418), Unauthorised, "allowed addresses"),
        (no("Template not approved", 400), Unauthorised, "resume the lane"),
        (no("Too many requests", 429), Unavailable, "too many"),
        (no("Rate limit exceeded"), Unavailable, "Rate limit"),
        (no(f"Something about {NUMBER} and {VALUES[3]}"), Refused, "Something about"),
        (no(None), Refused, "no reason given"),
        (no("Something", 422), Refused, "Something"),
        (reply(400, b"<html>", content_type="text/html"), Refused, "no reason given"),
        (reply(200, {"status": "fail"}), Refused, "no reason given"),
        (reply(200, {"errors": "odd"}), Refused, "odd"),
        (no("An error", request_id="5f2a"), Doubtful, "at once"),
        (reply(200, {}), Doubtful, "neither"),
        (reply(200, {"status": "success", "request_id": None}), Doubtful, "neither"),
        (reply(200, {"status": "success", "request_id": " "}), Doubtful, "neither"),
        (reply(200, []), Doubtful, "cannot be read"),
        (reply(200, b"OK", content_type="text/plain"), Doubtful, "instead of JSON"),
        (no("Not a valid WhatsApp number", 500), Doubtful, "may have happened"),
        (no("busy", 503), Doubtful, "may have happened"),
    ],
)
async def test_each_refusal_says_what_it_means(
    answer: Reply, expected: type[ProviderError], says: str
) -> None:
    with pytest.raises(expected, match=says) as caught:
        await answered(answer)
    assert type(caught.value) is expected
    for private in ("9876543210", VALUES[3], "msg91_simulated"):
        assert private not in str(caught.value)


async def test_a_limit_in_words_says_when_to_come_again() -> None:
    with pytest.raises(Unavailable) as caught:
        await answered(no("Rate limit exceeded"))
    assert caught.value.retry_after == 10


async def test_what_is_no_number_is_never_sent_to() -> None:
    async with scripted() as server:
        client = make_msg91(server.base)
        message = replace(MESSAGE, to="98765")
        sent = await client.send_message(message)
        assert sent.state == "undeliverable"
        assert await client.find_message(message) == Found(sent)
        assert server.connections == 0
        await client.close()


async def test_only_a_report_settles_a_doubt() -> None:
    told = Sent("msg91", "5f2a", "delivered")
    client = make_msg91("http://127.0.0.1:1", Heard({MESSAGE.ref: told}))
    assert await client.find_message(MESSAGE) == Found(told)
    assert await make_msg91("http://127.0.0.1:1").find_message(MESSAGE) == Unsure("no status has come")
    assert await client.doctor() == []


def test_sending_is_of_class_once_and_silence_proves_nothing() -> None:
    act = act_of(Msg91.send_message)
    assert (act.lane, act.key_life, act.repeatable, act.settles) == ("whatsapp", None, False, None)


@pytest.mark.parametrize(
    ("changes", "names"),
    [({"auth_key": ""}, "auth key"), ({"number": ""}, "number"), ({"number": "+919876500000"}, "number")],
)
def test_wrong_settings_are_named(changes: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        make_msg91("https://api.msg91.com", **changes)


def test_the_key_does_not_show() -> None:
    assert "secret-key" not in repr(Settings("secret-key", "919876500000"))
