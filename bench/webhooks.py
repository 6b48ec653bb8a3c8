"""Signed webhooks acknowledged after a durable commit, beside the same server's answer that stores nothing."""

from __future__ import annotations

from bench.events import charge_event, request
from bench.machine import Figure, resident_mb
from bench.server import Running, serving

TARGET = ">= 3,500/s quiet, >= 2,000/s busy"


async def measure(count: int, rounds: int = 3) -> list[Figure]:
    """Both kinds of event, in rounds with the no-op between them; medians."""
    async with serving() as server:
        idle = resident_mb(server.pid)
        await noop(server, 500)
        nothing: list[float] = []
        stored: list[dict[str, float]] = []
        routed: list[dict[str, float]] = []
        processor: list[float] = []
        for nth in range(rounds):
            nothing.append((await noop(server, count))["per_second"])
            before = server.processor_seconds()
            stored.append(await _events(server, count, nth * count, "customer.updated"))
            processor.append((server.processor_seconds() - before) / count * 1e6)
            routed.append(await _events(server, count, (rounds + nth) * count, "charge.succeeded"))
        loaded = resident_mb(server.pid)
    base = _median(nothing)
    best = _middle(stored)
    paid = _middle(routed)
    p99 = f"{best['p99_ms']:.0f} ms"
    return [
        Figure(
            "signed webhooks acknowledged, kept and judged",
            best["per_second"],
            "/s",
            base,
            "no-op",
            TARGET,
            {"p50": f"{best['p50_ms']:.0f} ms", "p99": p99, "processor": f"{_median(processor):.0f} us each"},
        ),
        Figure(
            "the same, each a payment that starts a run, which looks for its order meanwhile",
            paid["per_second"],
            "/s",
            base,
            "no-op",
            "",
            {"p50": f"{paid['p50_ms']:.0f} ms", "p99": f"{paid['p99_ms']:.0f} ms"},
        ),
        Figure("resident memory, idle", idle, "MB", target="< 90"),
        Figure("resident memory, after the load", loaded, "MB", target="< 160"),
    ]


async def noop(server: Running, count: int) -> dict[str, float]:
    """The baseline: as many bodies, read and answered, and nothing kept."""
    return await _taken(server, [request("/webhooks/noop", charge_event(n)) for n in range(count)])


async def _events(server: Running, count: int, start: int, type_: str) -> dict[str, float]:
    return await _taken(
        server,
        [
            request("/webhooks/stripe", charge_event(n, order=f"B{n}", type_=type_))
            for n in range(start, start + count)
        ],
    )


async def _taken(server: Running, requests: list[bytes]) -> dict[str, float]:
    found = await server.load(requests)
    if set(found["statuses"]) != {"200"}:
        raise RuntimeError(f"not every webhook was acknowledged: {found['statuses']}")
    return found


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _middle(found: list[dict[str, float]]) -> dict[str, float]:
    return sorted(found, key=lambda each: each["per_second"])[len(found) // 2]
