"""Alerts: they arrive, they say nothing personal, and what fails fails in words of ours."""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from onpaid.acts import act, act_of
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers import alert_mail, alert_topic, alert_webhook
from onpaid.providers.alert_mail import AlertMail
from onpaid.providers.alert_topic import AlertTopic
from onpaid.providers.alert_webhook import AlertWebhook
from onpaid.providers.alert_words import alert_of, body, subject
from onpaid.providers.alerts import Alerts, NoAlerts
from onpaid.providers.roles import FiledTicket, TicketRef
from tests.providers.postbox import PUBLISHED, attributes, postbox, published, refused
from tests.providers.scripted import Reply, closed_port, reply, scripted

TICKET = FiledTicket(
    id="tkt_0123456789abcdef",
    category="internal",
    severity="critical",
    title="A fault in onpaid stopped this run for kari@example.org\r\nBcc: all@example.org",
    facts={"customerEmail": "kari@example.org", "order": "shop/2045861230417"},
    opened_at="2026-11-25T10:00:00.000Z",
    run="ship_paid_order:pay_1",
    order="shop/2045861230417",
    environment="production",
    fingerprint="3f9ac1d2e4b5",
    times=4,
)
ARN = "arn:aws:sns:eu-north-1:123456789012:alerts"
SECRET = "/services/T0/B0/verySecretPath"


# -- words -------------------------------------------------------------------------------------------------------


def test_an_alert_says_where_to_look_and_nothing_personal() -> None:
    told = alert_of(TICKET)
    assert (told.id, told.severity, told.order_id, told.times) == (TICKET.id, "critical", "2045861230417", 4)
    for text in (told.text, told.title, body(TICKET), subject(TICKET)):
        assert "kari" not in text
        assert "all@" not in text
    assert "4 tickets of this problem" in body(TICKET)
    assert "\n" not in told.text
    bare = replace(TICKET, order=None, run=None, environment="", times=1)
    assert "Order" not in body(bare)
    assert subject(bare).startswith("onpaid critical internal: ")


@given(st.text(max_size=400))
def test_any_title_makes_a_mail_of_one_subject(title: str) -> None:
    mail = AlertMail(mail_settings(25)).mail(replace(TICKET, title=title))
    raw = mail.as_bytes()
    head = raw.partition(b"\n\n")[0]
    assert b"\nBcc:" not in head
    assert head.count(b"Subject:") == 1


# -- webhook -----------------------------------------------------------------------------------------------------


def hook(base: str) -> AlertWebhook:
    return AlertWebhook(alert_webhook.Settings(f"{base}{SECRET}?token=alsoSecret"))


async def test_a_webhook_is_posted_the_alert() -> None:
    async with scripted(reply(200, b"ok", content_type="text/plain")) as server:
        way = hook(server.base)
        assert await way.alert(TICKET) == TicketRef("webhook#tkt_0123456789abcdef.4")
        (request,) = server.requests
        assert await way.doctor() == []
        await way.close()
    assert (request.method, request.target) == ("POST", f"{SECRET}?token=alsoSecret")
    told = request.json()
    assert told["orderId"] == "2045861230417"
    assert told["openedAt"] == TICKET.opened_at
    assert "example.org" not in json.dumps(told)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(500, b"no"), Doubtful),
        (reply(429, b"", retry_after="7"), Unavailable),
        (reply(404, SECRET.encode(), content_type="text/plain"), Refused),
        (reply(403, {}), Unauthorised),
        (reply(302, b"", location="https://elsewhere.example.org"), Doubtful),
        (Reply(then="reset"), Doubtful),
        (None, Unavailable),
    ],
)
async def test_a_webhooks_address_stands_in_no_error(
    answer: Reply | None, expected: type[ProviderError]
) -> None:
    async with scripted(*([answer] if answer else [])) as server:
        way = hook(server.base if answer else f"http://127.0.0.1:{closed_port()}")
        with pytest.raises(expected) as caught:
            await way.alert(TICKET)
        assert "ecret" not in str(caught.value)
        await way.close()


@pytest.mark.parametrize(
    "url", ["http://alerts.example.org/x", "nowhere", "https://x.example.org/a b", "https://u:p@x/y"]
)
def test_a_webhook_that_cannot_be(url: str) -> None:
    with pytest.raises(SettingsError):
        AlertWebhook(alert_webhook.Settings(url))
    assert SECRET not in repr(alert_webhook.Settings(f"https://x.example.org{SECRET}"))


async def test_an_address_without_a_path() -> None:
    async with scripted(reply(204)) as server:
        way = AlertWebhook(alert_webhook.Settings(server.base))
        await way.alert(TICKET)
        assert server.requests[0].target == "/"
        await way.close()


# -- mail --------------------------------------------------------------------------------------------------------


def mail_settings(port: int, **more: Any) -> alert_mail.Settings:
    return alert_mail.Settings(
        **{
            "host": "127.0.0.1",
            "port": port,
            "sender": "onpaid@shop.example",
            "to": ("ops@shop.example", "night@shop.example"),
            **more,
        }
    )


async def test_a_mail_arrives_the_same_each_time() -> None:
    async with postbox() as server:
        way = AlertMail(mail_settings(server.port, user="onpaid", password="pass"))
        assert await way.alert(TICKET) == TicketRef("mail#tkt_0123456789abcdef.4")
        await way.alert(TICKET)
        assert await way.doctor() == []
        one, two = server.mails
    assert one["Message-ID"] == two["Message-ID"] == "<tkt_0123456789abcdef.4@shop.example>"
    assert one["To"] == "ops@shop.example, night@shop.example"
    assert one["Date"] == "Wed, 25 Nov 2026 10:00:00 +0000"
    assert "Bcc" not in one
    assert "kari" not in one.as_string()
    assert "2045861230417" in one.get_content()
    assert [line.replace("rcpt", "RCPT") for line in server.said if line.lower().startswith("rcpt")][:2] == [
        "RCPT TO:<ops@shop.example>",
        "RCPT TO:<night@shop.example>",
    ]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *made.split(), "-keyout", str(path), "-out", f"{path}.crt"],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


async def test_a_mail_goes_encrypted_where_that_is_offered(certificate: Path) -> None:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))
    settings = {"encrypt": "starttls", "user": "u", "password": "p"}
    async with postbox(tls=ours) as server:
        await AlertMail(mail_settings(server.port, **settings), trust=trust).alert(TICKET)
        assert server.encrypted
        assert len(server.mails) == 1
        signs_in = next(number for number, line in enumerate(server.said) if line.startswith("AUTH"))
        assert server.said.index("STARTTLS") < signs_in
    async with postbox(tls=ours) as server:
        with pytest.raises(Unauthorised, match="not believed"):
            await AlertMail(mail_settings(server.port, **settings)).alert(TICKET)
        assert not any(line.startswith("AUTH") for line in server.said)


async def test_nothing_is_sent_in_clear_where_encryption_is_wanted() -> None:
    async with postbox() as server:
        with pytest.raises(Unauthorised, match="no encryption"):
            await AlertMail(mail_settings(server.port, encrypt="starttls", user="u", password="p")).alert(
                TICKET
            )
        with pytest.raises(Unavailable):
            await AlertMail(mail_settings(server.port, encrypt="tls")).alert(TICKET)
        assert not server.mails
        assert not any(line.startswith(("AUTH", "MAIL")) for line in server.said)
    assert mail_settings(465).how == "tls"
    assert mail_settings(587, host="mail.example.org").how == "starttls"
    assert mail_settings(25, host="mail.example.org").how == "starttls"
    assert mail_settings(587, host="localhost").how == "perhaps"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"answers": {"AUTH": "535 wrong kari@example.org\r\n"}}, Unauthorised),
        ({"answers": {"AUTH": "454 later\r\n"}}, Unavailable),
        ({"answers": {"MAIL": "451 later\r\n"}}, Unavailable),
        ({"answers": {"MAIL": "553 not you\r\n"}}, Refused),
        ({"answers": {"RCPT": "550 nobody\r\n"}}, Refused),
        ({"answers": {"RCPT": "450 grey\r\n"}}, Unavailable),
        ({"answers": {"DATA": "554 no\r\n"}}, Refused),
        ({"answers": {"END": "452 full\r\n"}}, Unavailable),
        ({"answers": {"EHLO": "250 bare\r\n", "AUTH": "502 no\r\n"}}, Unavailable),
        ({"drop": "END"}, Doubtful),
        ({"drop": "AUTH"}, Unavailable),
    ],
)
async def test_what_a_mail_server_may_say(more: dict[str, Any], expected: type[ProviderError]) -> None:
    async with postbox(**more) as server:
        way = AlertMail(mail_settings(server.port, user="onpaid", password="verySecret"))
        with pytest.raises(expected) as caught:
            await way.alert(TICKET)
        assert type(caught.value) is expected
        assert "kari" not in str(caught.value)
        assert "verySecret" not in str(caught.value)
        assert not server.mails


async def test_a_mail_server_that_is_not_there() -> None:
    way = AlertMail(mail_settings(closed_port()))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await way.alert(TICKET)
    assert "cannot be reached" in (await way.doctor())[0]
    await way.close()


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "nobody"},
        {"to": ()},
        {"to": ("ops@shop.example\r\nBcc: x@y.no",)},
        {"to": ("ops@shop.example, x@y.no",)},
        {"to": ("Ops <ops@shop.example>",)},
        {"sender": "ø@shop.example"},
        {"host": "mail.example.org/x"},
        {"host": ""},
        {"port": 0},
        {"user": "without password"},
    ],
)
def test_wrong_mail_settings_are_told(more: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="alert mail"):
        mail_settings(**{"port": 587, **more})


# -- topic -------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The machine's own AWS configuration: keys, or none."""

    def given(key: str) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)

    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return given


@pytest.mark.parametrize("arn", [ARN, f"{ARN}.fifo"])
async def test_a_topic_is_published_to(keys: Callable[[str], None], arn: str) -> None:
    keys("AKIAEXAMPLE")
    odd = replace(TICKET, title="Ørsted “quoted” 🧾 " + "x" * 200)
    async with scripted([reply(200, PUBLISHED, content_type="text/xml")] * 2) as server:
        way = AlertTopic(alert_topic.Settings(arn, endpoint=server.base))
        assert await way.alert(TICKET) == TicketRef("topic#m-1")
        await way.alert(replace(odd, environment=""))
        await way.close()
        one, two = (published(request.body) for request in server.requests)
    assert one["TopicArn"] == arn
    assert attributes(one) == {
        "category": "internal",
        "severity": "critical",
        "environment": "production",
        "fingerprint": "3f9ac1d2e4b5",
        "mark": "tkt_0123456789abcdef.4",
    }
    assert "kari" not in str(one)
    assert "Ørsted" in two["Message"]
    assert one.get("MessageDeduplicationId", "tkt_0123456789abcdef.4") == "tkt_0123456789abcdef.4"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(403, refused("AuthorizationError"), content_type="text/xml"), Unauthorised),
        (reply(404, refused("NotFound"), content_type="text/xml"), Unauthorised),
        (reply(403, refused("InvalidClientTokenId"), content_type="text/xml"), Unauthorised),
        (reply(400, refused("InvalidParameter"), content_type="text/xml"), Refused),
        (reply(429, refused("Throttled"), content_type="text/xml"), Unavailable),
        (reply(500, refused("InternalError"), content_type="text/xml"), Doubtful),
        (reply(503, b"", content_type="text/xml"), Doubtful),
        (reply(200, b"<html>", content_type="text/html"), Doubtful),
        (Reply(then="close"), Doubtful),
        (None, Unavailable),
    ],
)
async def test_what_a_topic_may_come_to(
    keys: Callable[[str], None], answer: Reply | None, expected: type[ProviderError]
) -> None:
    keys("AKIAEXAMPLE")
    async with scripted(*([answer] if answer else [])) as server:
        base = server.base if answer else f"http://127.0.0.1:{closed_port()}"
        way = AlertTopic(alert_topic.Settings(ARN, endpoint=base))
        with pytest.raises(expected) as caught:
            await way.alert(TICKET)
        assert type(caught.value) is expected
        assert len(server.requests) <= 1, "boto3 repeats nothing by itself"
        assert "AKIA" not in str(caught.value)
        await way.close()


async def test_a_topic_without_keys(keys: Callable[[str], None]) -> None:
    way = AlertTopic(alert_topic.Settings(ARN, endpoint=f"http://127.0.0.1:{closed_port()}"))
    assert "credentials" in (await way.doctor())[0]
    await way.close()


@pytest.mark.parametrize(
    ("arn", "endpoint"),
    [("alerts", None), ("arn:aws:sqs:eu-north-1:123456789012:alerts", None), (ARN, "http://sns.example.org")],
)
def test_wrong_topics_are_told(arn: str, endpoint: str | None) -> None:
    with pytest.raises(SettingsError, match="alert topic"):
        alert_topic.Settings(arn, endpoint=endpoint)


def test_without_boto3_a_sentence_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "from onpaid.providers import alert_topic\n"
        f"alert_topic.Settings('{ARN}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'onpaid[aws]'" in done.stderr


# -- several -----------------------------------------------------------------------------------------------------


class Way:
    """A way that ends as it is told to."""

    def __init__(self, error: ProviderError | None = None, wrong: str = "") -> None:
        self.error = error
        self.wrong = wrong
        self.told = 0

    @act(repeatable=True)
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.told += 1
        return TicketRef(f"way#{ticket.id}")

    async def doctor(self) -> list[str]:
        return [self.wrong] if self.wrong else []


async def test_one_way_that_works_is_enough() -> None:
    broken, good = Way(Unauthorised("a wrong password"), "mail: a wrong password"), Way()
    alerts = Alerts([broken, good, NoAlerts()])
    made = await alerts.alert(TICKET)
    assert "way#tkt_0123456789abcdef" in made.reference
    assert good.told == 1
    assert await alerts.doctor() == ["mail: a wrong password"]
    await alerts.close()


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([Unauthorised("no"), Unavailable("busy"), Doubtful("lost")], Unavailable),
        ([Refused("no"), Doubtful("lost")], Doubtful),
        ([Unauthorised("no")], Unauthorised),
    ],
)
async def test_if_no_way_works_the_mildest_error_is_told(
    errors: list[ProviderError], expected: type[ProviderError]
) -> None:
    with pytest.raises(expected) as caught:
        await Alerts([Way(error) for error in errors]).alert(TICKET)
    assert type(caught.value) is expected


async def test_nobody_is_told_where_nothing_is_set_up() -> None:
    nobody = NoAlerts()
    assert (await nobody.alert(TICKET)).reference.startswith("nobody")
    assert (await nobody.doctor(), nobody.lanes) == ([], ())


def test_every_way_may_be_repeated_and_has_a_lane() -> None:
    for way in (AlertWebhook, AlertMail, AlertTopic, Alerts):
        declared = act_of(way.alert)
        assert declared.repeatable
        assert declared.lane == "alerts"
    assert [lane.name for lane in Alerts([]).lanes] == ["alerts"]
