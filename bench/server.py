"""`onpaid serve` in a process of its own, for a benchmark: a database in a folder that goes away afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bench.events import SECRET


@dataclass
class Running:
    """A server under measurement."""

    port: int
    pid: int
    folder: Path

    async def load(self, requests: list[bytes], connections: int = 64) -> dict[str, Any]:
        """Send requests from another process; see bench.load."""
        given = self.folder / "requests.pickle"
        given.write_bytes(pickle.dumps(requests))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.load", str(self.port), str(given), str(connections),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError("the load generator failed")
        return dict(json.loads(out))

    async def stream(
        self, requests: list[bytes], *, rate: float, seconds: float, connections: int = 0, silent: int = 0
    ) -> dict[str, Any]:
        """Send requests at a steady rate from another process; see bench.stream. Ended if it does not end by itself."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".pickle") as given:
            given.write(pickle.dumps(requests))
            given.flush()
            words = (str(self.port), given.name, *map(str, (rate, seconds, connections, silent)))
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.stream", *words, stdout=asyncio.subprocess.PIPE
            )
            try:
                async with asyncio.timeout(seconds + 60):
                    out, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            raise RuntimeError("the stream of requests failed")
        return dict(json.loads(out))

    def processor_seconds(self) -> float:
        """What the server has used of the processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def signed_vat_table(folder: Path) -> Path:
    """The sample VAT table, signed off for this folder's database."""
    text = files("onpaid.domain").joinpath("vat_sample.toml").read_text(encoding="utf-8")
    text = text.replace('signed_off_by = ""', 'signed_off_by = "Bench"')
    table = folder / "vat.toml"
    table.write_text(text.replace('signed_off_on = ""', 'signed_off_on = "2026-01-31"'), encoding="utf-8")
    return table


@asynccontextmanager
async def serving(*, folder: Path | None = None, **settings: str) -> AsyncIterator[Running]:
    """Start it, wait until it is ready, and end it."""
    with tempfile.TemporaryDirectory(prefix="onpaid-bench-") as made:
        home = folder or Path(made)
        environment = {
            **os.environ,
            "ONPAID_DATABASE": f"sqlite:///{home}/bench.db",
            "ONPAID_PORT": "0",
            "ONPAID_ADMIN_TOKEN": "bench-admin-token-bench-admin-token",
            "ONPAID_LOG_LEVEL": "warning",
            "ONPAID_TICKET_LOG": f"{home}/tickets.jsonl",
            "ONPAID_BENCH_NOOP": "true",
            "INVOICE_VAT_RULES": str(signed_vat_table(home)),
            "KONVERZKY_PRICES_INCLUDE_VAT": "true",
            "KONVERZKY_WEBHOOK_SECRET": "bench",
            "STRIPE_API_KEY": "sk_test_simulated",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "FIKEN_API_TOKEN": "fiken_simulated",
            "FIKEN_COMPANY_SLUG": "simulated-shop",
            "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
            "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
            "STRIPE_API_BASE": "http://127.0.0.1:9/stripe",
            "FIKEN_API_BASE": "http://127.0.0.1:9/fiken/api/v2",
            **settings,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "onpaid.cli", "serve", env=environment
        )
        try:
            port = await asyncio.to_thread(_ready, home / "bench.db.lock", process)
            yield Running(port, process.pid, home)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


def _ready(lock: Path, process: asyncio.subprocess.Process) -> int:
    for _ in range(200):
        time.sleep(0.1)
        try:
            announced = json.loads(lock.read_text())
            address = next(str(v) for v in announced.values() if str(v).startswith("http"))
            with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return int(address.rpartition(":")[2].rstrip("/"))
        except (OSError, ValueError, StopIteration):
            if process.returncode is not None:
                break
    raise RuntimeError("the server did not get ready")
