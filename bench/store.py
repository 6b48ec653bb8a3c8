"""How fast the SQLite store is, and how small: `python -m bench.store [documents]`.

One batch is what one webhook costs: the event with its raw body, the run it starts, the claim that keeps it
single, and the order that both are about; four documents, five entries. Ratios are taken between neighbouring
rounds of one run, since absolute figures drift with the machine.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.machine import HEADER, Figure, machine
from onpaid.store.port import Entry, Insert, Put, Update, Write
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_rows import pack

CONCURRENT = 64
LATELY = 600


def raw_body(chance: random.Random) -> bytes:
    """A signed webhook of about 2 KB, with as much in it that never repeats as a real one has."""

    def name(prefix: str) -> str:
        return f"{prefix}_{chance.getrandbits(140):036x}"

    charge = {
        "id": name("ch"),
        "object": "charge",
        "amount": chance.randrange(100_00, 9_999_00),
        "currency": "nok",
        "balance_transaction": name("txn"),
        "billing_details": {"email": f"{chance.getrandbits(48):x}@example.com", "name": "Kari Nordmann"},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "fingerprint": name("fp")}},
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{chance.getrandbits(600):x}",
    }
    intent = {
        "id": name("pi"),
        "object": "payment_intent",
        "amount": charge["amount"],
        "client_secret": name("secret"),
        "customer": name("cus"),
        "metadata": {"order_number": str(chance.randrange(20_000)), "shop": "konverzky"},
        "latest_charge": charge,
        "payment_method_types": ["card", "klarna", "link"],
        "amount_details": {"tip": {}},
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "description": None,
        "last_payment_error": None,
        "next_action": None,
        "shipping": {
            "address": {"city": "Oslo", "country": "NO", "line1": "Karl Johans gate 1"},
            "name": "K N",
        },
    }
    event = {
        "id": name("evt"),
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": intent},
    }
    return json.dumps(event, indent=2).encode()


def id_of(number: int, chance: random.Random, ordered: bool) -> str:
    """24 signs of an id. Those of Stripe and Razorpay begin with the time at which they were given."""
    left = 14 if ordered else 24
    return (f"3{number:09x}" if ordered else "") + f"{chance.getrandbits(4 * left):0{left}x}"


def webhook(number: int, chance: random.Random, body: bytes, *, ordered: bool = True) -> list[Write]:
    """The writes that one webhook causes."""
    event, payment = f"evt_{id_of(number, chance, ordered)}", f"pi_{id_of(number, chance, ordered)}"
    # Three webhooks to an order, soon after each other; or to any order that there ever was.
    order = f"konverzky/{max(0, number // 3 - chance.randrange(LATELY if ordered else number + 1) // 3)}"
    return [
        Insert("event", f"stripe:{event}", body, (Entry("all", "", number), Entry("order", order, number))),
        Insert(
            "run",
            f"invoice_payment:{payment}",
            b'{"flow":"invoice_payment","state":"ready","journal":[],"reason":"","attempt":0}' * 3,
            (Entry("due", "", number), Entry("order", order, number)),
        ),
        Insert("claim", f"payment:{payment}", b'{"owner":"invoice_payment"}'),
        Put(
            "order", order, b'{"lines":[],"state":"paid","total":129900}' * 5, (Entry("changed", "", number),)
        ),
    ]


class Round:
    """What one round of many writers took."""

    def __init__(self, latencies: list[float], seconds: float, cpu: float) -> None:
        latencies.sort()
        self.rate = len(latencies) / seconds
        self.cpu_us = cpu / len(latencies) * 1e6
        self.p50_ms = latencies[len(latencies) // 2] * 1e3
        self.p99_ms = latencies[len(latencies) * 99 // 100] * 1e3


async def write_batches(
    store: SqliteStore, batches: int, *, first: int = 0, concurrent: int = CONCURRENT, ordered: bool = True
) -> Round:
    """Commit webhooks from many coroutines, each waiting for its own."""
    chance = random.Random(first)
    bodies = [raw_body(chance) for _ in range(200)]
    numbers = iter(range(first, first + batches))
    latencies: list[float] = []

    async def one() -> None:
        for number in numbers:
            writes = webhook(number, chance, bodies[number % len(bodies)], ordered=ordered)
            begun = time.perf_counter()
            await store.commit(writes)
            latencies.append(time.perf_counter() - begun)

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(concurrent)))
    return Round(latencies, time.perf_counter() - begun, time.process_time() - cpu)


async def update_documents(store: SqliteStore, updates: int) -> Round:
    """Move one document on, again and again, from each of many coroutines: what running flows do."""
    numbers = iter(range(updates))
    latencies: list[float] = []
    body = b'{"flow":"invoice_payment","state":"running","journal":[]}' * 4

    async def one(run: int) -> None:
        await store.commit(
            [Insert("step", f"r{run}", body, (Entry("due", "", 0), Entry("state", "open", 0)))]
        )
        version = 1
        for number in numbers:
            entries = (Entry("due", "", number), Entry("state", "open", 0))
            begun = time.perf_counter()
            await store.commit([Update("step", f"r{run}", body, version, entries)])
            latencies.append(time.perf_counter() - begun)
            version += 1

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(run) for run in range(CONCURRENT)))
    return Round(latencies, time.perf_counter() - begun, time.process_time() - cpu)


async def read_by_key(store: SqliteStore, reads: int = 20_000) -> float:
    """Microseconds of one read of a small document."""
    keys = [f"konverzky/{number}" for number in range(200)]
    begun = time.perf_counter()
    for number in range(reads):
        await store.get("order", keys[number % len(keys)])
    return (time.perf_counter() - begun) / reads * 1e6


async def fill(store: SqliteStore, documents: int) -> None:
    """Store that many documents, in full batches."""
    chance = random.Random(1)
    bodies = [raw_body(chance) for _ in range(200)]
    numbers = iter(range(documents // 4 // 25))

    async def one() -> None:
        for number in numbers:
            found: dict[tuple[str, str], Write] = {}
            for part in range(25):
                for write in webhook(number * 25 + part, chance, bodies[part * 7 % 200]):
                    found[write.kind, write.key] = write
            await store.commit(list(found.values()))

    await asyncio.gather(*(one() for _ in range(8)))


@asynccontextmanager
async def opened(**settings: Any) -> AsyncIterator[tuple[SqliteStore, Path]]:
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir="."))
    try:
        store = await SqliteStore.open(directory / "bench.db", **settings)
        yield store, directory / "bench.db"
        await store.close()
    finally:
        shutil.rmtree(directory)


def size(path: Path, ending: str = "") -> int:
    file = Path(f"{path}{ending}")
    return file.stat().st_size if file.exists() else 0


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(documents: int = 1_000_000, batches: int = 12_000, rounds: int = 3) -> list[Figure]:
    """All figures; `documents` is how full the file of the last ones is (0: leave those out)."""
    return asyncio.run(_run(documents, batches, rounds))


async def _run(documents: int, batches: int, rounds: int) -> list[Figure]:
    grouped, single, updates = [], [], []
    for _ in range(rounds):
        async with opened() as (store, path):
            grouped.append(await write_batches(store, batches))
            reading = await read_by_key(store)
            wal = size(path, "-wal")
        async with opened(most_in_group=1) as (store, _):
            single.append(await write_batches(store, batches // 4))
        async with opened() as (store, _):
            updates.append(await update_documents(store, batches * 2))
    ratio = statistics.median(one.rate / other.rate for one, other in zip(grouped, single, strict=True))
    rate = _median(grouped, "rate")
    figures = [
        Figure(
            "store: webhook batches committed",
            rate,
            "1/s",
            rate / ratio,
            "one commit each",
            ">= 1.5 x",
            {"at once": str(CONCURRENT), "processor time of one": f"{_median(grouped, 'cpu_us'):.0f} us"},
        ),
        Figure("store: commit latency p50", _median(grouped, "p50_ms"), "ms"),
        Figure("store: commit latency p99", _median(grouped, "p99_ms"), "ms", target="<= 40 ms"),
        Figure("store: single-document updates", _median(updates, "rate"), "1/s", target=">= 12,000/s"),
        Figure("store: read by key", reading, "us"),
        Figure("store: log after the run", wal / 1e6, "MB", target="<= 64 MB"),
    ]
    return figures + (await _run_full(documents, batches) if documents else [])


async def _run_full(documents: int, batches: int) -> list[Figure]:
    """The same in a file that is full already."""
    async with opened() as (store, _):
        empty_at_random = await write_batches(store, batches, ordered=False)
    async with opened() as (store, path):
        empty = await write_batches(store, batches)
        before, begun = memory_mb(), time.perf_counter()
        await fill(store, documents)
        filling = documents / (time.perf_counter() - begun)
        full = await write_batches(store, batches, first=documents)
        at_random = await write_batches(store, batches, first=2 * documents, ordered=False)
        reading = await read_by_key(store)
        wal, memory = size(path, "-wal"), memory_mb() - before
        await store.close()
        kept = size(path)
    after = f"after {documents:,} documents"
    base = "the empty store"
    return [
        Figure("store: documents written, 100 to a batch", filling, "1/s"),
        Figure(f"store: webhook batches {after}", full.rate, "1/s", empty.rate, base, ">= 0.7 x"),
        Figure("store: ... ids in no order, any order's", at_random.rate, "1/s", empty_at_random.rate, base),
        Figure("store: ... commit latency p99", full.p99_ms, "ms", empty.p99_ms, base, "<= 2 x"),
        Figure("store: ... read by key", reading, "us"),
        Figure("store: ... log", wal / 1e6, "MB", target="<= 64 MB"),
        Figure("store: ... memory more", memory, "MB", target="<= 10 MB"),
        Figure(
            "store: bytes of a webhook, all four documents and their entries",
            kept / (documents / 4 + 3 * batches),
            "bytes",
            target="<= 1,500",
            notes={"of them its raw body, compressed": f"{_packed_body():.0f}"},
        ),
    ]


def _packed_body() -> float:
    chance = random.Random(0)
    return statistics.mean(len(pack(raw_body(chance))[1]) for _ in range(50))


def _median(found: list[Round], name: str) -> float:
    return statistics.median(getattr(one, name) for one in found)


if __name__ == "__main__":
    print(f"{machine()}\n\n{HEADER}")
    for figure in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print(figure.line())
