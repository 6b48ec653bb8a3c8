"""Billing events at an SNS topic, standard and FIFO: the same words each time, and attributes to choose by."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import msgspec
import pytest

from onpaid.acts import act_of
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers import billing_topic
from onpaid.providers.billing_topic import BillingTopic, NoTopic, group_of
from tests.providers.postbox import PUBLISHED, attributes, refused
from tests.providers.scripted import Reply, closed_port, reply, scripted
from tests.providers.test_billing_webhook import EVENT

ARN = "arn:aws:sns:eu-north-1:123456789012:billing-events"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own AWS configuration."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "AKIAEXAMPLE")


@pytest.mark.parametrize("arn", [ARN, f"{ARN}.fifo"])
async def test_an_event_is_published_with_its_id_in_body_and_attributes(arn: str) -> None:
    async with scripted([reply(200, PUBLISHED, content_type="text/xml")] * 2) as server:
        topic = BillingTopic(billing_topic.Settings(arn, endpoint=server.base))
        assert await topic.publish(EVENT) == "m-1"
        await topic.publish(EVENT)
        await topic.close()
        one, two = (
            dict(parse_qsl(request.body.decode(), strict_parsing=True)) for request in server.requests
        )
    assert one == two, "a repeat says the same"
    assert one["TopicArn"] == arn
    assert json.loads(one["Message"])["id"] == EVENT.id
    assert attributes(one) == {
        "event_id": EVENT.id,
        "event_type": "payment.successful",
        "version": "1",
        "livemode": "true",
    }
    assert one.get("MessageGroupId") == ("cus_1" if arn.endswith(".fifo") else None)
    assert one.get("MessageDeduplicationId") == (EVENT.id if arn.endswith(".fifo") else None)


async def test_a_machine_whose_aws_configuration_is_wrong_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    topic = BillingTopic(billing_topic.Settings(ARN, endpoint=f"http://127.0.0.1:{closed_port()}"))
    with pytest.raises(Unauthorised, match="profile"):
        await topic.publish(EVENT)
    assert "profile" in "".join(await topic.doctor())


def test_the_group_of_a_customer_is_one_that_sns_takes() -> None:
    assert group_of("cus_1") == "cus_1"
    for odd in ("c" * 129, "cus 1", "kundé", ""):
        assert len(group_of(odd)) == 64
    assert group_of("c" * 129) != group_of("c" * 130)


def test_an_event_of_nobody_is_in_the_group_of_what_it_happened_to() -> None:
    guest = msgspec.structs.replace(EVENT, news=msgspec.structs.replace(EVENT.news, customer_id=""))
    message = BillingTopic(billing_topic.Settings(f"{ARN}.fifo"))._message(guest)
    assert message["MessageGroupId"] == "pi_1"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(403, refused("AuthorizationError"), content_type="text/xml"), Unauthorised),
        (reply(400, refused("InvalidParameter"), content_type="text/xml"), Refused),
        (reply(429, refused("Throttled"), content_type="text/xml"), Unavailable),
        (reply(500, refused("InternalError"), content_type="text/xml"), Doubtful),
        (Reply(then="close"), Doubtful),
        (None, Unavailable),
    ],
)
async def test_what_a_topic_may_come_to(answer: Reply | None, expected: type[ProviderError]) -> None:
    async with scripted(*([answer] if answer else [])) as server:
        base = server.base if answer else f"http://127.0.0.1:{closed_port()}"
        topic = BillingTopic(billing_topic.Settings(ARN, endpoint=base))
        with pytest.raises(expected, match="billing events topic") as caught:
            await topic.publish(EVENT)
        assert type(caught.value) is expected
        assert len(server.requests) <= 1, "boto3 repeats nothing by itself"
        await topic.close()


async def test_the_doctor_says_what_is_wrong() -> None:
    topic = BillingTopic(billing_topic.Settings(ARN, endpoint=f"http://127.0.0.1:{closed_port()}"))
    (said,) = await topic.doctor()
    assert said.startswith("Billing events: the billing events topic cannot be reached")
    await topic.close()


@pytest.mark.parametrize("arn", ["billing", "arn:aws:sqs:eu-north-1:123456789012:billing"])
def test_wrong_topics_are_told(arn: str) -> None:
    with pytest.raises(SettingsError, match="billing events topic"):
        billing_topic.Settings(arn)
    assert replace(billing_topic.Settings(ARN), topic_arn=f"{ARN}.fifo").ordered


async def test_without_a_topic_nothing_leaves() -> None:
    topic = NoTopic()
    assert await topic.publish(EVENT) == ""
    assert await topic.doctor() == []
    await topic.close()
    assert act_of(topic.publish).repeatable
    assert act_of(BillingTopic.publish).repeatable
