"""Builds the package that Lambda runs, and the same for this machine, on which the emulator tries it.

    make aws-package                            dist/onpaid-aws-arm64.zip and dist/onpaid-aws-host.zip
    make aws-package ARGS="--only arm64"        one of them
    make aws-package ARGS="--host PYTHON"       the host's for another Python than this one
    make aws-package ARGS="--compile PYTHON"    with bytecode by a Python 3.12: cold starts take half as long

Promises: the same sources and lock give the same bytes; a package that Lambda would refuse is not left behind; what has
not changed is not built again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts import package_check as check  # noqa: E402 - the root must be on the path first
from scripts.package_bytecode import with_bytecode  # noqa: E402
from scripts.package_contents import contents, own  # noqa: E402
from scripts.package_wheels import LAMBDA, PackageError, Target, digest, fetched, host  # noqa: E402

EMULATOR = ROOT / ".venv-aws" / "bin" / "python"
"""The Python that runs the emulator, and so the handlers in it."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest instant that a zip file can name. When a file was written says nothing about what is in it."""
_READABLE, _RUNNABLE = 0o100644, 0o100755
"""Lambda reads the package as somebody else, so everybody must be able to."""


@dataclass(frozen=True)
class Places:
    """What a package is built from, and where."""

    source: Path = ROOT / "src" / "onpaid"
    lock: Path = ROOT / "requirements-aws.lock"
    cache: Path = ROOT / "build" / "aws"
    into: Path = ROOT / "dist"
    handlers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: check.HANDLERS)
    entrances: tuple[Path, ...] = (ROOT / "deploy" / "aws" / "lambda_function.py",)
    """Modules at the top of the package: names that were agreed with others."""


def write(package: Path, files: dict[str, bytes]) -> None:
    """Write a zip file that depends on these names and bytes and on nothing else."""
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as opened:
        for name, body in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = (_RUNNABLE if name.endswith(".so") else _READABLE) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(entry, body, compresslevel=9)


def inputs(target: Target, places: Places, wheels: list[Path], python: str | None) -> str:
    """One word for everything that decides what the package holds."""
    told = hashlib.sha256(repr((target, [wheel.name for wheel in wheels], python)).encode())
    beside = [places.lock, *places.entrances, *sorted((ROOT / "scripts").glob("package_*.py"))]
    for name, body in [*own(places.source).items(), *((path.name, path.read_bytes()) for path in beside)]:
        told.update(f"{name} {len(body)}\n".encode() + body)
    return told.hexdigest()


def build(
    target: Target, places: Places, *, again: bool = False, python: str | None = None
) -> tuple[Path, str]:
    """Build and judge one package, or find that it is still the right one. Its path and a line about it. `python`
    compiles its modules beforehand."""
    started = time.perf_counter()
    places.into.mkdir(parents=True, exist_ok=True)
    package, note = places.into / f"onpaid-aws-{target.name}.zip", places.cache / f"{target.name}.json"
    wheels = fetched(target, places.lock, places.cache)
    asked = {"inputs": inputs(target, places, wheels, python)}
    known = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    if not again and known == {**asked, "sha256": package.is_file() and digest(package)}:
        return package, _line(package, "as before", started)
    package.unlink(missing_ok=True)
    # Judged under another name: what is refused must not lie where an upload looks for it. One of its own, since two may
    # build at once.
    candidate = package.with_suffix(f".{os.getpid()}")
    files = contents(places.source, wheels, places.entrances)
    try:
        write(candidate, with_bytecode(files, target, python) if python else files)
        check.sizes(candidate)
        found = f"{check.architecture(candidate, target)} native files for Python {target.python}"
        if target.runs:
            modules = check.unpacked_imports(candidate, target, places.handlers)
            found += f", {modules} modules of onpaid imported"
        candidate.replace(package)
    finally:
        candidate.unlink(missing_ok=True)
    note.write_text(json.dumps({**asked, "sha256": digest(package)}), encoding="utf-8")
    return package, _line(package, found, started)


def judge_both(first: tuple[Target, Path], second: tuple[Target, Path]) -> None:
    """What was tried in one package must be true of the other, else neither stays."""
    try:
        check.alike(first[1], second[1], (first[0].suffixes, second[0].suffixes))
    except PackageError:
        first[1].unlink()
        second[1].unlink()
        raise


def _line(package: Path, found: str, started: float) -> str:
    held = check.sizes(package)
    seconds = time.perf_counter() - started
    return (
        f"{package.name}: {held.zipped / 1e6:.1f} MB, {held.unpacked / 1e6:.1f} MB unpacked, {held.files} files, "
        f"{found}, {seconds:.1f} s\n  sha256 {digest(package)}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Build what was asked for. 1 if a package cannot be built, with the reason."""
    parser = argparse.ArgumentParser(prog="make aws-package", description=__doc__)
    parser.add_argument("--only", choices=("arm64", "host"), help="one of the two")
    emulator = str(EMULATOR) if EMULATOR.exists() else sys.executable
    parser.add_argument("--host", default=emulator, metavar="PYTHON", help="what the host's package is for")
    parser.add_argument(
        "--compile", metavar="PYTHON", help="compile the modules; the host's by its own Python"
    )
    parser.add_argument("--into", type=Path, default=Places.into, help="the folder for what is built")
    parser.add_argument("--again", action="store_true", help="build also what has not changed")
    asked = parser.parse_args(words)
    try:
        targets = [each for each in (LAMBDA, host(asked.host)) if asked.only in (None, each.name)]
        built = []
        for target in targets:
            python = asked.compile and (target.runs or asked.compile)
            built.append(build(target, Places(into=asked.into), again=asked.again, python=python))
            print(built[-1][1])
        if len(built) == 2:
            judge_both((targets[0], built[0][0]), (targets[1], built[1][0]))
    except PackageError as error:
        print(f"aws-package: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
