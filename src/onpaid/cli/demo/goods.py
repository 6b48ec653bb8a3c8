"""What the demo's shops sell, brought in as an operator would bring it: tables through the API, before anybody buys.

So is who hears of billing events: a subscriber at the simulators, with a secret of its own.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from onpaid.cli.demo.closing import Sleep
from onpaid.cli.demo.house import NoAnswer, Talk
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.staging import Staging
from onpaid.cli.demo.surroundings import SIMULATED
from onpaid.cli.simulating import write_prices, write_products

TRIES, PAUSE_SECONDS = 10, 0.5
SINK: Final = "books"
"""The simulated subscriber: somebody's bookkeeping, say."""


async def bring_in(stage: Staging, options: Options, folder: Path) -> None:
    """Everything that has to be there before the day begins."""
    async with Talk("service", {"Authorization": f"Bearer {stage.admin_token}"}) as service:
        service.base = stage.service_url
        await bring_in_products(service, folder)
        if options.sold:
            await bring_in_prices(service, folder)
            await subscribe(service, stage.simulators_url)


async def bring_in_products(service: Talk, folder: Path) -> None:
    """Have the service keep what the simulated shop's customers will buy."""
    table = folder / "products.csv"
    write_products(table, SIMULATED)
    text = table.read_text(encoding="utf-8")
    await _again(lambda: service.post("/api/products/import", {"text": text}))


async def bring_in_prices(service: Talk, folder: Path) -> None:
    """Have the service keep what is sold at Stripe."""
    table = folder / "prices.csv"
    write_prices(table)
    text = table.read_text(encoding="utf-8")
    await _again(lambda: service.post("/api/prices/import", {"text": text}))


async def subscribe(service: Talk, simulators_url: str, sleep: Sleep = asyncio.sleep) -> str:
    """Have the service tell the simulated subscriber of billing events, once; the subscriber's id.

    The secret is made here: an answer that bears one can be lost, and a second subscriber would hear everything twice.
    """
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    address = f"{simulators_url}/_sink/{SINK}"
    async with Talk("simulators") as simulators:
        simulators.base = simulators_url
        await simulators.put(f"/_sink/{SINK}/_state", {"secrets": [secret]})

    async def added() -> dict[str, Any]:
        there = (await service.get("/api/subscribers"))["items"]
        known = [each for each in there if each["url"] == address]
        if known:
            return dict(known[0])
        told = await service.post("/api/subscribers", {"url": address, "secret": secret})
        return dict(told["subscriber"])

    return str((await _again(added, sleep))["id"])


async def _again(
    ask: Callable[[], Awaitable[dict[str, Any]]], sleep: Sleep = asyncio.sleep
) -> dict[str, Any]:
    """Ask until there is an answer: faults begin with the service, and to ask the same again changes nothing."""
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except NoAnswer:
            await sleep(PAUSE_SECONDS)
    return await ask()
