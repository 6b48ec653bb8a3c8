"""Products and sellers through the API: read whole, imported whole or not at all, and what an import sets going."""

from __future__ import annotations

from typing import Any

import pytest

from onpaid.engine.journal import RUNS
from tests.web.client import operator, viewer
from tests.web.deliveries import key_of
from tests.web.wares import products
from tests.web.world import World


async def state_of(world: World, run: str) -> str:
    """The state of a run."""
    held = await RUNS.get(world.store, run)
    assert held is not None
    return held.record.state


async def test_products_are_told_with_stock_also_those_off_sale(market: World) -> None:
    found = (await viewer(market).get("/api/products")).json["items"]
    assert [row["id"] for row in found] == sorted(product.id for product, _ in products())
    by_id = {row["id"]: row for row in found}
    assert (by_id["wooden"]["active"], by_id["wooden"]["left"]) == (False, 3)
    assert by_id["racket-9"]["left"] == 0
    assert by_id["net"]["packed"] is None
    assert by_id["case"]["price"] == {"minor": 74_900, "currency": "INR"}
    assert by_id["case"]["packed"]["weight"] == "0.45"


async def test_pages_of_products(market: World) -> None:
    first = (await viewer(market).get("/api/products?limit=4")).json
    rest = (await viewer(market).get(f"/api/products?limit=4&cursor={first['cursor']}")).json
    assert (len(first["items"]), len(rest["items"]), rest["cursor"]) == (4, 3, None)


async def test_a_file_is_imported_whole_or_not_at_all(market: World) -> None:
    client = operator(market)
    text = "id,name,price,stock\nmug,Mug,99.00,5\ncase,Racket case,799,"
    assert (await client.post("/api/products/import", data={"text": text})).json == {
        "products": 2,
        "stocked": 1,
    }
    by_id = {row["id"]: row for row in (await client.get("/api/products")).json["items"]}
    assert (by_id["mug"]["left"], by_id["case"]["left"]) == (5, 31)
    assert by_id["case"]["price"]["minor"] == 79_900
    wrong = await client.post("/api/products/import", data={"text": "id,name,price\ncup,Cup,9\nbad,Bad,-1"})
    assert "Line 3" in wrong.problem["detail"]
    assert "cup" not in (await client.get("/api/products")).text


async def test_an_order_that_waited_for_a_size_goes_on_once_it_is_told(market: World) -> None:
    run = f"book_shipment:{key_of('no size')}"
    assert await state_of(market, run) == "failed"
    text = "id,name,price,length,breadth,height,weight\nnet,Net and posts,1299,60,20,10,1.8"
    await operator(market).post("/api/products/import", data={"text": text})
    assert await state_of(market, run) == "ready"


async def test_stock_is_set(market: World) -> None:
    answer = await operator(market).post("/api/products/case/stock", data={"left": 7})
    assert answer.json == {"product": "case", "left": 7, "before": 31}
    assert await market.delivery.catalogue.left("case") == 7


@pytest.mark.parametrize("left", [-1, 1.5, "7", None, 10**12])
async def test_a_stock_that_is_no_number_of_units_is_refused(market: World, left: Any) -> None:
    answer = await operator(market).post("/api/products/case/stock", data={"left": left})
    assert answer.problem["status"] == 400
    assert await market.delivery.catalogue.left("case") == 31


async def test_a_product_that_is_not_there(market: World) -> None:
    assert (await operator(market).post("/api/products/none/stock", data={"left": 1})).problem[
        "status"
    ] == 404


async def test_sellers_are_told_with_what_was_sold_and_paid(market: World) -> None:
    rows = {row["id"]: row for row in (await viewer(market).get("/api/sellers")).json["items"]}
    assert set(rows) == {"garuda", "lotus-tt"}
    assert rows["lotus-tt"]["units"] == 7
    assert rows["lotus-tt"]["sales"] == [{"minor": 7 * 89_900, "currency": "INR"}]
