"""The console's style and script: read once, named by their content, kept by browsers for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

MEDIA = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    name: str
    media: str
    content: bytes


@cache
def assets() -> dict[str, Asset]:
    """Every asset by the name in its address, such as `onpaid-3f2a9c1b.css`."""
    found: dict[str, Asset] = {}
    for source in sorted(files("onpaid.web").joinpath("static").iterdir(), key=lambda each: each.name):
        stem, dot, ending = source.name.rpartition(".")
        if dot + ending not in MEDIA:
            continue
        content = source.read_bytes()
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{ending}"
        found[name] = Asset(name, MEDIA[dot + ending], content)
    return found


@cache
def address_of(file: str) -> str:
    """The name under which a file is served: `onpaid.css` as `onpaid-3f2a9c1b.css`."""
    stem, _, ending = file.rpartition(".")
    return next(name for name in assets() if name.startswith(f"{stem}-") and name.endswith(f".{ending}"))
