"""What the demo's shop sells, brought in as an operator would bring it: by the products file, before anybody buys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onpaid.app.products_file import read_products
from onpaid.cli.demo.surroundings import SIMULATED
from onpaid.cli.simulating import write_products
from onpaid.compose import build
from onpaid.settings import Settings


def start_of_stock() -> dict[str, int]:
    """How many of each product lie on the shelf when the day begins."""
    return {str(product["id"]): int(product["stock"]) for product in SIMULATED.products}


async def bring_in(environment: Mapping[str, str], folder: Path) -> None:
    """Keep what the simulated shop's customers will buy in the service's database, which nobody holds yet."""
    table = folder / "products.csv"
    write_products(table, SIMULATED)
    service = await build(Settings(environment))
    try:
        if service.delivery is not None:
            await service.delivery.hands.import_products(read_products(table.read_text(encoding="utf-8")))
    finally:
        await service.stop()
