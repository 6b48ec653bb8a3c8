"""`/openapi.json` names every route, is a document that others can read, and is kept to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from onpaid.web.app import doors_of
from onpaid.web.pages import Pages
from tests.web.client import nobody
from tests.web.conformance import check
from tests.web.serving import Served, serving, trading
from tests.web.world import OPERATOR, VIEWER, World


async def document(world: World) -> Any:
    answer = await nobody(world).get("/openapi.json")
    assert answer.header("content-type") == "application/json"
    return answer.json


async def test_it_names_every_route(world: World) -> None:
    paths = (await document(world))["paths"]
    told = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    doors = {(door.method, door.open_path) for door in doors_of(Pages("UTC", "", "0"))}
    assert told == doors | {("POST", f"/webhooks/{name}") for name in ("konverzky", "stripe")}


async def test_operations_have_names_of_their_own(world: World) -> None:
    paths = (await document(world))["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(names) == len(set(names))


async def test_every_reference_leads_somewhere(world: World) -> None:
    whole = await document(world)

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                assert part["$ref"].rpartition("/")[2] in whole["components"]["schemas"]
            for each in part.values():
                walk(each)
        elif isinstance(part, list):
            for each in part:
                walk(each)

    walk(whole)


async def test_its_schemas_are_schemas(world: World) -> None:
    for schema in (await document(world))["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.fixture(scope="module")
def sold() -> Iterator[Served]:
    """A service of every story, with something to show on every route."""
    with serving(trading) as found:
        yield found


@pytest.mark.parametrize("token", [OPERATOR, VIEWER])
def test_whatever_is_sent_the_service_keeps_to_it(sold: Served, token: str) -> None:
    outcome = check(sold.base, token, count=int(os.environ.get("ONPAID_CONFORMANCE_EXAMPLES", "6")))
    assert outcome.failures == []
    assert outcome.operations > 65
