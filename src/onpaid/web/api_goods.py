"""Products and sellers through the API: what is for sale and how many are left, and what each seller has sold."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onpaid.app.delivering import Imported
from onpaid.app.products_file import read_products
from onpaid.app.products_shown import product_list, seller_list
from onpaid.app.shown_delivery import ProductList, SellerList
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import NO_SUCH, NOT_NOW, body_of
from onpaid.web.parameters import CURSOR, limit
from onpaid.web.table import Ask, Door, NotThere


class ProductsText(msgspec.Struct, forbid_unknown_fields=True):
    """A file of products, as text: CSV with a header, or a JSON list."""

    text: str


class Counted(msgspec.Struct, forbid_unknown_fields=True):
    """How many units are left."""

    left: int


class StockSet(msgspec.Struct, frozen=True):
    """How many units are left now, and how many there were."""

    product: str
    left: int
    before: int


async def products(ask: Ask) -> Response:
    given = ask.given
    page = await product_list(ask.parts.deliveries.catalogue, given["cursor"] or None, given["limit"])
    return json_answer(page)


async def import_products(ask: Ask) -> Response:
    delivery = ask.parts.deliveries
    told = read_products(body_of(ask, ProductsText).text, currency=delivery.desk.shop.currency)
    return json_answer(await delivery.hands.import_products(told))


async def set_stock(ask: Ask) -> Response:
    given, delivery, product = body_of(ask, Counted), ask.parts.deliveries, ask.named("id")
    if await delivery.catalogue.product(product) is None:
        raise NotThere("there is no product of this id")
    before = await delivery.hands.set_stock(product, given.left)
    return json_answer(StockSet(product, given.left, before))


async def sellers(ask: Ask) -> Response:
    given = ask.given
    page = await seller_list(ask.parts.deliveries.catalogue, given["cursor"] or None, given["limit"])
    return json_answer(page)


DOORS = (
    Door(
        "GET",
        "/api/products",
        products,
        "viewer",
        "Products by id, with stock, and those that are off sale too.",
        takes=(CURSOR, limit(50)),
        answers=ProductList,
        statuses=NO_SUCH,
    ),
    Door(
        "POST",
        "/api/products/import",
        import_products,
        "operator",
        "Keep the products of a file. Those that are there are replaced; stock is set where the file tells it.",
        body=ProductsText,
        answers=Imported,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/products/{id:path}/stock",
        set_stock,
        "operator",
        "Say how many units of a product are left.",
        body=Counted,
        answers=StockSet,
        statuses=NOT_NOW,
    ),
    Door(
        "GET",
        "/api/sellers",
        sellers,
        "viewer",
        "Sellers by id, with what was sold and paid: each order counted once.",
        takes=(CURSOR, limit(50)),
        answers=SellerList,
        statuses=NO_SUCH,
    ),
)
