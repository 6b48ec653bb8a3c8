"""What there is has its line in the docs, and what has a line is there: settings, routes, flows, steps, providers,
faults, rules, ticket categories, decisions."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import onpaid.providers
from onpaid.acts import LaneLimit
from onpaid.compose import FLOWS
from onpaid.engine.flow import Flow
from onpaid.settings import TABLE, Setting
from onpaid.simulators.faults import CONTROLS, FAULTS
from tests.house.reading import (
    DOCS,
    ROOT,
    SOURCE,
    calls,
    code_spans,
    complaints,
    known_tests,
    modules,
    named_rows,
    page,
    section,
    shown,
    tree,
)

# -- settings ----------------------------------------------------------------------------------------------------


def test_settings_and_their_lines_are_the_same() -> None:
    told = set(named_rows(page("settings.md")))
    assert told == {setting.name for setting in TABLE}


def default_told(cell: str, setting: Setting) -> bool:
    """Whether the page tells a setting's default: as it would be read, or in words if there is none."""
    match = re.fullmatch(r"`(.+)`", cell)
    if match is None:
        return setting.default in (None, ())
    return bool(setting.read(match[1]) == setting.default)


@pytest.mark.parametrize("setting", TABLE, ids=lambda setting: setting.name)
def test_a_settings_line_tells_its_default_and_whether_it_is_a_secret(setting: Setting) -> None:
    _, default, meaning = named_rows(page("settings.md"))[setting.name]
    assert default_told(default, setting), default
    assert meaning.startswith("*secret") == setting.secret
    if setting.secret:
        assert ("list" in meaning.split("*")[1]) == (setting.read("a b") == ("a", "b"))


def test_a_wrong_default_is_seen() -> None:
    wait = Setting("WAIT", lambda text: timedelta(hours=int(text[:-1])), timedelta(hours=48), "")
    assert default_told("`48h`", wait)
    assert not default_told("`47h`", wait)
    assert not default_told("not set", wait)


# -- routes ------------------------------------------------------------------------------------------------------


def routes() -> set[str]:
    """Every route of the web application, and the webhooks of every source."""
    from onpaid.web.app import doors_of
    from onpaid.web.pages import Pages

    doors = doors_of(Pages("UTC", "", "0"))
    sources = {kind.name for _, kind in provider_classes() if hasattr(kind, "judge")}
    return {f"{door.method} {door.open_path}" for door in doors} | {
        f"POST /webhooks/{name}" for name in sources
    }


def routes_told(text: str) -> set[str]:
    """The routes that a page names."""
    spans = (re.fullmatch(r"(GET|POST|PUT|DELETE) (/\S*)", span) for span in code_spans(text))
    return {match[0] for match in spans if match is not None and not match[2].endswith("/<secret>")}


def test_routes_and_their_lines_are_the_same() -> None:
    told, there = routes_told(page("api.md")), routes()
    assert not there - told, complaints(sorted(there - told))
    assert not told - there, complaints(sorted(told - there))


# -- flows -------------------------------------------------------------------------------------------------------


def steps_of(source: ast.Module) -> set[str]:
    """The names of the steps that a flow's module tells."""
    verbs = ("ctx.step", "ctx.wait_for", "ctx.wait_at_most", "ctx.sleep", "ctx.call")
    found: set[str] = set()
    for name, call in calls(source):
        if name in verbs:
            first = call.args[0]
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                raise AssertionError(f"line {call.lineno}: a step's name is written where it is used")
            found.add(first.value)
    return found


def test_flows_and_their_headings_are_the_same() -> None:
    told = re.findall(r"^## `(\w+)`$", page("flows.md"), re.MULTILINE)
    assert sorted(told) == sorted(flow.name for flow in FLOWS)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_flows_steps_and_their_lines_are_the_same(flow: Flow) -> None:
    """A shipped step's name is permanent: runs under way know it. So this page is the list of them."""
    told = set(named_rows(section(page("flows.md"), f"`{flow.name}`")))
    assert told == steps_of(tree(SOURCE / "flows" / f"{flow.name}.py"))


def test_every_flow_is_put_together() -> None:
    written = {f.name for path in modules("flows") for f in ast.walk(tree(path)) if _is_flow(f)}  # type: ignore[attr-defined]
    assert written == {flow.name for flow in FLOWS}


def _is_flow(node: ast.AST) -> bool:
    if not isinstance(node, ast.AsyncFunctionDef):
        return False
    return any(
        isinstance(each, ast.Call) and ast.unparse(each.func) == "flow" for each in node.decorator_list
    )


# -- providers and categories ------------------------------------------------------------------------------------


def provider_classes() -> Iterator[tuple[str, Any]]:
    """Every class that fulfils a role, with its module's name."""
    for info in pkgutil.iter_modules(onpaid.providers.__path__):
        module = importlib.import_module(f"onpaid.providers.{info.name}")
        for kind in vars(module).values():
            lanes = getattr(kind, "lanes", None)
            own = isinstance(kind, type) and kind.__module__ == module.__name__
            if own and isinstance(lanes, tuple) and all(isinstance(lane, LaneLimit) for lane in lanes):
                yield info.name, kind


def test_providers_and_their_lines_are_the_same() -> None:
    told = set(named_rows(section(page("add-a-provider.md"), "The providers")))
    assert told == {name for name, _ in provider_classes()}


@pytest.mark.parametrize("name", sorted({name for name, _ in provider_classes()}))
def test_a_providers_docstring_answers_four_questions(name: str) -> None:
    said = ast.get_docstring(tree(SOURCE / "providers" / f"{name}.py")) or ""
    for answer in ("What it is:", "How a thing is found again:", "Its limits:", "How it signs:"):
        assert answer in said, answer


def test_every_ticket_category_is_told() -> None:
    used = set(re.findall(r"\bcategory=\"(\w+)\"", "".join(p.read_text(encoding="utf-8") for p in modules())))
    used |= {"payment", "invoice", "provider"}  # chosen by a condition
    assert set(named_rows(section(page("operating.md"), "Tickets"))) == used


# -- faults, rules, decisions ------------------------------------------------------------------------------------


def test_faults_and_their_lines_are_the_same() -> None:
    told = named_rows(section(page("simulators.md"), "Faults"))
    assert set(told) == set(FAULTS)
    assert {name for name, cells in told.items() if "*control.*" in cells[1]} == CONTROLS


@pytest.mark.parametrize("number", range(1, 26))
def test_a_rule_of_the_engine_names_its_tests_or_the_decision_that_it_cannot_be_broken(number: int) -> None:
    text = section(page("engine.md"), "The twenty-five rules")
    found = re.search(rf"^{number}\. (.+?)(?=^\d+\. |^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, "the rule is not told"
    tests = set(re.findall(r"`(test_\w+)`", found[1]))
    assert tests or "decisions/" in found[1]
    assert tests <= known_tests().keys()
    of_its_own = {name for name in known_tests() if name.startswith(f"test_rule_{number:02}_")}
    assert not of_its_own or tests & of_its_own, "tests named after the rule are not told"


DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_what_a_decision_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
    ]
    assert text.startswith(f"# {path.stem[:4]}: ")
    assert re.search(r"^Status: \w+", text, re.MULTILINE)
    assert 25 <= len(text.splitlines()) <= 80
    assert f"]({path.name})" in page("decisions/README.md")


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_every_room_has_its_paragraph() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    files = {path.name for path in SOURCE.glob("*.py")} - {"__init__.py"}
    told = page("floors.md")
    assert not [room for room in rooms if f"`src/onpaid/{room}/`" not in told]
    assert not [file for file in files if f"`{file}`" not in told and f"/{file}`" not in told]


def test_every_contract_of_the_floors_is_told() -> None:
    names = re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(encoding="utf-8"), re.MULTILINE)
    told = page("floors.md")
    assert names
    assert not [name for name in names if f"| {name} |" not in told], shown(DOCS / "floors.md")


def test_the_contracts_name_every_flow_and_provider() -> None:
    """A module that no contract names is bound by none."""
    contracts = (ROOT / ".importlinter").read_text(encoding="utf-8")
    rooms = {room: set(re.findall(rf"onpaid\.{room}\.(\w+)", contracts)) for room in ("flows", "providers")}
    assert {flow.name for flow in FLOWS} <= rooms["flows"]
    assert {name for name, _ in provider_classes()} <= rooms["providers"]
