"""Rows of a file that people make: CSV with a header, or a JSON list of objects with the same names.

Nothing is guessed: an unknown column, a name that is there twice and a row of another length are refused, each with
its place. Numbers in JSON keep their digits.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from onpaid.errors import InvalidInput

Row = Mapping[str, Any]
_YES: Final = frozenset({"true", "yes", "1", "y"})
_NO: Final = frozenset({"false", "no", "0", "n", ""})


def read_rows(text: str, names: Sequence[str], thing: str) -> list[tuple[str, Row]]:
    """Each row with its place (`line 3`, `price 2`). `thing` is what a row is of, such as product.

    Raises InvalidInput, naming the place.
    """
    text = text.removeprefix("\ufeff")
    rows = _json_rows(text, names, thing) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, names)
    if not rows:
        raise InvalidInput(f"the file holds no {thing}s")
    return rows


def _csv_rows(text: str, names: Sequence[str]) -> list[tuple[str, Row]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _known(reader.fieldnames or [], names)
        rows = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as bad:
        raise InvalidInput(f"line {reader.line_num}: this is no CSV: {bad}") from None
    for place, row in rows:
        if None in row or any(value is None for value in row.values()):
            raise InvalidInput(f"{place}: it has another number of fields than the header")
    return [(place, dict(row)) for place, row in rows]


def _json_rows(text: str, names: Sequence[str], thing: str) -> list[tuple[str, Row]]:
    try:
        told = json.loads(text, parse_float=Decimal, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as bad:
        raise InvalidInput(f"this is no JSON: {bad}"[:200]) from None
    items = told.get(f"{thing}s") if isinstance(told, dict) else told
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InvalidInput(
            f"the file must be a JSON list of objects, or an object with such a list as `{thing}s`"
        )
    for item in items:
        _known(list(item), names)
    return [(f"{thing} {nth}", item) for nth, item in enumerate(items, 1)]


def _known(given: Sequence[str], names: Sequence[str]) -> None:
    unknown = [str(name) for name in given if name not in names]
    if unknown:
        raise InvalidInput(f"unknown: {', '.join(unknown)[:200]}. Known: {', '.join(names)}")
    if len(set(given)) != len(given):
        raise InvalidInput("a column is there twice")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return dict(pairs)


def text_of(row: Row, name: str, longest: int = 200) -> str:
    """A field as text without surplus blanks; empty if it is not there. Raises InvalidInput."""
    value = row.get(name)
    if isinstance(value, list | dict):
        raise InvalidInput(f"{name} must be a text, a number, true or false")
    told = "" if value is None else " ".join(str(value).split())
    if len(told) > longest or not told.isprintable():
        raise InvalidInput(f"{name} is too long, or holds an invisible character")
    return told


def flag_of(text: str, what: str, *, default: bool) -> bool:
    """A field that says yes or no. Raises InvalidInput."""
    word = text.lower()
    if not word:
        return default
    if word not in _YES and word not in _NO:
        raise InvalidInput(f"{what} is true or false")
    return word in _YES
