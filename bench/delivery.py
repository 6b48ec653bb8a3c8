"""From a click to its checkout, and from Razorpay's webhook to the noted shipment, with simulators that answer at once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from itertools import count
from typing import Any

import aiohttp

from bench.machine import Figure
from bench.server import Running, serving
from onpaid.simulators import Settings, Simulators, Target, Times, serve

WEBHOOK_SECRET, TRACKING_TOKEN = "rzp_bench", "tracking_bench"
SIMULATED = Settings()
PRODUCTS = "id,name,price,tax_percent,stock\nracket,Racket,1500.00,12,1000000\n"
ADDRESS = {"line1": "12 MG Road", "city": "Bengaluru", "state": "Karnataka", "pincode": "560001"}


def settings(bases: dict[str, str]) -> dict[str, str]:
    """What the served process is told, beside what every benchmark tells it."""
    return {
        "ONPAID_LIFT_LANES": "true",
        "RAZORPAY_KEY_ID": SIMULATED.razorpay_key_id,
        "RAZORPAY_KEY_SECRET": SIMULATED.razorpay_key_secret,
        "RAZORPAY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "CHECKOUT_PER_MINUTE": "0",
        "RAZORPAY_API_BASE": bases["razorpay"],
        "SHIPROCKET_EMAIL": SIMULATED.shiprocket_email,
        "SHIPROCKET_PASSWORD": SIMULATED.shiprocket_password,
        "SHIPROCKET_DRY_RUN": "false",
        "SHIPROCKET_WEBHOOK_TOKEN": TRACKING_TOKEN,
        "SHIPROCKET_PICKUP_LOCATION": SIMULATED.shiprocket_pickup_locations[0],
        "SHIPROCKET_API_BASE": bases["shiprocket"],
        "PARCEL_DEFAULT": "30x20x5 0.5",
    }


async def measure(orders: int = 60, events: int = 6000) -> list[Figure]:
    """Webhooks alone; then one order after the other; then all at once."""
    target = Target(razorpay_secrets=(WEBHOOK_SECRET,), tracking_token=TRACKING_TOKEN)
    simulators = Simulators(Settings(target=target, times=Times(answer=0.0, capture_after=0.0)))
    served = await serve(simulators)
    try:
        async with serving(**settings(served.bases())) as server, aiohttp.ClientSession() as client:
            shop = Shop(server, client, simulators)
            simulators.aim_at(shop.base)
            await shop.stock()
            told = await server.load([webhook(nth) for nth in range(events)])
            if set(told["statuses"]) != {"200"}:
                raise RuntimeError(f"not every webhook was acknowledged: {told['statuses']}")
            alone = [await shop.sell() for _ in range(orders)]
            burst = await shop.burst(orders * 4)
    finally:
        await served.stop()
    clicks, shipped = sorted(click for click, _ in alone), sorted(took for _, took in alone)
    return [
        Figure(
            "Razorpay webhooks acknowledged, kept and judged",
            told["per_second"],
            "/s",
            notes={"p50": f"{told['p50_ms']:.0f} ms", "p99": f"{told['p99_ms']:.0f} ms"},
        ),
        _figure("click to open checkout, one at a time, p50", clicks),
        _figure("payment to noted shipment and booked pickup, one at a time, p50", shipped),
        Figure("orders shipped in a burst, four calls to Shiprocket at a time", burst, "/s"),
    ]


class Shop:
    """A shop on the served process, and customers."""

    def __init__(self, server: Running, client: aiohttp.ClientSession, simulators: Simulators) -> None:
        self.base = f"http://127.0.0.1:{server.port}"
        self._client, self._simulators = client, simulators
        self._clicks = count()

    async def stock(self) -> None:
        """Bring in the one product."""
        token = {"authorization": "Bearer bench-admin-token-bench-admin-token"}
        sent = {"text": PRODUCTS}
        async with self._client.post(f"{self.base}/api/products/import", json=sent, headers=token) as reply:
            reply.raise_for_status()

    async def open(self) -> str:
        """One click; Razorpay's order."""
        nth = next(self._clicks)
        who = {"id": f"c{nth}", "name": "Asha Rao", "email": "asha@example.org", "phone": f"+9198765{nth:05}"}
        cart = {"items": [{"product_id": "racket", "quantity": 1}], "customer": who, "address": ADDRESS}
        key = {"idempotency-key": f"click {nth}"}
        async with self._client.post(f"{self.base}/payment/create-order", json=cart, headers=key) as reply:
            reply.raise_for_status()
            told: dict[str, Any] = await reply.json()
            return str(told["razorpay_order_id"])

    def shipped(self) -> int:
        """How many pickups are booked: the shipment was noted before."""
        return sum(bool(each["pickup"]) for each in self._simulators.shiprocket.rows()["shipments"])

    async def sell(self) -> tuple[float, float]:
        """One order: seconds until its checkout was open, and from its payment until it was shipped."""
        before, started = self.shipped(), time.perf_counter()
        order = await self.open()
        clicked, paid = time.perf_counter() - started, time.perf_counter()
        self._simulators.razorpay.pay(order)
        while self.shipped() == before:
            await asyncio.sleep(0.0005)
        return clicked, time.perf_counter() - paid

    async def burst(self, orders: int) -> float:
        """So many payments at once: orders shipped each second."""
        opened = [await self.open() for _ in range(orders)]
        wanted, started = self.shipped() + orders, time.perf_counter()
        for order in opened:
            self._simulators.razorpay.pay(order)
        while self.shipped() < wanted:
            await asyncio.sleep(0.02)
        return orders / (time.perf_counter() - started)


def _figure(name: str, times: list[float]) -> Figure:
    p99 = times[len(times) * 99 // 100] * 1000
    return Figure(name, times[len(times) // 2] * 1000, "ms", notes={"p99": f"{p99:.0f} ms"})


def webhook(number: int) -> bytes:
    """A signed event that is kept and judged, and starts nothing."""
    payment = {
        "id": f"pay_{number:014}",
        "entity": "payment",
        "amount": 150_000,
        "currency": "INR",
        "status": "authorized",
        "order_id": f"order_{number:014}",
        "method": "upi",
        "captured": False,
        "email": f"buyer{number}@example.org",
        "contact": "+919876543210",
        "notes": [],
        "created_at": int(time.time()),
    }
    event = {
        "entity": "event",
        "account_id": "acc_bench",
        "event": "payment.authorized",
        "contains": ["payment"],
        "payload": {"payment": {"entity": payment}},
        "created_at": int(time.time()),
    }
    body = json.dumps(event).encode()
    signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/razorpay HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"x-razorpay-signature: {signature}\r\nx-razorpay-event-id: evt_{number}\r\n"
    )
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
