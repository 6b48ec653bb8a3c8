"""A flood of the public pages beside a steady stream of webhooks; and the tests in twenty random orders.

The flood has two controls that must be judged red: a service that stops for a second, and forged webhooks.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import Any

from scripts.measuring import Measured

FEW = ("tests/domain", "tests/engine")
TOGETHER = (*FEW, "tests/app", "tests/compose", "tests/web")
"""What shares most within a process: values, the machine, the records, the application with its pages."""
NOT_SHUFFLED = ("needs_chromium",)
ORDERS = 20


def flooded(quick: bool) -> Measured:
    """Webhooks beside fifty times as many public requests; and that it shows when they are late, or refused."""
    from bench.flood import measure, told, wrong

    found = asyncio.run(measure(quick=quick))
    said = wrong(found)
    frozen = wrong(asyncio.run(measure(quick=True, spoil="freeze")))
    forged = wrong(asyncio.run(measure(quick=True, spoil="forge")))
    seen = any("p99" in each for each in frozen) and any("not taken" in each for each in forged)
    words = told(found) + (f"; NOT WELL: {'; '.join(said)}" if said else "")
    return Measured(not said and seen, f"{words}; controls {'seen' if seen else 'NOT SEEN'}")


def shuffled(quick: bool) -> Measured:
    """The tests that share a process, in random orders: each seed is an order. The rest of the suite is in an order
    of its own at each `make test`, and is not counted here."""
    folders = FEW if quick else TOGETHER
    found: list[tuple[int, Any]] = []
    for seed in range(1, (2 if quick else ORDERS) + 1):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist"]
        command += ["-m", f"not {' and not '.join(NOT_SHUFFLED)}", f"--randomly-seed={seed}", *folders]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found.append((seed, done))
    passed = {int(each) for _, done in found for each in re.findall(r"(\d+) passed", done.stdout)}
    failed = [f"\n       seed {seed}: {_first(done.stdout)}" for seed, done in found if done.returncode]
    # A test that is passed in one order and skipped in another depends on the order as well.
    ok = not failed and len(passed) == 1
    tests = " or ".join(map(str, sorted(passed)))
    said = f"{len(found)} random orders of the {tests} tests in {', '.join(folders)}: {len(failed)} flaky"
    return Measured(ok, said + "".join(failed))


def _first(said: str) -> str:
    """What failed first, or the end of what was said."""
    names = re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    return " ".join(names[:3]) or said.strip()[-200:]
