"""Least privilege: what each function may do is what its code calls, no more and no less, and nothing wider."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import onpaid
from onpaid.settings import TABLE
from onpaid.settings_secrets import OBJECTS, STRIPE_KEY
from tests.deploy import rights as told
from tests.deploy.template import (
    FUNCTIONS,
    expanded,
    plain,
    properties,
    resources,
    rights,
    source,
    spoilt,
    statements,
)
from tests.house.reading import page

SOURCE = Path(onpaid.__file__).parent
each_role = pytest.mark.parametrize("role", told.ALL)


@each_role
def test_a_role_may_do_what_is_called_and_nothing_else(role: str) -> None:
    there, meant = rights(expanded(), role), told.meant(role)
    assert not there - meant, f"nobody calls {sorted(there - meant)}"
    assert not meant - there, f"not allowed: {sorted(meant - there)}"


@pytest.mark.parametrize("right", told.RIGHTS, ids=lambda right: f"{right.action}-{right.resource[-40:]}")
def test_the_call_that_needs_a_right_is_there(right: told.Right) -> None:
    if right.module == told.AGREED:
        assert f"`{right.action}`" in page("aws-statements.md")
    elif right.module == told.LAMBDA:
        assert right.action.partition(":")[0] in ("sqs", "logs", "xray")
    else:
        assert right.call in (SOURCE / right.module).read_text(encoding="utf-8")


@each_role
def test_nothing_is_allowed_wider_than_it_must_be(role: str) -> None:
    assert not list(told.too_wide(rights(expanded(), role)))


@pytest.mark.parametrize(
    "right",
    [
        ("dynamodb:*", told.OWN),
        ("dynamodb:Get?tem", told.OWN),
        ("dynamodb:GetItem", "*"),
        ("dynamodb:GetItem", "${OnpaidTable.Arn}/index/*"),
        ("dynamodb:GetItem", "${CommerceTable.Arn}/*"),
        ("secretsmanager:GetSecretValue", told.SECRET.removesuffix("-??????") % "fiken-*"),
        ("ssm:GetParameter", told.PARAMETERS.replace("${Environment}/", "")),
    ],
)
def test_a_right_that_is_too_wide_is_seen(right: tuple[str, str]) -> None:
    assert list(told.too_wide({right}))


@each_role
def test_a_statement_allows_and_says_what_for(role: str) -> None:
    names = [each["Sid"] for each in statements(expanded(), role)]
    assert len(names) == len(set(names))
    assert {each["Effect"] for each in statements(expanded(), role)} == {"Allow"}
    assert not [each for each in statements(expanded(), role) if "NotAction" in each or "NotResource" in each]


def test_each_function_has_a_role_of_its_own_and_only_lambda_takes_it() -> None:
    roles = [plain(properties(expanded(), name)["Role"]) for name in FUNCTIONS]
    assert roles == [f"${{{role}.Arn}}" for role in told.ALL]
    assert sorted(resources(expanded(), "AWS::IAM::Role")) == sorted(told.ALL)
    for role in told.ALL:
        (trust,) = properties(expanded(), role)["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert "ManagedPolicyArns" not in properties(expanded(), role)


def test_a_right_that_nobody_calls_is_seen() -> None:
    more = spoilt(
        expanded(), lambda template: statements(template, "WebRole")[0]["Action"].append("dynamodb:Scan")
    )
    assert rights(more, "WebRole") - told.meant("WebRole") == {("dynamodb:Scan", told.OWN)}


def test_a_right_that_is_missing_is_seen() -> None:
    less = spoilt(
        expanded(), lambda template: statements(template, "TickRole")[0]["Action"].remove("dynamodb:Query")
    )
    assert told.meant("TickRole") - rights(less, "TickRole") == {("dynamodb:Query", told.OWN)}


# -- secrets -----------------------------------------------------------------------------------------------------


def test_every_secret_setting_has_its_kind() -> None:
    filled = {setting for each in OBJECTS.values() for setting in each.values()}
    secret = {setting.name for setting in TABLE if setting.secret} - filled - set(STRIPE_KEY[1:])
    assert secret == set(told.KINDS.values()) - set(OBJECTS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_secret_is_told_by_its_name_and_never_by_its_value(function: str) -> None:
    variables = properties(expanded(), function)["Environment"]["Variables"]
    kind_of = {setting: kind for kind, setting in told.KINDS.items()}
    for name, value in variables.items():
        if name in kind_of:
            assert plain(value) == f"secretsmanager:${{ProjectName}}-${{Environment}}-{kind_of[name]}", name
    signs_in = {told.KINDS[kind] for kind in told.SIGNS_IN}
    assert signs_in & set(variables) == (signs_in if function == "WebFunction" else set())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_name_that_a_function_is_told_is_a_setting(function: str) -> None:
    variables = properties(expanded(), function)["Environment"]["Variables"]
    assert not set(variables) - {setting.name for setting in TABLE}


def test_secrets_that_the_template_makes_are_made_by_chance() -> None:
    made = resources(source(), "AWS::SecretsManager::Secret")
    names = {
        plain(each["Properties"]["Name"]).removeprefix("${ProjectName}-${Environment}-")
        for each in made.values()
    }
    assert names == {*told.SIGNS_IN, "link-secret"}
    for each in made.values():
        assert "SecretString" not in each["Properties"]
        assert each["Properties"]["GenerateSecretString"] == {
            "PasswordLength": 48,
            "ExcludePunctuation": True,
        }


def test_links_in_customers_hands_outlive_the_stack() -> None:
    assert source()["Resources"]["LinkSecret"]["DeletionPolicy"] == "Retain"


def test_no_secret_is_a_parameter() -> None:
    asked = [name for name in source()["Parameters"] if re.search("Secret|Token|Password|Key", name)]
    assert asked == []
