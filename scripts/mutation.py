"""The mutation score: how many of the mistakes that could be made in the rules of the journal, in signatures and in
money are noticed by the tests of those rules. What is not noticed is listed.

    python -m scripts.mutation                 all of them: about a quarter of an hour on two cores
    python -m scripts.mutation --quick         a seeded sample
    python -m scripts.mutation --only money    one file

Which mistakes there are: `scripts/mutants.py`. How they are tried: `scripts/mutation_runs.py`. A mutant that comes to
no end counts as noticed, and is counted apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from scripts.mutants import Mutant, mutants  # noqa: E402 - the root must be on the path first
from scripts.mutation_runs import reach, tried  # noqa: E402 - as above

SUITES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        tuple(f"src/onpaid/engine/{name}.py" for name in ("journal", "doubts", "stepping", "telling")),
        ("tests/engine",),
    ),
    (
        ("src/onpaid/providers/signatures.py",),
        ("tests/providers/test_signatures.py", "tests/providers/test_signature_edges.py"),
    ),
    (
        ("src/onpaid/domain/money.py", "src/onpaid/domain/amounts.py"),
        ("tests/domain/test_money.py", "tests/domain/test_money_edges.py", "tests/domain/test_amounts.py"),
    ),
)
"""Files, and the tests that judge them."""
TARGET = 0.9
SAMPLE = 160
SEED = 1
LIBRARIES = (
    "pytest pytest_asyncio.plugin pytest_timeout hypothesis.strategies _hypothesis_pytestplugin msgspec structlog "
    "prometheus_client apsw aiohttp.web starlette.applications stripe"
)
"""What is loaded before anything is forked: others' code, never ours."""


def measure(only: str, sample: int | None, workers: int, said: Callable[[str], None]) -> dict[str, Any]:
    """Every mutant, or a sample, tried: the figure with its survivors."""
    for library in LIBRARIES.split():
        with contextlib.suppress(ImportError):
            __import__(library)
    found = []
    for every, suite in SUITES:
        files = [file for file in every if only in file]
        reached = reach(files, suite) if files else None
        for file in files:
            source = (ROOT / file).read_text(encoding="utf-8")
            found += [(mutant, reached) for mutant in mutants(source, file)]
    if sample is not None and sample < len(found):
        found = random.Random(SEED).sample(found, sample)
    became: Counter[str] = Counter()
    survivors: list[Mutant] = []
    for mutant, what in tried(found, workers):  # type: ignore[arg-type]
        became[what] += 1
        if what == "survived":
            survivors.append(mutant)
            said(f"survived: {mutant}")
        if became.total() % 100 == 0:
            said(f"{became.total()} of {len(found)} tried, {len(survivors)} survived")
    survivors.sort(key=lambda mutant: (mutant.path, mutant.lines, mutant.number))
    return {
        "mutants": len(found),
        "noticed": became["noticed"] + became["late"],
        "late": became["late"],
        "survivors": [str(mutant) for mutant in survivors],
    }


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"a seeded sample of {SAMPLE}")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    asked = parser.parse_args()

    def said(text: str) -> None:
        if not asked.json:
            print(text, flush=True)

    started = time.monotonic()
    found = measure(asked.only, SAMPLE if asked.quick else None, asked.workers, said)
    share = found["noticed"] / found["mutants"]
    said(
        f"{found['noticed']} of {found['mutants']} noticed ({found['late']} by coming to no end): {100 * share:.1f} %, "
        f"in {time.monotonic() - started:.0f} s"
    )
    if asked.json:
        print(json.dumps(found))
    return 0 if share >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
