"""Mutants: a module with one small mistake each. Which mistakes there are, and the module with one of them made.

Left out: statements (calls, raises, returned values, what is set on an object), operands, keyword arguments, bounds
of slices, filters, exceptions that are caught. Turned: comparisons (also by one), conditions, signs, `and` and `or`,
`min` and `max`. Altered: whole numbers, truth values, words. What people read is left alone: documentation,
annotations, log lines, and texts with a blank in them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Edit = tuple[ast.AST, str, Callable[[], None]]

_TURNED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
_SIGNS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.And: "and",
    ast.Or: "or",
}
_OTHER_NAME = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One mistake in one file. `number` is its place among the mistakes of that file."""

    path: str
    number: int
    lines: tuple[int, int]
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lines[0]}: {self.what}"


def mutants(source: str, path: str) -> list[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse(source)
    return [
        Mutant(path, number, (node.lineno, node.end_lineno or node.lineno), what)  # type: ignore[attr-defined]
        for number, (node, what, _) in enumerate(edits(tree))
    ]


def mutated(source: str, number: int) -> ast.Module:
    """The module with that one mistake made."""
    tree = ast.parse(source)
    for nth, (_, _, make) in enumerate(edits(tree)):
        if nth == number:
            make()
            return ast.fix_missing_locations(tree)
    raise LookupError(f"there is no mutant {number}")


def edits(node: ast.AST) -> Iterator[Edit]:
    """The mistakes that can be made at `node` and beneath it, each as a place, a description and the act."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_params", "op", "ops") or _is_literal_type(node, field):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_prose(child):
                continue
            yield from _replacing(node, field, index, child)
            yield from edits(child)
    yield from _in_place(node)


def _replacing(parent: ast.AST, field: str, index: int | None, child: ast.AST) -> Iterator[Edit]:
    """Mistakes that put something else in the place of `child`."""

    def put(other: ast.AST) -> Callable[[], None]:
        if index is None:
            return lambda: setattr(parent, field, other)
        return lambda: getattr(parent, field).__setitem__(index, other)

    said = f"`{_short(child)}`"
    match child:
        case ast.Expr() | ast.Raise() | ast.Delete():
            yield child, f"{said} is left out", put(ast.Pass())
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield child, f"{said} is left out", put(ast.Pass())
        case ast.Break():
            yield child, "`break` becomes `continue`", put(ast.Continue())
        case ast.Continue():
            yield child, "`continue` becomes `break`", put(ast.Break())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield child, f"{said} loses its sign", put(child.operand)
        case ast.IfExp():
            yield child, f"{said} is always the first", put(child.body)
            yield child, f"{said} is always the second", put(child.orelse)
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            nothing = ast.Call(child.func, [], [])
            yield child, f"{said} lets everything through", put(nothing)
    tested = field == "test" or (field == "ifs")
    if tested and isinstance(child, ast.Name | ast.Attribute | ast.Call | ast.Await):
        yield child, f"{said} is turned", put(ast.UnaryOp(ast.Not(), child))


def _in_place(node: ast.AST) -> Iterator[Edit]:
    """Mistakes within `node` itself."""

    def setting(name: str, other: object) -> Callable[[], None]:
        return lambda: setattr(node, name, other)

    match node:
        case ast.Compare():
            for at, op in enumerate(node.ops):
                for other in _TURNED[type(op)]:
                    made = [*node.ops[:at], other(), *node.ops[at + 1 :]]
                    yield node, _turned(node, op, other), setting("ops", made)
        case ast.BoolOp():
            yield node, _turned(node, node.op, _TURNED[type(node.op)][0]), setting("op", _other(node.op))
            for at, operand in enumerate(node.values):
                rest = [*node.values[:at], *node.values[at + 1 :]]
                rest = rest if len(rest) > 1 else rest * 2  # `a and a` is `a`
                yield operand, f"`{_short(operand)}` is left out of a condition", setting("values", rest)
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _TURNED:
            yield node, _turned(node, node.op, _TURNED[type(node.op)][0]), setting("op", _other(node.op))
        case ast.Constant(value=bool()):
            yield node, f"`{node.value}` becomes `{not node.value}`", setting("value", not node.value)
        case ast.Constant(value=int()):
            yield node, f"`{node.value}` becomes `{node.value + 1}`", setting("value", node.value + 1)
        case ast.Constant(value=str() | bytes()):
            other = b"XX" + node.value if isinstance(node.value, bytes) else "XX" + node.value
            yield node, f"`{node.value!r}` becomes `{other!r}`", setting("value", other)
        case ast.Return(value=ast.AST()) if not isinstance(node.value, ast.Constant):
            yield node, f"`{_short(node)}` answers nothing", setting("value", ast.Constant(None))
        case ast.Assign(targets=[ast.Tuple() as names], value=ast.Tuple()):
            yield from _targets(names)
        case ast.Call():
            if isinstance(node.func, ast.Name) and node.func.id in _OTHER_NAME:
                other_name = _OTHER_NAME[node.func.id]
                yield (
                    node,
                    f"`{_short(node)}` asks for `{other_name}`",
                    setting("func", ast.Name(other_name, ast.Load())),
                )
            for at, keyword in enumerate(node.keywords):
                without = [*node.keywords[:at], *node.keywords[at + 1 :]]
                yield keyword, f"`{keyword.arg}=` is left out", setting("keywords", without)
        case ast.Slice():
            for bound in ("lower", "upper"):
                if getattr(node, bound) is not None:
                    yield node, f"`[{_short(node)}]` loses its {bound} bound", setting(bound, None)
        case ast.comprehension() if node.ifs:
            yield node.ifs[0], f"`if {_short(node.ifs[0])}` filters nothing", setting("ifs", [])
        case ast.ExceptHandler(type=ast.Tuple() as kinds):
            for at, kind in enumerate(kinds.elts):
                rest_ = ast.Tuple([*kinds.elts[:at], *kinds.elts[at + 1 :]], ast.Load())
                yield kind, f"`{_short(kind)}` is not caught", setting("type", rest_)
        case ast.ExceptHandler(type=ast.AST()):
            nobody = ast.Tuple([], ast.Load())
            yield node.type, f"`{_short(node.type)}` is not caught", setting("type", nobody)
        case ast.While(test=test) if not isinstance(test, ast.Constant):
            yield test, f"`while {_short(test)}` does not begin", setting("test", ast.Constant(False))


def _targets(names: ast.Tuple) -> Iterator[Edit]:
    """One of several things that are set at once is not."""
    for at, target in enumerate(names.elts):
        if isinstance(target, ast.Attribute | ast.Subscript):
            made = [*names.elts[:at], ast.Name("_", ast.Store()), *names.elts[at + 1 :]]
            yield target, f"`{_short(target)}` is not set", lambda made=made: setattr(names, "elts", made)  # type: ignore[misc]


def _other(op: ast.AST) -> ast.AST:
    return _TURNED[type(op)][0]()


def _turned(node: ast.AST, op: ast.AST, other: type[ast.AST]) -> str:
    return f"`{_SIGNS[type(op)]}` becomes `{_SIGNS[other]}` in `{_short(node)}`"  # type: ignore[index]


def _short(node: ast.AST) -> str:
    said = " ".join(ast.unparse(node).split())
    return said if len(said) <= 70 else said[:67] + "..."


def _is_prose(node: ast.AST) -> bool:
    """What is for people: documentation, log lines, and texts with a blank in them."""
    match node:
        case ast.Constant(value=str() | bytes()):
            return len(node.value.split()) > 1
        case ast.JoinedStr():
            return any(_is_prose(part) or _is_blank(part) for part in node.values)
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log")))):
            return True
    return False


def _is_blank(part: ast.AST) -> bool:
    return isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value


def _is_literal_type(node: ast.AST, field: str) -> bool:
    """The words of a type, which nothing checks while the program runs."""
    return isinstance(node, ast.Subscript) and field == "slice" and ast.unparse(node.value) == "Literal"
