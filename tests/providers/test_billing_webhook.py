"""Billing events at the doors of subscribers: signed as Standard Webhooks says, never where nobody of ours has
business, and every outcome told as an answer without a secret in it."""

from __future__ import annotations

import base64
import json
import socket
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from onpaid.acts import Call, act_of, current_call
from onpaid.clock import SystemClock, as_datetime
from onpaid.domain.billing import Answered, BillingEvent, BillingNews
from onpaid.domain.billing_body import bytes_of
from onpaid.domain.subscribers import Outgoing, Subscriber
from onpaid.errors import SettingsError
from onpaid.providers.addresses import checked_address, socket_to_public
from onpaid.providers.billing_webhook import LARGEST_ANSWER, Settings, SubscriberDoors
from tests.providers.scripted import Reply, closed_port, reply, scripted

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests, 24 bytes+").decode()
NEWS = BillingNews(
    "stripe/default/live",
    "payment.successful",
    "pi_1",
    1_795_262_400_000,
    live=True,
    customer_id="cus_1",
    user="u-1",
    data={"amount": 19900, "currency": "NOK"},
)
EVENT = BillingEvent(NEWS.id, NEWS, 1_795_262_400_500, 7)


class Book:
    """Knows one subscriber, or nobody."""

    def __init__(self, url: str | None, *, held: bool = False) -> None:
        self.url = url
        self.held = held

    async def outgoing(self, subscriber: str, event: str) -> Outgoing | None:
        return None if self.url is None else Outgoing(self.url, SECRET, EVENT, self.held)


def doors(url: str | None, *, private: bool = True) -> SubscriberDoors:
    return SubscriberDoors(Settings(private), Book(url), SystemClock())


async def tried(*answers: Reply, path: str = "/in?token=alsoSecret") -> tuple[Answered, list[Any]]:
    async with scripted(*answers) as server:
        way = doors(f"{server.base}{path}")
        answered = await way.deliver("sbr_1", EVENT.id)
        await way.close()
        return answered, server.requests


async def test_an_event_arrives_and_its_signature_is_checked_by_the_library() -> None:
    answered, (request,) = await tried(reply(204))
    assert answered == Answered(True, 204)
    assert (request.method, request.target) == ("POST", "/in?token=alsoSecret")
    assert request.headers["webhook-id"] == EVENT.id
    assert request.headers["content-type"] == "application/json"
    assert request.body == bytes_of(EVENT)
    assert Webhook(SECRET).verify(request.body, request.headers) == json.loads(request.body)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"19900", b"99900"), request.headers)
    sent = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    assert abs((as_datetime(SystemClock().now()) - sent).total_seconds()) < 60


async def test_nothing_is_sent_to_whoever_is_to_get_nothing_now() -> None:
    async with scripted(reply(204)) as server:
        way = SubscriberDoors(Settings(True), Book(f"{server.base}/in", held=True), SystemClock())
        assert await way.deliver("sbr_1", EVENT.id) == Answered(False, unsent=True)
        assert server.connections == 0
        await way.close()


async def test_a_repeat_bears_the_same_id_and_the_same_bytes() -> None:
    async with scripted(reply(500), reply(200)) as server:
        way = doors(f"{server.base}/in")
        await way.deliver("sbr_1", EVENT.id)
        await way.deliver("sbr_1", EVENT.id)
        await way.close()
        one, two = server.requests
    assert one.headers["webhook-id"] == two.headers["webhook-id"] == EVENT.id
    assert one.body == two.body


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, b"fine", content_type="text/plain"), Answered(True, 200)),
        (reply(200, b"x" * (LARGEST_ANSWER + 1)), Answered(True, 200)),
        (reply(200, b"half of it", then="close", content_length="99"), Answered(True, 200)),
        (reply(500, b"x" * 9 * LARGEST_ANSWER), Answered(False, 500, "it answered 500")),
        (reply(500, b"alsoSecret"), Answered(False, 500, "it answered 500")),
        (reply(400), Answered(False, 400, "it answered 400")),
        (reply(302, b"", location="http://127.0.0.1:1/"), Answered(False, 302, "it answered 302")),
        (reply(410), Answered(False, 410, "it answered 410", gone=True)),
        (reply(429, b"", retry_after="90"), Answered(False, 429, "it answered 429", retry_after_s=90)),
        (reply(503, b"", retry_after="7"), Answered(False, 503, "it answered 503", retry_after_s=7)),
        (reply(500, b"", retry_after="7"), Answered(False, 500, "it answered 500")),
    ],
)
async def test_what_a_subscriber_answers(answer: Reply, expected: Answered) -> None:
    answered, requests = await tried(answer)
    assert answered == expected
    assert len(requests) == 1


@pytest.mark.parametrize("answer", [Reply(then="reset"), Reply(then="close")])
async def test_what_is_no_answer_is_told_without_a_secret(answer: Reply) -> None:
    answered, _ = await tried(answer)
    assert not answered.ok
    assert answered.why
    assert "alsoSecret" not in answered.why
    assert "/in" not in answered.why


async def test_a_subscriber_that_says_nothing_is_told_of_before_the_engine_gives_up() -> None:
    async with scripted(Reply(then="hang")) as server:
        way = doors(f"{server.base}/in")
        token = current_call.set(Call("key", 1e12, 0.2, lambda: 0.0))
        answered = await way.deliver("sbr_1", EVENT.id)
        current_call.reset(token)
        await way.close()
    assert answered == Answered(False, why="no answer within 0.15 s")


async def test_a_subscriber_that_is_not_there() -> None:
    way = doors(f"http://127.0.0.1:{closed_port()}/in")
    answered = await way.deliver("sbr_1", EVENT.id)
    assert not answered.ok
    assert "cannot be reached" in answered.why
    await way.close()
    assert (await doors(None).deliver("sbr_1", EVENT.id)).gone


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/in",
        "https://127.0.0.1/in",
        "https://10.0.0.7/in",
        "https://192.168.1.1/in",
        "https://[::1]/in",
        "https://[fd00::1]/in",
        "https://[::ffff:10.0.0.1]/in",
        "https://[64:ff9b::7f00:1]/in",
        "https://[fec0::1]/in",
        "https://[64:ff9b:1::7f00:1]/in",
        "https://[::127.0.0.1]/in",
        "https://100.64.1.1/in",
        "https://localhost/in",
        "https://entitlements:8080/in",
        "https://169.254.169.254/in",
        "https://2852039166/in",
        "https://0x7f.1/in",
        "https://0.0.0.0/in",
        "http://hook.example.org/in",
        "https://user:pass@hook.example.org/in",
        "https://hook.example.org/in#part",
        "https://hook.example.org/a b",
        "https://hook.example.org/in?a b",
        "ftp://hook.example.org/in",
        "nowhere",
        "https://hook.example.org/a/./in",
        "https://hook..example.org/in",
        "https://.example.org/in",
        f"https://{'a' * 64}.example.org/in",
    ],
)
async def test_where_no_subscriber_can_be(url: str) -> None:
    with pytest.raises(SettingsError):
        checked_address(url, "the subscriber", public=True)
    answered = await doors(url, private=False).deliver("sbr_1", EVENT.id)
    assert not answered.ok


async def test_a_name_that_leads_to_this_machine_is_not_followed() -> None:
    """The name looks public; what it resolves to does not. The control: with leave, it is called."""
    async with scripted([reply(200)] * 2) as server:
        url = f"https://localhost.localdomain:{server.port}/in"
        way = doors(url, private=False)
        answered = await way.deliver("sbr_1", EVENT.id)
        await way.close()
        assert not answered.ok
        assert server.connections == 0
        near = doors(f"http://127.0.0.1:{server.port}/in")
        assert (await near.deliver("sbr_1", EVENT.id)).ok
        await near.close()


@pytest.mark.parametrize("place", ["fec0::1", "5f00::1", "64:ff9b:1::7f00:1", "192.168.0.1"])
def test_no_socket_is_made_to_where_the_internet_is_not(place: str) -> None:
    kind = socket.AF_INET6 if ":" in place else socket.AF_INET
    with pytest.raises(OSError, match="no address on the internet"):
        socket_to_public((kind, socket.SOCK_STREAM, 6, "", (place, 443)))


def test_addresses_that_are_fine() -> None:
    for url, told in (
        ("https://hook.example.org", "https://hook.example.org/"),
        ("https://hook.example.org/in/?a=b", "https://hook.example.org/in/?a=b"),
        ("https://hook.example.org?a=b", "https://hook.example.org/?a=b"),
        ("https://8.8.8.8:8443/in", "https://8.8.8.8:8443/in"),
        ("https://[2606:4700::1111]/in", "https://[2606:4700::1111]/in"),
        ("HTTPS://hook.example.org./in", "https://hook.example.org./in"),
        ("https://hook.example.org/.well-known/in", "https://hook.example.org/.well-known/in"),
    ):
        assert checked_address(url, "the subscriber", public=True) == told


def test_a_secret_is_in_no_representation() -> None:
    outgoing = Outgoing("https://hook.example.org/in", SECRET, EVENT)
    subscriber = Subscriber("sbr_1", "https://hook.example.org/in", SECRET, 0)
    assert SECRET not in f"{outgoing!r} {subscriber!r}"
    assert act_of(SubscriberDoors.deliver).repeatable


async def test_one_connection_serves_many_tries() -> None:
    async with scripted([reply(200)] * 3) as server:
        way = doors(f"{server.base}/in")
        for _ in range(3):
            assert (await way.deliver("sbr_1", EVENT.id)).ok
        assert server.connections == 1
        await way.close()
