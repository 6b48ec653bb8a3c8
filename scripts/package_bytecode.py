"""Compiles the modules of the package for AWS beforehand, since Lambda cannot keep what it compiled itself.

A function's folder is read-only, so without this every cold start compiles every module that it imports. Promises: the
same modules and the same Python give the same bytes; another Python than the target's is refused, because it would be
ignored at run time and nobody would see why the start is slow.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from scripts.package_wheels import PackageError, Target, answer

WHERE = "/var/task"
"""The folder in which Lambda unpacks a function; named in tracebacks."""


def with_bytecode(files: dict[str, bytes], target: Target, python: str) -> dict[str, bytes]:
    """These files, and beside each module what `python` compiles it to. `PackageError` if that is not the target's
    Python, or if a module does not compile."""
    version = answer(python, "import sys; print('%d.%d' % sys.version_info[:2])")[0]
    if version != target.python:
        raise PackageError(f"{python} is Python {version}, and the package is for Python {target.python}")
    sources = {name: body for name, body in files.items() if name.endswith(".py")}
    with tempfile.TemporaryDirectory(prefix="onpaid-bytecode-") as made:
        folder = Path(made)
        for name, body in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
        # Unchecked: the package never changes after it was built, so nothing need be compared with its source.
        words = ["-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", made, "-p", WHERE, made]
        done = subprocess.run(
            [python, "-S", "-m", "compileall", *words],
            # The order of sets within constants follows the seed.
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PackageError(
                f"a module does not compile: {(done.stdout or done.stderr).strip().splitlines()[-1]}"
            )
        compiled = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("__pycache__/*.pyc")
        }
    if len(compiled) != len(sources):
        raise PackageError(f"{len(sources)} modules were compiled to {len(compiled)} files")
    return dict(sorted({**files, **compiled}.items()))
