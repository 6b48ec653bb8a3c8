"""SNS: what a signed Publish yields, by a real client where there is one, and what is refused."""

import asyncio
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from onpaid.simulators.settings import TOPICS
from tests.simulators.kit import Client, Said, Start
from tests.simulators.sales_kit import SetClock

PLAIN, FIFO = TOPICS
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/sns/aws4_request, Signature=0"}
SPACE = "{http://sns.amazonaws.com/doc/2010-03-31/}"


async def call(client: Client, signed: Any = SIGNED, /, **form: str) -> Said:
    """A call as the query protocol has it."""
    return await client.call("POST", "/sns", data={"Version": "2010-03-31", **form}, headers=signed)


async def publish(client: Client, arn: str = PLAIN, message: str = '{"id": "be_1"}', **form: str) -> Said:
    return await call(client, Action="Publish", TopicArn=arn, Message=message, **form)


def text(said: Said, name: str) -> str | None:
    return ET.fromstring(said.text).findtext(f".//{SPACE}{name}")


async def test_a_message_is_taken_with_its_attributes(start: Start) -> None:
    client = await start()
    entry = "MessageAttributes.entry.1"
    more = {f"{entry}.Name": "id", f"{entry}.Value.DataType": "String", f"{entry}.Value.StringValue": "be_1"}
    first, second = await publish(client, **more), await publish(client)
    assert (first.status, first.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert text(first, "MessageId") != text(second, "MessageId")
    assert text(first, "RequestId") == first.headers["x-amzn-requestid"]
    rows = client.simulators.sns.rows()[PLAIN]
    assert [row["body"] for row in rows] == [{"id": "be_1"}] * 2
    assert rows[0]["attributes"] == {"id": "be_1"}


async def test_a_fifo_topic_takes_an_id_once_in_five_minutes(start: Start) -> None:
    clock = SetClock()
    client = await start(clock)
    named = {"MessageGroupId": "cus_1", "MessageDeduplicationId": "be_1"}
    first = await publish(client, FIFO, **named)
    clock.at += 299
    again = await publish(client, FIFO, **named)
    assert (text(again, "MessageId"), text(again, "SequenceNumber")) == (
        text(first, "MessageId"),
        text(first, "SequenceNumber"),
    )
    assert (len(client.simulators.sns.rows()[FIFO]), client.simulators.sns.repeats) == (1, 1)
    clock.at += 2
    third = await publish(client, FIFO, **named)
    assert int(str(text(third, "SequenceNumber"))) > int(str(text(first, "SequenceNumber")))
    assert len(client.simulators.sns.rows()[FIFO]) == 2


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"TopicArn": "arn:aws:sns:us-east-1:000000000000:none"}, 404, "NotFound"),
        ({"Message": ""}, 400, "InvalidParameter"),
        ({"Message": "x" * (256 * 1024 + 1)}, 400, "InvalidParameter"),
        ({"TopicArn": FIFO}, 400, "InvalidParameter"),
        ({"TopicArn": FIFO, "MessageGroupId": "a"}, 400, "InvalidParameter"),
        ({"TopicArn": FIFO, "MessageDeduplicationId": "a"}, 400, "InvalidParameter"),
        ({"TopicArn": FIFO, "MessageDeduplicationId": "ø", "MessageGroupId": "a"}, 400, "InvalidParameter"),
        ({"MessageDeduplicationId": "a"}, 400, "InvalidParameter"),
        ({"MessageAttributes.entry.1.Name": "id"}, 400, "InvalidParameterValue"),
        ({"Mesage": "x"}, 400, "InvalidParameter"),
        ({"Action": "CreateTopic"}, 400, "InvalidAction"),
    ],
)
async def test_what_sns_refuses(start: Start, form: dict[str, str], status: int, code: str) -> None:
    client = await start()
    said = await call(client, **{"Action": "Publish", "TopicArn": PLAIN, "Message": "{}", **form})
    assert (said.status, text(said, "Code")) == (status, code)
    assert client.simulators.sns.published == []


async def test_who_is_not_signed_for_sns_is_refused(start: Start) -> None:
    client = await start()
    for header in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": SIGNED["Authorization"].replace("sns", "s3")},
    ):
        said = await call(client, header, Action="Publish", TopicArn=PLAIN, Message="{}")
        assert (said.status, text(said, "Code")) == (403, "MissingAuthenticationToken")


async def test_a_topic_tells_what_it_is(start: Start) -> None:
    client = await start()
    said = await call(client, Action="GetTopicAttributes", TopicArn=FIFO)
    entries = ET.fromstring(said.text).iter(f"{SPACE}entry")
    told: dict[str, Any] = {str(e.findtext(f"{SPACE}key")): e.findtext(f"{SPACE}value") for e in entries}
    assert (told["TopicArn"], told["FifoTopic"]) == (FIFO, "true")
    assert (await call(client, Action="GetTopicAttributes", TopicArn="x")).status == 404
    named = ["arn:aws:sns:eu-north-1:000000000000:mine"]
    assert (await client.call("PUT", "/sns/_topics", json=named)).status == 200
    assert (await call(client, Action="GetTopicAttributes", TopicArn=named[0])).status == 200
    assert (await client.call("PUT", "/sns/_topics", json="x")).status == 400


async def test_the_faults_get_at_it_and_it_can_be_down(start: Start) -> None:
    client = await start()
    client.simulators.plan.set("503,429", seed=1, rate=1)
    answers = [await publish(client) for _ in range(8)]
    assert {said.status for said in answers} == {200, 429, 500}
    assert {text(said, "Code") for said in answers} == {None, "Throttled", "InternalError"}
    assert (await client.call("PUT", "/sns/_state", json={"down": True})).status == 200
    with pytest.raises(OSError):
        await publish(client)


async def test_amazons_own_client_reads_the_answers(start: Start) -> None:
    boto3 = pytest.importorskip("boto3", reason="Amazon's client is not installed")
    client = await start()
    keys = {"aws_access_key_id": "AK", "aws_secret_access_key": "SK", "region_name": "us-east-1"}
    sns = boto3.client("sns", endpoint_url=client.served.sns_base, **keys)
    publishing = asyncio.to_thread(
        sns.publish, TopicArn=FIFO, Message="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )
    assert (await publishing)["SequenceNumber"]
