"""Habits of the code that no linter knows: how a module opens and how long it is, who prints, who reads a clock, and
that whatever creates something outside can be found again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from onpaid.compose import FLOWS
from tests.house.reading import (
    ROOT,
    SOURCE,
    calls,
    complaints,
    dotted,
    functions,
    modules,
    shown,
    tree,
)

LONGEST = 260


def test_every_module_opens_with_a_docstring() -> None:
    silent = [shown(path) for path in modules() if not ast.get_docstring(tree(path))]
    assert not silent, complaints(silent)


def test_no_module_is_longer_than_it_should_be() -> None:
    long = [(shown(path), len(path.read_text(encoding="utf-8").splitlines())) for path in modules()]
    found = [f"{name}: {lines} lines, at most {LONGEST}" for name, lines in long if lines > LONGEST]
    assert not found, complaints(found)


# -- printing ----------------------------------------------------------------------------------------------------


def printing(source: ast.AST) -> Iterator[str]:
    """Calls that write to the terminal."""
    for name, call in calls(source):
        if name in ("print", "pprint", "pprint.pprint") or name.startswith(("sys.stdout.", "sys.stderr.")):
            yield f"line {call.lineno}: {name}"


def test_only_the_doors_print() -> None:
    rooms = [path for path in modules() if SOURCE / "cli" not in path.parents and path.name != "__main__.py"]
    found = [f"{shown(path)}, {each}" for path in rooms for each in printing(tree(path))]
    assert not found, complaints(found)


def test_printing_is_seen() -> None:
    assert len(list(printing(ast.parse("import sys\nprint(1)\nsys.stderr.write('x')\nlog.info('y')")))) == 2


# -- clocks and chance -------------------------------------------------------------------------------------------

TIMELESS = ("engine", "flows", "domain", "repositories", "app", "web")
"""Rooms to which time is handed in."""
SURE = ("engine", "flows", "domain", "repositories")
"""Rooms to which chance is handed in as well."""
_CLOCKS = frozenset(("now", "utcnow", "today"))
_CHANCE = ("secrets.", "uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4", "os.urandom")
_DICE = frozenset(("Random", "SystemRandom"))


def clock_reading(source: ast.Module, *, chance: bool) -> Iterator[str]:
    """Where a module reads a clock, sleeps, or throws dice of its own. A class that is a clock may."""
    clocks = [
        node for node in ast.walk(source) if isinstance(node, ast.ClassDef) and node.name.endswith("Clock")
    ]
    inside = {id(each) for clock in clocks for each in ast.walk(clock)}
    for node in ast.walk(source):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (
                f"line {node.lineno}: import {a.name}" for a in node.names if a.name in ("time", "random")
            )
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "random"):
            taken = [alias.name for alias in node.names if alias.name not in _DICE]
            if taken:
                yield f"line {node.lineno}: from {node.module} import {', '.join(taken)}"
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name.startswith(("datetime.", "date.")) and name.rpartition(".")[2] in _CLOCKS:
                yield f"line {node.lineno}: {name}"
            elif name == "asyncio.sleep" and not _gives_way(node):
                yield f"line {node.lineno}: asyncio.sleep"
            elif chance and name.startswith(_CHANCE):
                yield f"line {node.lineno}: {name}"


def _gives_way(call: ast.Call) -> bool:
    """`asyncio.sleep(0)` lets others run and takes no time."""
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


@pytest.mark.parametrize("room", TIMELESS)
def test_nobody_reads_a_clock_or_throws_dice(room: str) -> None:
    found = [
        f"{shown(path)}, {each}"
        for path in modules(room)
        for each in clock_reading(tree(path), chance=room in SURE)
    ]
    assert not found, complaints(found)


PLANTED = """
import time
from random import Random, choice
class VirtualClock:
    async def sleep(self, seconds):
        await asyncio.sleep(seconds)
async def f():
    datetime.now(UTC); date.today(); clock.now()
    await asyncio.sleep(0); await asyncio.sleep(3)
    uuid4(); uuid5(space, name)
"""


def test_a_clock_that_is_read_is_seen() -> None:
    assert len(list(clock_reading(ast.parse(PLANTED), chance=True))) == 6
    assert len(list(clock_reading(ast.parse(PLANTED), chance=False))) == 5


# -- what is created can be found again --------------------------------------------------------------------------

CREATES = ("create_", "send_", "file_")
NOT_FOUND_AGAIN = "cannot be looked up"


def never_found_again(source: ast.Module) -> Iterator[str]:
    """Methods that make something outside, have no `find_` that takes what they take, and do not say why."""
    for kind in (node for node in ast.walk(source) if isinstance(node, ast.ClassDef)):
        methods = [node for node in kind.body if isinstance(node, ast.AsyncFunctionDef)]
        looks = {_takes(method) for method in methods if method.name.startswith("find_")}
        for method in methods:
            said = " ".join((ast.get_docstring(method) or "").split())
            creates = method.name.startswith(CREATES)
            if creates and _takes(method) not in looks and NOT_FOUND_AGAIN not in said:
                yield f"line {method.lineno}: {kind.name}.{method.name}"


def _takes(method: ast.AsyncFunctionDef) -> tuple[str, ...]:
    return tuple(ast.unparse(each.annotation) for each in method.args.args[1:] if each.annotation)


def test_whatever_creates_has_its_look_or_says_why_not() -> None:
    found = [f"{shown(p)}, {each}" for p in modules("providers") for each in never_found_again(tree(p))]
    assert not found, complaints(found)


def test_what_cannot_be_found_again_is_seen() -> None:
    planted = '''
class Post:
    async def send_letter(self, letter: Letter) -> None: ...
    async def send_card(self, card: Card) -> None: ...
    async def find_stamp(self, card: Card) -> Finding: ...
    async def send_pigeon(self, pigeon: Pigeon) -> None:
        """It flies, and cannot be looked up."""
'''
    assert list(never_found_again(ast.parse(planted))) == ["line 3: Post.send_letter"]


def undeclared(source: ast.Module) -> Iterator[str]:
    """Methods of a provider that act and do not say what class of act they are."""
    for kind in (node for node in source.body if isinstance(node, ast.ClassDef)):
        for method in kind.body:
            if isinstance(method, ast.AsyncFunctionDef) and method.name.startswith(
                (*CREATES, "find_", "fetch_")
            ):
                marks = [ast.unparse(mark).partition("(")[0] for mark in method.decorator_list]
                if "act" not in marks:
                    yield f"line {method.lineno}: {kind.name}.{method.name}"


def test_every_act_of_a_provider_is_declared() -> None:
    providers = [path for path in modules("providers") if not path.name.startswith("roles")]
    found = [f"{shown(path)}, {each}" for path in providers for each in undeclared(tree(path))]
    assert not found, complaints(found)


def blind_steps(source: ast.Module) -> Iterator[str]:
    """Steps that create something and were given no way to look for it."""
    for name, call in calls(source):
        if name == "ctx.step" and len(call.args) > 1:
            act = dotted(call.args[1]).rpartition(".")[2]
            if act.startswith(CREATES) and not any(keyword.arg == "find" for keyword in call.keywords):
                yield f"line {call.lineno}: {act}"


def test_a_step_that_creates_is_given_its_look() -> None:
    found = [f"{shown(path)}, {each}" for path in modules("flows") for each in blind_steps(tree(path))]
    assert not found, complaints(found)


def test_a_step_without_its_look_is_seen() -> None:
    planted = "await ctx.step('a', x.create_a, 1)\nawait ctx.step('b', x.create_b, 1, find=x.find_b)"
    told = ast.parse(f"async def f():\n  {planted.replace(chr(10), chr(10) + '  ')}")
    assert list(blind_steps(told)) == ["line 2: create_a"]


# -- every flow is killed at every write -------------------------------------------------------------------------


def told_in_crashes(start: Path) -> set[str]:
    """The flows whose runs are asked for where `crash_everywhere` is called, imports from its folder included."""
    reached, left = set[Path](), [start]
    while left:
        path = left.pop()
        if path in reached or not path.exists():
            continue
        reached.add(path)
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.flows."):
                left.append(ROOT / f"{(node.module or '').replace('.', '/')}.py")
    asked = (
        call.args[0] for path in reached for name, call in calls(tree(path)) if _asks_for_a_run(name, call)
    )
    return {each.value for each in asked if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def _asks_for_a_run(name: str, call: ast.Call) -> bool:
    return name.endswith("end.run") and len(call.args) == 1


def test_every_flow_is_killed_at_every_write() -> None:
    places = [
        path
        for path in sorted((ROOT / "tests" / "flows").glob("test_*.py"))
        if any(name == "crash_everywhere" for name, _ in calls(tree(path)))
    ]
    assert places, "nobody calls crash_everywhere"
    killed = {flow for path in places for flow in told_in_crashes(path)}
    assert not {flow.name for flow in FLOWS} - killed


def test_no_test_sleeps() -> None:
    """A test waits for facts, or in virtual time. Journeys and doors wait for processes."""
    rooms = ("domain", "stores", "flows", "house", "app")
    found = []
    for room in rooms:
        for path in sorted((ROOT / "tests" / room).glob("*.py")):
            for function in functions(tree(path)):
                found += [
                    f"{shown(path)}: {function.name}" for name, _ in calls(function) if name == "time.sleep"
                ]
    assert not found, complaints(found)
