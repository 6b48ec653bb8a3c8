"""Which branches of the core its own tests reach, and whether each thing that is caught was thrown.

    python -m scripts.coverage_of_core          what is missing, line by line
    python -m scripts.coverage_of_core --json   one JSON object and nothing else

The core is what may never be wrong: the engine, the store, money and signatures. It is judged by the tests of its own
floors alone. What `except` catches is seen by the line below it; what `suppress` catches leaves no line, and is noted
by a plugin of these tests (`scripts.suppressed`).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORE = (
    "src/onpaid/engine/*.py",
    "src/onpaid/store/*.py",
    "src/onpaid/acts.py",
    "src/onpaid/errors.py",
    "src/onpaid/domain/money.py",
    "src/onpaid/domain/amounts.py",
    "src/onpaid/domain/allocation.py",
    "src/onpaid/providers/signatures.py",
)
TESTS = (
    "tests/engine",
    "tests/stores",
    "tests/app/test_moving.py",
    "tests/app/test_moving_undo.py",
    "tests/domain/test_money.py",
    "tests/domain/test_money_edges.py",
    "tests/domain/test_amounts.py",
    "tests/domain/test_allocation.py",
    "tests/providers/test_signatures.py",
    "tests/providers/test_signature_edges.py",
)
SUPPRESSED = "ONPAID_SUPPRESSED"
"""Where the plugin notes what was suppressed."""


def core() -> list[Path]:
    """The files of the core."""
    return sorted(path for pattern in CORE for path in ROOT.glob(pattern))


def caught(source: str) -> Iterator[tuple[str, int, int]]:
    """Each place that catches: ("except" or "suppress", its line, the line that runs when it does)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            yield "except", node.lineno, node.body[0].lineno
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func).endswith(
                    "suppress"
                ):
                    yield "suppress", node.lineno, item.context_expr.lineno


def measure() -> dict[str, Any]:
    """Run the tests and say what they did not reach."""
    with tempfile.TemporaryDirectory() as directory:
        data, notes, report = (Path(directory) / name for name in ("data", "notes", "report.json"))
        source = ",".join(str(path) for path in core())
        python = [sys.executable, "-m"]
        watching = [
            "coverage",
            "run",
            "--branch",
            f"--include={source}",
            f"--data-file={data}",
            "-m",
            "pytest",
        ]
        plain = ["-p", "no:cacheprovider", "-p", "scripts.suppressed", "--timeout=1800"]
        environment = {**os.environ, SUPPRESSED: str(notes), "COVERAGE_RCFILE": os.devnull}
        ran = subprocess.run(
            [*python, *watching, *plain, *TESTS],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise SystemExit(f"the tests are red: {ran.stdout.strip()[-600:]}")
        told = ["coverage", "json", f"--data-file={data}", "-o", str(report), "-q"]
        subprocess.run([*python, *told], cwd=ROOT, env=environment, check=True)
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
        suppressed = {tuple(json.loads(line)) for line in notes.read_text(encoding="utf-8").splitlines()}
    return judge(files, suppressed)


def judge(files: dict[str, Any], suppressed: set[tuple[Any, ...]]) -> dict[str, Any]:
    """The figures, from what coverage and the plugin say."""
    found: dict[str, Any] = {
        "branches": 0,
        "reached": 0,
        "handlers": 0,
        "thrown": 0,
        "excused": 0,
        "missing": [],
    }
    for path in core():
        name = str(path.relative_to(ROOT))
        seen = files.get(name)
        if seen is None:
            found["missing"].append(f"{name}: never loaded")
            continue
        found["branches"] += seen["summary"]["num_branches"]
        found["reached"] += seen["summary"]["covered_branches"]
        source = path.read_text(encoding="utf-8")
        found["excused"] += source.count("pragma: no ")
        found["missing"] += [f"{name}:{line}: never runs" for line in seen["missing_lines"]]
        found["missing"] += [f"{name}:{a}: never goes on to {abs(b)}" for a, b in seen["missing_branches"]]
        ran = set(seen["executed_lines"])
        for kind, line, below in caught(source):
            reached = below in ran if kind == "except" else (str(path), line) in suppressed
            found["handlers"] += 1
            found["thrown"] += reached
            if not reached:
                found["missing"].append(f"{name}:{line}: nothing was ever caught by this `{kind}`")
    return found


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    asked = parser.parse_args()
    found = measure()
    if asked.json:
        print(json.dumps(found))
        return 0
    for each in found["missing"]:
        print(each)
    print(
        f"{found['reached']} of {found['branches']} branches, {found['thrown']} of {found['handlers']} handlers reached"
    )
    return 1 if found["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
