"""What goes into the package for AWS, and what stays out, each with its reason.

Promises: the same lock and the same sources give the same names and bytes, in the same order, whoever builds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from scripts.package_wheels import PackageError, installed

LEFT_OUT = {
    "cli/": "the command line, the demo and their terminal output",
    "simulators/": "they play the outside",
    "engine/testing/": "the means to test flows",
    "server.py": "API Gateway is the server",
}
"""Parts of onpaid that no handler imports. Without them neither uvicorn nor typer nor rich is needed."""

SHARED = tuple(f"cli/{name}.py" for name in ("__init__", "assembling", "logs", "reach"))
"""What handlers have in common with the command line, and so stays in."""

SERVICES = ("cloudwatch", "dynamodb", "secretsmanager", "sns", "sqs", "ssm", "sts")
"""AWS services whose descriptions stay with botocore. Those of the other four hundred are nine tenths of its size."""

_UNUSED = re.compile(
    # Never read by Python at run time.
    r".*\.(?:pyi|pyx|pxd|pxi|c|cc|h|hpp)"
    # What an installer leaves behind: it names what differs between machines, or what has no meaning here.
    r"|[^/]+\.dist-info/(?:RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json|entry_points\.txt|top_level\.txt|zip-safe|sboms/.*)"
    # Names of countries in a hundred languages: English is what Fiken wants, and it is built in.
    r"|pycountry/locales/.*"
    # Places, carriers and time zones of numbers: we ask only whether a number can exist.
    r"|phonenumbers/(?:geodata|carrierdata|tzdata)/.*|phonenumbers/(?:geocoder|carrier|timezone)\.py"
    # Programs for people, extensions of SQLite that nobody loads, and manuals.
    r"|boto3/examples/.*|apsw/(?:tests|sqlite_extra_binaries|ext/data)/.*"
)
_SERVICE = re.compile(r"botocore/data/([^/]+)/.*")
_BYTECODE = re.compile(r"(?:.*/)?__pycache__/.*|.*\.py[co]")


def wanted(name: str) -> bool:
    """Whether a file of a dependency goes in."""
    if _UNUSED.fullmatch(name) or _BYTECODE.fullmatch(name):
        return False
    service = _SERVICE.fullmatch(name)
    return service is None or service[1] in SERVICES


def own(source: Path) -> dict[str, bytes]:
    """The files of onpaid that handlers may need: modules, templates, static files, tables. `source` is the package."""
    files = {}
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        left_out = name.startswith(tuple(LEFT_OUT)) and name not in SHARED
        if path.is_dir() or hidden or left_out or _BYTECODE.fullmatch(name):
            continue
        files[f"{source.name}/{name}"] = path.read_bytes()
    return files


def contents(source: Path, wheels: Iterable[Path], entrances: Iterable[Path] = ()) -> dict[str, bytes]:
    """Everything in the package, by path; `entrances` are modules that stand beside onpaid, under names that others know.

    `PackageError` if two wheels bring the same path, since one would win by luck."""
    files = own(source) | {path.name: path.read_bytes() for path in entrances}
    for wheel in wheels:
        for name, body in installed(wheel, wanted).items():
            if files.setdefault(name, body) != body:
                raise PackageError(f"{wheel.name} and another both bring {name}")
    return dict(sorted(files.items()))
