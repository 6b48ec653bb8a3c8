"""What the tests of Razorpay's simulator work with: a client with the keys, webhooks by what they tell."""

import base64
import json
from typing import Any

from tests.simulators.kit import Client, Receiver, Said

NUMBER = "2045861230417"
ORDER = {"amount": 150_000, "currency": "INR", "receipt": NUMBER, "notes": {"onpaid_order": NUMBER}}
KEY = "Basic " + base64.b64encode(b"rzp_test_simulated:rzp_secret_simulated").decode()


async def call(client: Client, method: str, path: str, *, headers: Any = None, **more: Any) -> Said:
    sent = {"Authorization": KEY, **(headers or {})}
    return await client.call(method, f"/razorpay/v1{path}", headers=sent, **more)


async def new_order(client: Client, **more: Any) -> Any:
    said = await call(client, "POST", "/orders", json={**ORDER, **more})
    assert said.status == 200, said.text
    return said.json


def told(receiver: Receiver, *kinds: str) -> list[Any]:
    """The events that came, each delivery one."""
    found = [json.loads(body) for path, _headers, body in receiver.got if "razorpay" in path]
    return [event for event in found if not kinds or event["event"] in kinds]


def entity(event: Any, name: str = "payment") -> Any:
    return event["payload"][name]["entity"]
