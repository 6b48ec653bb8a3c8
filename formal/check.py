"""Runs the Promela models of this folder through spin and says whether each did what it has to do.

A shipped design has to hold: no assertion fails, no worker is stuck, every schedule ends, and no line of the
model is dead. A control has to be violated, and for the reason that it was written for. A search that was
cut short (depth, memory, time) proves nothing and counts as an error.

    python formal/check.py [--json] [--jobs N] [--show MODEL] [MODEL ...]

Needs spin and gcc. Uses the standard library only, so that it runs without the project being installed.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = ("spin", "gcc")
MAX_DEPTH = 500_000
MAX_MEGABYTES = 500
MAX_SECONDS = 100.0  # for a slow machine; the searches themselves take seconds

TWO_EFFECTS = r"assertion violated \(effects<=1\)"
LOST = r"assertion violated \(effects==1\)"
REFUSED = r"assertion violated overslept\[me\]"
STUCK = r"invalid end state"


@dataclass(frozen=True)
class Model:
    """One file, and what spin has to say about it."""

    name: str
    says: str
    holds: bool = True
    #: A control has to fail with this message and no other: one that fails by accident controls nothing.
    violation: str = ""
    #: False where the world may misbehave for ever, so that runs without an end are no fault of the design.
    ends: bool = True


MODELS = (
    Model("key", "idempotency key, and a look-up once it has died"),
    Model("find", "look-up after a quiet period"),
    Model("once", "neither: never repeat, one ticket"),
    Model("frozen", "frozen at will, but not between check and socket", ends=False),
    Model("two_phases", "a draft first: the window closed"),
    Model("parking", "no lost wake-up, without the timer"),
    Model("control_check_then_act", "check table, act, mark", False, TWO_EFFECTS),
    Model("control_reserve_without_lease", "reserve, act, save", False, LOST),
    Model("control_find_at_once", "look-up without a quiet period", False, TWO_EFFECTS),
    Model("control_quiet_too_short", "quiet period one tick short", False, TWO_EFFECTS),
    Model("control_release_before_outcome", "lease let go before the outcome", False, REFUSED),
    Model("control_no_fence", "journal writes without lease number", False, TWO_EFFECTS),
    Model("control_key_made_anew", "a new key for each attempt", False, TWO_EFFECTS),
    Model("control_key_outlived", "key used without a margin", False, TWO_EFFECTS),
    Model("control_once_repeated", "done again, since nobody can tell", False, TWO_EFFECTS),
    Model("control_draft_made_anew", "a new draft for each attempt", False, TWO_EFFECTS),
    Model("control_park_unconditionally", "parking without a condition", False, STUCK),
    Model("control_wake_from_old_list", "waking without a condition", False, STUCK),
    Model("control_clock_stops", "frozen with its own clock", False, TWO_EFFECTS),
    Model("control_window", "frozen between check and socket", False, TWO_EFFECTS),
    Model("control_window_key", "the same, longer than a key lives", False, TWO_EFFECTS),
)


@dataclass(frozen=True)
class Result:
    """What spin said. `problem` is empty exactly when it is what was expected."""

    model: str
    says: str
    expected: str
    verdict: str
    states: int
    depth: int
    seconds: float
    megabytes: float
    found: str
    problem: str

    @property
    def ok(self) -> bool:
        return not self.problem


class CheckError(Exception):
    """The model could not be searched to its end, so there is no verdict."""


@dataclass(frozen=True)
class _Search:
    """One run of spin's verifier."""

    errors: int
    violation: str
    unreached: tuple[str, ...]
    states: int
    depth: int
    megabytes: float


def missing_tools() -> list[str]:
    """The programs that the check needs and this machine lacks."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def check(model: Model, source: Path = HERE) -> Result:
    """Search one model of the folder `source` to its end, in a temporary folder."""
    expected = "holds" if model.holds else "violated"
    started = time.perf_counter()
    searches: list[_Search] = []
    try:
        with tempfile.TemporaryDirectory(prefix="onpaid-formal-") as folder:
            searches.append(_search(source / f"{model.name}.pml", Path(folder), "-DSAFETY"))
            if model.holds and model.ends and searches[0].errors == 0:
                # No label says "progress", so any schedule without an end is a non-progress cycle.
                searches.append(_search(source / f"{model.name}.pml", Path(folder), "-DNP", "-l"))
        verdict, problem = _judge(model, searches)
    except CheckError as error:
        verdict, problem = "error", str(error)
    return Result(
        model=model.name,
        says=model.says,
        expected=expected,
        verdict=verdict,
        states=searches[0].states if searches else 0,
        depth=max((search.depth for search in searches), default=0),
        seconds=round(time.perf_counter() - started, 1),
        megabytes=max((search.megabytes for search in searches), default=0.0),
        found=next((search.violation for search in searches if search.violation), ""),
        problem=problem,
    )


def check_all(models: tuple[Model, ...] = MODELS, jobs: int | None = None) -> list[Result]:
    """Check every model, several at once, in the order given."""
    unlisted = {path.stem for path in HERE.glob("*.pml")} - {model.name for model in MODELS} - {"world"}
    if unlisted:
        raise CheckError(f"not in the list of models: {', '.join(sorted(unlisted))}")
    with ThreadPoolExecutor(max_workers=jobs or min(2, os.cpu_count() or 1)) as pool:
        return list(pool.map(check, models))


def _judge(model: Model, searches: list[_Search]) -> tuple[str, str]:
    """The verdict, and what is wrong with it."""
    violation = next((search.violation for search in searches if search.errors), "")
    if any(search.errors for search in searches):
        if model.holds:
            return "violated", f"a shipped design is violated: {violation}"
        if not re.search(model.violation, violation):
            return "violated", f"fails for another reason than it should: {violation}"
        return "violated", ""
    if not model.holds:
        return "holds", "a control holds: the model no longer sees the mistake it was written for"
    if searches[0].unreached:
        return "holds", f"lines that are never reached prove nothing: {'; '.join(searches[0].unreached[:3])}"
    return "holds", ""


def _search(file: Path, folder: Path, kind: str, *flags: str) -> _Search:
    """Generate, compile and run the verifier.

    Without partial order reduction (-DNOREDUCE): the models use `timeout`, and are small enough to need no
    argument that the two go together. -o3 keeps spin from merging statements, so that the list of unreached
    lines is exact. -O1, because compiling takes longer than most searches.
    """
    _run(["spin", "-o3", "-a", str(file)], folder)
    _run(["gcc", "-w", "-O1", kind, "-DNOREDUCE", f"-DMEMLIM={MAX_MEGABYTES}", "-o", "pan", "pan.c"], folder)
    return _read(_run(["./pan", f"-m{MAX_DEPTH}", "-w22", *flags], folder), safety=not flags)


def _read(said: str, *, safety: bool) -> _Search:
    """Read the verifier's report, and refuse one that does not say what we take it to say."""
    if "max search depth too small" in said:
        raise CheckError(f"search truncated: deeper than {MAX_DEPTH} steps")
    if "out of memory" in said or "MEMLIM" in said:
        raise CheckError(f"search truncated: more than {MAX_MEGABYTES} MB")
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored", said)
    depth = re.search(r"depth reached (\d+)", said)
    memory = re.search(r"([\d.]+)\ttotal actual memory", said)
    if not (errors and states and depth and memory):
        raise CheckError(f"the verifier gave no report: {said[-300:].strip()}")
    if safety and not re.search(r"invalid end states\t\+", said):
        raise CheckError("the verifier did not look for stuck workers")
    if not safety and not re.search(r"non-progress cycles \t\+", said):
        raise CheckError("the verifier did not look for schedules without an end")
    if int(errors[1]) == 0 and "Search not completed" in said:
        raise CheckError("search truncated")
    violation = re.search(r"^pan:\d+: (.*?) \(at depth", said, re.MULTILINE)
    unreached = re.findall(r"^\t\S*?([^/\s]+\.pml:\d+), state \d+, (\".*\")$", said, re.MULTILINE)
    return _Search(
        errors=int(errors[1]),
        violation=violation[1] if violation else "",
        unreached=tuple(f"{line} {text}" for line, text in unreached if text != '"-end-"'),
        states=int(float(states[1])),
        depth=int(depth[1]),
        megabytes=float(memory[1]),
    )


def _run(command: list[str], folder: Path) -> str:
    # Nothing here comes from outside: fixed programs, and file names of this folder.
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=MAX_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CheckError(f"{command[0]} took more than {MAX_SECONDS:.0f} s") from None
    said = done.stdout + done.stderr
    # spin reports some errors with exit code 0.
    if done.returncode != 0 or (command[0] == "spin" and "Error:" in said):
        raise CheckError(f"{command[0]} failed: {said.strip()[-300:]}")
    return done.stdout


def show(model: Model) -> str:
    """The shortest schedule by which a model is violated, step by step."""
    with tempfile.TemporaryDirectory(prefix="onpaid-formal-") as name:
        folder = Path(name)
        _run(["spin", "-a", str(HERE / f"{model.name}.pml")], folder)
        _run(["gcc", "-w", "-O1", "-DSAFETY", "-DBFS", "-DNOREDUCE", "-o", "pan", "pan.c"], folder)
        _run(["./pan", "-w22"], folder)
        trail = folder / f"{model.name}.pml.trail"
        if not trail.exists():
            return f"{model.name}: no violation found"
        replay = ["spin", "-k", str(trail), "-p", "-g", str(HERE / f"{model.name}.pml")]
        return subprocess.run(replay, cwd=folder, capture_output=True, text=True, check=False).stdout


def table(results: list[Result]) -> str:
    """For people."""
    lines = [
        f"{'model':<32}{'expected':<10}{'verdict':<10}{'states':>10}{'MB':>6}{'seconds':>9}  what spin found"
    ]
    for result in results:
        lines.append(
            f"{result.model:<32}{result.expected:<10}{result.verdict:<10}{result.states:>10,}"
            f"{result.megabytes:>6.0f}{result.seconds:>9.1f}  {result.found}".rstrip()
        )
        if not result.ok:
            lines.append(f"    WRONG: {result.problem}")
    wrong = sum(not result.ok for result in results)
    lines.append(f"{len(results)} models, {wrong} not as expected")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check the Promela models of the effect classes with spin.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of models; all, if none is given")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--jobs", type=int, help="models checked at once (default 2)")
    parser.add_argument("--show", metavar="MODEL", help="print the schedule that violates a model")
    options = parser.parse_args(arguments)
    by_name = {model.name: model for model in MODELS}
    wanted = [options.show] if options.show else options.models
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}; there are {', '.join(by_name)}")
    if missing := missing_tools():
        print(f"not installed: {', '.join(missing)} (Debian: apt-get install spin gcc)", file=sys.stderr)
        return 2
    if options.show:
        print(show(by_name[options.show]))
        return 0
    try:
        results = check_all(tuple(by_name[name] for name in wanted) or MODELS, options.jobs)
    except CheckError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps([asdict(result) | {"ok": result.ok} for result in results], indent=2))
    else:
        print(table(results))
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
