"""A shop day on the emulated AWS, everything misbehaving: the template, the package and the functions as deployed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onpaid.cli.demo.aws_faults import ALL, FAULTS
from onpaid.cli.demo.aws_functions import children
from onpaid.simulators import ALL as SIMULATED
from tests.emulator import ROOT, have_tools

ORDERS, SALES = 4, 2


@pytest.fixture(scope="module")
def package() -> None:
    """The package of what stands here now."""
    have_tools()
    subprocess.run([sys.executable, "scripts/package_aws.py", "--only", "host"], cwd=ROOT, check=True)


def demo(*words: str) -> list[str]:
    return [sys.executable, "-m", "onpaid.cli", "demo", "--target", "aws-emulator", *words]


def its_emulator(demo: int) -> tuple[int, Path] | None:
    """A demo's emulator, and the folder of its files, once both are there and the simulators are too."""
    pids = children(demo)
    for pid in pids:
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            folders = [each.partition(b"=")[2] for each in told if each.startswith(b"TMPDIR=")]
            if len(pids) > 1 and b"GATEWAY_PORT=" in b"".join(told):
                return os.pidfd_open(pid), Path(folders[0].decode())
    return None


@pytest.mark.timeout(600)
def test_a_day_on_aws_with_every_fault(package: None) -> None:
    played = subprocess.run(
        demo(
            *("--orders", str(ORDERS), "--sales", str(SALES), "--faults", "all", "--seed", "1"),
            *("--once", "--json"),
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert played.stdout, played.stderr[-3000:]
    report: dict[str, Any] = json.loads(played.stdout)
    assert report["findings"] == []
    assert report["passed"]
    assert played.returncode == 0
    assert (report["missing"], report["double"]) == (0, 0)
    sales = report["sales"]
    assert report["paid"] == (ORDERS - SALES) // 2 + sales["once"]
    assert (sales["asked"], sales["orders"], sales["listeners"]) == (SALES, sales["paid"], 2)
    assert (sales["missing"], sales["double"], sales["unexplained"]) == (0, 0, 0)
    assert report["proof"]["verdict"] == "proven"
    assert report["delivery"]["shipped"] == report["delivery"]["due"] > 0
    assert report["agrees"]
    assert set(report["faults"]) == SIMULATED
    aws = report["aws"]
    assert set(aws["faults_injected"]) >= {
        "throttle",
        "answer-lost",
        "cut",
        "sqs-twice",
        "lost-bell",
        "lambda-killed",
    }
    assert set(aws["faults_injected"]) <= ALL
    assert aws["calls"]["work dynamodb.TransactWriteItems"] > ORDERS
    assert aws["per_order"]["all"]["write_units"] > aws["per_order"]["work"]["write_units"] > 1


def test_a_day_that_is_broken_off_leaves_nothing(package: None, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with told.open("w") as errors:
        playing = subprocess.Popen(
            demo("--orders", "4", "--faults", "none", "--once", "--json"),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            # Whoever runs these tests in the background may have it ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while (found := its_emulator(playing.pid)) is None:
            assert playing.poll() is None, told.read_text()
        handle, folder = found
        assert folder.exists()
        playing.send_signal(signal.SIGINT)
        assert playing.wait(60) == 130
    assert "everything was cleaned up" in told.read_text()
    ready, _, _ = select.select([handle], [], [], 10)
    os.close(handle)
    assert ready, "the emulator lives on"
    assert not folder.exists()
    assert list(tmp_path.glob("onpaid-*")) == []


def test_words_that_go_together(tmp_path: Path) -> None:
    refused = subprocess.run(
        demo("--database", str(tmp_path / "a.db")), cwd=ROOT, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "no file" in refused.stderr
    elsewhere = subprocess.run(demo("--once"), cwd=tmp_path, capture_output=True, text=True)
    assert elsewhere.returncode == 1
    assert "make aws-tools" in elsewhere.stderr
    unknown = subprocess.run(demo("--faults", "throtle"), cwd=ROOT, capture_output=True, text=True)
    assert unknown.returncode == 2
    assert "lambda-killed" in unknown.stderr


def test_each_fault_says_what_it_does() -> None:
    assert all(kind.does and 0 < kind.share < 1 and kind.first > 1 for kind in FAULTS.values())
    assert not ALL & SIMULATED
