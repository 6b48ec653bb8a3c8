"""Where deploy/terraform and the template differ, in sentences: resource by resource, property by property."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.deploy.template import Template
from tests.deploy.terraform_language import Tree
from tests.deploy.terraform_module import Module, snake
from tests.deploy.terraform_told import Expanded, terraformed

BOOLEAN = {"yes": True, "no": False}
"""A template knows no parameters that are true or false."""
OWN = {"package"}
"""Variables without a parameter: `sam deploy` finds and replaces the package by itself."""
CHOICES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "everything": {
        "ProjectName": "a-shop",
        "Environment": "dev",
        "DomainName": "pay.example.org",
        "CertificateArn": "arn:aws:acm:eu-north-1:000000000000:certificate/1",
        "AlertEmail": "ops@example.org",
        "SettingsParameter": "settings",
        "Invoicing": "fiken",
        "Checkout": "razorpay",
        "Sales": "stripe",
        "Parcels": "shiprocket",
        "Messages": "meta",
        "Issues": "jira",
        "DocumentedTables": "yes",
        "ReserveTick": "no",
        "WorkConcurrency": 50,
        "LogRetentionDays": 365,
    },
    "invoicing only": {"Invoicing": "fiken"},
    "checkout only": {"Checkout": "razorpay"},
    "sales only": {"Sales": "stripe"},
    "sales and tables": {"Sales": "stripe", "DocumentedTables": "yes"},
    "parcels only": {"Parcels": "shiprocket"},
    "issues only": {"Issues": "jira"},
    "tables only": {"DocumentedTables": "yes"},
    "messages by twilio": {"Messages": "twilio"},
    "messages by msg91": {"Messages": "msg91"},
    "messages by wati": {"Messages": "wati"},
    "messages by meta": {"Messages": "meta"},
}
"""Parameters under which the two are compared: all, none, and each that decides something by itself."""
TRIED = ("", "onpaid", "a", "ab", "a1", "a-", "-a", "1a", "Ab", "a_b", "a.b", "a/b", "a b", "a\n", "a" * 12)
TRIED_LONG = (*TRIED, "a" * 13, "a" * 20, "a" * 21, "prod", "dev", "none", "yes")
"""Texts that one pattern takes and another does not."""


def differences(template: Template, files: list[Tree], chosen: Mapping[str, Any]) -> list[str]:
    """Where the two differ under these parameters. None means that they make the same."""
    expanded = Expanded(template, chosen)
    module = Module(files, {snake(name): BOOLEAN.get(value, value) for name, value in chosen.items()})
    wanted, made = expanded.resources(), terraformed(module)
    told = [f"{name}: is missing" for name in wanted.keys() - made.keys()]
    told += [f"{name}: is not in the template" for name in made.keys() - wanted.keys()]
    for name in wanted.keys() & made.keys():
        told += _differences(name, wanted[name]._asdict(), made[name]._asdict())
    told += _differences("outputs", expanded.outputs(), module.outputs())
    return sorted(told)


def choices(template: Template, files: list[Tree]) -> list[str]:
    """Where parameters and variables differ: in name, default, words, or in what they may be."""
    module = Module(files)
    parameters = {snake(name): (name, each) for name, each in template["Parameters"].items()}
    told = [f"{name}: is missing" for name in parameters.keys() - module.variables.keys()]
    told += [f"{name}: is no parameter" for name in module.variables.keys() - parameters.keys() - OWN]
    for variable in parameters.keys() & module.variables.keys():
        name, parameter = parameters[variable]
        wanted = {
            "default": BOOLEAN.get(parameter["Default"], parameter["Default"]),
            "description": _in_snake(parameter["Description"], template["Parameters"]),
        }
        told += _differences(name, wanted, module.worded(variable))
        told += _refused(variable, parameter, module)
    return sorted(told)


def _in_snake(text: str, names: Mapping[str, Any]) -> str:
    return re.sub(
        r"\w+",
        lambda word: snake(word[0]) if word[0] in names and word[0] != "Environment" else word[0],
        text,
    )


def _refused(variable: str, parameter: Mapping[str, Any], module: Module) -> Iterator[str]:
    if "AllowedValues" in parameter:
        allowed = [BOOLEAN.get(each, each) for each in parameter["AllowedValues"]]
        if isinstance(allowed[0], bool):
            return
        tried = [*allowed, *(TRIED_LONG if isinstance(allowed[0], str) else (0, 1, 3, 31, 2000))]
        wanted = {each: each in allowed for each in tried}
    else:
        pattern = parameter.get("AllowedPattern", ".*|a\n")
        wanted = {each: re.fullmatch(pattern, each) is not None for each in TRIED_LONG}
    for each, may in wanted.items():
        if module.allows(variable, each) is not may:
            yield f"{variable}: {each!r} {'may not' if may else 'may'} be chosen"


def _differences(place: str, wanted: Any, made: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(made, Mapping):
        for name in sorted(wanted.keys() | made.keys()):
            if name not in made:
                yield f"{place}.{name}: is missing"
            elif name not in wanted:
                yield f"{place}.{name}: is not in the template"
            else:
                yield from _differences(f"{place}.{name}", wanted[name], made[name])
    elif isinstance(wanted, list) and isinstance(made, list):
        mine, theirs = (
            sorted(json.dumps(each, sort_keys=True) for each in _sorted(part)) for part in (made, wanted)
        )
        for each in theirs:
            if each not in mine:
                yield f"{place}: {each} is missing"
        for each in mine:
            if each not in theirs:
                yield f"{place}: {each} is not in the template"
        if sorted(set(mine)) == sorted(set(theirs)) and mine != theirs:
            yield f"{place}: something is there more often"
    elif isinstance(wanted, bool) is not isinstance(made, bool) or wanted != made:
        yield f"{place}: {made!r} instead of {wanted!r}"


def _sorted(part: Any) -> Any:
    """The same with every list in one order: none of them has an order that means anything to AWS."""
    if isinstance(part, Mapping):
        return {name: _sorted(each) for name, each in part.items()}
    if isinstance(part, list):
        return sorted((_sorted(each) for each in part), key=lambda each: json.dumps(each, sort_keys=True))
    return part
