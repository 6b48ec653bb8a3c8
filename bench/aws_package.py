"""What a cold start costs: the size of the package for Lambda, the import of its handlers, each one's first call.

Handlers run from the unpacked package in an interpreter that sees nothing else, over a new database, with no network:
what is measured is what Lambda spends on our code before the first byte goes out. Lambda cannot keep bytecode, so no
interpreter here may; beside it stands the same package with its modules compiled beforehand.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from bench.events import SECRET
from bench.machine import Figure
from bench.server import signed_vat_table
from scripts.package_aws import EMULATOR, Places, build
from scripts.package_bytecode import with_bytecode
from scripts.package_check import sizes
from scripts.package_wheels import LAMBDA, Target, host

EVENTS: dict[str, dict[str, Any]] = {
    "web": {
        "version": "2.0",
        "rawPath": "/healthz",
        "rawQueryString": "",
        "headers": {"host": "bench"},
        "requestContext": {"http": {"method": "GET", "path": "/healthz", "sourceIp": "192.0.2.1"}},
    },
    "work": {"Records": []},
    "tick": {"schedule": "tick"},
}
"""The least that each handler can be asked, so that its own making is most of the time."""

_CHILD = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
class Context:
    aws_request_id = "bench"
    def get_remaining_time_in_millis(self):
        return 20_000
started = time.perf_counter()
import onpaid.aws_lambda
imported = time.perf_counter()
handler, event = getattr(onpaid.aws_lambda, sys.argv[2]), json.loads(sys.argv[3])
answer = handler(event, Context())
called = time.perf_counter()
handler(event, Context())
again = time.perf_counter()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({
    "import": imported - started, "first": called - imported, "second": again - called,
    "mb": int(peak.split()[1]) / 1024, "answer": answer,
}))
"""


def environment(folder: Path) -> dict[str, str]:
    """The settings of a shop that invoices. Every address leads nowhere."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_ENDPOINT_URL": nowhere,
        "ONPAID_DATABASE": f"sqlite:///{folder}/bench.db",
        "ONPAID_WORK_QUEUE_URL": f"{nowhere}/000000000000/bench",
        "ONPAID_LOG_LEVEL": "warning",
        "INVOICE_VAT_RULES": str(signed_vat_table(folder)),
        "KONVERZKY_PRICES_INCLUDE_VAT": "true",
        "KONVERZKY_WEBHOOK_SECRET": "bench",
        "STRIPE_API_KEY": "sk_test_simulated",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": f"{nowhere}/stripe",
        "FIKEN_API_TOKEN": "fiken_simulated",
        "FIKEN_API_BASE": f"{nowhere}/fiken/api/v2",
        "FIKEN_COMPANY_SLUG": "simulated-shop",
        "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
        "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
    }


def once(python: str, package: Path, name: str) -> dict[str, Any]:
    """One cold start and two calls of this handler."""
    with tempfile.TemporaryDirectory(prefix="onpaid-bench-") as made:
        done = subprocess.run(
            [python, "-I", "-S", "-B", "-c", _CHILD, str(package), name, json.dumps(EVENTS[name])],
            env=environment(Path(made)),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{name} broke: {done.stderr.strip()[-600:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if name == "web" and found["answer"]["statusCode"] != 200:
        raise RuntimeError(f"web answered {found['answer']}")
    return found


def unpacked(target: Target, package: Path, folder: Path) -> tuple[Path, Path]:
    """The package in a folder, and in another one with its modules compiled."""
    with zipfile.ZipFile(package) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    plain, compiled = folder / "plain", folder / "compiled"
    for place, held in (
        (plain, files),
        (compiled, with_bytecode(files, target, target.runs or sys.executable)),
    ):
        for name, body in held.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(body)
    return plain, compiled


async def measure(rounds: int = 3) -> list[Figure]:
    """Both packages' sizes, then each handler from the host's package."""
    return await asyncio.to_thread(_measure, rounds)


def _measure(rounds: int) -> list[Figure]:
    python = str(EMULATOR) if EMULATOR.exists() else sys.executable
    here = host(python)
    release, package = build(LAMBDA, Places())[0], build(here, Places())[0]
    weight = sizes(release)
    figures = [
        Figure(f"{release.name}", weight.zipped / 1e6, "MB", target="<= 50"),
        Figure(f"{release.name}, unpacked", weight.unpacked / 1e6, "MB", target="<= 250"),
    ]
    with tempfile.TemporaryDirectory(prefix="onpaid-bench-") as made:
        plain, compiled = unpacked(here, package, Path(made))
        for name in EVENTS:
            found, beside = [], []
            for _ in range(rounds):
                # In turn, so that whatever else the machine does meets both.
                found.append(once(python, plain, name))
                beside.append(once(python, compiled, name))
            for part, words in (("import", "import"), ("first", "first call after the import")):
                figures.append(
                    Figure(
                        f"handler {name}, {words}",
                        _middle(found, part) * 1000,
                        "ms",
                        _middle(beside, part) * 1000,
                        "compiled beforehand",
                        notes=_notes(found, here) if part == "first" else {},
                    )
                )
    return figures


def _middle(found: list[dict[str, Any]], part: str) -> float:
    return float(statistics.median(each[part] for each in found))


def _notes(found: list[dict[str, Any]], target: Target) -> dict[str, str]:
    return {
        "second call": f"{_middle(found, 'second') * 1000:.1f} ms",
        "peak memory": f"{_middle(found, 'mb'):.0f} MB",
        "Python": target.python,
    }
