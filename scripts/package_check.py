"""Looks at a finished package for AWS before anybody uploads it: sizes, architecture, and that its handlers import.

Promises: what is wrong is said in one sentence, as a `PackageError`. Importing happens in a clean interpreter that
sees the standard library and the unpacked package, and nothing of this machine's site-packages.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.package_wheels import PackageError, Target

HANDLERS = {"onpaid.aws_lambda": ("web", "work", "tick"), "lambda_function": ("lambda_handler",)}
ZIPPED_LIMIT = 50_000_000
"""Bytes: what Lambda takes by direct upload. AWS counts in 1024s; we stay under either reading."""
UNPACKED_LIMIT = 250_000_000
"""Bytes: what a function may weigh with its layers."""

_BESIDE = re.compile(r"\.dist-info/|__pycache__/")
"""What may differ between two packages of the same modules."""


@dataclass(frozen=True)
class Sizes:
    """What a package weighs, in bytes."""

    zipped: int
    unpacked: int
    files: int


def sizes(package: Path, zipped: int = ZIPPED_LIMIT, unpacked: int = UNPACKED_LIMIT) -> Sizes:
    """What the package weighs. `PackageError` if Lambda would refuse it."""
    with zipfile.ZipFile(package) as opened:
        entries = opened.infolist()
    found = Sizes(package.stat().st_size, sum(each.file_size for each in entries), len(entries))
    for word, size, limit in (("zipped", found.zipped, zipped), ("unpacked", found.unpacked, unpacked)):
        if size > limit:
            raise PackageError(
                f"{package.name} is {size / 1e6:.1f} MB {word} and Lambda takes {limit / 1e6:.0f} MB: leave out more "
                "(scripts/package_contents.py)"
            )
    return found


def architecture(package: Path, target: Target) -> int:
    """How many native files the package has. `PackageError` if one of them is for another machine or Python."""
    count = 0
    with zipfile.ZipFile(package) as opened:
        for each in opened.infolist():
            with opened.open(each) as file:
                head = file.read(20)
            native = head[:4] == b"\x7fELF"
            if not native and each.filename.endswith((".so", ".pyd", ".dylib")):
                raise PackageError(f"{each.filename} ends like a native file and is none")
            if native and int.from_bytes(head[18:20], "little") != target.machine:
                raise PackageError(f"{each.filename} is for another machine than {target.name}")
            if native and not each.filename.endswith(target.suffixes):
                raise PackageError(f"{each.filename} is for another Python than {target.python}")
            count += native
    return count


# Runs in the clean interpreter. Looking at every import of every module is more than handlers do, so that what only one
# route needs, and imports when it is asked, cannot be what is missing. Of what is shared with the command line only the
# modules' own imports count: its functions also serve those who sit at a terminal.
_PROOF = """
import ast, importlib, importlib.util, json, pathlib, sys
folder, handlers = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
sys.path.insert(0, str(folder))
own = sorted(folder.glob("onpaid/**/*.py"))
lost = set()
def told(node, whole):
    for each in ast.iter_child_nodes(node):
        yield each
        if whole or not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from told(each, whole)
for path in own:
    for node in told(ast.parse(path.read_bytes()), path.parent.name != "cli"):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        for name in names:
            try:
                found = importlib.util.find_spec(name)
            except ModuleNotFoundError:
                found = None
            if found is None:
                lost.add(f"{path.relative_to(folder).as_posix()} imports {name}")
for path in [] if lost else own:
    name = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    importlib.import_module(name)
missing = [
    f"{module}.{name}" for module, names in handlers.items() for name in names
    if not lost and not callable(getattr(importlib.import_module(module), name, None))
]
print(json.dumps({"lost": sorted(lost), "missing": missing, "modules": len(own)}))
"""


def imports(folder: Path, python: str, handlers: Mapping[str, tuple[str, ...]] = HANDLERS) -> int:
    """Import every module of an unpacked package with this Python, and find its handlers. How many modules there
    are. `PackageError` if something is missing."""
    asked = json.dumps(dict(handlers))
    # -I: no environment and no current folder; -S: no site-packages; -B: the folder stays as it was unpacked.
    done = subprocess.run(
        [python, "-I", "-S", "-B", "-c", _PROOF, str(folder), asked],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PackageError(f"the package does not import: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout.splitlines()[-1])
    if found["lost"]:
        raise PackageError(f"{found['lost'][0]}, which the package does not hold")
    if found["missing"]:
        raise PackageError(f"there is no handler {found['missing'][0]}")
    return int(found["modules"])


def unpacked_imports(
    package: Path, target: Target, handlers: Mapping[str, tuple[str, ...]] = HANDLERS
) -> int:
    """`imports`, for a package that is still packed and whose target runs here."""
    if target.runs is None:
        raise PackageError(f"{target.name} cannot be tried on this machine")
    with tempfile.TemporaryDirectory(prefix="onpaid-package-") as made, zipfile.ZipFile(package) as opened:
        opened.extractall(made)
        return imports(Path(made), target.runs, handlers)


def alike(first: Path, second: Path, suffixes: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    """`PackageError` if one package holds a module of Python that the other lacks: what was tried in one would say
    nothing about the other. `suffixes` are the endings of native modules in each."""
    held = []
    for package, endings in zip((first, second), suffixes, strict=True):
        with zipfile.ZipFile(package) as opened:
            names = [name for name in opened.namelist() if not _BESIDE.search(name)]
        held.append({_module(name, endings) for name in names})
    if odd := sorted(held[0] ^ held[1]):
        raise PackageError(f"only one of the two packages holds {odd[0]}")


def _module(name: str, endings: tuple[str, ...]) -> str:
    for ending in sorted(endings, key=len, reverse=True):
        if name.endswith(ending):
            return name.removesuffix(ending) + ".so"
    return name
