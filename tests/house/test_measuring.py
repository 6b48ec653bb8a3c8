"""The instruments that judge the tests: which mistakes they make, that they tell noticed from unnoticed, what counts
as caught."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import pytest

from scripts.coverage_of_core import ROOT, caught, core, judge
from scripts.mutants import mutants, mutated
from scripts.mutation import SUITES
from scripts.mutation_runs import Reach

SOURCE = '''
"""Documentation is left alone."""
LIMIT: int = 3
def f(a, b=()):
    "and here"
    log.info("and here", a)
    if a < LIMIT and not b:
        raise ValueError("and what people read")
    self.one, self.two = a, "word"
    for each in b[:2]:
        with suppress(KeyError):
            g(each, deep=True)
    try:
        return a + 1
    except (OSError, ValueError):
        return None
'''

MISTAKES = [
    "3: `3` becomes `4`",
    "7: `<` becomes `<=` in `a < LIMIT`",
    "7: `<` becomes `>=` in `a < LIMIT`",
    "7: `not b` loses its sign",
    "7: `and` becomes `or` in `a < LIMIT and (not b)`",
    "7: `a < LIMIT` is left out of a condition",
    "7: `not b` is left out of a condition",
    "8: `raise ValueError('and what people read')` is left out",
    "9: `'word'` becomes `'XXword'`",
    "9: `self.one` is not set",
    "9: `self.two` is not set",
    "10: `2` becomes `3`",
    "10: `[:2]` loses its upper bound",
    "11: `suppress(KeyError)` lets everything through",
    "12: `g(each, deep=True)` is left out",
    "12: `True` becomes `False`",
    "12: `deep=` is left out",
    "14: `1` becomes `2`",
    "14: `+` becomes `-` in `a + 1`",
    "14: `return a + 1` answers nothing",
    "15: `OSError` is not caught",
    "15: `ValueError` is not caught",
]


def test_which_mistakes_are_made() -> None:
    assert sorted(str(each) for each in mutants(SOURCE, "x")) == sorted(f"x:{said}" for said in MISTAKES)


@pytest.mark.parametrize("path", [file for files, _ in SUITES for file in files])
def test_each_mutant_is_another_module_that_can_be_loaded(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    whole, found = ast.dump(ast.parse(source)), mutants(source, path)
    assert [each.number for each in found] == list(range(len(found)))
    assert len(found) > 80
    for each in found[::7]:
        tree = mutated(source, each.number)
        compile(tree, path, "exec")
        assert ast.dump(tree) != whole, str(each)
    with pytest.raises(LookupError):
        mutated(source, len(found))


CONTROL = """
from scripts.mutants import mutants
from scripts.mutation_runs import Reach, tried
path, test = "src/onpaid/domain/money.py", "tests/domain/test_money.py::test_decimals_by_currency"
wanted = ("`==` becomes `!=` in `exponent(currency) == 3`", "`'add'` becomes `'XXadd'`")
found = [each for each in mutants(open(path).read(), path) if each.what in wanted]
reach = Reach({test: 0.1}, {})
for mutant, what in tried([(each, reach) for each in found], 1):
    print(what, mutant.what)
"""


def test_a_mistake_that_a_test_sees_is_told_from_one_that_it_does_not_see() -> None:
    """The control of the mutation score: it is neither always noticed nor never."""
    done = subprocess.run(
        [sys.executable, "-c", CONTROL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "noticed `==` becomes `!=` in `exponent(currency) == 3`",
        "survived `'add'` becomes `'XXadd'`",
    ]


def test_who_can_notice_a_mistake_is_who_reaches_its_lines() -> None:
    seconds = {"slow": 3.0, "quick": 0.1, "other": 0.2}
    reach = Reach(seconds, {"x": {7: ["slow", "quick"], 3: [""], 8: ["other"]}})
    found = {each.lines[0]: each for each in mutants(SOURCE, "x")}
    assert reach.of(found[7]) == ["quick", "slow"]
    assert reach.of(found[8]) == ["other"]
    assert reach.of(found[3]) == reach.of(found[12]) == ["quick", "other", "slow"], (
        "run as it loads, or by nobody"
    )


def test_what_is_caught_is_counted_with_what_leaves_no_line() -> None:
    assert sorted(caught(SOURCE)) == [("except", 15, 16), ("suppress", 11, 11)]


def test_the_core_is_there_and_what_nobody_reaches_is_missing() -> None:
    files = core()
    assert len(files) > 35
    assert not any("testing" in path.parts for path in files)
    whole: dict[str, Any] = {
        "summary": {"num_branches": 2, "covered_branches": 2},
        "missing_lines": [],
        "missing_branches": [],
    }
    told: dict[str, Any] = {}
    suppressed: set[tuple[Any, ...]] = set()
    for path in files:
        lines = caught(path.read_text(encoding="utf-8"))
        told[str(path.relative_to(ROOT))] = {**whole, "executed_lines": [below for _, _, below in lines]}
        suppressed |= {
            (str(path), line) for kind, line, _ in caught(path.read_text("utf-8")) if kind == "suppress"
        }
    found = judge(told, suppressed)
    assert found["missing"] == []
    assert (found["reached"], found["thrown"]) == (found["branches"], found["handlers"])
    assert found["handlers"] > 60
    assert len(judge(told, set())["missing"]) == len(suppressed)
    name = "src/onpaid/acts.py"
    told[name] = {**told[name], "missing_lines": [3], "missing_branches": [[4, -2]]}
    assert judge(told, suppressed)["missing"] == [f"{name}:3: never runs", f"{name}:4: never goes on to 2"]
    del told[name]
    assert judge(told, suppressed)["missing"] == [f"{name}: never loaded"]
