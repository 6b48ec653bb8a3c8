"""A small Indian shop that tests play delivery days against: it takes carts, and opens orders at Razorpay over HTTP."""

import asyncio
import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators import Served, serve
from onpaid.simulators.products import PRODUCTS
from tests.simulators.kit import Client

BY_ID = {product["id"]: product for product in PRODUCTS}


@dataclass
class Shop:
    """What it was asked and what it answered. `failing` are statuses that the next carts get instead of an order."""

    razorpay: str = ""
    served: Served | None = None
    stock: Counter[str] = field(
        default_factory=lambda: Counter({each["id"]: each["stock"] for each in PRODUCTS})
    )
    asked: list[tuple[str, Any]] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    lost: int = 0
    wrong: Any = None
    told: list[tuple[str, Any]] = field(default_factory=list)
    opened: dict[str, Any] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    @property
    def base(self) -> str:
        assert self.served is not None
        return self.served.base

    async def create(self, request: Request) -> Response:
        key, body = request.headers["idempotency-key"], json.loads(await request.body())
        self.asked.append((key, body))
        if self.failing:
            return JSONResponse({"detail": "not now"}, self.failing.pop())
        if self.wrong is not None:
            return JSONResponse(self.wrong, 201)
        async with self.locks.setdefault(key, asyncio.Lock()):
            if key not in self.opened:
                units = {item["product_id"]: item["quantity"] for item in body["items"]}
                if any(self.stock[each] < count for each, count in units.items()):
                    return JSONResponse({"detail": "too few of it are left"}, 409)
                self.opened[key] = await self._open(units)
                self.stock.subtract(units)
        if self.lost > 0:
            self.lost -= 1
            return JSONResponse({"detail": "the answer is lost"}, 502)
        return JSONResponse(self.opened[key], 201)

    async def _open(self, units: dict[str, int]) -> Any:
        number = str(2_045_861_000_000 + len(self.opened) * 17 + len(self.locks))
        amount = sum(BY_ID[each]["price"] * count for each, count in units.items())
        wanted = {"amount": amount, "currency": "INR", "receipt": number, "notes": {"onpaid_order": number}}
        keys = base64.b64encode(b"rzp_test_simulated:rzp_secret_simulated").decode()
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.razorpay}/v1/orders", json=wanted, headers={"Authorization": f"Basic {keys}"}
            ) as reply,
        ):
            made = await reply.json()
        opened = {"order_number": number, "razorpay_order_id": made["id"], "amount": amount}
        return {**opened, "currency": "INR", "key_id": "rzp_test_simulated"}

    async def webhook(self, request: Request) -> Response:
        self.told.append((request.headers.get("x-razorpay-event-id", ""), json.loads(await request.body())))
        return Response(status_code=200)

    def units_sold(self) -> dict[str, int]:
        """What left the shelf when the carts were checked out."""
        left = {each["id"]: each["stock"] - self.stock[each["id"]] for each in PRODUCTS}
        return {each: count for each, count in left.items() if count}


async def shop_for(client: Client) -> Shop:
    """A shop that uses these simulators, which aim at it from now on."""
    shop = Shop(client.served.razorpay_base)
    routes = [
        Route("/payment/create-order", shop.create, methods=["POST"]),
        Route("/webhooks/{rest:path}", shop.webhook, methods=["POST"]),
    ]
    shop.served = await serve(app=Starlette(routes=routes))
    client.simulators.aim_at(shop.base)
    return shop
