"""Pages lead somewhere: links, paths, tests, classes and commands that are named exist, and words are in use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.house.reading import (
    DOCS,
    ROOT,
    anchors,
    code_lines,
    code_spans,
    complaints,
    known_tests,
    links,
    modules,
    page,
    pages,
    prose,
    shown,
    tree,
)

each_page = pytest.mark.parametrize("path", pages(), ids=shown)

EXAMPLES = ("tripletex", "grant_points")
"""What the pages about adding something make up."""


def broken_links(text: str, place: Path) -> Iterator[str]:
    """Links of a page that lead nowhere."""
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        where, _, anchor = link.partition("#")
        target = (place.parent / where).resolve() if where else place
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8") if where else text):
            yield f"{link}: there is no such heading"


@each_page
def test_links_resolve(path: Path) -> None:
    found = list(broken_links(path.read_text(encoding="utf-8"), path))
    assert not found, complaints(found)


def test_a_broken_link_is_seen() -> None:
    planted = "# One\n[a](nowhere.md) [b](engine.md#no-such) [c](#one) [d](tour.md) `[e](nowhere.md)`"
    assert [each.split(":")[0] for each in broken_links(planted, DOCS / "README.md")] == [
        "nowhere.md",
        "engine.md#no-such",
    ]


def missing_paths(text: str) -> Iterator[str]:
    """Files and folders of the project that a page names and that are not there."""
    for span in code_spans(text):
        if re.fullmatch(r"(?:src|tests|docs|formal|scripts|bench|deploy|\.ci|\.github)/[\w./-]*", span):
            made_up = any(example in span for example in EXAMPLES)
            if not made_up and not (ROOT / span).exists():
                yield span


@each_page
def test_paths_that_are_named_exist(path: Path) -> None:
    found = list(missing_paths(path.read_text(encoding="utf-8")))
    assert not found, complaints(found)


def test_a_path_that_is_not_there_is_seen() -> None:
    assert list(missing_paths("`src/onpaid/nowhere.py` and `src/onpaid/acts.py`")) == [
        "src/onpaid/nowhere.py"
    ]


def missing_tests(text: str, known: Iterable[str]) -> set[str]:
    """Tests that a page names and that are not there."""
    named = set(re.findall(r"\btest_\w*[a-z0-9](?!\w|\.py|/)", prose(text)))
    return named - set(known)


@each_page
def test_tests_that_are_named_exist(path: Path) -> None:
    found = sorted(missing_tests(path.read_text(encoding="utf-8"), known_tests()))
    assert not found, complaints(found)


def test_a_test_that_is_not_there_is_seen() -> None:
    planted = "`test_one_thing`, `tests/test_file.py`, `test_rule_07_...`, `test_other`"
    assert missing_tests(planted, ["test_one_thing"]) == {"test_other"}


@cache
def members() -> dict[str, frozenset[str]]:
    """What each class of ours, tests included, has."""
    found: dict[str, set[str]] = {}
    for path in [*modules(), *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                names = found.setdefault(node.name, set())
                for each in ast.walk(node):
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                        names.add(each.name)
                    elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                        names.add(each.target.id)
    return {name: frozenset(names) for name, names in found.items()}


def missing_members(text: str) -> Iterator[str]:
    """`Class.member` where we have the class and it has no such member."""
    for span in code_spans(text):
        match = re.fullmatch(r"(_?[A-Z]\w+)\.(\w+)(?:\(\))?", span)
        if match and match[1] in members() and match[2] not in members()[match[1]]:
            yield span


@each_page
def test_members_that_are_named_exist(path: Path) -> None:
    found = list(missing_members(path.read_text(encoding="utf-8")))
    assert not found, complaints(found)


def test_a_member_that_is_not_there_is_seen() -> None:
    assert list(missing_members("`Engine.advance`, `Engine.retreat`, `Somebody.else`")) == ["Engine.retreat"]


# -- commands ----------------------------------------------------------------------------------------------------


@cache
def commands() -> dict[str, frozenset[str]]:
    """Every command ("runs settle") with its options."""
    from onpaid.cli.app import app

    root = typer.main.get_command(app)
    found: dict[str, frozenset[str]] = {}

    def walk(command: Any, name: str) -> None:
        for word, sub in getattr(command, "commands", {}).items():
            if not sub.hidden:
                walk(sub, f"{name} {word}".strip())
        if not hasattr(command, "commands"):
            options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
            found[name] = frozenset({*options, "--help"})

    walk(root, "")
    return found


def test_every_command_is_told() -> None:
    told = page("operating.md") + (ROOT / "README.md").read_text(encoding="utf-8")
    lines = code_lines(told)
    assert len(commands()) > 10
    silent = [
        name
        for name in commands()
        if not any(re.search(rf"(?:^|onpaid (?:\S+ )?){re.escape(name)}(?![\w-])", line) for line in lines)
    ]
    assert not silent, complaints(f"onpaid {name}" for name in silent)


def wrong_commands(text: str) -> Iterator[str]:
    """Uses of our command line that it would not understand."""
    groups = {name.split()[0] for name in commands() if " " in name}
    for line in code_lines(text):
        match = re.match(
            r"(?:\S*/)?onpaid(?: --settings \S+)? ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", line.strip()
        )
        if match is None:
            continue
        name = f"{match[1]} {match[2]}" if match[1] in groups and match[2] else match[1]
        if match[1] in groups and not match[2]:
            continue
        if name not in commands():
            yield f"{line}: there is no command {name!r}"
            continue
        used = re.findall(r"(?<=\s)--[a-z][a-z-]*", line[match.end() :].partition("#")[0])
        yield from (f"{line}: {name} has no {option}" for option in used if option not in commands()[name])


@each_page
def test_commands_that_are_shown_exist(path: Path) -> None:
    found = list(wrong_commands(path.read_text(encoding="utf-8")))
    assert not found, complaints(found)


def test_a_command_that_is_not_there_is_seen() -> None:
    planted = "`onpaid dance` `onpaid runs list --state failed` `onpaid runs fly` `onpaid doctor --wrong`"
    assert len(list(wrong_commands(planted))) == 3


# -- words -------------------------------------------------------------------------------------------------------

WORDS = """
event, order, payment, money, invoice, credit note, shipment, message, billing event, flow, run, step, ticket,
provider, role, simulator, proof, lane, bell, tick, lease, claim, signal, quiet period, doubt, verdict, generation, pace
"""
"""Words that must have their line."""


RESERVED = "not built yet"
"""How a line says that its words are kept for later."""


def entries(text: str, *, without: str | None = None) -> list[str]:
    """The words that the glossary explains, but for lines that say `without`."""
    lines = [line for line in prose(text).splitlines() if line.startswith("| **")]
    kept = [line for line in lines if without is None or without not in line]
    words = [word for line in kept for word in re.findall(r"\*\*(.+?)\*\*", line.split("|")[1])]
    return [word.strip().lower() for word in words]


def test_every_word_that_must_have_one_has_its_line() -> None:
    text = page("glossary.md")
    explained = {*entries(text), *(word.lower() for word in re.findall(r"(?<!\*)\*([\w ]+)\*(?!\*)", text))}
    assert not {word.strip() for word in WORDS.split(",")} - explained


def test_no_word_has_two_lines() -> None:
    words = entries(page("glossary.md"))
    assert sorted(words) == sorted(set(words))


def test_every_state_is_in_the_glossary() -> None:
    from typing import get_args

    from onpaid.engine.journal import RunState, StepState

    told = set(code_spans(page("glossary.md")))
    assert not {*get_args(RunState), *get_args(StepState)} - told


def test_every_word_of_the_glossary_is_used() -> None:
    used = " ".join(path.read_text(encoding="utf-8").lower() for path in modules())
    used += " ".join(
        path.read_text(encoding="utf-8").lower() for path in pages() if path.name != "glossary.md"
    )
    used = re.sub(r"[\s_]+", " ", used)
    words = entries(page("glossary.md"), without=RESERVED)
    idle = [word for word in words if not re.search(rf"\b{re.escape(word)}", used)]
    assert not idle, complaints(idle)
