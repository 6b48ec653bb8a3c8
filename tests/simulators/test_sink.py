"""Subscribers: they believe good signatures only, answer as they are told, and know what came twice."""

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from onpaid.simulators.sink import FIRST_SECRET
from tests.simulators.kit import Client, HandClock, Said, Start

OTHER = "whsec_" + base64.b64encode(b"another secret of a subscriber..").decode()


async def send(
    client: Client, ident: str = "be_1", secret: str = FIRST_SECRET, at: float | None = None, **more: Any
) -> Said:
    """One event, signed by the library that subscribers use."""
    body = json.dumps({"id": ident, "type": "payment.successful"})
    stamp = time.time() if at is None else at
    signed = Webhook(secret).sign(ident, datetime.fromtimestamp(stamp, UTC), body)
    headers = {"webhook-id": ident, "webhook-timestamp": str(int(stamp)), "webhook-signature": signed}
    sent = {**headers, **more.pop("headers", {})}
    return await client.call("POST", "/_sink/crm", data=body, headers=sent, **more)


async def turn(client: Client, **wanted: Any) -> int:
    return (await client.call("PUT", "/_sink/crm/_state", json=wanted)).status


async def book(client: Client) -> Any:
    return (await client.call("GET", "/_sink/crm")).json


async def test_what_came_is_kept_in_order_and_repeats_are_counted(start: Start) -> None:
    client = await start()
    assert (await client.call("GET", "/_sink/crm")).status == 404
    for ident in ("be_1", "be_2", "be_1"):
        assert (await send(client, ident)).status == 200
    assert [(row["id"], row["times"]) for row in (await book(client))["events"]] == [("be_1", 2), ("be_2", 1)]
    assert (await book(client))["events"][0]["body"]["type"] == "payment.successful"
    await client.call("POST", "/_reset")
    assert (await book(client))["events"] == []


async def test_bad_signatures_are_not_believed(start: Start) -> None:
    client = await start()
    assert (await send(client, secret=OTHER)).status == 401
    assert (await send(client, at=time.time() - 301)).status == 401
    assert (await send(client, at=time.time() + 301)).status == 401
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert (await send(client, headers={name: ""})).status == 401
    assert (await send(client, headers={"webhook-id": "be_2"})).status == 401
    assert (await send(client, headers={"webhook-signature": "v1,AAAA v1a,xx"})).status == 401
    told = await book(client)
    assert (told["unsigned"], told["events"], told["attempts"]) == (8, [], 8)
    assert await turn(client, secrets=[OTHER, FIRST_SECRET]) == 200
    assert (await send(client, secret=OTHER)).status == (await send(client, "be_2")).status == 200


async def test_it_answers_as_it_is_told_for_a_while(start: Start) -> None:
    client = await start()
    assert await turn(client, answer=500, times=2) == 200
    assert [(await send(client)).status for _ in range(3)] == [500, 500, 200]
    assert await turn(client, answer=410) == 200
    assert [(await send(client, "be_2")).status for _ in range(2)] == [410, 410]
    assert await turn(client, answer=200) == 200
    assert (await send(client, "be_2")).status == 200
    told = await book(client)
    assert (told["refused"], [row["id"] for row in told["events"]]) == (
        {"500": 2, "410": 2},
        ["be_1", "be_2"],
    )


async def test_it_can_say_nothing_at_all(start: Start) -> None:
    client = await start()
    assert await turn(client, answer="timeout", times=1) == 200
    with pytest.raises(TimeoutError):
        await send(client, timeout=aiohttp.ClientTimeout(total=0.05))
    assert (await send(client)).status == 200
    assert (await book(client))["refused"] == {"timeout": 1}


@pytest.mark.parametrize(
    "wrong",
    [{"answer": "no"}, {"answer": 99}, {"times": 0}, {"secrets": []}, {"secrets": ["x"]}, {"mood": 1}],
)
async def test_orders_that_make_no_sense_are_refused(start: Start, wrong: dict[str, Any]) -> None:
    client = await start()
    assert await turn(client, **wrong) == 400
    assert (await client.call("GET", "/_sink/crm/_state")).json == {
        "answer": 200,
        "times": None,
        "secrets": 1,
    }


async def test_the_faults_get_at_it(start: Start) -> None:
    client = await start(HandClock())
    client.simulators.clock.gate.set()  # type: ignore[attr-defined]
    client.simulators.plan.set("503", seed=2, rate=1)
    answers = [(await send(client)).status for _ in range(6)]
    assert 503 in answers
    assert 200 in answers
    assert client.simulators.plan.injected["503"] > 0
