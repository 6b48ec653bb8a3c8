"""Mutants tried: each in a process of its own, forked from one that has loaded the libraries and nothing of ours.

A mutant's process finds the altered module in the place of the file, runs the tests that reach the altered lines, the
quickest first, and ends with the first that fails. What must hold without any mutant is held first, in the same way.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

from scripts.mutants import Mutant, mutated

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 4 * 1024**3
"""Bytes that a mutant may take: one that gathers without end is to end."""
ENDS = (signal.SIGALRM, signal.SIGPROF)
"""What ends a mutant that comes to no end: so many seconds in all, so many of computing in one test."""


@dataclass(frozen=True)
class Reach:
    """What the tests of a suite take, and which of them run which lines."""

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that can notice it, the quickest first. All of them, where the line runs as it is loaded."""
        lines = self.tests.get(mutant.path, {})
        first, last = mutant.lines
        found = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        known = set(self.seconds) if "" in found or not found else found
        return sorted(known, key=lambda test: (self.seconds[test], test))


def forked(job: Callable[[], int], limit: float) -> int:
    """Begin `job` in a process of its own, which ends after `limit` seconds at the latest; its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        for end in ENDS:
            signal.signal(end, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, limit)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        code = job()
    finally:
        os._exit(code)


def patience(seconds: float) -> None:
    """From now on this process may compute so much longer than a test that takes `seconds`, and no more."""
    signal.setitimer(signal.ITIMER_PROF, 5 + 5 * seconds)


class Altered(SourceFileLoader):
    """Loads a module with the mistake made; without a number, as it is."""

    number: int | None = None

    def get_code(self, fullname: str) -> Any:
        source = Path(self.path).read_text(encoding="utf-8")
        tree = source if self.number is None else mutated(source, self.number)
        return compile(tree, self.path, "exec", dont_inherit=True)


class Finder:
    """Finds that one module."""

    def __init__(self, path: str, number: int | None = None) -> None:
        self.name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
        self.loader = Altered(self.name, str(ROOT / path))
        self.loader.number = number

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self.loader) if name == self.name else None


class Chosen:
    """Of what pytest has collected, runs these tests in this order; and says which test runs now."""

    def __init__(self, names: Sequence[str] = (), began: Callable[[str], None] = lambda _name: None) -> None:
        self.names = {name: place for place, name in enumerate(names)}
        self.began = began
        self.seconds: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self.names:
            items[:] = sorted(
                (item for item in items if item.nodeid in self.names),
                key=lambda item: self.names[item.nodeid],
            )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.began(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def run_tests(where: Sequence[str], plugin: Chosen) -> int:
    """Run the tests within this process."""
    import pytest
    import structlog
    from hypothesis import Phase, settings

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings.register_profile(
        "mutants", database=None, derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutants")
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    few = [word for name in ("asyncio", "timeout", "hypothesispytest") for word in ("-p", name)]
    options = ["-x", "-p", "no:cacheprovider", "-p", "no:faulthandler", *few, "-o", "timeout=0", "--tb=no"]
    return int(pytest.main([*options, *where], plugins=[plugin]))


def reach(files: Sequence[str], suite: Sequence[str]) -> Reach:
    """Run a suite once as it is, and note what reaches what. Raises SystemExit if anything fails."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as notes:

        def job() -> int:
            import coverage

            watching = coverage.Coverage(
                data_file=None, config_file=False, include=[str(ROOT / file) for file in files]
            )
            plugin = Chosen(began=watching.switch_context)
            watching.start()
            code = run_tests(suite, plugin)
            watching.stop()
            data = watching.get_data()
            reached = {file: data.contexts_by_lineno(str(ROOT / file)) for file in files}
            Path(notes.name).write_text(json.dumps([plugin.seconds, reached]), encoding="utf-8")
            return code

        def control() -> int:
            sys.meta_path[:0] = [Finder(file) for file in files]  # type: ignore[list-item]
            return run_tests(suite, Chosen())

        for attempt in (job, control):
            _, status = os.waitpid(forked(attempt, 900), 0)
            if status:
                raise SystemExit(f"{', '.join(suite)}: red as it is, without any mutant: mend that first")
        seconds, reached = json.load(notes)
    lines = {file: {int(line): tests for line, tests in of.items()} for file, of in reached.items()}
    return Reach(seconds, lines)


def tried(found: Sequence[tuple[Mutant, Reach]], workers: int) -> Iterator[tuple[Mutant, str]]:
    """Try each mutant against its tests: "noticed", "late" or "survived", as they end."""
    running: dict[int, Mutant] = {}
    waiting = list(reversed(found))
    while waiting or running:
        while waiting and len(running) < workers:
            mutant, reached = waiting.pop()
            tests = reached.of(mutant)
            files = sorted({test.partition("::")[0] for test in tests})
            limit = 60 + 20 * sum(reached.seconds[test] for test in tests)

            def job(
                mutant: Mutant = mutant,
                tests: list[str] = tests,
                files: list[str] = files,
                of: Reach = reached,
            ) -> int:
                sys.meta_path.insert(0, Finder(mutant.path, mutant.number))  # type: ignore[arg-type]
                return run_tests(files, Chosen(tests, lambda name: patience(of.seconds[name])))

            running[forked(job, limit)] = mutant
        child, status = os.wait()
        late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in ENDS
        yield running.pop(child), "late" if late else "noticed" if status else "survived"
