"""The AWS emulator for tests: one per test process, started when the first test asks for it, gone when the process is.

Elsewhere than in continuous integration a missing `.venv-aws` is made, once for all test processes; there it is an
error, since what CI did not set up would otherwise be tested by nobody.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onpaid.cli.demo.emulator import REGION, TOOLS, Emulator, EmulatorMissing, running

ROOT = Path(__file__).resolve().parents[1]
__all__ = ["REGION", "ROOT", "Emulator", "emulator", "running_emulator", "table"]


def have_tools() -> None:
    """Make `.venv-aws` if it is not there. Raises EmulatorMissing in CI, or if it cannot be made."""
    if (ROOT / TOOLS / ".installed").exists():
        return
    if os.environ.get("CI") == "true":
        raise EmulatorMissing(f"{TOOLS} is missing: run make aws-tools before the tests")
    with (Path(tempfile.gettempdir()) / "onpaid-aws-tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "aws-tools"], cwd=ROOT, capture_output=True, text=True)
    if made.returncode:
        raise EmulatorMissing(f"make aws-tools failed: {made.stderr[-800:]}")


@contextmanager
def running_emulator(**told: str) -> Iterator[Emulator]:
    """An emulator of one's own for as long as the block; `told` are environment variables for its functions."""
    have_tools()
    with running(ROOT, told=told) as started:
        yield started


def table(beginning: str = "onpaid") -> str:
    """A table name that nobody else uses."""
    return f"{beginning}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """The emulator of this test process, shared: name your own tables and queues."""
    with running_emulator() as started:
        yield started
