"""Reads `deploy/aws/template.yaml` as data: its resources by name and kind, a function's variables and rights, and any
text in it as it comes out for given parameters.

CloudFormation's short tags become what they are short for, so that `!Ref Queue` reads as `{"Ref": "Queue"}`. Nothing
of the serverless transform is done here: what the template says is what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from tests.house.reading import ROOT

PATH: Final = ROOT / "deploy" / "aws" / "template.yaml"
FUNCTIONS: Final = ("WebFunction", "WorkFunction", "TickFunction", "ReconcileFunction")
PSEUDO: Final = {
    "AWS::Region": "eu-north-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
}
_HELD = re.compile(r"\$\{([^!}][^}]*)\}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TypeError(f"a tag on {type(node).__name__}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def parsed(text: str) -> dict[str, Any]:
    """A template's text as data."""
    found = yaml.load(text, _Loader)
    assert isinstance(found, dict)
    return found


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement of a role allows: actions on resources, as texts."""

    actions: frozenset[str]
    resources: tuple[str, ...]


class Template:
    """A template with values for its parameters; those that are not given have their defaults."""

    def __init__(self, told: Mapping[str, Any], given: Mapping[str, str] | None = None) -> None:
        self.told = told
        self.parameters: dict[str, Any] = dict(told.get("Parameters", {}))
        defaults = {name: str(each["Default"]) for name, each in self.parameters.items() if "Default" in each}
        self.values: dict[str, str] = {**PSEUDO, **defaults, **(given or {})}

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Every resource by its logical name."""
        return dict(self.told["Resources"])

    def of_kind(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of these kinds, by logical name."""
        return {
            name: each.get("Properties", {}) for name, each in self.resources.items() if each["Type"] in kinds
        }

    def properties(self, name: str) -> dict[str, Any]:
        """What a resource is told."""
        return dict(self.resources[name].get("Properties", {}))

    def function(self, name: str) -> dict[str, Any]:
        """A function's properties, with those that all functions have."""
        common = self.told.get("Globals", {}).get("Function", {})
        own = self.properties(name)
        both = {**common, **own}
        both["Environment"] = {"Variables": self.variables(name)}
        return both

    def variables(self, name: str) -> dict[str, Any]:
        """The variables in a function's environment, unresolved."""
        common = self.told.get("Globals", {}).get("Function", {}).get("Environment", {}).get("Variables", {})
        own = self.properties(name).get("Environment", {}).get("Variables", {})
        return {**common, **own}

    def text(self, value: Any) -> str:
        """A value as it comes out: references to parameters filled in, to resources as `<Name>` or `<Name.Attribute>`."""
        match value:
            case {"Ref": name}:
                return self._named(str(name))
            case {"Fn::GetAtt": [*names]}:
                return f"<{'.'.join(map(str, names))}>"
            case {"Fn::Sub": [str() as pattern, dict() as more]}:
                return self._filled(pattern, {name: self.text(each) for name, each in more.items()})
            case {"Fn::Sub": str() as pattern}:
                return self._filled(pattern, {})
            case {"Fn::Join": [str() as between, [*parts]]}:
                return between.join(self.text(each) for each in parts)
            case {"Fn::If": [str() as name, first, second]}:
                return self.text(first if self.holds(name) else second)
            case _:
                return str(value)

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds."""
        return self._true(self.told["Conditions"][condition])

    def _true(self, said: Any) -> bool:
        match said:
            case {"Condition": str() as name}:
                return self.holds(name)
            case {"Fn::Equals": [one, other]}:
                return self.text(one) == self.text(other)
            case {"Fn::Not": [one]}:
                return not self._true(one)
            case {"Fn::And": [*several]}:
                return all(self._true(each) for each in several)
            case {"Fn::Or": [*several]}:
                return any(self._true(each) for each in several)
            case _:
                raise ValueError(f"no condition: {said!r}")

    def _named(self, name: str) -> str:
        if name in self.values:
            return self.values[name]
        return "" if name == "AWS::NoValue" else f"<{name}>"

    def _filled(self, pattern: str, more: Mapping[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name in more:
                return more[name]
            return f"<{name}>" if "." in name else self._named(name)

        return _HELD.sub(value, pattern)

    def chosen(self, value: Any) -> Any:
        """A value with its conditions decided; what is left out is None in maps and gone from lists."""
        if isinstance(value, Mapping):
            if set(value) == {"Fn::If"}:
                name, first, second = value["Fn::If"]
                return self.chosen(first if self.holds(name) else second)
            if value == {"Ref": "AWS::NoValue"}:
                return None
            return {name: self.chosen(each) for name, each in value.items()}
        if isinstance(value, list):
            return [made for each in value if (made := self.chosen(each)) is not None]
        return value

    def rights(self, function: str) -> list[Statement]:
        """What a function may do, from its own policies or those of its role."""
        own = self.function(function)
        role = own.get("Role")
        named = [self.properties(str(role["Fn::GetAtt"][0]))] if isinstance(role, Mapping) else []
        documents = [*_documents(own), *(each for properties in named for each in _documents(properties))]
        return [
            statement
            for document in documents
            for each in _listed(self.chosen(document)["Statement"])
            if (statement := self._statement(each)) is not None
        ]

    def _statement(self, said: Mapping[str, Any]) -> Statement | None:
        if said["Effect"] != "Allow":
            return None
        resources = tuple(self.text(each) for each in _listed(said["Resource"]))
        return Statement(frozenset(map(str, _listed(said["Action"]))), resources)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _documents(properties: Mapping[str, Any]) -> Iterator[Any]:
    """Policy documents in a function's or a role's `Policies`; names of managed ones are passed over."""
    for each in _listed(properties.get("Policies", [])):
        if isinstance(each, Mapping) and "Statement" in each:
            yield each
        elif isinstance(each, Mapping) and "PolicyDocument" in each:
            yield each["PolicyDocument"]


@cache
def _told() -> dict[str, Any]:
    return parsed(PATH.read_text(encoding="utf-8"))


def template(**given: str) -> Template:
    """Our template, with these parameters."""
    return Template(_told(), given)


WHOLE: Final = template(
    ProjectName="shop",
    Environment="staging",
    AlertEmail="ops@example.org",
    SettingsParameter="settings",
    Invoicing="fiken",
    Checkout="razorpay",
    Sales="stripe",
    Parcels="shiprocket",
    Messages="meta",
    Issues="jira",
    DocumentedTables="yes",
)
"""Ours, with everything that may be chosen."""
HERE: Final = f"{PSEUDO['AWS::Region']}:{PSEUDO['AWS::AccountId']}"


def allowed(function: str, service: str) -> dict[str, set[str]]:
    """For each action of a service that a function may do, on what."""
    found: dict[str, set[str]] = {}
    for statement in WHOLE.rights(function):
        for action in statement.actions:
            if action.startswith(f"{service}:"):
                found.setdefault(action, set()).update(statement.resources)
    return found
