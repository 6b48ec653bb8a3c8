"""How a step's input and result are written down and read back: as JSON, typed by the method's own annotations."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from onpaid.errors import Problem

LARGEST = 256_000
"""Bytes: a journal holds ids and facts, not documents."""


def encode(name: str, value: Any) -> msgspec.Raw:
    """A step's input or result as JSON. Raises Problem if it is too large for a journal."""
    raw = msgspec.json.encode(value)
    if len(raw) > LARGEST:
        raise Problem(
            f"the step {name!r} yields {len(raw)} bytes: a journal holds ids and facts, not documents",
            category="internal",
        )
    return msgspec.Raw(raw)


def answer_type(doing: Callable[..., Any]) -> Any:
    """What a method answers, for reading it back: its return annotation, freed of Local, Done or Finding."""
    given = getattr(doing, "answers", None)
    if given is not None:
        return given
    return _answer_of(getattr(doing, "__func__", doing))


@lru_cache(maxsize=1024)
def _answer_of(function: Callable[..., Any]) -> Any:
    answer = get_type_hints(function).get("return", Any)
    for part in (answer, *get_args(answer)):
        if getattr(get_origin(part), "__name__", "") == "Done":
            return get_args(part)[0]
    return answer


def input_types(doing: Callable[..., Any], count: int) -> Any:
    """The types of a method's positional parameters, as one tuple type."""
    return _inputs_of(getattr(doing, "__func__", doing), count)


@lru_cache(maxsize=1024)
def _inputs_of(function: Callable[..., Any], count: int) -> Any:
    hints = get_type_hints(function)
    names = [n for n in function.__code__.co_varnames[: function.__code__.co_argcount] if n != "self"]
    return GenericAlias(tuple, tuple(hints.get(name, Any) for name in names[:count]))
