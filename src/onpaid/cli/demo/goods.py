"""What the demo's shop sells, brought in as an operator would bring it: a table through the API, before anybody buys."""

from __future__ import annotations

import asyncio
from pathlib import Path

from onpaid.cli.demo.house import NoAnswer, Talk
from onpaid.cli.demo.surroundings import SIMULATED
from onpaid.cli.simulating import write_products

TRIES, PAUSE_SECONDS = 10, 0.5


def start_of_stock() -> dict[str, int]:
    """How many of each product lie on the shelf when the day begins."""
    return {str(product["id"]): int(product["stock"]) for product in SIMULATED.products}


async def bring_in(service_url: str, admin_token: str, folder: Path) -> int:
    """Have the service keep what the simulated shop's customers will buy; how many products it kept."""
    table = folder / "products.csv"
    write_products(table, SIMULATED)
    async with Talk("service", {"Authorization": f"Bearer {admin_token}"}) as talk:
        talk.base = service_url
        for left in reversed(range(TRIES)):
            try:
                told = await talk.post("/api/products/import", {"text": table.read_text(encoding="utf-8")})
                break
            except NoAnswer:
                # Faults begin with the service; to bring in the same table again changes nothing.
                if not left:
                    raise
                await asyncio.sleep(PAUSE_SECONDS)
    kept: int = told["products"]
    return kept
