"""Webhooks while the public pages are flooded at fifty times their rate: how long their answers take, and that none is
refused. The scorecard calls it (line 30); by itself:

    python -m bench.flood [--quick] [--spoil freeze|forge]

Prints what was found, and exits 1 if it is not well. A `--spoil` must make it exit 1: it stands for a service that
stops for a while, or webhooks that are refused.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp

from bench import delivery
from bench.events import charge_event, request
from bench.machine import machine
from bench.server import Running, serving
from onpaid.simulators import Settings, Simulators, Target, Times, serve

RATE = 20.0
"""Webhooks a second: one and three quarter millions a day."""
TIMES = 50
MOST_MS = 500.0
FLOODERS = 200
"""Connections that the flood holds. Each webhook comes on a new one, as from a provider that has many machines."""
SILENT = 1000
"""Connections that are held open besides and say nothing: with so many open only webhooks and probes are answered."""
FROZEN_SECONDS = 1.0
Spoil = Literal["", "freeze", "forge"]
JSON = "content-type: application/json"
FORM = "content-type: application/x-www-form-urlencoded"


async def measure(*, quick: bool = False, spoil: Spoil = "") -> Any:
    """Webhooks alone; beside the flood; and beside the flood while a thousand connections are held open and say
    nothing. All at the limits that are shipped. `spoil` makes it a control."""
    seconds = 8.0 if quick else 30.0
    every = round(RATE * seconds)
    target = Target(razorpay_secrets=(delivery.WEBHOOK_SECRET,))
    simulators = Simulators(Settings(target=target, times=Times(answer=0.05)))
    outside = await serve(simulators)
    try:
        told = delivery.settings(outside.bases())
        del told["CHECKOUT_PER_MINUTE"]
        async with serving(**told) as server, aiohttp.ClientSession() as client:
            shop = delivery.Shop(server, client, simulators)
            await shop.stock()
            doors = _doors(await _link(shop, client))
            calls = [_webhook(nth, forged=spoil == "forge") for nth in range(3 * every)]
            alone = await server.stream(calls[:every], rate=RATE, seconds=seconds)
            async with _frozen(server, seconds / 2 if spoil == "freeze" else 0):
                beside, flood = await _both(server, calls[every : 2 * every], doors, seconds)
            found = {"alone": alone, "beside": beside, "flood": flood}
            if not spoil:
                found["crowded"], found["crowd"] = await _both(
                    server, calls[2 * every :], doors, seconds, silent=SILENT
                )
    finally:
        await outside.stop()
    return found


async def _both(
    server: Running, calls: list[bytes], doors: list[bytes], seconds: float, silent: int = 0
) -> tuple[Any, Any]:
    """What became of the webhooks, and of the flood."""
    return await asyncio.gather(
        server.stream(calls, rate=RATE, seconds=seconds),
        server.stream(doors, rate=RATE * TIMES, seconds=seconds, connections=FLOODERS, silent=silent),
    )


def wrong(found: Any) -> list[str]:
    """What does not hold, in sentences; empty if all is well."""
    said = []
    for when in ("alone", "beside", "crowded"):
        each = found.get(when)
        if each is None:
            continue
        if each["p99_ms"] >= MOST_MS:
            said.append(f"{when}, p99 is {each['p99_ms']:.0f} ms, and must be below {MOST_MS:.0f}")
        if _refused(each):
            said.append(f"{when}, {_refused(each)} webhooks were not taken: {each['statuses']}")
    beside, flood = found["beside"], found["flood"]
    if flood["count"] < beside["count"] * TIMES:
        said.append(f"the flood was no flood: {flood['count']} requests beside {beside['count']} webhooks")
    if not flood["statuses"].get("200"):
        said.append(f"nobody but the webhooks was answered: {flood['statuses']}")
    return said


def _refused(webhooks: Any) -> int:
    return int(webhooks["count"] - webhooks["statuses"].get("200", 0))


def told(found: Any) -> str:
    """The figures in words."""
    alone, beside, flood = found["alone"], found["beside"], found["flood"]
    words = (
        f"{beside['count']} webhooks beside {flood['count']} public requests: p50 {beside['p50_ms']:.0f} ms, "
        f"p99 {beside['p99_ms']:.0f} ms (alone {alone['p50_ms']:.0f} and {alone['p99_ms']:.0f} ms), "
        f"{_refused(beside)} refused; the flood was answered {flood['statuses']}, p99 {flood['p99_ms']:.0f} ms"
    )
    if "crowded" not in found:
        return words
    crowded, crowd = found["crowded"], found["crowd"]
    return (
        f"{words}; with {SILENT:,} silent connections besides: p50 {crowded['p50_ms']:.0f} ms, "
        f"p99 {crowded['p99_ms']:.0f} ms, {_refused(crowded)} refused, the flood {crowd['statuses']}"
    )


async def _link(shop: delivery.Shop, client: aiohttp.ClientSession) -> str:
    """The customer's link of one order, as the shop's page gets it after the payment."""
    order, payment = await shop.open(), "pay_flood"
    signed = f"{order}|{payment}".encode()
    secret = delivery.SIMULATED.razorpay_key_secret.encode()
    page = {
        "razorpay_order_id": order,
        "razorpay_payment_id": payment,
        "razorpay_signature": hmac.new(secret, signed, hashlib.sha256).hexdigest(),
    }
    async with client.post(f"{shop.base}/payment/verify", json=page) as reply:
        reply.raise_for_status()
        return str((await reply.json())["track_url"]).partition("/track/")[2]


def _webhook(nth: int, *, forged: bool) -> bytes:
    """One from each of two providers in turn: kept and judged, and the payments among them start runs."""
    if nth % 2 == 0:
        return delivery.webhook(nth)
    return request("/webhooks/stripe", charge_event(nth, order=f"F{nth}"), signed=not forged)


def _doors(link: str) -> list[bytes]:
    """What anybody on the internet can ask for: each in turn, and the ones that cost most twice."""
    cart = (
        b'{"items":[{"product_id":"racket","quantity":1}],"customer":{"name":"Asha Rao","phone":"+919876500000"},'
        b'"address":{"line1":"12 MG Road","city":"Bengaluru","state":"Karnataka","pincode":"560001"}}'
    )
    forged = b'{"razorpay_order_id":"order_x","razorpay_payment_id":"pay_x","razorpay_signature":"00"}'
    opening, page = _post("/payment/create-order", JSON, cart), _get(f"/track/{link}")
    return [
        opening,
        page,
        _get("/healthz"),
        _get("/login"),
        _get(f"/track/{link[:-4]}AAAA"),
        _get("/api/checkout/products"),
        _get("/console/billing"),
        opening,
        page,
        _get("/readyz"),
        _post("/login", FORM, b"csrf=x&token=guessed-guessed-guessed"),
        _post("/payment/verify", JSON, forged),
        _post("/api/checkout/orders", JSON, cart),
        _get("/openapi.json"),
        _get("/nothing-is-here"),
    ]


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()


def _post(path: str, media: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{media}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def _frozen(server: Running, after: float) -> Any:
    """A server that stops for a while, once, after so many seconds. 0 leaves it alone."""

    async def freeze() -> None:
        await asyncio.sleep(after)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(FROZEN_SECONDS)
        finally:
            os.kill(server.pid, signal.SIGCONT)

    freezing = asyncio.create_task(freeze()) if after else None
    try:
        yield
    finally:
        if freezing is not None:
            await freezing


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.flood", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="eight seconds instead of thirty")
    parser.add_argument("--spoil", choices=("freeze", "forge"), default="", help="a control: must exit 1")
    asked = parser.parse_args()
    print(machine(), flush=True)
    found = asyncio.run(measure(quick=asked.quick, spoil=asked.spoil))
    print(told(found))
    said = wrong(found)
    for sentence in said:
        print(f"not well: {sentence}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
