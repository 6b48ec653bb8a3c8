"""Records that are kept in other services' tables too, in the shape that those services know.

A shadow is written in the same transaction as the document that it shows, so that the two never disagree. It is
never read back: what we know is in the document. Fields that others add to a shadow stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shadow:
    """One item of a documented table."""

    table: str
    key: Mapping[str, str | int]
    fields: Mapping[str, Any]
    """Text, whole numbers, decimals, truth values, lists and maps of these. None: the field is taken away.
    At least one that is not of the key."""


ShadowOf = Callable[[str, bytes], Sequence[Shadow]]
"""From a document's key and body to its shadows."""
