"""The models in formal/ say what they have to: shipped designs hold, controls are violated for their reason.

And the checker itself is checked, on models of a few lines that are wrong in one known way each: a checker
that nods everything through would make the whole folder worthless.
"""

import json
import os
import re
from pathlib import Path

import pytest

from formal import check as formal
from formal.check import MODELS, STUCK, TWO_EFFECTS, Model, check, check_all, missing_tools

pytestmark = pytest.mark.needs_spin


@pytest.fixture(autouse=True)
def spin() -> None:
    """The model checker. A laptop may lack it; where the project is judged, it may not."""
    missing = missing_tools()
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}; the models in formal/ were not checked"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    print(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_model_says_what_it_has_to(model: Model) -> None:
    result = check(model)
    assert result.ok, result.problem
    assert result.verdict == result.expected
    assert result.states > 0


def test_every_model_is_listed_and_says_what_it_is() -> None:
    files = {path.stem: path for path in formal.HERE.glob("*.pml")}
    assert set(files) == {model.name for model in MODELS} | {"world"}
    for model in MODELS:
        text = files[model.name].read_text()
        assert text.startswith("/* MUST FAIL: " if not model.holds else "/* "), model.name
        assert ("Violated:" if not model.holds else "Holds:") in text.split("*/")[0], model.name
    readme = (formal.HERE / "README.md").read_text()
    assert [model.name for model in MODELS if f"`{model.name}`" not in readme] == []


def test_every_shipped_design_has_a_control_that_takes_one_rule_away() -> None:
    texts = [path.read_text() for path in formal.HERE.glob("control_*.pml")]
    taken_from = {
        base for text in texts for base in re.findall(r'^#include "(\w+)\.pml"$', text, re.MULTILINE)
    }
    assert taken_from == {model.name for model in MODELS if model.holds}


def judge(folder: Path, text: str, *, holds: bool = True, violation: str = "") -> formal.Result:
    (folder / "planted.pml").write_text(text)
    return check(Model("planted", "wrong on purpose", holds, violation), folder)


COUNT = "byte effects; active [2] proctype worker() { effects++; assert(effects <= 1) }"


def test_a_violated_design_is_wrong(tmp_path: Path) -> None:
    result = judge(tmp_path, COUNT)
    assert result.verdict == "violated"
    assert "effects<=1" in result.problem


def test_a_stuck_worker_is_wrong(tmp_path: Path) -> None:
    assert STUCK in judge(tmp_path, "bool bell; active proctype worker() { bell }").problem


def test_a_schedule_without_an_end_is_wrong(tmp_path: Path) -> None:
    text = "bool b; active proctype worker() { do :: b = !b :: break od }"
    assert "non-progress cycle" in judge(tmp_path, text).problem


def test_a_line_that_is_never_reached_is_wrong(tmp_path: Path) -> None:
    text = "byte x; active proctype worker() {\n  if\n  :: x == 0\n  :: x > 0 -> x = 7\n  fi\n}"
    result = judge(tmp_path, text)
    assert result.verdict == "holds"
    assert "planted.pml:4" in result.problem


def test_a_control_that_holds_is_wrong(tmp_path: Path) -> None:
    text = "byte x; active proctype worker() { x = 1 }"
    assert "a control holds" in judge(tmp_path, text, holds=False, violation=TWO_EFFECTS).problem


def test_a_control_that_fails_for_another_reason_is_wrong(tmp_path: Path) -> None:
    assert judge(tmp_path, COUNT, holds=False, violation=TWO_EFFECTS).ok
    assert "another reason" in judge(tmp_path, COUNT, holds=False, violation=STUCK).problem


def test_a_truncated_search_gives_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formal, "MAX_DEPTH", 20)
    text = "byte x; active proctype worker() { do :: x < 200 -> x++ :: x == 200 -> break od }"
    result = judge(tmp_path, text)
    assert result.verdict == "error"
    assert "truncated" in result.problem


def test_a_model_that_spin_cannot_read_gives_no_verdict(tmp_path: Path) -> None:
    result = judge(tmp_path, "this is not Promela")
    assert result.verdict == "error"
    assert result.problem.startswith("spin failed")


def test_the_command_speaks_json_and_knows_its_models(capsys: pytest.CaptureFixture[str]) -> None:
    name = "control_check_then_act"
    assert formal.main(["--json", name]) == 0
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["model"], said["verdict"], said["ok"]) == (name, "violated", True)
    assert formal.main(["--show", name]) == 0
    assert "effects" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        formal.main(["no_such_model"])


def test_one_wrong_model_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Model("control_check_then_act", "said to hold")
    monkeypatch.setattr(formal, "MODELS", (*(model for model in MODELS if model.name != wrong.name), wrong))
    assert formal.main([wrong.name]) == 1
    assert "WRONG: a shipped design is violated" in capsys.readouterr().out


def test_a_file_that_nobody_listed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formal, "MODELS", MODELS[1:])
    with pytest.raises(formal.CheckError, match=MODELS[0].name):
        check_all(())
