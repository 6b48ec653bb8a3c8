"""A plugin of pytest that notes where `contextlib.suppress` has suppressed something: no line of code shows it.

Loaded before anything of ours (`-p scripts.suppressed`); the notes go to the file that the environment names.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from types import TracebackType

_seen: set[tuple[str, int]] = set()
_exit = contextlib.suppress.__exit__


def _noting(
    self: contextlib.suppress,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> bool | None:
    done = _exit(self, kind, error, trace)
    if done:
        frame = sys._getframe(1)
        _seen.add((frame.f_code.co_filename, frame.f_lineno))
    return done


contextlib.suppress.__exit__ = _noting  # type: ignore[method-assign, assignment]


def pytest_sessionfinish() -> None:
    """Write down what was seen."""
    with open(os.environ["ONPAID_SUPPRESSED"], "w", encoding="utf-8") as notes:
        notes.writelines(json.dumps(place) + "\n" for place in sorted(_seen))
