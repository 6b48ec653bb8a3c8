"""From a payment to its mailed invoice, with simulators that answer at once and lanes whose rates are lifted."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from bench.events import SECRET
from bench.machine import Figure
from bench.server import serving
from onpaid.simulators import Settings, Simulators, Target, Times, serve


async def measure(orders: int = 60) -> list[Figure]:
    """One order after the other, then all at once."""
    target = Target(stripe_secrets=(SECRET,), konverzky_secrets=("bench",))
    simulators = Simulators(Settings(target=target, times=Times(answer=0.0)))
    served = await serve(simulators)
    try:
        bases = {"STRIPE_API_BASE": served.stripe_base, "FIKEN_API_BASE": served.fiken_base}
        async with serving(ONPAID_LIFT_LANES="true", **bases) as server, aiohttp.ClientSession() as client:
            simulators.aim_at(f"http://127.0.0.1:{server.port}")
            times = []
            for number in range(orders):
                times.append(await _one(client, served.base, simulators, f"{5000 + number}"))
            started = time.perf_counter()
            before = len(simulators.fiken.mails)
            await asyncio.gather(*(_buy(client, served.base, f"{7000 + n}") for n in range(orders * 4)))
            while len(simulators.fiken.mails) < before + orders * 4:
                await asyncio.sleep(0.01)
            burst = orders * 4 / (time.perf_counter() - started)
    finally:
        await served.stop()
    times.sort()
    return [
        Figure(
            "payment to mailed invoice, one at a time, p50",
            times[len(times) // 2] * 1000,
            "ms",
            target="< 100 ms",
            notes={"p99": f"{times[len(times) * 99 // 100] * 1000:.0f} ms"},
        ),
        Figure("orders invoiced and mailed in a burst, one call to Fiken at a time", burst, "/s"),
    ]


async def _buy(client: aiohttp.ClientSession, base: str, number: str) -> None:
    item = {"id": "77", "name": "E-book", "quantity": 1, "unit_price": "199.00", "vat": 25}
    customer = {
        "name": "Ola Nordmann",
        "email": f"buyer{number}@example.org",
        "address": {"line1": "Storgata 1", "postal_code": "0155", "city": "Oslo", "country": "NO"},
    }
    order = {"order_number": number, "currency": "NOK", "items": [item], "customer": customer}
    async with client.post(f"{base}/konverzky/_orders", json=order) as answer:
        answer.raise_for_status()
    guest = {"name": customer["name"], "email": customer["email"], "address": customer["address"]}
    async with client.post(
        f"{base}/stripe/_charges", json={"order_number": number, "guest": guest}
    ) as answer:
        answer.raise_for_status()


async def _one(client: aiohttp.ClientSession, base: str, simulators: Simulators, number: str) -> float:
    before = len(simulators.fiken.mails)
    started = time.perf_counter()
    await _buy(client, base, number)
    while len(simulators.fiken.mails) == before:
        await asyncio.sleep(0.0005)
    return time.perf_counter() - started
