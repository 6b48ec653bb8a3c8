"""The bell: rings are gathered, sent ten at a time while others work, and a queue's trouble is nobody's trouble."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest

from onpaid.engine.testing import run_virtually
from onpaid.runtime.aws import Ring, SqsBell, SqsQueue
from tests.runtime_aws.line import Line


def line() -> Line:
    return Line(asyncio.get_running_loop())


def test_rings_are_sent_once_ten_at_a_time() -> None:
    async def main() -> None:
        queue = line()
        bell = SqsBell(queue)
        for _ in range(2):
            bell.ring(f"run:{nth}" for nth in range(23))
        assert await bell.flush() == 0
        assert [len(batch) for batch in queue.batches] == [10, 10, 3]
        assert len(set(queue.runs)) == 23
        assert await bell.flush() == 0
        assert len(queue.batches) == 3

    run_virtually(main)


def test_a_ring_in_the_future_is_whole_seconds_and_a_quarter_of_an_hour_at_most() -> None:
    async def main() -> None:
        queue = line()
        bell = SqsBell(queue)
        for run, seconds in (("a", 0.0), ("b", 0.2), ("c", 30.0), ("d", 899.5), ("e", 900.5), ("f", -1)):
            bell.ring_in(run, seconds)
        bell.ring_in("c", 40.1)
        bell.ring(["c"])
        await bell.flush()
        assert queue.batches == [
            [Ring("c"), Ring("a"), Ring("b", 1), Ring("c", 41), Ring("d", 900), Ring("f")]
        ]

    run_virtually(main)


def test_rings_leave_while_others_work() -> None:
    async def main() -> None:
        queue = line()
        bell = SqsBell(queue)
        async with bell.ringing():
            bell.ring(["a"])
            await asyncio.sleep(0.1)
            assert queue.runs == ["a"]
            bell.ring_in("b", 5)
            await asyncio.sleep(0.1)
            assert queue.runs == ["a", "b"]
            bell.ring(["c"])
        assert queue.runs == ["a", "b", "c"]
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main)


def test_a_queue_that_cannot_be_reached_loses_rings_and_nothing_else() -> None:
    async def main() -> None:
        queue = line()
        bell = SqsBell(queue)
        queue.broken = True
        async with bell.ringing():
            bell.ring(f"run:{nth}" for nth in range(12))
            await asyncio.sleep(0.1)
            bell.ring(["a"])
        bell.ring(f"run:{nth}" for nth in range(12))
        assert await bell.flush() == 12
        queue.broken = False
        assert await bell.flush() == 0
        assert queue.runs == []

    run_virtually(main)


def test_what_breaks_in_between_is_not_hidden_and_rings_leave_all_the_same() -> None:
    async def main() -> None:
        queue = line()
        bell = SqsBell(queue)

        async def breaks() -> None:
            async with bell.ringing():
                bell.ring(["a"])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await breaks()
        assert queue.runs == ["a"]

    run_virtually(main)


class Sqs(BaseHTTPRequestHandler):
    """As much of SQS as is asked of it, in its JSON protocol."""

    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        what = self.headers["x-amz-target"].rpartition(".")[2]
        type(self).seen.append({"what": what, **told})
        if what == "GetQueueAttributes":
            self._answer({"Attributes": {"ApproximateNumberOfMessages": "41"}})
            return
        entries = told["Entries"]
        failed = [
            {"Id": each["Id"], "Code": "x", "SenderFault": True}
            for each in entries
            if "bad" in each["MessageBody"]
        ]
        sent = [
            {"Id": each["Id"], "MessageId": f"m{each['Id']}", "MD5OfMessageBody": _md5(each["MessageBody"])}
            for each in entries
            if "bad" not in each["MessageBody"]
        ]
        self._answer({"Successful": sent, "Failed": failed})

    def _answer(self, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Tests are quiet."""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def sqs() -> Iterator[str]:
    """Where SQS is on this machine."""
    Sqs.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Sqs) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_the_real_client_sends_what_was_rung(sqs: str) -> None:
    client = boto3.client(
        "sqs",
        endpoint_url=sqs,
        region_name="eu-north-1",
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="not a secret",
    )
    queue = SqsQueue(f"{sqs}/123456789012/onpaid-test-work", client=client)
    try:
        assert await queue.send([Ring("invoice_payment:pi_1"), Ring("b", 30), Ring("bad")]) == 1
        assert await queue.waiting() == 41
    finally:
        await queue.close()
    sent, asked = Sqs.seen
    assert sent["QueueUrl"].endswith("/onpaid-test-work")
    assert [(each["MessageBody"], each["DelaySeconds"]) for each in sent["Entries"]] == [
        ('{"run":"invoice_payment:pi_1"}', 0),
        ('{"run":"b"}', 30),
        ('{"run":"bad"}', 0),
    ]
    assert asked["AttributeNames"] == ["ApproximateNumberOfMessages"]
