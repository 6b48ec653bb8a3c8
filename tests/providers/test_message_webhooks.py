"""The webhooks of message services: who is let in, what they tell, and that odd bodies do no harm."""

import hmac
import json
import random
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.messages import MessageState, MessageTold
from onpaid.errors import BadSignature, InvalidInput, Problem, SettingsError
from onpaid.providers import meta_webhook, msg91_webhook, twilio_webhook, wati_webhook
from onpaid.providers.message_refs import encode_ref
from onpaid.providers.message_statuses import failed, moment
from onpaid.providers.meta_webhook import MetaWebhooks, handshake
from onpaid.providers.msg91_webhook import Msg91Webhooks
from onpaid.providers.twilio_webhook import TwilioWebhooks
from onpaid.providers.wati_webhook import WatiWebhooks
from tests.providers.message_samples import CALLBACK, MESSAGE, PATH_TOKENS
from tests.providers.samples import NOW, SECONDS

REF = MESSAGE.ref
PHONE_ID = "106540352242922"
SID = "SM" + "a" * 32
TOKEN = "Jq3vV0yXwT7pLr2NnK5sHd8f"
META = MetaWebhooks(meta_webhook.Settings(("new_secret", "old_secret"), ("verify-me",), PHONE_ID, live=True))
TWILIO = TwilioWebhooks(twilio_webhook.Settings(("12345",), ("shared",), CALLBACK, "AC1", live=True))
MSG91 = Msg91Webhooks(msg91_webhook.Settings((TOKEN, PATH_TOKENS["msg91"]), "919876500000"))
WATI = WatiWebhooks(wati_webhook.Settings((TOKEN, PATH_TOKENS["wati"]), "12345"))


def meta_signature(body: bytes, secret: str = "new_secret") -> str:
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def status(word: str = "delivered", **more: Any) -> dict[str, Any]:
    given = {"id": "wamid.1", "status": word, "timestamp": str(SECONDS), "recipient_id": "919876543210"}
    return {**given, "biz_opaque_callback_data": REF, **more}


def change(number: str = PHONE_ID, **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number}
    return {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}


def delivery(*changes: dict[str, Any], kind: str = "whatsapp_business_account") -> bytes:
    entries = [{"id": "102290129340398", "changes": [one]} for one in changes]
    return json.dumps({"object": kind, "entry": entries}).encode()


def form(word: str = "delivered", **more: str) -> bytes:
    fields = {"MessageSid": SID, "MessageStatus": word, "AccountSid": "AC1", "To": "whatsapp:+919876543210"}
    return urlencode({**fields, **more}).encode()


def twilio_signature(url: str, fields: dict[str, str], key: str = "12345", digest: str = "sha1") -> str:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return b64encode(hmac.digest(key.encode(), signed.encode(), digest)).decode()


def as_json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def judged(source: Any, body: bytes, token: str | None = None) -> Any:
    return source.judge(source.read(body, NOW, token=token), body, NOW)


def one_fact(source: Any, body: bytes, token: str | None = None) -> MessageTold:
    (fact,) = judged(source, body, token).facts
    assert isinstance(fact, MessageTold)
    return fact


# Meta


def test_metas_signature_is_the_one_of_the_vector() -> None:
    source = MetaWebhooks(meta_webhook.Settings(("demo_app_secret",)))
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    digest = "650a7ec4c57b1d45d68231c8825bb556bcfb240069c6cbf98a34a177ce9e909a"
    source.verify({"x-hub-signature-256": f"sha256={digest}"}, body, NOW)


def test_each_of_several_app_secrets_opens() -> None:
    body = delivery(change(statuses=[status()]))
    for secret in ("new_secret", "old_secret"):
        META.verify({"x-hub-signature-256": meta_signature(body, secret)}, body, NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha256=" + "0" * 63 + "é",
        "sha256=" + "\u0660" * 64,
        "sha1=" + "0" * 64,
        "\ud800",
        "0" * 10_000,
        meta_signature(b"{}", "verify-me"),
        meta_signature(b"{}")[:-1],
        meta_signature(b"{}").upper(),
        meta_signature(b"{} "),
    ],
)
def test_what_is_not_signed_by_the_app_is_refused(header: str | None) -> None:
    with pytest.raises(BadSignature):
        META.verify({} if header is None else {"x-hub-signature-256": header}, b"{}", NOW)


def test_the_address_is_confirmed_for_those_who_know_the_token() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "old"}
    assert handshake(query, ("new", "old")) == "1158201444"
    for wrong in (
        {"hub.verify_token": "ol"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "\ud800é"},
        {"hub.mode": "unsubscribe"},
        {"hub.challenge": ""},
        {"hub.challenge": "<script>"},
        {"hub.challenge": "1" * 257},
    ):
        assert handshake({**query, **wrong}, ("new", "old")) is None
    assert handshake(query, ()) is None
    assert handshake({**query, "hub.verify_token": ""}, ("",)) is None
    assert handshake({}, ("new",)) is None


def test_a_status_of_metas_is_a_fact_under_our_reference() -> None:
    body = delivery(change(statuses=[status()]))
    envelope = META.read(body, NOW)
    assert (envelope.account, envelope.type) == (f"whatsapp/{PHONE_ID}/live", "status.delivered")
    assert envelope.created_at == SECONDS * 1000
    assert one_fact(META, body) == MessageTold(
        "meta", "delivered", "wamid.1", REF, SECONDS * 1000, event=envelope.event_id
    )


def test_several_entries_and_changes_are_several_facts() -> None:
    body = delivery(
        change(statuses=[status("sent"), status("read", id="wamid.2")]),
        change(messages=[{"from": "919876543210", "text": {"body": "hello"}}]),
        change(statuses=[status("delivered", id="wamid.3")], number="999"),
        change(statuses=[status("sent", id="wamid.4", biz_opaque_callback_data=None)]),
        {"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}},
    )
    facts = judged(META, body).facts
    assert [(fact.provider_id, fact.state, fact.ref) for fact in facts] == [
        ("wamid.1", "sent", REF),
        ("wamid.2", "read", REF),
        ("wamid.4", "sent", ""),
    ]
    assert META.read(body, NOW).type == "statuses"


@pytest.mark.parametrize(
    ("code", "state"), [(131026, "undeliverable"), ("131026", "undeliverable"), (131053, "failed")]
)
def test_a_failure_says_whether_it_is_for_good(code: int | str, state: str) -> None:
    error = {
        "code": code,
        "title": "Failed for +919876543210",
        "error_data": {"details": "Not to +919876543210"},
    }
    fact = one_fact(META, delivery(change(statuses=[status("failed", errors=[error])])))
    assert (fact.state, fact.code) == (state, str(code))
    assert fact.reason
    assert "9876543210" not in fact.reason


@pytest.mark.parametrize(
    "errors", [None, [], [{}], [{"error_data": "odd"}], [{"code": 1, "error_data": {"details": 7}}]]
)
def test_a_failure_without_details_is_one(errors: Any) -> None:
    assert one_fact(META, delivery(change(statuses=[status("failed", errors=errors)]))).state == "failed"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (delivery(change(statuses=[status("played")])), "the status played changes nothing here"),
        (delivery(change(statuses=[status("😀" * 50)])), "changes nothing here"),
        (delivery(change(messages=[{"from": "919876543210"}])), "a customer's message"),
        (delivery(change(statuses=[status(id="")])), "no message of ours"),
        (delivery(change(statuses=[status()], number="999")), "no message of ours"),
        (delivery(change(statuses=[status()]), kind="page"), "no message of ours"),
        (
            delivery({"field": "message_template_status_update", "value": {"event": "PAUSED"}}),
            "no message of ours",
        ),
        (delivery(), "no message of ours"),
        (b"{}", "no message of ours"),
    ],
)
def test_what_changes_nothing_is_ignored_with_a_reason(body: bytes, why: str) -> None:
    told = judged(META, body)
    assert told.facts == ()
    assert why in told.ignored


@pytest.mark.parametrize("value", [{"statuses": [{"id": 7}]}, {"statuses": "none"}, [], "x", 7])
def test_what_cannot_be_read_is_kept_for_a_person(value: Any) -> None:
    body = delivery({"field": "messages", "value": value})
    envelope = META.read(body, NOW)
    assert envelope.type == "unreadable"
    with pytest.raises(Problem, match="cannot be read"):
        META.judge(envelope, body, NOW)


@pytest.mark.parametrize("stamp", ["", "soon", "1" * 30, "٣", "-1", str(SECONDS)])
def test_times_come_as_text(stamp: str) -> None:
    fact = one_fact(META, delivery(change(statuses=[status(timestamp=stamp)])))
    assert fact.told_at == (SECONDS * 1000 if stamp == str(SECONDS) else None)


# Twilio

VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
VECTOR_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def test_twilios_signature_is_the_one_of_the_vector() -> None:
    assert twilio_signature(VECTOR_URL, VECTOR) == "GvWf1cFY/Q7PnoempGyD5oXAezc="


@pytest.mark.parametrize("end", ["", "/" + encode_ref(REF)])
@pytest.mark.parametrize("port", ["", ":443"])
def test_all_fields_at_the_public_address_are_signed_for(end: str, port: str) -> None:
    url = CALLBACK.replace("shop.example", f"shop.example{port}") + end
    headers = {"x-twilio-signature": twilio_signature(url, VECTOR)}
    TWILIO.verify(headers, urlencode(VECTOR).encode(), NOW, token=end[1:] or None)
    for body in (urlencode({**VECTOR, "New": ""}), urlencode({**VECTOR, "To": "x"}), urlencode(VECTOR)[:-1]):
        with pytest.raises(BadSignature):
            TWILIO.verify(headers, body.encode(), NOW, token=end[1:] or None)
    with pytest.raises(BadSignature):
        TWILIO.verify(headers, urlencode(VECTOR).encode(), NOW, token=encode_ref("onpaid:other"))


def test_a_field_given_twice_is_signed_for_twice() -> None:
    signed = CALLBACK + "A1A2" + "B"
    headers = {"x-twilio-signature": b64encode(hmac.digest(b"12345", signed.encode(), "sha1")).decode()}
    TWILIO.verify(headers, b"A=2&B=&A=1", NOW)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/webhooks/twilio", "http://[::1]:8000/x", "http://here/x"]
)
def test_any_address_can_be_the_public_one(address: str) -> None:
    source = TwilioWebhooks(twilio_webhook.Settings(("12345",), (), address))
    source.verify(
        {"x-twilio-signature": twilio_signature(f"{address}/r", VECTOR)},
        urlencode(VECTOR).encode(),
        NOW,
        token="r",
    )


@pytest.mark.parametrize(
    ("algorithm", "digest"), [("HMAC_SHA256", "sha256"), ("HMAC_SHA1", "sha1"), ("", "sha1")]
)
def test_a_shared_key_signs_instead_of_the_auth_token(algorithm: str, digest: str) -> None:
    named = f"key=webhooks_sharedkey_1{',algorithm=' if algorithm else ''}{algorithm}"
    body = urlencode(VECTOR).encode()
    right = twilio_signature(CALLBACK, VECTOR, "shared", digest)
    headers = {"x-twilio-signature": right, "x-twilio-webhooks-signature-settings": named}
    TWILIO.verify(headers, body, NOW)
    wrong_key = twilio_signature(CALLBACK, VECTOR, "12345", digest)
    for wrong in (
        {"x-twilio-signature": right},
        {**headers, "x-twilio-signature": wrong_key},
        {**headers, "x-twilio-webhooks-signature-settings": "key=1,algorithm=HMAC_MD5"},
        {**headers, "x-twilio-webhooks-signature-settings": "key=é"},
    ):
        with pytest.raises(BadSignature):
            TWILIO.verify(wrong, body, NOW)
    without = TwilioWebhooks(twilio_webhook.Settings(("12345",), (), CALLBACK))
    with pytest.raises(BadSignature, match="closed"):
        without.verify(headers, body, NOW)


@pytest.mark.parametrize(
    "header", [None, "", "é", "\ud800", "=", "A" * 10_000, "GvWf1cFY/Q7PnoempGyD5oXAezc="]
)
@pytest.mark.parametrize(
    "body", [urlencode(VECTOR).encode(), b"", b"\xff", b"a&b", b"%ff=%fe", b"a=1&" * 300]
)
def test_what_twilio_did_not_sign_is_refused(header: str | None, body: bytes) -> None:
    with pytest.raises(BadSignature):
        TWILIO.verify({} if header is None else {"x-twilio-signature": header}, body, NOW, token="é\ud800")


def test_a_callback_of_twilios_is_a_fact_under_the_reference_in_its_address() -> None:
    envelope = TWILIO.read(form(), NOW, token=encode_ref(REF))
    assert (envelope.account, envelope.type, envelope.ref) == ("twilio/AC1/live", "status.delivered", REF)
    assert one_fact(TWILIO, form(), encode_ref(REF)) == MessageTold(
        "twilio", "delivered", SID, REF, event=envelope.event_id
    )
    assert one_fact(TWILIO, form()).ref == ""
    with pytest.raises(InvalidInput, match="reference"):
        TWILIO.read(form(), NOW, token="not-one")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", "accepted"),
        ("accepted", "accepted"),
        ("sending", "accepted"),
        ("sent", "sent"),
        ("read", "read"),
        ("canceled", "failed"),
    ],
)
def test_words_of_twilios(word: str, state: str) -> None:
    assert one_fact(TWILIO, form(word)).state == state


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("63024", "undeliverable"),
        ("131026", "undeliverable"),
        ("63016", "failed"),
        ("", "failed"),
        ("odd", "failed"),
    ],
)
def test_a_failure_of_twilios_says_whether_it_is_for_good(code: str, state: str) -> None:
    fact = one_fact(TWILIO, form("undelivered", ErrorCode=code, ErrorMessage="Not to +919876543210"))
    assert (fact.state, fact.code) == (state, code)
    assert "9876543210" not in fact.reason


@pytest.mark.parametrize(
    "body",
    [
        form("partially_delivered"),
        form("received"),
        b"SmsStatus=received&Body=hello&MessageSid=SM1",
        b"",
        b"MessageStatus=sent",
    ],
)
def test_what_is_no_status_of_ours_is_ignored(body: bytes) -> None:
    told = judged(TWILIO, body)
    assert told.facts == ()
    assert told.ignored


@pytest.mark.parametrize("body", [b"\xff", b"{}", b"a=%ff", b"&" * 10, b"a=1&" * 300])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="form"):
        TWILIO.read(body, NOW)


# MSG91 and WATI


@pytest.mark.parametrize("source", [MSG91, WATI], ids=["msg91", "wati"])
def test_the_secret_is_the_end_of_the_address(source: Any) -> None:
    for token in (TOKEN, PATH_TOKENS[source.name]):
        source.verify({}, b"{}", NOW, token=token)
    for wrong in (None, "", TOKEN[:-1], TOKEN + "x", TOKEN.lower(), "é", "\ud800"):
        with pytest.raises(BadSignature):
            source.verify({}, b"{}", NOW, token=wrong)
    assert TOKEN not in repr(source.settings)


@pytest.mark.parametrize("make", [msg91_webhook, wati_webhook])
@pytest.mark.parametrize("token", ["short", "with/slash/and/enough/length", "x" * 21, "é" * 30, "a" * 129])
def test_a_secret_in_an_address_must_be_long_and_plain(make: Any, token: str) -> None:
    source = {msg91_webhook: Msg91Webhooks, wati_webhook: WatiWebhooks}[make]
    with pytest.raises(SettingsError, match="22 to 128"):
        source(make.Settings((token,)))


def test_a_report_of_msg91s_in_both_spellings() -> None:
    older = as_json(
        CRQID=encode_ref(REF), requestId="5f2a", mobile="919876543210", status="delivered", content="[]"
    )
    newer = as_json(
        crqid=encode_ref(REF), requestId="5f2a", customerNumber="919876543210", eventName="DELIVERED"
    )
    for body in (older, newer):
        envelope = MSG91.read(body, NOW)
        assert (envelope.account, envelope.ref) == ("msg91/919876500000/test", None)
        assert one_fact(MSG91, body) == MessageTold(
            "msg91", "delivered", "5f2a", REF, event=envelope.event_id
        )
    assert MSG91.read(older, NOW).event_id == MSG91.read(newer, NOW).event_id


@pytest.mark.parametrize(
    ("fields", "state", "code"),
    [
        ({"failureReason": "131026: Message undeliverable"}, "undeliverable", "131026"),
        ({"failureReason": "(#131049) Not delivered"}, "undeliverable", "131049"),
        ({"reason": "Number is not on WhatsApp"}, "undeliverable", ""),
        ({"reason": "x" * 5000}, "failed", ""),
        ({"failureReason": "132000: Number of parameters"}, "failed", "132000"),
        ({}, "failed", ""),
    ],
)
def test_a_failure_of_msg91s_says_whether_it_is_for_good(
    fields: dict[str, str], state: str, code: str
) -> None:
    fact = one_fact(MSG91, as_json(requestId="5f2a", status="failed", **fields))
    assert (fact.state, fact.code) == (state, code)
    assert len(fact.reason) <= 300


def test_somebody_elses_own_id_at_msg91_is_not_taken_for_ours() -> None:
    for theirs in ("0", "campaign-7", encode_ref("theirs:1"), 42, None, REF[3:]):
        fact = one_fact(MSG91, as_json(requestId="5f2a", CRQID=theirs, status="sent"))
        assert (fact.provider_id, fact.ref) == ("5f2a", "")


@pytest.mark.parametrize(
    "body",
    [
        as_json(requestId="5f2a", status="seen by nobody"),
        as_json(requestId="5f2a"),
        as_json(status="sent"),
        as_json(requestId="5f2a", status="delivered", direction="inbound"),
        as_json(requestId=["5f2a"], status="sent"),
        as_json(requestId="x" * 300, status="sent"),
        b"[]",
        b"{}",
    ],
)
def test_what_msg91_tells_beside_that_is_ignored(body: bytes) -> None:
    told = judged(MSG91, body)
    assert told.facts == ()
    assert told.ignored


def test_several_reports_in_one_are_several_facts() -> None:
    reports = [{"requestId": "1", "status": "sent"}, {"requestId": "2", "status": "read", "CRQID": REF}]
    facts = judged(MSG91, json.dumps(reports).encode()).facts
    assert [(fact.provider_id, fact.state, fact.ref) for fact in facts] == [
        ("1", "sent", ""),
        ("2", "read", REF),
    ]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ("templateMessageSent_v2", "sent"),
        ("sentMessageDELIVERED_v2", "delivered"),
        ("sentMessageREAD_v2", "read"),
        ("sentMessageREPLIED_v2", "read"),
    ],
)
def test_an_event_of_watis_is_a_fact_under_its_id(event: str, state: MessageState) -> None:
    body = as_json(eventType=event, localMessageId="d38f", id="640c", created="2026-11-25T09:20:00.9655388Z")
    envelope = WATI.read(body, NOW)
    assert envelope.account == "wati/12345/test"
    told_at = moment("2026-11-25T09:20:00.965538+00:00")
    assert told_at is not None
    assert one_fact(WATI, body) == MessageTold("wati", state, "d38f", "", told_at, event=envelope.event_id)


def test_a_failure_of_watis_says_whether_it_is_for_good() -> None:
    told = {"eventType": "templateMessageFailed", "localMessageId": "d38f", "timestamp": str(SECONDS)}
    fact = one_fact(WATI, as_json(**told, failedCode="131026", failedDetail="Message undeliverable"))
    assert (fact.state, fact.code, fact.told_at) == ("undeliverable", "131026", SECONDS * 1000)
    assert one_fact(WATI, as_json(**told, failedCode="131053", broadcastName=REF)).state == "failed"
    assert one_fact(WATI, as_json(**told, broadcastName=REF)).ref == REF
    assert one_fact(WATI, as_json(**told, broadcastName="Diwali")).ref == ""


@pytest.mark.parametrize(
    "body",
    [
        as_json(eventType="sentMessageDELIVERED", whatsappMessageId="wamid.1"),
        as_json(eventType="message", text="hello", waId="919876543210"),
        as_json(eventType=7, localMessageId="d38f"),
        b"{}",
    ],
)
def test_what_wati_tells_beside_that_is_ignored(body: bytes) -> None:
    told = judged(WATI, body)
    assert told.facts == ()
    assert told.ignored


# All of them


@dataclass(frozen=True)
class Source:
    """A source, how to tell it of a status, and of one more field with it."""

    source: Any
    tell: Callable[..., bytes]


SOURCES = {
    "whatsapp": Source(
        META,
        lambda id="wamid.1", word="sent", **more: delivery(change(statuses=[status(word, id=id, **more)])),
    ),
    "twilio": Source(TWILIO, lambda id=SID, word="sent", **more: form(word, MessageSid=id, **more)),
    "msg91": Source(MSG91, lambda id="1", word="sent", **more: as_json(requestId=id, status=word, **more)),
    "wati": Source(
        WATI,
        lambda id="1", word="sent", **more: as_json(
            eventType={"sent": "templateMessageSent_v2", "read": "sentMessageREAD_v2"}[word],
            localMessageId=id,
            **more,
        ),
    ),
}
over_sources = pytest.mark.parametrize("each", SOURCES.values(), ids=SOURCES.keys())


@over_sources
def test_the_same_status_told_again_is_the_same_event(each: Source) -> None:
    def event(body: bytes) -> str:
        return str(each.source.read(body, NOW).event_id)

    assert event(each.tell()) == event(each.tell(more="x"))
    assert len({event(each.tell()), event(each.tell(word="read")), event(each.tell(id="other"))}) == 3


@over_sources
def test_a_source_is_pure_and_names_itself(each: Source) -> None:
    body, source = each.tell(), each.source
    envelope = source.read(body, NOW)
    assert source.read(body, NOW + 5) == envelope
    assert source.judge(envelope, body, NOW) == source.judge(envelope, body, NOW + 5)
    assert envelope.source == source.name == envelope.account.split("/")[0]
    assert envelope.account.split("/")[-1] == ("live" if envelope.live else "test")
    assert source.media


@pytest.mark.parametrize(
    "closed",
    [
        MetaWebhooks(meta_webhook.Settings()),
        MetaWebhooks(meta_webhook.Settings(("", " "))),
        TwilioWebhooks(twilio_webhook.Settings()),
        Msg91Webhooks(msg91_webhook.Settings()),
        WatiWebhooks(wati_webhook.Settings(("",))),
    ],
)
async def test_without_a_secret_the_endpoint_is_closed_and_the_doctor_says_so(closed: Any) -> None:
    with pytest.raises(BadSignature, match="closed"):
        closed.verify({"x-hub-signature-256": meta_signature(b"", "")}, b"", NOW, token="")
    assert await closed.doctor()


async def test_the_doctor_has_nothing_to_say_of_what_is_set() -> None:
    for source in (META, TWILIO, MSG91, WATI):
        assert await source.doctor() == []
    plain = TwilioWebhooks(twilio_webhook.Settings(("12345",), (), "http://127.0.0.1:8000/webhooks/twilio"))
    assert "https" in (await plain.doctor())[0]


def test_a_callback_address_is_needed_where_there_are_secrets() -> None:
    with pytest.raises(SettingsError, match="status callback"):
        twilio_webhook.Settings(("12345",))


@given(name=st.sampled_from(sorted(SOURCES)), seed=st.integers(0, 2**32))
def test_nothing_odd_comes_of_odd_bodies(name: str, seed: int) -> None:
    """Bodies with pieces put in, taken out and doubled."""
    each, dice = SOURCES[name], random.Random(seed)
    body = bytearray(each.tell())
    pieces = [
        b"null",
        b"[]",
        b"{}",
        b"-1",
        b'"x"',
        b"1e5",
        b"true",
        b",",
        b'"',
        b"\\ud800",
        b"\xff",
        b"9" * 30,
        b"%ff",
        b"&",
    ]
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(body))
        body[start : start + dice.choice((0, 1, 5, 12))] = dice.choice(pieces)
    raw = bytes(body)
    with suppress(InvalidInput, Problem):
        each.source.judge(each.source.read(raw, NOW), raw, NOW)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"{", b"7", b'"x"', b"[7]", b'{"a":1,"a":2}', b"NaN", b"[" * 100_000]
)
@pytest.mark.parametrize("source", [META, MSG91, WATI], ids=["whatsapp", "msg91", "wati"])
def test_what_is_no_json_object_is_refused(source: Any, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        source.read(body, NOW)


def test_failures_by_code_and_by_words() -> None:
    assert failed("131026", "x")[0] == "undeliverable"
    assert failed("131050")[0] == "undeliverable"
    assert failed("1" * 30, "x") == ("failed", "1" * 30, "x")
    assert failed("", "") == ("failed", "", "")
    assert failed("", "1310260 things") == ("failed", "", "1310260 things")
