"""What a function imports before it has read its settings: nothing large that only some installations need.

Lambda compiles what it imports at every cold start, and whoever sells nothing should not wait for what checks tokens.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LATE = ("boto3", "cffi", "cryptography", "jwt", "stripe")
"""Imported when somebody needs them first."""
_ASKED = "import json, sys, {module}; print(json.dumps([name for name in {late} if name in sys.modules]))"


def imported(module: str) -> list[str]:
    """Which of them an interpreter has that imported this module."""
    code = _ASKED.format(module=module, late=LATE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("module", ["onpaid.aws_lambda", "onpaid.aws_reconcile"])
def test_a_handler_imports_nothing_large_before_it_is_needed(module: str) -> None:
    assert imported(module) == []


def test_what_is_imported_is_seen() -> None:
    assert "jwt" in imported("jwt.api_jws")
    assert "stripe" in imported("stripe")
