"""`make bench`: measure everything and print it as a table. `ARGS="--orders 1000000"` adds the full database."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench import aws, aws_package, delivery, engine, journey, million, reconcile, webhooks
from bench.events import charge_event, request
from bench.machine import HEADER, Figure, machine, resident_mb
from bench.server import Running, serving


async def full(orders: int, count: int) -> list[Figure]:
    """The webhook figure and the console's lists over a database that is full of orders."""
    with tempfile.TemporaryDirectory(prefix="onpaid-bench-") as made:
        folder = Path(made)
        rate = await million.fill(folder / "bench.db", orders)
        size = (folder / "bench.db").stat().st_size
        async with serving(folder=folder) as server:
            idle = resident_mb(server.pid)
            noop = (await webhooks.noop(server, count))["per_second"]
            bodies = (
                charge_event(n + orders * 2, order=f"B{n}", type_="customer.updated") for n in range(count)
            )
            found = await server.load([request("/webhooks/stripe", body) for body in bodies])
            pages = [await _page(server, path) for path in ("/api/orders", f"/api/orders/{orders // 2}")]
            wal = (folder / "bench.db-wal").stat().st_size
            grown = resident_mb(server.pid)
    name = f"with {orders:,} orders stored: "
    return [
        Figure(
            name + "signed webhooks acknowledged",
            found["per_second"],
            "/s",
            noop,
            "no-op",
            ">= 0.7 of empty",
            {"p99": f"{found['p99_ms']:.0f} ms"},
        ),
        Figure(
            name + "bytes an order, everything about it",
            size / orders,
            "bytes",
            notes={"filled": f"{rate:.0f} orders/s"},
        ),
        Figure(name + "write-ahead log after the load", wal / 1e6, "MB", target="<= 64"),
        Figure(name + "resident memory, idle", idle, "MB", notes={"after the load": f"{grown:.0f} MB"}),
        Figure(name + "list of orders, over HTTP", pages[0], "ms", target="< 50"),
        Figure(name + "one order, over HTTP", pages[1], "ms", target="< 50"),
    ]


async def _page(server: Running, path: str) -> float:
    head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer bench-admin-token-bench-admin-token\r\n\r\n"
    found = await server.load([head.encode()] * 60, connections=1)
    if set(found["statuses"]) != {"200"}:
        raise RuntimeError(f"{path} answered {found['statuses']}")
    return float(found["p50_ms"])


async def main(asked: argparse.Namespace) -> None:
    print(f"{machine()}\n\n{HEADER}", flush=True)
    parts = {
        "webhooks": lambda: webhooks.measure(asked.count),
        "engine": lambda: engine.measure(asked.count),
        "journey": journey.measure,
        "delivery": delivery.measure,
        "reconcile": reconcile.measure,
        "aws": aws.measure,
        "aws-package": aws_package.measure,
        "full": lambda: full(asked.orders, asked.count),
    }
    for name, measure in parts.items():
        if (asked.only and name != asked.only) or (name == "full" and not asked.orders):
            continue
        for figure in await measure():
            print(figure.line(), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--count", type=int, default=6000, help="webhooks, and flows, of one round")
    parser.add_argument("--orders", type=int, default=0, help="how many orders the full database holds")
    parser.add_argument(
        "--only",
        choices=("webhooks", "engine", "journey", "delivery", "reconcile", "aws", "aws-package", "full"),
    )
    asyncio.run(main(parser.parse_args()))
