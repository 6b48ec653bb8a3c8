"""The template of the AWS form as the tests read it: as it is written, as AWS expands it, and with faults planted.

Expanding and linting run under .venv-aws, which is made if it is missing. What is read here is never changed: who
plants a fault does it in a copy.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from tests.emulator import ROOT as ROOT
from tests.emulator import have_tools

FILE = ROOT / "deploy" / "aws" / "template.yaml"
PYTHON = ROOT / ".venv-aws" / "bin" / "python"
TRANSFORM = ROOT / "tests" / "deploy" / "transform.py"
FUNCTIONS = ("WebFunction", "WorkFunction", "TickFunction", "ReconcileFunction")

Template = dict[str, Any]
Fault = Callable[[Template], object]
"""Changes a template for the worse."""


def _run(*asked: str, given: str | None = None) -> Any:
    have_tools()
    done = subprocess.run([str(PYTHON), str(TRANSFORM), *asked], input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@cache
def source() -> Template:
    """The template as it is written, short forms written out."""
    written: Template = _run("--read", str(FILE))
    return written


@cache
def _checked() -> dict[str, Any]:
    return checked(source())[0]


def expanded() -> Template:
    """The template as CloudFormation gets it."""
    result = _checked()["template"]
    assert result is not None, _checked()["findings"]
    return dict(result)


def findings() -> list[str]:
    """What translator and linter say of it."""
    return list(_checked()["findings"])


def checked(*templates: Template) -> list[dict[str, Any]]:
    """What becomes of each template, and what is wrong with it."""
    answers: list[dict[str, Any]] = _run("--check", given=json.dumps(templates))
    return answers


def spoilt(template: Template, *faults: Fault) -> Template:
    """A copy of it with these faults."""
    result = copy.deepcopy(template)
    for fault in faults:
        fault(result)
    return result


def resources(template: Template, kind: str = "") -> dict[str, dict[str, Any]]:
    """Its resources of one kind, or all, by logical name; each with `Properties`."""
    found = template["Resources"].items()
    return {name: {"Properties": {}} | each for name, each in found if kind in ("", each["Type"])}


def properties(template: Template, name: str) -> dict[str, Any]:
    """What a resource is told; changing it changes the template."""
    told: dict[str, Any] = template["Resources"][name]["Properties"]
    return told


def told(name: str, key: str, value: object) -> Fault:
    """The fault that a resource is told something else."""
    return lambda template: properties(template, name).__setitem__(key, value)


def texts(value: Any) -> Iterator[str]:
    """Every text in a part of a template."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def plain(value: Any) -> str:
    """A name or ARN as one text: `Fn::Sub` as written, `Fn::GetAtt` and `Ref` in `${}`; of an `Fn::If` its first."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((verb, given),) = value.items()
        if verb == "Ref":
            return f"${{{given}}}"
        if verb == "Fn::GetAtt":
            return f"${{{given if isinstance(given, str) else '.'.join(given)}}}"
        if verb == "Fn::Sub":
            return str(given)
        if verb == "Fn::If":
            return plain(given[1])
    return str(value)


def filled(text: str, **values: str) -> str:
    """A text with `${Name}` filled in where the name is known."""
    return re.sub(r"\$\{([\w:.]+)\}", lambda match: values.get(match[1], match[0]), text)


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """What a role may do: its statements, those under a condition too."""
    found = []
    for policy in properties(template, role)["Policies"]:
        for each in policy["PolicyDocument"]["Statement"]:
            found.append(each["Fn::If"][1] if "Fn::If" in each else each)
    return found


def rights(template: Template, role: str) -> set[tuple[str, str]]:
    """Every action of a role with the resource that it is allowed on."""
    return {
        (action, plain(resource))
        for each in statements(template, role)
        for action in _listed(each["Action"])
        for resource in _listed(each["Resource"])
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
