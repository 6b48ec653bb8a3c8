"""Terraform's expressions, worked out without Terraform: as much of the language as deploy/terraform uses.

Takes the trees that terraform_tree.py reads. What only AWS knows stays a reference, `${Name.attribute}`, inside of
texts too. A word that is not known here is an error and never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

Tree = Any
"""["rule", part, ...], a part being a tree or a word."""
Scope = Mapping[str, Any]
"""What names stand for."""


class Holder(Protocol):
    """Something with attributes that are worked out when they are asked for."""

    def attribute(self, name: str) -> Any: ...


class Reference(str):
    """Stands for a resource, or for what AWS will tell of it."""

    def attribute(self, name: str) -> Reference:
        """Stands for one of its attributes."""
        return Reference(f"{self[:-1]}.{name}}}")


def _matched(pattern: str, text: str) -> str:
    found = re.search(pattern.removesuffix("$") + (r"\Z" if pattern.endswith("$") else ""), text)
    if found is None:
        raise LookupError(f"{text!r} is not like {pattern}")
    return found[0]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "concat": lambda *lists: [each for part in lists for each in part],
    "contains": lambda values, value: value in values,
    "filebase64sha256": lambda path: f"hash of {path}",
    "jsonencode": json.dumps,
    "length": len,
    "lookup": lambda values, key, default: values.get(key, default),
    "merge": lambda *maps: {key: value for each in maps for key, value in each.items()},
    "regex": _matched,
    "replace": lambda text, old, new: text.replace(old, new),
    "toset": lambda values: sorted(set(values)),
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    ">": lambda left, right: bool(left > right),
    "||": lambda left, right: bool(left or right),
}
LITERALS = {"true": True, "false": False, "null": None}


def value(tree: Tree, scope: Scope) -> Any:
    """What an expression comes to. Raises KeyError for a word that is not known, LookupError for what `regex` lacks."""
    rule, *parts = tree
    return RULES[rule](parts, scope)


def _trees(parts: list[Tree]) -> list[Tree]:
    return [part for part in parts if isinstance(part, list)]


def _attribute(parts: list[Tree], scope: Scope) -> Any:
    held, name = value(parts[0], scope), parts[1][2][1]
    return held.attribute(name) if hasattr(held, "attribute") else held[name]


def _index(parts: list[Tree], scope: Scope) -> Any:
    held, index = value(parts[0], scope), value(parts[1][2], scope)
    return held if isinstance(held, Reference) else held[index]


def _text(parts: list[Tree], scope: Scope) -> str:
    found = []
    for (part,) in (each[1:] for each in _trees(parts)):
        if isinstance(part, str):
            found.append(json.loads(f'"{part}"'))
        else:
            filled = value(part[2], scope)
            assert isinstance(filled, str | int), f"{filled!r} in a text"
            found.append(str(filled))
    return "".join(found)


def _condition(parts: list[Tree], scope: Scope) -> Any:
    asked, chosen, otherwise = _trees(parts)
    return value(chosen if value(asked, scope) else otherwise, scope)


def _compared(parts: list[Tree], scope: Scope) -> bool:
    operator, right = parts[1][1:]
    return OPERATORS[operator[1]](value(parts[0], scope), value(right, scope))


def _negative(parts: list[Tree], scope: Scope) -> Any:
    assert parts[0] == "-", parts[0]
    return -value(parts[1], scope)


def _object(parts: list[Tree], scope: Scope) -> dict[str, Any]:
    found = {}
    for _, (_, key), *rest in _trees(parts):
        name = key[1][1] if key[1][0] == "identifier" else value(key, scope)
        found[name] = value(rest[-1], scope)
    return found


def _called(parts: list[Tree], scope: Scope) -> Any:
    name, given = parts[0][1], _trees(parts)[1][1:]
    if name == "can":
        try:
            value(given[0], scope)
        except LookupError:
            return False
        return True
    arguments = [value(each, scope) for each in _trees(given)]
    if "..." in given:
        arguments[-1:] = arguments[-1]
    return FUNCTIONS[name](*arguments)


def _loop(parts: list[Tree], scope: Scope) -> Iterator[tuple[list[Tree], Scope]]:
    """What is to be worked out in each round, and what names stand for in it."""
    intro, *rest = _trees(parts)
    *names, over = _trees(intro[1:])
    asked = [each for each in rest if each[0] == "for_cond"]
    values = value(over, scope)
    pairs = values.items() if isinstance(values, Mapping) else enumerate(values)
    for pair in pairs:
        told = pair if len(names) == 2 else (pair[1],)
        inner = {**scope, **{name[1]: each for name, each in zip(names, told, strict=True)}}
        if all(value(_trees(each)[0], inner) for each in asked):
            yield [each for each in rest if each[0] != "for_cond"], inner


RULES: dict[str, Callable[[list[Tree], Scope], Any]] = {
    "expr_term": lambda parts, scope: value(_trees(parts)[0], scope),
    "identifier": lambda parts, scope: scope[parts[0]],
    "literal_value": lambda parts, scope: LITERALS[parts[0]],
    "int_lit": lambda parts, scope: int(parts[0]),
    "string": _text,
    "tuple": lambda parts, scope: [value(each, scope) for each in _trees(parts)],
    "object": _object,
    "conditional": _condition,
    "binary_op": _compared,
    "unary_op": _negative,
    "function_call": _called,
    "get_attr_expr_term": _attribute,
    "index_expr_term": _index,
    "for_tuple_expr": lambda parts, scope: [value(told[0], inner) for told, inner in _loop(parts, scope)],
    "for_object_expr": lambda parts, scope: {
        value(told[0], inner): value(told[1], inner) for told, inner in _loop(parts, scope)
    },
}
