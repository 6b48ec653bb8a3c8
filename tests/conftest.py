"""For all tests: in continuous integration nothing may be skipped for want of a tool."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["tests.emulator"]

UNOBTAINABLE = "Skipped: terraform: "
"""How a skip begins for want of what no package index has. It is told like the others, and fails nothing."""
_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _skipped.append(f"{report.nodeid}: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in sorted(set(_skipped)):
        terminalreporter.write_line(f"skipped: {line}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    avoidable = [line for line in _skipped if UNOBTAINABLE not in line]
    if avoidable and os.environ.get("CI") == "true" and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
