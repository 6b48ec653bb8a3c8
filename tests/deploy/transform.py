"""Expands SAM templates as AWS would and reads the results with cfn-lint, without asking AWS.

Runs under .venv-aws, whose packages onpaid does not share, and therefore imports nothing of ours:

    transform.py --read FILE      the template as JSON, short forms written out
    transform.py --check          reads a JSON list of templates, answers for each what became of it and what is wrong
    transform.py --lint FILE      for people: what is wrong, a line each; exit 1 if something is

cfn-lint no longer expands SAM itself, and finds half as much in what is not expanded.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

REGION = "eu-north-1"
os.environ["AWS_DEFAULT_REGION"] = REGION
ZIP = {"Bucket": "packages", "Key": "onpaid.zip"}
"""Where a file on disk would be once it is uploaded: the translator takes no other."""


class NoManagedPolicies:
    """Answers what the translator would ask IAM: which managed policies there are. Ours are written out."""

    def load(self) -> dict[str, str]:
        return {}


def read(path: str) -> dict[str, Any]:
    """A template from its file, `!Ref` and the like written out."""
    from samtranslator.yaml_helper import yaml_parse

    with open(path, encoding="utf-8") as file:
        parsed: dict[str, Any] = json.loads(json.dumps(yaml_parse(file.read())))
        return parsed


def expanded(template: dict[str, Any]) -> dict[str, Any]:
    """The template as CloudFormation sees it. Raises what the translator raises for one that it refuses."""
    from samtranslator.translator.transform import transform

    packaged: dict[str, Any] = json.loads(json.dumps(template))
    for place in (packaged.get("Globals", {}).get("Function", {}), *_functions(packaged)):
        if isinstance(place.get("CodeUri"), str):
            place["CodeUri"] = dict(ZIP)
    result: dict[str, Any] = transform(packaged, {}, NoManagedPolicies())
    return result


def _functions(template: dict[str, Any]) -> list[dict[str, Any]]:
    resources = template.get("Resources", {}).values()
    return [each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Function"]


def found_in(template: dict[str, Any]) -> list[str]:
    """What cfn-lint says of an expanded template, a line each: the rule, then the place, then the words."""
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    matches = lint(json.dumps(template), config=ManualArgs(regions=[REGION], include_checks=["W", "E"]))
    return [f"{each.rule.id} {'/'.join(map(str, each.path or ()))}: {each.message}" for each in matches]


def check(template: dict[str, Any]) -> dict[str, Any]:
    """What became of it, and what is wrong with it. A template that cannot be expanded has no result."""
    try:
        result = expanded(template)
    except Exception as refused:
        causes = getattr(refused, "causes", None) or [refused]
        return {
            "template": None,
            "findings": [f"SAM: {getattr(cause, 'message', cause)}" for cause in causes],
        }
    return {"template": result, "findings": found_in(result)}


def main(asked: list[str]) -> int:
    """What a command line asks for. 2 for one that is not understood."""
    if asked[:1] == ["--check"] and len(asked) == 1:
        json.dump([check(each) for each in json.load(sys.stdin)], sys.stdout)
        return 0
    if asked[:1] == ["--read"] and len(asked) == 2:
        json.dump(read(asked[1]), sys.stdout)
        return 0
    if asked[:1] == ["--lint"] and len(asked) == 2:
        findings = check(read(asked[1]))["findings"]
        print("\n".join(findings) or f"{asked[1]}: nothing is wrong")
        return 1 if findings else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
