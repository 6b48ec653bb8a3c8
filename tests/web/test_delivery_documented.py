"""What the doors of delivery answer is what `/openapi.json` says that they answer, for orders in every state."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from tests.web.client import Answer, nobody, operator
from tests.web.deliveries import NAMES, number_of
from tests.web.world import World


async def holds(world: World, method: str, path: str, answer: Answer) -> None:
    """The answer fits its schema."""
    document = (await nobody(world).get("/openapi.json")).json
    schema: dict[str, Any] = document["paths"][path][method]["responses"][str(answer.status)]
    media = schema["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json, {**media, "components": document["components"]})


@pytest.mark.parametrize("name", NAMES)
async def test_an_order_and_its_tracking(market: World, name: str) -> None:
    client, number = operator(market), quote(number_of(name))
    await holds(market, "get", "/api/orders/{number}", await client.get(f"/api/orders/{number}"))
    tracking = await client.get(f"/api/orders/{number}/tracking")
    await holds(market, "get", "/api/orders/{number}/tracking", tracking)


@pytest.mark.parametrize(
    "path", ["/api/products", "/api/sellers", "/api/shipments", "/api/orders", "/api/checkout/products"]
)
async def test_lists(market: World, path: str) -> None:
    answer = await operator(market).get(path)
    assert answer.json["items"]
    await holds(market, "get", path, answer)


@pytest.mark.parametrize(
    ("path", "name", "body"),
    [
        ("/api/orders/{number}/decide", "held", {"choice": "refund"}),
        ("/api/orders/{number}/ship", "came back", {}),
        ("/api/orders/{number}/cancel-shipment", "waiting", {}),
        ("/api/shipments/ship-dry-runs", "", {}),
        ("/api/products/import", "", {"text": "id,name,price\nmug,Mug,99"}),
        ("/api/products/{id}/stock", "", {"left": 7}),
    ],
)
async def test_acts(market: World, path: str, name: str, body: dict[str, Any]) -> None:
    target = path.replace("{id}", "case").replace("{number}", number_of(name) if name else "")
    answer = await operator(market).post(target, data=body)
    assert answer.status == 200
    await holds(market, "post", path, answer)
