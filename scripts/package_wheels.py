"""Wheels of the package for AWS: which versions the lock names, fetched once and read as the files they install.

Promises: every file comes from a wheel whose hash the lock names, also when it was fetched long ago; nothing is built
from source, so nothing of this machine gets in.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


class PackageError(Exception):
    """The package cannot be built, or must not be used. The text is one sentence for people."""


@dataclass(frozen=True)
class Target:
    """One machine that a package is for."""

    name: str
    """`arm64` or `host`; part of the file's name."""
    python: str
    """Its Python, such as `3.12`."""
    machine: int
    """Its architecture, as the header of its native files states it."""
    suffixes: tuple[str, ...]
    """How its native modules may end."""
    choice: tuple[str, ...]
    """How pip is told of it."""
    runs: str | None = None
    """Its Python on this machine, for a target that can be tried here."""


AARCH64 = 183
LAMBDA = Target(
    name="arm64",
    python="3.12",
    machine=AARCH64,
    suffixes=(".cpython-312-aarch64-linux-gnu.so", ".abi3.so"),
    # Lambda's Python 3.12 stands on a system with glibc 2.34, so newer wheels than these would not load.
    choice=(
        *("--implementation", "cp", "--python-version", "3.12"),
        *(word for tag in ("2014", "_2_28", "_2_34") for word in ("--platform", f"manylinux{tag}_aarch64")),
    ),
)

_ABOUT = (
    "import sys, sysconfig, importlib.machinery as m;"
    "print('%d.%d' % sys.version_info[:2], sys._base_executable, *m.EXTENSION_SUFFIXES)"
)


def answer(python: str, code: str) -> list[str]:
    """The words that a Python prints when it runs this. `PackageError` if it does not run."""
    try:
        told = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PackageError(f"{python} does not run: name a Python that does") from error
    return told.stdout.split()


def host(python: str = sys.executable) -> Target:
    """This machine with this Python, which is the one that the emulator runs under."""
    version, binary, *suffixes = answer(python, _ABOUT)
    with Path(binary).open("rb") as file:
        machine = int.from_bytes(file.read(20)[18:20], "little")
    return Target("host", version, machine, tuple(suffixes), (), runs=python)


_NOT_PYPY = r"(?:platform_python_implementation|implementation_name) != 'PyPy'"
_ALWAYS = re.compile(rf"{_NOT_PYPY}(?: and {_NOT_PYPY})*")
"""The one condition that says the same of every target, and of whoever runs pip: all of them are CPython."""


def locked(text: str) -> dict[str, set[str]]:
    """What a lock file names: `name==version` to its allowed SHA-256 hashes. `PackageError` if a line has a condition:
    pip would judge it by the Python that runs pip, not by the one that the package is for."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if pinned := re.match(r"([a-z0-9._-]+(?:\[[a-z,]+\])?==[^\s;]+)(?: ; ([^\\]*))?", line):
            if pinned[2] and not _ALWAYS.fullmatch(pinned[2].strip()):
                raise PackageError(
                    f"{pinned[1]} is locked under a condition, which pip judges by its own Python"
                )
            found[pinned[1]] = set()
        elif hashed := re.match(r"\s+--hash=sha256:([0-9a-f]{64})", line):
            found[next(reversed(found))].add(hashed[1])
    return found


def fetched(
    target: Target, lock: Path, cache: Path, download: Callable[[Target, Path, Path], None] | None = None
) -> list[Path]:
    """The target's wheels, by name. Fetched on first use (`download(target, lock, into)`, by default with pip),
    afterwards read from `cache`. `PackageError` if one cannot be had, or is not what the lock names."""
    pins = locked(lock.read_text(encoding="utf-8"))
    about = (sorted(pins), target.choice, target.python, target.machine)
    folder = cache / f"wheels-{target.name}-{hashlib.sha256(repr(about).encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as made:
            # Renamed when complete, so that a broken run never looks like a full folder.
            (part := Path(made) / "wheels").mkdir()
            (download or with_pip)(target, lock, part)
            # Whoever fetched at the same time was told the same hashes.
            if not folder.is_dir():
                part.rename(folder)
    wheels = sorted(folder.glob("*.whl"))
    _judge(wheels, pins)
    return wheels


def with_pip(target: Target, lock: Path, into: Path) -> None:
    """Fetch what the lock names, as finished wheels for the target and with the hashes that the lock names."""
    pip = [sys.executable, "-m", "pip"]
    if target.runs and target.runs != sys.executable:
        pip += ["--python", target.runs]
    words = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", *target.choice]
    done = subprocess.run(
        [*pip, *words, "-r", str(lock), "--dest", str(into)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PackageError(reason(target, done.stderr))


def reason(target: Target, told: str) -> str:
    """Why pip could not fetch the wheels, and what to do, from what it wrote."""
    if missing := re.search(r"No matching distribution found for (\S+)", told):
        return (
            f"there is no wheel of {missing[1]} for Python {target.python} on {target.name}: hold the package at a "
            "version that has one (scripts/aws.in), then `make lock`"
        )
    last = [line for line in told.splitlines() if line.startswith("ERROR")] or ["it said nothing"]
    return f"pip could not fetch the wheels for {target.name}: {last[-1]}"


def _judge(wheels: list[Path], pins: dict[str, set[str]]) -> None:
    """A wheel kept since last month is held against the lock again, since a cache is a folder like any other."""
    allowed = {each for hashes in pins.values() for each in hashes}
    for wheel in wheels:
        if digest(wheel) not in allowed:
            raise PackageError(
                f"{wheel.name} is not what the lock names: remove {wheel.parent.name} and build again"
            )
    if len(wheels) != len(pins):
        raise PackageError(f"{len(pins)} packages are locked and {len(wheels)} wheels are here")


def digest(file: Path) -> str:
    """A file's SHA-256, as locks write it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def installed(wheel: Path, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, bytes]:
    """The wanted files that a wheel puts beside the others, by path. Scripts and headers belong elsewhere: left out."""
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            parts = PurePosixPath(name).parts
            if name.endswith("/") or ".." in parts or name.startswith("/"):
                continue
            if parts[0].endswith(".data"):
                if parts[1] not in ("purelib", "platlib"):
                    continue
                parts = parts[2:]
            if wanted(path := "/".join(parts)):
                files[path] = opened.read(name)
    return files
