"""The project as a whole: its licence, its locks, its dependencies, what no file may mention, what CI runs."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.reading import (
    ROOT,
    SOURCE,
    code_lines,
    complaints,
    files,
    named_rows,
    page,
    pages,
    section,
    shown,
    text_of,
)

LOCKS = sorted(ROOT.glob("requirements*.lock"))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "src/onpaid/py.typed"]
)
def test_what_every_project_has_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_licence_is_apache_2_everywhere() -> None:
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(
        encoding="utf-8"
    )
    assert project()["project"]["license"] == "Apache-2.0"
    assert project()["project"]["license-files"] == ["LICENSE"]


def test_the_version_is_one() -> None:
    version = project()["project"]["version"]
    assert f'__version__ = "{version}"' in (SOURCE / "__init__.py").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("[", "").replace(
        "]", ""
    )


def test_ci_runs_what_people_run() -> None:
    run = ROOT / ".ci" / "run"
    assert run.is_file()
    assert os.access(run, os.X_OK)
    assert "make test" in run.read_text(encoding="utf-8")
    workflows = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    assert any("make test" in text or ".ci/run" in text for text in workflows)


def test_every_target_of_make_that_is_told_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for path in pages() for line in code_lines(path.read_text(encoding="utf-8"))]
    told = {match[1] for line in lines if (match := re.match(r"make ([a-z-]+)", line))}
    assert told
    assert not told - targets


# -- dependencies ------------------------------------------------------------------------------------------------


def names(requirements: list[str]) -> set[str]:
    """Packages without their versions."""
    return {match[0] for each in requirements if (match := re.match(r"[A-Za-z0-9._-]+", each))}


@pytest.mark.parametrize("heading", ["At run time", "For development"])
def test_dependencies_and_their_lines_are_the_same(heading: str) -> None:
    told = set(named_rows(section(page("decisions/0002-dependencies.md"), heading)))
    held = project()
    needed = held["project"]["dependencies"] if heading == "At run time" else held["dependency-groups"]["dev"]
    assert told == names(needed)


@pytest.mark.parametrize("package", sorted(names(project()["project"]["dependencies"])))
def test_every_dependency_is_locked(package: str) -> None:
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8").lower()
    assert re.search(rf"^{re.escape(package.lower())}==", locked, re.MULTILINE)


def loose_lines(text: str) -> Iterator[str]:
    """Lines of a lock file that are neither an exact version nor a hash."""
    for nth, line in enumerate(text.splitlines(), 1):
        pinned = re.fullmatch(r"[a-z0-9._-]+(?:\[[a-z,]+\])?==[^\s;:/]+(?: ; [^:/]+)? \\", line)
        hashed = re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line)
        if line and not pinned and not hashed and not line.startswith("#"):
            yield f"{nth}: {line}"


@pytest.mark.parametrize("path", LOCKS, ids=shown)
def test_a_lock_holds_versions_and_hashes_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = list(loose_lines(text))
    assert not found, complaints(found[:20])
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_there_are_locks() -> None:
    assert [path.name for path in LOCKS] == [
        "requirements-aws.lock",
        "requirements-dev.lock",
        "requirements.lock",
    ]


def test_a_loose_line_is_seen() -> None:
    planted = "a==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\nb>=2\nc @ " + "https" + "://host/c.whl\n"
    assert [each.split(":")[0] for each in loose_lines(planted)] == ["3", "4"]


# -- what no file may mention ------------------------------------------------------------------------------------

_MACHINE = "|".join(("wo" + "rk", "ro" + "ot"))
_HOSTS = "|".join(
    ("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "arti" + "factory", "dev" + "pi")
)
FORBIDDEN = {
    "a path of one machine": re.compile(rf"(?<![\w.$}}~-])/(?:{_MACHINE})/"),
    "the host of a registry": re.compile(_HOSTS, re.IGNORECASE),
    "a number of a tracker": re.compile(r"\bissue\s+#|\bissue\s+\d", re.IGNORECASE),
    "a forgotten note": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b"),
}


def forbidden_in(text: str) -> Iterator[str]:
    """What a file should not mention."""
    for nth, line in enumerate(text.splitlines(), 1):
        yield from (
            f"line {nth}: {what}: {line.strip()[:100]}"
            for what, sign in FORBIDDEN.items()
            if sign.search(line)
        )


def test_no_file_mentions_what_belongs_elsewhere() -> None:
    found = [
        f"{shown(path)}, {each}"
        for path in files()
        if path.name != "LICENSE" and (text := text_of(path)) is not None
        for each in forbidden_in(text)
    ]
    assert not found, complaints(found)


def test_what_belongs_elsewhere_is_seen() -> None:
    planted = [
        "/" + "root/x",
        "see iss" + "ue #7",
        "https://py" + "pi.org/x",
        "# TO" + "DO later",
        "framework/root",
    ]
    assert [bool(list(forbidden_in(line))) for line in planted] == [True, True, True, True, False]


def test_no_large_file_slips_in() -> None:
    large = [
        f"{shown(path)}: {path.stat().st_size:,} bytes" for path in files() if path.stat().st_size > 1_500_000
    ]
    assert not large, complaints(large)
