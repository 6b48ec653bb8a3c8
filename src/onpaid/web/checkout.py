"""The checkout's doors: for the shop's page in a customer's browser, so nobody is asked who they are.

What they take is checked against our products, and nothing of it is believed. How often checkouts are opened is
limited, by address and for all. Browsers of other origins are let in where CHECKOUT_ORIGINS names them.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onpaid.app.checkout import Opened, Verified
from onpaid.web.answers import json_answer, problem
from onpaid.web.api_acts import body_of
from onpaid.web.parameters import CURSOR, limit
from onpaid.web.table import Ask, Door

TOO_OFTEN = "Too many checkouts were opened just now"


class CartLine(msgspec.Struct):
    """So many units of a product; `price` (major units) only to be compared with ours."""

    product_id: str
    quantity: int
    price: str | None = None


class Buyer(msgspec.Struct):
    """Who buys; `id` is the shop's own, if it has one."""

    name: str
    phone: str
    email: str = ""
    id: str = ""


class Place(msgspec.Struct):
    """Where it goes: in India. Not needed for digital goods."""

    line1: str
    city: str
    state: str
    pincode: str
    line2: str = ""


class Cart(msgspec.Struct):
    """What a customer wants to buy: see docs/checkout.md, also for the form with `notes`."""

    items: list[CartLine]
    customer: Buyer
    address: Place | None = None


class Page(msgspec.Struct):
    """What Razorpay's form handed to the customer's page."""

    razorpay_order_id: str
    razorpay_payment_id: str
    razorpay_signature: str


class ForSale(msgspec.Struct, frozen=True):
    """One product as customers see it. `price` is in major units and includes tax."""

    id: str
    name: str
    price: str
    currency: str
    tax_percent: str
    digital: bool
    in_stock: int


class ForSaleList(msgspec.Struct, frozen=True):
    """One page of products."""

    items: list[ForSale]
    cursor: str | None


async def create(ask: Ask) -> Response:
    client = ask.request.client
    wait = ask.parts.access.checkouts.wait("" if client is None else client.host)
    if wait:
        return problem(429, f"{TOO_OFTEN}: come again in {wait} seconds.", {"retry-after": str(wait)})
    key = ask.request.headers.get("idempotency-key", "").strip()
    return json_answer(await ask.parts.deliveries.desk.create(ask.raw, key), 201)


async def verify(ask: Ask) -> Response:
    page = body_of(ask, Page)
    desk = ask.parts.deliveries.desk
    return json_answer(
        await desk.verify(page.razorpay_order_id, page.razorpay_payment_id, page.razorpay_signature)
    )


async def products(ask: Ask) -> Response:
    catalogue = ask.parts.deliveries.catalogue
    page = await catalogue.listed(after=ask.given["cursor"] or None, limit=ask.given["limit"])
    items = [
        ForSale(
            product.id,
            product.name,
            f"{product.price.to_decimal():f}",
            product.price.currency,
            f"{product.tax_percent:f}",
            product.digital,
            await catalogue.left(product.id),
        )
        for product in page.items
        if product.active
    ]
    return json_answer(ForSaleList(items, page.cursor))


def _opening(path: str) -> Door:
    return Door(
        "POST",
        path,
        create,
        None,
        "Open a checkout: our order, and Razorpay's for it. Safe to repeat under an Idempotency-Key.",
        body=Cart,
        answers=Opened,
        status=201,
        statuses=(404, 409, 429),
    )


DOORS = (
    _opening("/payment/create-order"),
    _opening("/api/checkout/orders"),
    Door(
        "POST",
        "/payment/verify",
        verify,
        None,
        "Check the signature that Razorpay's form gave the customer's page. Proof of truth, not of capture.",
        body=Page,
        answers=Verified,
        statuses=(401, 404),
    ),
    Door(
        "GET",
        "/api/checkout/products",
        products,
        None,
        "What is for sale.",
        takes=(CURSOR, limit(100)),
        answers=ForSaleList,
        statuses=(404,),
    ),
)
PATHS = frozenset(door.path for door in DOORS)
