"""What the tests of the checkout page work with: a shop of a few lines, and a browser of fewer."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators.checkout_page import SAMPLE
from onpaid.simulators.razorpay_signing import handler_signature
from tests.simulators.kit import Client, Said

RACKET: dict[str, Any] = {
    "id": "racket-garuda",
    "name": "Garuda <racket>",
    "price": "2450.00",
    "currency": "INR",
    "tax_percent": "12",
    "digital": False,
    "in_stock": 5,
}
COURSE = {**RACKET, "id": "course-spin", "name": "Spin", "price": "1999.00", "digital": True}
CART = {**SAMPLE, "quantity:racket-garuda": "2", "quantity:course-spin": "0", "key": "click-1"}


@dataclass
class Shop:
    """The shop under test: it opens orders at the simulated Razorpay, and keeps what it was sent."""

    client: Client | None = None
    goods: Any = field(default_factory=lambda: [RACKET, COURSE])
    per_page: int = 100
    carts: list[tuple[str, Any]] = field(default_factory=list)
    handlers: list[Any] = field(default_factory=list)
    refusal: tuple[int, Any] | None = None
    change: dict[str, Any] = field(default_factory=dict)
    verified: dict[str, Any] = field(default_factory=dict)
    opened: dict[str, Any] = field(default_factory=dict)

    async def products(self, request: Request) -> Response:
        first = int(request.query_params.get("cursor", 0))
        after = first + self.per_page
        cursor = str(after) if after < len(self.goods) else None
        return JSONResponse({"items": self.goods[first:after], "cursor": cursor})

    async def create(self, request: Request) -> Response:
        key = request.headers["idempotency-key"]
        self.carts.append((key, await request.json()))
        if self.refusal is not None:
            return JSONResponse(self.refusal[1], self.refusal[0], media_type="application/problem+json")
        assert self.client is not None
        if key not in self.opened:
            number = f"20458612304{len(self.opened):02d}"
            order = self.client.simulators.razorpay.create_order(
                {"amount": 490_000, "currency": "INR", "receipt": number, "notes": {"onpaid_order": number}}
            )
            self.opened[key] = {
                "order_number": number,
                "razorpay_order_id": order["id"],
                "amount": 490_000,
                "currency": "INR",
                "key_id": "rzp_test_simulated",
            }
        return JSONResponse({**self.opened[key], **self.change}, 201)

    async def verify(self, request: Request) -> Response:
        told = await request.json()
        self.handlers.append(told)
        ids = told["razorpay_order_id"], told["razorpay_payment_id"]
        if told["razorpay_signature"] != handler_signature("rzp_secret_simulated", *ids):
            return JSONResponse({"detail": "The signature is wrong"}, 401)
        made = {"verified": True, "order_number": "2045861230400", "track_url": "/track/secret-link"}
        return JSONResponse({**made, **self.verified})

    def routes(self) -> list[Route]:
        return [
            Route("/api/checkout/products", self.products),
            Route("/payment/create-order", self.create, methods=["POST"]),
            Route("/payment/verify", self.verify, methods=["POST"]),
            Route("/{rest:path}", _thanks, methods=["POST"]),
        ]


async def _thanks(_request: Request) -> Response:
    """Webhooks are not what these tests are about."""
    return Response()


async def get(shop: Shop, path: str) -> Said:
    assert shop.client is not None
    return await shop.client.call("GET", path, allow_redirects=False)


async def send(shop: Shop, path: str, form: Any) -> Said:
    assert shop.client is not None
    return await shop.client.call("POST", path, data=form, allow_redirects=False)


async def buy(shop: Shop, **change: str) -> str:
    """Where the payment page is."""
    said = await send(shop, "/checkout", {**CART, **change})
    assert said.status == 303, said.text
    return str(said.headers["Location"])


def alert(said: Said) -> str:
    found = re.search(r'role="alert">(.*?)</p>', said.text, re.DOTALL)
    return unescape(found[1]) if found else ""


def key_of(said: Said) -> str:
    found = re.search(r'name="key" value="([^"]+)"', said.text)
    assert found is not None
    return found[1]
