"""Measured on the tests themselves: what they would notice, and what they reach."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.measuring import Measured, tests

ROOT = Path(__file__).resolve().parent.parent
MISTAKES_NOTICED = 0.9


def _told(*words: str) -> dict[str, Any] | str:
    """What a script of ours says as JSON, or how it ended."""
    command = [sys.executable, "-m", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        return f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"
    return found


def _listed(names: list[str]) -> str:
    return "".join(f"\n       {name}" for name in names)


def mutation(quick: bool) -> Measured:
    """Small mistakes in the rules of the journal, in signatures and in money, and how many a test notices."""
    found = _told("scripts.mutation", *(["--quick"] if quick else []))
    if isinstance(found, str):
        return Measured(False, found)
    share = found["noticed"] / found["mutants"]
    said = (
        f"{found['noticed']} of {found['mutants']} mutants{' of a sample' if quick else ''} noticed ({100 * share:.1f} %), "
        f"{found['late']} of them by coming to no end; {len(found['survivors'])} survive"
    )
    return Measured(share >= MISTAKES_NOTICED, said + _listed(found["survivors"]))


def core(_quick: bool) -> Measured:
    """Every branch of the core, and everything that is caught there, reached by the core's own tests."""
    found = _told("scripts.coverage_of_core")
    if isinstance(found, str):
        return Measured(False, found)
    share = 100 * found["reached"] / found["branches"]
    said = (
        f"{found['reached']} of {found['branches']} branches ({share:.1f} %), something caught by {found['thrown']} of "
        f"{found['handlers']} handlers, {found['excused']} excused by a pragma"
    )
    return Measured(not found["missing"], said + _listed(found["missing"]))


def tokens(quick: bool) -> Measured:
    """Bearer tokens that were forged, each by its name, and how many of them are believed: by ourselves, and by the tests."""
    from onpaid.app.tokens import TokenRefused
    from tests.app.forged_tokens import ATTACKS, hs
    from tests.app.test_tokens import strict

    async def believed(token: str) -> bool:
        try:
            await strict().verify(token)
        except TokenRefused:
            return False
        return True

    async def count() -> tuple[list[str], bool]:
        return [name for name, make in ATTACKS.items() if await believed(make())], await believed(hs())

    accepted, good = asyncio.run(count())
    tested = tests("tests/app/test_tokens.py")(quick)
    said = f"{len(ATTACKS) - len(accepted)} of {len(ATTACKS)} attacks refused, {len(accepted)} accepted; {tested.value}"
    return Measured(not accepted and good and tested.ok is True, said + _listed(accepted))
