"""Products and prices: ids of one's own, amounts that stay, names that one active price bears."""

import asyncio
from typing import Any

import pytest

from tests.simulators.kit import Start
from tests.simulators.sales_kit import form, get, post, refused, till


async def test_a_product_under_an_id_of_ones_own_is_made_once(start: Start) -> None:
    client = await start()
    made = await post(client, "/products", id="onpaid_planner", name="Planner", metadata={"a": "1"})
    assert (made["id"], made["name"], made["active"]) == ("onpaid_planner", "Planner", True)
    again = await refused(client, "/products", id="onpaid_planner", name="Planner")
    assert again == (400, "resource_already_exists", "id")
    many = await asyncio.gather(
        *(client.stripe("POST", "/products", data=form({"id": "one", "name": "One"})) for _ in range(20))
    )
    assert sorted(said.status for said in many) == [200, *[400] * 19]
    other = await post(client, "/products", name="Planner")
    assert other["id"].startswith("prod_")
    assert (await get(client, "/products/onpaid_planner"))["metadata"] == {"a": "1"}
    assert (await client.stripe("GET", "/products/none")).status == 404
    assert await refused(client, "/products", id="x") == (400, "parameter_missing", "name")
    assert await refused(client, "/products", id="x", name="") == (400, "parameter_invalid_empty", "name")


async def test_a_product_is_changed_and_listed(start: Start) -> None:
    client = await start()
    await post(client, "/products", id="a", name="A", url="https://a.example")
    await post(client, "/products", id="b", name="B", metadata={"k": "v", "l": "w"})
    changed = await post(client, "/products/b", name="Bee", active=False, metadata={"k": "", "m": "x"})
    assert (changed["name"], changed["active"], changed["metadata"]) == ("Bee", False, {"l": "w", "m": "x"})
    assert [each["id"] for each in (await get(client, "/products"))["data"]] == ["b", "a"]
    assert [each["id"] for each in (await get(client, "/products?active=true"))["data"]] == ["a"]
    assert [each["id"] for each in (await get(client, "/products?ids[]=b&ids[]=none"))["data"]] == ["b"]
    assert [each["id"] for each in (await get(client, "/products?url=https://a.example"))["data"]] == ["a"]
    assert await refused(client, "/products/none", name="x") == (404, "resource_missing", "id")
    assert await refused(client, "/products/b", nmae="x") == (400, "parameter_unknown", "nmae")
    assert await refused(client, "/products/b", metadata={"x" * 41: "1"}) == (400, None, "metadata")


async def test_a_default_price_belongs_to_its_product_and_stays(start: Start) -> None:
    client = await start()
    data = {"currency": "nok", "unit_amount": 500}
    made = await post(client, "/products", id="a", name="A", default_price_data=data)
    assert await refused(client, f"/prices/{made['default_price']}", active=False) == (400, None, "active")
    bad: dict[str, Any] = {"id": "b", "name": "B", "default_price_data": {"currency": "nok"}}
    assert (await refused(client, "/products", **bad))[1] == "parameter_missing"
    assert (await client.stripe("GET", "/products/b")).status == 404
    await post(client, "/products", id="c", name="C")
    price = await post(client, "/prices", product="c", currency="nok", unit_amount=1)
    assert (await refused(client, "/products/a", default_price=price["id"]))[2] == "default_price"
    assert (await post(client, "/products/c", default_price=price["id"]))["default_price"] == price["id"]


async def test_a_price_keeps_what_it_costs(start: Start) -> None:
    there = await till(start)
    price = await get(there.client, f"/prices/{there.studio}")
    assert (price["unit_amount"], price["unit_amount_decimal"], price["type"]) == (9_900, "9900", "recurring")
    assert price["recurring"]["interval"] == "month"
    fixed: dict[str, Any] = {
        "unit_amount": 5,
        "currency": "eur",
        "recurring": {"interval": "day"},
        "product": "x",
    }
    for name, value in fixed.items():
        told = await refused(there.client, f"/prices/{there.studio}", **{name: value})
        assert told[1] == "parameter_unknown"
    changed = await post(
        there.client, f"/prices/{there.studio}", active=False, nickname="old", metadata={"a": "b"}
    )
    assert (changed["active"], changed["nickname"], changed["metadata"]) == (False, "old", {"a": "b"})
    assert [each["id"] for each in (await get(there.client, "/prices?active=true"))["data"]] == [there.course]
    assert [each["id"] for each in (await get(there.client, "/prices?product=studio"))["data"]] == [
        there.studio
    ]
    assert [each["id"] for each in (await get(there.client, "/prices?type=one_time"))["data"]] == [
        there.course
    ]
    half = await post(there.client, "/prices", product="course", currency="eur", unit_amount_decimal="0.5")
    assert (half["unit_amount"], half["unit_amount_decimal"]) == (None, "0.5")


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"product": "course", "unit_amount": 5}, "parameter_missing", "currency"),
        ({"product": "course", "currency": "nok"}, "parameter_missing", "unit_amount"),
        ({"product": "none", "currency": "nok", "unit_amount": 5}, "resource_missing", "product"),
        ({"currency": "nok", "unit_amount": 5}, "parameter_missing", "product"),
        ({"product": "course", "currency": "n0k", "unit_amount": 5}, "parameter_invalid", "currency"),
        (
            {"product": "course", "currency": "nok", "unit_amount": -5},
            "parameter_invalid_integer",
            "unit_amount",
        ),
        (
            {"product": "course", "currency": "nok", "unit_amount": "5.5"},
            "parameter_invalid_integer",
            "unit_amount",
        ),
        (
            {"product": "course", "currency": "nok", "unit_amount_decimal": "0.1234567890123"},
            "parameter_invalid_decimal",
            "unit_amount_decimal",
        ),
        (
            {"product": "course", "currency": "nok", "unit_amount": 5, "recurring": {"interval": "hour"}},
            "parameter_invalid",
            "recurring[interval]",
        ),
        (
            {
                "product": "course",
                "currency": "nok",
                "unit_amount": 5,
                "recurring": {"interval": "year", "interval_count": 4},
            },
            "parameter_invalid",
            "recurring[interval_count]",
        ),
        (
            {"product": "course", "currency": "nok", "unit_amount": 5, "lookup_key": "k" * 201},
            "parameter_invalid_string",
            "lookup_key",
        ),
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(
    start: Start, params: dict[str, Any], code: str, param: str
) -> None:
    there = await till(start)
    assert await refused(there.client, "/prices", **params) == (400, code, param)
    assert len((await get(there.client, "/prices"))["data"]) == 2


async def test_a_name_moves_at_once_and_only_where_that_is_said(start: Start) -> None:
    there = await till(start)
    dearer: dict[str, Any] = {
        "product": "studio",
        "currency": "nok",
        "unit_amount": 10_900,
        "recurring": {"interval": "month"},
    }
    named = {**dearer, "lookup_key": "studio-month"}
    assert await refused(there.client, "/prices", **named) == (400, "resource_already_exists", "lookup_key")
    new = await post(there.client, "/prices", **named, transfer_lookup_key=True)
    assert new["lookup_key"] == "studio-month"
    assert (await get(there.client, f"/prices/{there.studio}"))["lookup_key"] is None
    listed = await get(there.client, "/prices?lookup_keys[]=studio-month&lookup_keys[]=none")
    assert [each["id"] for each in listed["data"]] == [new["id"]]
    assert await refused(there.client, f"/prices/{there.studio}", lookup_key="studio-month") == (
        400,
        "resource_already_exists",
        "lookup_key",
    )
    back = await post(
        there.client, f"/prices/{there.studio}", lookup_key="studio-month", transfer_lookup_key=True
    )
    assert back["lookup_key"] == "studio-month"
    many = "&".join(f"lookup_keys[]=k{nth}" for nth in range(11))
    assert (await there.client.stripe("GET", f"/prices?{many}")).status == 400


async def test_an_archived_price_keeps_its_name_until_it_would_come_back(start: Start) -> None:
    there = await till(start)
    await post(there.client, f"/prices/{there.studio}", active=False)
    asked: dict[str, Any] = {
        "product": "studio",
        "currency": "nok",
        "unit_amount": 1,
        "lookup_key": "studio-month",
    }
    new = await post(there.client, "/prices", **asked)
    both = (await get(there.client, "/prices?lookup_keys[]=studio-month"))["data"]
    assert [each["id"] for each in both] == [new["id"], there.studio]
    active = (await get(there.client, "/prices?lookup_keys[]=studio-month&active=true"))["data"]
    assert [each["id"] for each in active] == [new["id"]]
    assert (await refused(there.client, f"/prices/{there.studio}", active=True))[
        1
    ] == "resource_already_exists"


async def test_a_key_repeats_the_price_and_not_its_making(start: Start) -> None:
    there = await till(start)
    asked: dict[str, Any] = {"product": "course", "currency": "nok", "unit_amount": 7}
    first = await post(there.client, "/prices", key="k1", **asked)
    assert await post(there.client, "/prices", key="k1", **asked) == first
    there.clock.at += 25 * 3600
    assert (await post(there.client, "/prices", key="k1", **asked))["id"] != first["id"]
