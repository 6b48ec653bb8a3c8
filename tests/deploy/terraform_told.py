"""The template and the Terraform module in one form: a resource's type, whether it outlives the rest, its properties.

The template is worked out under the same choices as the module: conditions are decided, parameters filled in. So the
two are equal if the resources are, under every choice that is compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.deploy.template import Template, source
from tests.deploy.terraform_module import DATA, Module, Resource, snake
from tests.deploy.terraform_words import ATTRIBUTES, KINDS, Words
from tests.emulator import REGION

PSEUDO = {
    "AWS::Region": REGION,
    "AWS::Partition": DATA["aws_partition"]["current"]["partition"],
    "AWS::URLSuffix": DATA["aws_partition"]["current"]["dns_suffix"],
    "AWS::AccountId": DATA["aws_caller_identity"]["current"]["account_id"],
}
TEXTS = {"Input", "DashboardBody"}
"""Properties that hold JSON as a text."""


class Told(NamedTuple):
    """A resource in the common form."""

    type: str
    outlives: bool
    properties: dict[str, Any]


class _Nothing:
    """`AWS::NoValue`."""


class Expanded:
    """The expanded template under `chosen` parameters."""

    def __init__(self, template: Template, chosen: Mapping[str, Any]) -> None:
        self._template = template
        parameters = template["Parameters"].items()
        self._values = PSEUDO | {name: each["Default"] for name, each in parameters} | dict(chosen)

    def resources(self) -> dict[str, Told]:
        """Every resource that is made under these parameters."""
        return {
            name: Told(each["Type"], each.get("DeletionPolicy") == "Retain", self._properties(each))
            for name, each in self._template["Resources"].items()
            if self._made(each)
        }

    def outputs(self) -> dict[str, dict[str, Any]]:
        """What is told of it in the end."""
        told = {name: each for name, each in self._template["Outputs"].items() if self._made(each)}
        return {
            snake(name): {"description": each["Description"], "value": self._worked_out(each["Value"])}
            for name, each in told.items()
        }

    def holds(self, condition: str) -> bool:
        """Whether a condition holds, by its name."""
        return self._decided(self._template["Conditions"][condition])

    def _made(self, part: Mapping[str, Any]) -> bool:
        return "Condition" not in part or self.holds(part["Condition"])

    def _decided(self, condition: Mapping[str, Any]) -> bool:
        ((verb, given),) = condition.items()
        if verb == "Fn::Equals":
            left, right = (self._worked_out(each) for each in given)
            return bool(left == right)
        if verb == "Fn::Not":
            return not self._decided(given[0])
        assert verb == "Fn::Or", verb
        return any(self._decided(each) for each in given)

    def _properties(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = self._worked_out(resource.get("Properties", {}))
        for name in TEXTS & set(told):
            told[name] = json.loads(told[name])
        if "Targets" in told:
            told["Targets"] = [each | {"Input": json.loads(each["Input"])} for each in told["Targets"]]
        if "Dimensions" in told:
            told["Dimensions"] = {each["Name"]: each["Value"] for each in told["Dimensions"]}
        if resource["Type"] == "AWS::Lambda::Function":
            # Packaging puts an address in its place, and SAM says that it was SAM.
            told["Code"] = source()["Globals"]["Function"]["CodeUri"]
            told.pop("Tags", None)
            told["LoggingConfig"].setdefault("LogFormat", "Text")
        return told

    def _worked_out(self, part: Any) -> Any:
        if isinstance(part, list):
            return [held for each in part if not isinstance(held := self._worked_out(each), _Nothing)]
        if not isinstance(part, Mapping):
            return part
        if len(part) == 1:
            ((verb, given),) = part.items()
            if verb == "Ref":
                return self._named(given, "Ref")
            if verb == "Fn::GetAtt":
                name, _, attribute = (given if isinstance(given, str) else ".".join(given)).partition(".")
                return self._named(name, attribute)
            if verb == "Fn::Sub":
                return re.sub(r"\$\{([\w:.]+)\}", self._filled, given)
            if verb == "Fn::If":
                return self._worked_out(given[1] if self.holds(given[0]) else given[2])
            if verb == "Fn::FindInMap":
                name, first, second = (self._worked_out(each) for each in given)
                return self._template["Mappings"][name][str(first)][second]
        told = {name: self._worked_out(each) for name, each in part.items()}
        return {name: held for name, held in told.items() if not isinstance(held, _Nothing)}

    def _filled(self, found: re.Match[str]) -> str:
        name, _, attribute = found[1].partition(".")
        return str(self._named(name, attribute or "Ref"))

    def _named(self, name: str, attribute: str) -> Any:
        if name == "AWS::NoValue":
            return _Nothing()
        if name in self._values:
            return self._values[name]
        kind = self._template["Resources"][name]["Type"]
        end = ":*" if (kind, attribute) == ("AWS::Logs::LogGroup", "Arn") else ""
        return f"${{{name}.{ATTRIBUTES[kind][attribute]}}}{end}"


def terraformed(module: Module) -> dict[str, Told]:
    """The module's resources. What has no word in the template's language is a property called `terraform: ...`."""
    every = list(module.resources())
    made = {each.name: _told(each) for each in every if each.type in KINDS}
    for name in {each.name for nth, each in enumerate(every) if each[:2] in [one[:2] for one in every[:nth]]}:
        made[name].properties["terraform: made"] = "twice"
    for each in every:
        if each.type not in KINDS:
            into = made.setdefault(each.name, Told(each.type, False, {})).properties
            into.update(_beside(each, into))
    for told in made.values():
        # Written in three resources where the template has one.
        if told.properties.pop("random", None) != told.properties.pop("random value", None):
            told.properties["terraform: what the secret is"] = "not what AWS has drawn"
    return made


def _told(resource: Resource) -> Told:
    told = dict(resource.told)
    outlives = False
    if "lifecycle" in told:
        (cycle,) = told.pop("lifecycle")
        outlives = cycle.pop("prevent_destroy", False)
        cycle.pop("precondition", None)
        told |= {f"lifecycle {name}": value for name, value in cycle.items()}
    properties: dict[str, Any] = {}
    if resource.type == "aws_dynamodb_table":
        properties = dict(_keyed(told))
    elif resource.type == "aws_lambda_function":
        if told.pop("source_code_hash") != f"hash of {told['filename']}":
            properties["terraform: source_code_hash"] = "of another file"
        if told.get("reserved_concurrent_executions") == -1:
            del told["reserved_concurrent_executions"]
    elif resource.type == "aws_iam_role":
        # CloudFormation calls it as it likes.
        told.pop("name")
    elif resource.type == "aws_secretsmanager_secret":
        told.pop("recovery_window_in_days", None)
    kind = KINDS[resource.type]
    return Told(kind.type, outlives, properties | dict(_worded(told, kind.words)))


def _worded(told: Mapping[str, Any], words: Words) -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        word = words.get(name, f"terraform: {name}")
        if isinstance(word, tuple):
            inner = [dict(_worded(each, word[1])) for each in value]
            if word[0] == "RouteSettings":
                yield word[0], {each.pop("RouteKey"): each for each in inner}
            else:
                yield word[0], inner if word[0] == "DomainNameConfigurations" else inner[0]
        elif word == "Topics":
            yield word, [value]
        elif word == "DestinationArn":
            yield word, f"{value}:*"
        elif isinstance(value, str) and value.startswith("{") and word != "Format":
            yield word, json.loads(value)
        else:
            yield word, value


def _keyed(told: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "KeySchema", _schema(told)
    yield (
        "AttributeDefinitions",
        [{"AttributeName": each["name"], "AttributeType": each["type"]} for each in told.pop("attribute")],
    )
    if indexes := told.pop("global_secondary_index", []):
        yield (
            "GlobalSecondaryIndexes",
            [
                {
                    "KeySchema": _schema(each),
                    "IndexName": each["name"],
                    "Projection": {"ProjectionType": each["projection_type"]},
                }
                for each in indexes
            ],
        )


def _schema(told: dict[str, Any]) -> list[dict[str, str]]:
    kinds = {"hash_key": "HASH", "range_key": "RANGE"}
    return [
        {"AttributeName": told.pop(name), "KeyType": kind} for name, kind in kinds.items() if name in told
    ]


def _beside(resource: Resource, into: Mapping[str, Any]) -> dict[str, Any]:
    """What a resource adds to the one of the same name. One that refers to another than that is no part of it."""
    told, name = dict(resource.told), resource.name
    if resource.type == "aws_iam_role_policy" and told["role"] == f"${{{name}.id}}":
        document = json.loads(told["policy"])
        return {"Policies": [{"PolicyName": told["name"], "PolicyDocument": document}]}
    if resource.type == "aws_cloudwatch_event_target" and told["rule"] == f"${{{name}.name}}":
        target = {"Id": told["target_id"], "Arn": told["arn"], "Input": json.loads(told["input"])}
        return {"Targets": [*into.get("Targets", []), target]}
    if (resource.type, told.get("function_name")) == (
        "aws_lambda_function_recursion_config",
        f"${{{name}.function_name}}",
    ):
        return {"RecursiveLoop": told["recursive_loop"]}
    if resource.type == "aws_secretsmanager_random_password" and not resource.kept:
        drawn = {
            "PasswordLength": told["password_length"],
            "ExcludePunctuation": told["exclude_punctuation"],
        }
        return {"GenerateSecretString": drawn, "random": f"${{{name}.random_password}}"}
    if resource.type == "aws_secretsmanager_secret_version" and told["secret_id"] == f"${{{name}.id}}":
        return {"random value": told.get("secret_string_wo")}
    return {f"terraform: {resource.type}": told}
