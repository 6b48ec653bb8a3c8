"""The reliability scorecard: each line measured now, by one command, against its target.

    make score                          every line, at full size
    make score ARGS="--quick"           smaller counts
    make score ARGS="--line 7"          one line
    make score ARGS="--json"            for scripts

Exits 1 if a line is red.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import traceback
from pathlib import Path

import structlog

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.scorecard import LINES, Measured  # noqa: E402 - the root must be on the path first


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="make score", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller counts")
    parser.add_argument("--line", type=int, action="append", help="only this line (may be repeated)")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    rows, red = [], 0
    if not asked.json:
        print(f"{'#':>3}  {'verdict':<8} {'seconds':>7}  figure", flush=True)
    for line in LINES:
        if asked.line and line.number not in asked.line:
            continue
        started = time.perf_counter()
        try:
            found = line.measure(asked.quick)
        except Exception:
            found = Measured(
                False, "it broke: " + traceback.format_exc(limit=-2).strip().replace("\n", " | ")
            )
        seconds = time.perf_counter() - started
        verdict = "green" if found.ok else "RED"
        red += not found.ok
        rows.append({"line": line.number, "title": line.title, "verdict": verdict, "value": found.value})
        if not asked.json:
            print(f"{line.number:>3}  {verdict:<8} {seconds:>7.1f}  {line.title}: {found.value}", flush=True)
    if asked.json:
        print(json.dumps({"red": red, "lines": rows}))
    return 1 if red else 0


if __name__ == "__main__":
    sys.exit(main())
