"""Reads the project as text: its pages with their links, tables and code, its modules as syntax trees.

Every check takes what it looks at as an argument, so that each can be shown a planted mistake as well.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "onpaid"
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page for people: docs, and what lies beside README."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "formal").glob("*.md")])


def page(name: str) -> str:
    """The text of a page of docs."""
    return (DOCS / name).read_text(encoding="utf-8")


def modules(*rooms: str) -> list[Path]:
    """The modules of these rooms of the package, or of all of it."""
    places = [SOURCE / room for room in rooms] or [SOURCE]
    return sorted(path for place in places for path in place.rglob("*.py"))


def shown(path: Path) -> str:
    """A path as it is spoken of."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project: what is tracked, or would be."""
    listed = _tracked()
    if listed is None:
        found = [path for path in ROOT.rglob("*") if not any(part in _BUILT for part in path.parts)]
    else:
        found = [ROOT / name for name in listed.split("\0") if name]
    return tuple(sorted(path for path in found if path.is_file()))


def _tracked() -> str | None:
    """What git says, None where there is no git, or none that trusts this folder."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return None
    asked = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


_BUILT = frozenset(
    [
        ".venv",
        ".git",
        "__pycache__",
        ".hypothesis",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".import_linter_cache",
        "build",
        "dist",
        "results",
    ]
)


def text_of(path: Path) -> str | None:
    """A file's text, None if it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


def code_spans(text: str) -> list[str]:
    """What stands between backticks."""
    return _SPAN.findall(prose(text))


def code_lines(text: str) -> list[str]:
    """Every line of its blocks of code, and every span."""
    blocks = [line for block in _FENCE.findall(text) for line in block.splitlines()[1:-1]]
    return [*blocks, *code_spans(text)]


def links(text: str) -> list[str]:
    """Where its links lead."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(text)))


def anchors(text: str) -> set[str]:
    """The names under which its headings can be reached."""
    return {_slug(heading) for heading in _HEADING.findall(prose(text))}


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank or a higher one."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    if found is None:
        return ""
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest if end is None else rest[: end.start()]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of its tables, heads and rules left out."""
    found = []
    lines = text.splitlines()
    for nth, line in enumerate(lines):
        head = nth + 1 < len(lines) and re.fullmatch(r"\|[\s:|-]+\|", lines[nth + 1])
        if line.startswith("|") and not head and not re.fullmatch(r"\|[\s:|-]+\|", line):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found.append([cell.strip() for cell in cells])
    return found


def named_rows(text: str) -> dict[str, list[str]]:
    """Rows by the code in their first cell."""
    named = ((re.fullmatch(r"`([^`]+)`", cells[0]), cells) for cells in rows(text))
    return {match[1]: cells for match, cells in named if match is not None}


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in it, methods included."""
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield each


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression that is just that, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def calls(node: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call in it, with the dotted name of what is called."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            yield dotted(each.func), each


@cache
def known_tests() -> dict[str, Path]:
    """Every test function, and where it is."""
    places = [path for path in (ROOT / "tests").rglob("test_*.py") if "__pycache__" not in path.parts]
    return {f.name: path for path in places for f in functions(tree(path)) if f.name.startswith("test_")}


def complaints(found: Iterable[str]) -> str:
    """For an assertion's message."""
    return "\n".join(["", *found])
