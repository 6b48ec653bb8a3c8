"""The tools that check the template and emulate AWS: locked like everything else, and pinned where it matters."""

from __future__ import annotations

import re
import subprocess

from tests.deploy.template import PYTHON, TRANSFORM
from tests.emulator import ROOT, have_tools
from tests.house.test_project import loose_lines

LOCK = (ROOT / "deploy" / "aws" / "tools.lock").read_text(encoding="utf-8")
ASKED = (ROOT / "deploy" / "aws" / "tools.in").read_text(encoding="utf-8")


def test_the_lock_holds_versions_and_hashes_and_no_address() -> None:
    assert not list(loose_lines(LOCK))
    assert "://" not in LOCK
    assert "--" not in LOCK.replace("--hash=", "")


def test_what_is_asked_for_is_locked() -> None:
    asked = re.findall(r"^([a-z0-9-]+)(?:==(\S+))?", ASKED, re.MULTILINE)
    assert {name for name, _ in asked} == {
        "ministack",
        "boto3",
        "aws-sam-translator",
        "cfn-lint",
        "python-hcl2",
    }
    for name, version in asked:
        assert re.search(rf"^{name}=={re.escape(version)}", LOCK, re.MULTILINE), name


def test_the_emulator_is_one_whose_gaps_are_known() -> None:
    assert "\nministack==1.5.33 " in LOCK
    assert "\nbotocore==1.43.106 " in LOCK


def test_a_person_is_told_that_nothing_is_wrong() -> None:
    have_tools()
    asked = [str(PYTHON), str(TRANSFORM), "--lint", "deploy/aws/template.yaml"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "deploy/aws/template.yaml: nothing is wrong\n")


def test_a_command_that_is_not_understood_is_refused() -> None:
    have_tools()
    done = subprocess.run([str(PYTHON), str(TRANSFORM), "--lnit", "x"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "--lint FILE" in done.stderr
